//! What nodes say to each other: a request with its proof, an answer.
//!
//! `>` the request's fields, `<` the answer's, `@` method, authority and path.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use seawall_cluster::peer::{
    ASKS, HOPS, HOPS_MAX, KEY, KEY_BYTES_MAX, KEY_PARTS_MAX, ORIGIN, ORIGIN_HOST, PEER, PEER_AUTH, POSITION,
    SCHEME, SITE, is_peer, strip,
};
use seawall_cluster::{PeerAnswer, PeerError, PeerRequest, PeerSecret, PeerTarget};

use crate::play::Play;

const SECRET: &str = "sixteen bytes and then some";

/// What the proof covers, in order: the protocol, said a second time. Only with a proof that fits are the fields read.
const PROVEN: [HeaderName; 9] = [PEER, POSITION, SITE, SCHEME, KEY, ORIGIN, ORIGIN_HOST, ASKS, HOPS];

fn proof(target: &PeerTarget<'_>, headers: &HeaderMap) -> Option<HeaderValue> {
    let key = blake3::derive_key("seawall 2026-08 peer request v1", SECRET.as_bytes());
    let mut hasher = blake3::Hasher::new_keyed(&key);
    let mut text = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    [target.method, target.authority, target.path_and_query].iter().for_each(|part| text(part.as_bytes()));
    for name in &PROVEN {
        let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
        text(&(values.len() as u64).to_be_bytes());
        values.iter().for_each(|value| text(value.as_bytes()));
    }
    HeaderValue::from_str(hasher.finalize().to_hex().as_str()).ok()
}

pub(crate) fn peer(data: &[u8]) {
    let Ok(secret) = PeerSecret::new(SECRET) else { return };
    let play = Play::read(data);
    let text = |place: usize| play.texts.get(place).copied().unwrap_or_default();
    let target = PeerTarget { method: text(0), authority: text(1), path_and_query: text(2) };
    answer(&play.response);

    let mut headers = play.request;
    // As it came: nobody has the secret, so nothing is taken.
    assert!(PeerRequest::decode(&secret, &target, &headers).is_err());
    headers.remove(PEER_AUTH);
    assert_eq!(PeerRequest::decode(&secret, &target, &headers), Err(PeerError::NoAuth));
    headers.extend(proof(&target, &headers).map(|proof| (PEER_AUTH, proof)));
    let decoded = PeerRequest::decode(&secret, &target, &headers);
    assert_ne!(decoded, Err(PeerError::BadAuth), "a peer of another build is understood");
    let Ok(request) = decoded else { return };
    assert!(request.hops <= HOPS_MAX && request.key_parts.len() <= KEY_PARTS_MAX);
    let bytes = request.key_parts.iter().map(|(name, bytes)| name.len() + bytes.len()).sum::<usize>();
    assert!(bytes <= KEY_BYTES_MAX && matches!(request.scheme.as_str(), "http" | "https"));
    travels(&secret, &target, &request);
}

/// What is written is read back, fits no other target, and is gone once it is stripped.
fn travels(secret: &PeerSecret, target: &PeerTarget<'_>, request: &PeerRequest) {
    let mut headers = HeaderMap::new();
    if request.encode(secret, target, &mut headers).is_err() {
        return;
    }
    assert_eq!(PeerRequest::decode(secret, target, &headers).as_ref(), Ok(request));
    let other = PeerTarget { authority: "other.example", ..*target };
    assert!(target.authority == other.authority || PeerRequest::decode(secret, &other, &headers).is_err());
    for name in PROVEN {
        let mut changed = headers.clone();
        if changed.remove(&name).is_some() {
            assert_eq!(PeerRequest::decode(secret, target, &changed), Err(PeerError::BadAuth));
        }
    }
    assert!(is_peer(&headers));
    strip(&mut headers);
    assert!(headers.is_empty());
}

fn answer(headers: &HeaderMap) {
    let Ok(answer) = PeerAnswer::decode(headers) else { return };
    let mut written = HeaderMap::new();
    answer.encode(&mut written);
    assert_eq!(PeerAnswer::decode(&written), Ok(answer));
}
