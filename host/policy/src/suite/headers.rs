//! `headers`: which fields are stored.

use super::fields;
use crate::fields::{strip_hop_by_hop, strip_unstorable};

#[test]
fn headers_omit_headers_listed_in_connection() {
    let mut headers = fields(&[("connection", "a, b"), ("a", "1"), ("b", "2"), ("c", "3")]);
    strip_hop_by_hop(&mut headers);
    assert_eq!(headers, fields(&[("c", "3")]));
}

#[test]
fn headers_store() {
    let kept = [
        "test-header",
        "x-test-header",
        "content-foo",
        "cache-control",
        "content-encoding",
        "content-length",
        "content-location",
        "content-md5",
        "content-range",
        "content-security-policy",
        "content-type",
        "clear-site-data",
        "etag",
        "expires",
        "public-key-pins",
        "set-cookie",
        "set-cookie2",
        "x-frame-options",
        "cdn-cache-control",
    ];
    let not_stored = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let all: Vec<(&str, &str)> = kept.iter().chain(&not_stored).map(|name| (*name, "value")).collect();
    let mut headers = fields(&all);
    strip_unstorable(&mut headers);
    for name in kept {
        assert!(headers.contains_key(name), "headers-store-{name}");
    }
    for name in not_stored {
        assert!(!headers.contains_key(name), "headers-store-{name}");
    }
}
