//! `invalidation`: what a write makes stale.

use http::{Method, StatusCode, Uri};

use super::fields;
use crate::invalidation::invalidates;

fn gone(method: &str, status: u16, response: &[(&str, &str)]) -> Vec<String> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let target = Uri::from_static("http://shop.example/a/test?q=1");
    let status = StatusCode::from_u16(status).unwrap();
    invalidates(&method, &target, status, &fields(response)).iter().map(Uri::to_string).collect()
}

#[test]
fn invalidate() {
    for method in ["POST", "PUT", "DELETE", "M-SEARCH", "PATCH", "FOO"] {
        assert_eq!(gone(method, 200, &[]), ["http://shop.example/a/test?q=1"], "invalidate-{method}");
        assert_eq!(gone(method, 303, &[]).len(), 1);
        assert!(gone(method, 500, &[]).is_empty(), "invalidate-{method}-failed");
        assert!(gone(method, 404, &[]).is_empty());
    }
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND"] {
        assert!(gone(method, 200, &[]).is_empty(), "{method}");
    }
}

#[test]
fn invalidate_location_and_content_location() {
    let named = gone("POST", 201, &[("location", "location_target"), ("content-location", "/cl#part")]);
    assert_eq!(
        named,
        ["http://shop.example/a/test?q=1", "http://shop.example/a/location_target", "http://shop.example/cl"]
    );
}

#[test]
fn other_origins_are_left_alone() {
    for elsewhere in [
        "http://other.example/",
        "https://shop.example/x",
        "http://shop.example:81/x",
        "//other.example/",
        "mailto:a@b",
    ] {
        assert_eq!(gone("POST", 200, &[("location", elsewhere)]).len(), 1, "{elsewhere}");
    }
    assert_eq!(gone("POST", 200, &[("location", "HTTP://SHOP.example:80/x")])[1], "http://shop.example/x");
}
