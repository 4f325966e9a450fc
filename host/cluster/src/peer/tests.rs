//! What a peer says is taken only as a whole, unchanged, and within its limits.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use seawall_base::{NodeName, OriginName, Position, SiteName};

use super::{
    Asks, BASE64, HOPS, HOPS_MAX, KEY, KEY_BYTES_MAX, KEY_PARTS_MAX, ORIGIN, PEER, PEER_AUTH, POSITION,
    PeerAnswer, PeerError, PeerRequest, PeerSecret, PeerTarget, SCHEME, SITE, is_peer, strip,
};
use base64::Engine as _;

const TARGET: PeerTarget<'static> =
    PeerTarget { method: "GET", authority: "shop.example", path_and_query: "/a?b=1" };

fn secret() -> PeerSecret {
    PeerSecret::new("correct horse battery staple").unwrap()
}

fn request() -> PeerRequest {
    PeerRequest {
        node: NodeName::new("fra-1").unwrap(),
        site: SiteName::new("shop").unwrap(),
        position: Position(42),
        scheme: "https".to_owned(),
        key_parts: vec![("country".to_owned(), b"de".to_vec()), ("raw".to_owned(), vec![0, 255, 61])],
        origin: OriginName::new("blue").ok(),
        origin_host: Some("blue.example:8080".to_owned()),
        asks: Asks::Invalidate,
        hops: 1,
    }
}

fn encoded(request: &PeerRequest) -> HeaderMap {
    let mut headers = HeaderMap::new();
    request.encode(&secret(), &TARGET, &mut headers).unwrap();
    headers
}

fn decode(headers: &HeaderMap) -> Result<PeerRequest, PeerError> {
    PeerRequest::decode(&secret(), &TARGET, headers)
}

/// Signs whatever is there: what a peer with the secret and a fault of its own would send.
fn signed(mut headers: HeaderMap) -> HeaderMap {
    let proof = secret().proof(&TARGET, &headers);
    headers.insert(PEER_AUTH, HeaderValue::from_str(proof.to_hex().as_str()).unwrap());
    headers
}

#[test]
fn a_request_comes_across_as_it_was_said() {
    assert_eq!(decode(&encoded(&request())), Ok(request()));
    let plain = PeerRequest { key_parts: Vec::new(), origin: None, ..request() };
    assert_eq!(decode(&encoded(&plain)), Ok(plain));
}

#[test]
fn whoever_has_not_the_secret_or_changes_anything_is_refused() {
    let with = |name: HeaderName, value: &'static str| {
        let mut headers = encoded(&request());
        headers.insert(name, HeaderValue::from_static(value));
        headers
    };
    let without = |name: HeaderName| {
        let mut headers = encoded(&request());
        headers.remove(name);
        headers
    };
    let mut one_more = encoded(&request());
    one_more.append(KEY, HeaderValue::from_static("more=AA"));
    for (what, headers, error) in [
        ("no proof", without(PEER_AUTH), PeerError::NoAuth),
        ("nothing at all", HeaderMap::new(), PeerError::NoAuth),
        ("not a digest", with(PEER_AUTH, "hello"), PeerError::BadAuth),
        ("the secret itself", with(PEER_AUTH, "correct horse battery staple"), PeerError::BadAuth),
        ("another node", with(PEER, "fra-2"), PeerError::BadAuth),
        ("another site", with(SITE, "other"), PeerError::BadAuth),
        ("an older position", with(POSITION, "41"), PeerError::BadAuth),
        ("another scheme", with(SCHEME, "http"), PeerError::BadAuth),
        ("another origin", with(ORIGIN, "green"), PeerError::BadAuth),
        ("fewer hops", with(HOPS, "0"), PeerError::BadAuth),
        ("another key", with(KEY, "country=ZnI"), PeerError::BadAuth),
        ("one more part", one_more, PeerError::BadAuth),
        ("no origin", without(ORIGIN), PeerError::BadAuth),
    ] {
        assert_eq!(decode(&headers), Err(error), "{what}");
    }
    let other = PeerSecret::new("another secret of enough length").unwrap();
    assert_eq!(PeerRequest::decode(&other, &TARGET, &encoded(&request())), Err(PeerError::BadAuth));
}

#[test]
fn a_proof_fits_no_other_request() {
    let headers = encoded(&request());
    for target in [
        PeerTarget { method: "HEAD", ..TARGET },
        PeerTarget { authority: "other.example", ..TARGET },
        PeerTarget { path_and_query: "/a?b=2", ..TARGET },
        PeerTarget { authority: "shop.example/a", path_and_query: "?b=1", ..TARGET },
    ] {
        assert_eq!(PeerRequest::decode(&secret(), &target, &headers), Err(PeerError::BadAuth), "{target:?}");
    }
}

#[test]
fn a_peer_with_the_secret_must_still_make_sense() {
    let with = |name: HeaderName, value: &'static str| {
        let mut headers = encoded(&request());
        headers.insert(name, HeaderValue::from_static(value));
        signed(headers)
    };
    let without = |name: HeaderName| {
        let mut headers = encoded(&request());
        headers.remove(name);
        signed(headers)
    };
    let mut twice = encoded(&request());
    twice.append(SITE, HeaderValue::from_static("shop"));
    for (what, headers, error) in [
        ("no node", without(PEER), PeerError::Missing(PEER)),
        ("no position", without(POSITION), PeerError::Missing(POSITION)),
        ("no hops", without(HOPS), PeerError::Missing(HOPS)),
        ("not a name", with(PEER, "Fra 1"), PeerError::Malformed(PEER)),
        ("not a number", with(POSITION, "-1"), PeerError::Malformed(POSITION)),
        ("not a scheme", with(SCHEME, "gopher"), PeerError::Malformed(SCHEME)),
        ("not base64", with(KEY, "country=!"), PeerError::Malformed(KEY)),
        ("no part name", with(KEY, "country"), PeerError::Malformed(KEY)),
        ("too many hops", with(HOPS, "4"), PeerError::TooManyHops),
        ("far too many hops", with(HOPS, "256"), PeerError::Malformed(HOPS)),
        ("two sites", signed(twice), PeerError::Repeated(SITE)),
    ] {
        assert_eq!(decode(&headers), Err(error), "{what}");
    }
}

#[test]
fn keys_have_limits_on_both_sides() {
    let many = vec![("a".to_owned(), Vec::new()); KEY_PARTS_MAX + 1];
    let long = vec![("a".to_owned(), vec![0; KEY_BYTES_MAX])];
    for key_parts in [many, long] {
        let mut by_hand = encoded(&PeerRequest { key_parts: Vec::new(), ..request() });
        for (name, bytes) in &key_parts {
            let line = format!("{name}={}", BASE64.encode(bytes));
            by_hand.append(KEY, HeaderValue::from_str(&line).unwrap());
        }
        assert_eq!(decode(&signed(by_hand)), Err(PeerError::KeyTooLarge));
        let request = PeerRequest { key_parts, ..request() };
        assert_eq!(request.encode(&secret(), &TARGET, &mut HeaderMap::new()), Err(PeerError::KeyTooLarge));
    }
    let deep = PeerRequest { hops: HOPS_MAX + 1, ..request() };
    assert_eq!(deep.encode(&secret(), &TARGET, &mut HeaderMap::new()), Err(PeerError::TooManyHops));
    for name in ["", "a=b", "a b", "a\n"] {
        let odd = PeerRequest { key_parts: vec![(name.to_owned(), Vec::new())], ..request() };
        assert_eq!(
            odd.encode(&secret(), &TARGET, &mut HeaderMap::new()),
            Err(PeerError::Malformed(KEY)),
            "{name:?}"
        );
    }
}

#[test]
fn nothing_of_ours_comes_from_a_client_or_reaches_one() {
    let mut headers = encoded(&request());
    headers.insert("seawall-some-later-field", HeaderValue::from_static("x"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    assert!(is_peer(&headers));
    strip(&mut headers);
    assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    assert!(!is_peer(&headers));
}

#[test]
fn an_answer_carries_the_stored_copys_own_position() {
    let mut headers = HeaderMap::new();
    headers.insert(POSITION, HeaderValue::from_static("999"));
    PeerAnswer { position: Position(7), stale: true }.encode(&mut headers);
    assert_eq!(PeerAnswer::decode(&headers), Ok(PeerAnswer { position: Position(7), stale: true }));
    assert_eq!(PeerAnswer::decode(&HeaderMap::new()), Err(PeerError::Missing(POSITION)));
}

#[test]
fn a_secret_is_long_and_never_shown() {
    assert_eq!(PeerSecret::new("short").err(), Some(PeerError::SecretTooShort));
    assert!(!format!("{:?}", secret()).contains("horse"));
}

proptest! {
    #[test]
    fn no_headers_make_decoding_panic(values in prop::collection::vec((0_usize..8, "[ -~]{0,40}"), 0..12)) {
        let names = [PEER, POSITION, SITE, SCHEME, KEY, ORIGIN, HOPS, PEER_AUTH];
        let mut headers = HeaderMap::new();
        for (index, value) in values {
            headers.append(names[index].clone(), HeaderValue::from_str(&value).unwrap());
        }
        let _ = decode(&headers);
        let _ = decode(&signed(headers));
    }

    #[test]
    fn any_key_comes_across(parts in prop::collection::vec(("[!-<>-~]{1,20}", prop::collection::vec(any::<u8>(), 0..50)), 0..8)) {
        let request = PeerRequest { key_parts: parts, ..request() };
        prop_assert_eq!(decode(&encoded(&request)), Ok(request));
    }
}
