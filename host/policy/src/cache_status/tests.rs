use http::StatusCode;

use super::{CACHE_STATUS, CacheStatus, Forward, Outcome, add_key, push_integer};

fn text(status: &CacheStatus<'_>) -> String {
    let mut scratch = b"left over".to_vec();
    status.to_value(&mut scratch).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_hit() {
    assert_eq!(text(&CacheStatus::hit("fra-1", 376)), "fra-1; hit; ttl=376");
    assert_eq!(text(&CacheStatus::hit("fra-1", -412)), "fra-1; hit; ttl=-412");
}

#[test]
fn every_parameter_in_order() {
    let status = CacheStatus {
        forward_status: Some(StatusCode::NOT_MODIFIED),
        ttl: Some(0),
        stored: true,
        collapsed: true,
        key: Some("https://a/\"x\""),
        detail: Some("request-no-cache"),
        ..CacheStatus::forward("fra-1", Forward::Stale)
    };
    assert_eq!(
        text(&status),
        "fra-1; fwd=stale; fwd-status=304; ttl=0; stored; collapsed; key=\"https://a/\\\"x\\\"\"; detail=request-no-cache"
    );
}

#[test]
fn what_a_structured_field_cannot_carry_is_replaced() {
    assert_eq!(text(&CacheStatus::new("1st cache", Outcome::Neither)), "\"1st cache\"");
    assert_eq!(text(&CacheStatus::new("naïve\r\n", Outcome::Hit)), "\"na??ve??\"; hit");
    assert_eq!(text(&CacheStatus::new("", Outcome::Hit)), "\"\"; hit");
}

#[test]
fn rendering_into_room_does_not_allocate() {
    let mut out = Vec::with_capacity(64);
    let before = out.as_ptr();
    CacheStatus::hit("fra-1", i64::MAX).render(&mut out);
    assert_eq!(out.as_ptr(), before);
    assert_eq!(out, b"fra-1; hit; ttl=999999999999999");
}

#[test]
fn integers_have_at_most_fifteen_digits() {
    for (number, expected) in [(0, "0"), (-1, "-1"), (10, "10"), (i64::MIN, "-999999999999999")] {
        let mut out = Vec::new();
        push_integer(&mut out, number);
        assert_eq!(out, expected.as_bytes());
    }
}

#[test]
fn what_is_rendered_parses_as_a_structured_field() {
    let status = CacheStatus { key: Some("k\\"), ..CacheStatus::forward("a b", Forward::VaryMiss) };
    let list = sfv::Parser::new(text(&status).as_bytes()).parse::<sfv::List>().unwrap();
    assert_eq!(list.len(), 1);
}

#[test]
fn a_key_is_added_to_the_last_member_alone() {
    let mut headers = http::HeaderMap::new();
    add_key(&mut headers, "k");
    assert!(headers.is_empty());
    for line in ["ams-1; hit", "fra-1; hit; ttl=1"] {
        headers.append(CACHE_STATUS, http::HeaderValue::from_static(line));
    }
    add_key(&mut headers, "shop http://a/\"x\"");
    let lines: Vec<_> = headers.get_all(CACHE_STATUS).iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(lines, ["ams-1; hit", "fra-1; hit; ttl=1; key=\"shop http://a/\\\"x\\\"\""]);
}
