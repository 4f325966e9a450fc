use http::header::{HeaderName, HeaderValue};

use super::*;

fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    fields.iter().map(field).collect()
}

fn judged(method: &str, target: &str, version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let uri = target.parse().unwrap();
    judge(&method, &uri, version, headers, Glance::at(headers), &HeadLimits::default())
}

#[test]
fn a_target_is_a_path_or_an_absolute_uri_or_an_asterisk() {
    let none = HeaderMap::new();
    let of = |method, target| judged(method, target, Version::HTTP_11, &none);
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/a?b|c[d]={e}^`"),
        ("GET", "http://shop.example/a"),
        ("GET", "https://shop.example/a"),
        ("OPTIONS", "*"),
    ] {
        assert_eq!(of(method, target), Ok(()), "{target}");
    }
    for (method, target) in
        [("GET", "*"), ("GET", "shop.example:80"), ("GET", "shop.example"), ("GET", "ftp://shop.example/")]
    {
        assert_eq!(of(method, target), Err(Refusal::TargetForm), "{target}");
    }
    for target in ["/caf\u{e9}", "/\"", "/?<script>"] {
        let uri = http::uri::PathAndQuery::try_from(target).map(Uri::from);
        let Ok(uri) = uri else { continue };
        let judged =
            judge(&Method::GET, &uri, Version::HTTP_2, &none, Glance::default(), &HeadLimits::default());
        assert_eq!(judged, Err(Refusal::TargetBytes), "{target}");
    }
}

#[test]
fn a_head_is_as_large_as_it_may_be_and_no_larger() {
    let limits = HeadLimits { uri_bytes: 10, fields: 2, field_bytes: 12, fields_bytes: 24 };
    let of = |target: &str, headers: &HeaderMap| {
        judge(&Method::GET, &target.parse().unwrap(), Version::HTTP_11, headers, Glance::at(headers), &limits)
    };
    let none = HeaderMap::new();
    assert_eq!(of("/123456789", &none), Ok(()));
    assert_eq!(of("/1234567890", &none), Err(Refusal::UriTooLong));
    assert_eq!(of("/", &fields(&[("ab", "1234567890")])), Ok(()));
    assert_eq!(of("/", &fields(&[("ab", "12345678901")])), Err(Refusal::FieldsTooLarge));
    assert_eq!(of("/", &fields(&[("ab", "123456"), ("cd", "123456")])), Ok(()));
    assert_eq!(of("/", &fields(&[("ab", "123456"), ("cd", "1234567")])), Err(Refusal::FieldsTooLarge));
    assert_eq!(of("/", &fields(&[("a", ""), ("b", ""), ("c", "")])), Err(Refusal::FieldsTooLarge));
}

#[test]
fn one_chunked_is_the_only_coding() {
    let of = |values: &[&str]| {
        let values: Vec<_> = values.iter().map(|value| ("transfer-encoding", *value)).collect();
        judged("POST", "/", Version::HTTP_11, &fields(&values))
    };
    for fine in [&["chunked"][..], &["Chunked"]] {
        assert_eq!(of(fine), Ok(()), "{fine:?}");
    }
    for unknown in [&["gzip, chunked"][..], &["gzip", "chunked"], &["identity, chunked"], &["x;a=b, chunked"]]
    {
        assert_eq!(of(unknown), Err(Refusal::Coding), "{unknown:?}");
    }
    for bad in [
        &["chunked, chunked"][..],
        &["chunked", "chunked"],
        &[", chunked"],
        &["\u{b}chunked, chunked"],
        &[""],
    ] {
        let Ok(()) = bad.iter().try_for_each(|value| HeaderValue::from_str(value).map(drop)) else {
            continue;
        };
        assert_eq!(of(bad), Err(Refusal::MalformedCoding), "{bad:?}");
    }
    let h2 = |name| judged("GET", "/", Version::HTTP_2, &fields(&[(name, "x")]));
    assert_eq!(h2("transfer-encoding"), Err(Refusal::ConnectionFields));
    assert_eq!(h2("connection"), Err(Refusal::ConnectionFields));
    assert_eq!(judged("GET", "/", Version::HTTP_2, &fields(&[("te", "trailers")])), Ok(()));
}

#[test]
fn one_expectation_is_met() {
    let of = |values: &[(&'static str, &str)]| judged("POST", "/", Version::HTTP_11, &fields(values));
    assert_eq!(of(&[("expect", "100-Continue")]), Ok(()));
    for values in [
        &[("expect", "200-ok")][..],
        &[("expect", "")],
        &[("expect", "100-continue, 100-continue")],
        &[("expect", "100-continue"), ("expect", "100-continue")],
    ] {
        assert_eq!(of(values), Err(Refusal::Expectation), "{values:?}");
    }
}

#[test]
fn a_host_has_one_form() {
    for (text, form) in [
        ("shop.example", "shop.example"),
        ("Shop.Example", "shop.example"),
        ("shop.example.", "shop.example"),
        ("shop.example:80", "shop.example"),
        ("shop.example.:80", "shop.example"),
        ("shop.example:", "shop.example"),
        ("SHOP.example.:8080", "shop.example:8080"),
        ("shop.example:8080", "shop.example:8080"),
        ("xn--caf-dma.example", "xn--caf-dma.example"),
        ("a_b.example", "a_b.example"),
        ("127.0.0.1:443", "127.0.0.1:443"),
        ("[::1]", "[::1]"),
        ("[::1]:80", "[::1]"),
        ("[::1]:8080", "[::1]:8080"),
    ] {
        assert_eq!(host(text, false).as_deref(), Ok(form), "{text}");
    }
    assert_eq!(host("a:443", true).as_deref(), Ok("a"));
    assert_eq!(host("a:80", true).as_deref(), Ok("a:80"));
}

#[test]
fn what_is_no_host_is_refused() {
    let long = "a".repeat(HOST_MAX_BYTES + 1);
    for text in [
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a,b",
        "a b",
        "user@a",
        "a/b",
        "a?b",
        "a#b",
        "a%2eb",
        "a\\b",
        "a:x",
        "a:80x",
        "a:+80",
        "a:0",
        "a:080",
        "a:65536",
        "a:80:80",
        "::1",
        "[::1",
        "[::1]x",
        "[a]",
        "[]",
        "a\"b",
        "a'b",
        "a;b",
        "caf\u{e9}",
        &long,
    ] {
        assert_eq!(host(text, false), Err(Refusal::Host), "{text}");
    }
}
