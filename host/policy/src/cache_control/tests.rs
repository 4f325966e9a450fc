use std::time::Duration;

use super::{MAX_DELTA_SECONDS, MaxStale, RequestDirectives, ResponseDirectives, Scope, delta_seconds};
use crate::suite::fields;

fn response(cache_control: &str) -> ResponseDirectives {
    ResponseDirectives::from_headers(&fields(&[("cache-control", cache_control)]))
}

fn request(cache_control: &str) -> RequestDirectives {
    RequestDirectives::from_headers(&fields(&[("cache-control", cache_control)]))
}

const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

#[test]
fn every_response_directive_is_read() {
    let read = response(
        "PUBLIC, no-store, no-transform, must-revalidate, proxy-revalidate, must-understand, immutable, max-age=60, \
         s-maxage=60, stale-while-revalidate=60, stale-if-error=60, private, no-cache",
    );
    let expected = ResponseDirectives {
        public: true,
        private: Scope::Everything,
        no_cache: Scope::Everything,
        no_store: true,
        no_transform: true,
        must_revalidate: true,
        proxy_revalidate: true,
        must_understand: true,
        max_age: MINUTE,
        s_maxage: MINUTE,
        immutable: true,
        stale_while_revalidate: MINUTE,
        stale_if_error: MINUTE,
    };
    assert_eq!(read, expected);
}

#[test]
fn every_request_directive_is_read() {
    let read =
        request("no-cache, no-store, no-transform, only-if-cached, max-age=60, min-fresh=60, max-stale=60");
    let expected = RequestDirectives {
        no_cache: true,
        no_store: true,
        no_transform: true,
        only_if_cached: true,
        max_age: MINUTE,
        min_fresh: MINUTE,
        max_stale: MINUTE.map(MaxStale::Within),
        stale_if_error: None,
        must_validate: false,
    };
    assert_eq!(read, expected);
    assert_eq!(request("max-stale").max_stale, Some(MaxStale::Any));
    assert_eq!(request("max-stale=x").max_stale, None);
    assert_eq!(request("max-age=x").max_age, None);
}

#[test]
fn what_is_malformed_restricts() {
    assert_eq!(response("max-age").max_age, Some(Duration::ZERO));
    assert_eq!(response("s-maxage=").s_maxage, Some(Duration::ZERO));
    assert_eq!(response("max-age=\"60").max_age, Some(Duration::ZERO));
    assert_eq!(response("stale-if-error=soon").stale_if_error, None);
    assert_eq!(response("no-cache=\"\"").no_cache, Scope::Everything);
    assert_eq!(response("no-cache=\"a b\"").no_cache, Scope::Everything);
    assert_eq!(response("no-cache = \"a\"").no_cache, Scope::Everything);
    assert!(response("foo=\"bar, no-store").no_store);
}

#[test]
fn field_lists_add_up_and_everything_wins() {
    assert_eq!(response("private=\"a\", private=b").private.fields(), ["a", "b"]);
    assert!(response("private=\"a\", private").private.is_everything());
    assert!(response("private, private=\"a\"").private.is_everything());
}

#[test]
fn a_directive_inside_quotes_is_not_one() {
    let read = response("ext=\"no-store, max-age=1\", public");
    assert!(!read.no_store && read.public && read.max_age.is_none());
}

#[test]
fn delta_seconds_are_digits_up_to_a_cap() {
    assert_eq!(delta_seconds(b"0060"), MINUTE);
    assert_eq!(delta_seconds(b"99999999999999999999999999"), Some(Duration::from_secs(MAX_DELTA_SECONDS)));
    for invalid in [&b""[..], b"-1", b"+1", b"1.0", b" 1", b"1s"] {
        assert_eq!(delta_seconds(invalid), None);
    }
}

/// RFC 9110 §5.6.4: whoever reads a quoted string takes each `\x` for `x`.
#[test]
fn quoted_pairs_are_what_they_quote() {
    assert_eq!(response(r#"max-age="\6\0""#).max_age, MINUTE);
    assert_eq!(request(r#"min-fresh="6\0""#).min_fresh, MINUTE);
    assert_eq!(response(r#"private="set-\cookie""#).private.fields(), ["set-cookie"]);
    assert!(response(r#"private="a\", no-store""#).private.is_everything());
}
