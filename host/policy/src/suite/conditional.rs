//! `conditional-inm` and `conditional-lm`: a client's conditions.

use http::{Method, StatusCode};

use super::{at, fields, present};
use crate::Precondition::{self, AskOrigin, NotModified, Proceed};
use crate::conditional::{evaluate, not_modified_headers};

fn see(stored: &[(&str, &str)], request: &[(&str, &str)]) -> Precondition {
    evaluate(&Method::GET, &fields(request), StatusCode::OK, &fields(stored), present())
}

#[test]
fn conditional_inm() {
    let inm = |etag: &str, asked: &str| see(&[("etag", etag)], &[("if-none-match", asked)]);
    let rows = [
        ("conditional-etag-strong-respond", "\"abcdef\"", "\"abcdef\"", NotModified),
        (
            "conditional-etag-strong-respond-multiple-first",
            "\"abcdef\"",
            "\"abcdef\", \"1\", \"2\"",
            NotModified,
        ),
        (
            "conditional-etag-strong-respond-multiple-second",
            "\"abcdef\"",
            "\"1\", \"abcdef\", \"2\"",
            NotModified,
        ),
        (
            "conditional-etag-strong-respond-multiple-last",
            "\"abcdef\"",
            "\"1\", \"2\", \"abcdef\"",
            NotModified,
        ),
        ("conditional-etag-weak-respond", "W/\"abcdef\"", "W/\"abcdef\"", NotModified),
        ("weak comparison", "\"abcdef\"", "W/\"abcdef\"", NotModified),
        ("any", "\"abcdef\"", "*", NotModified),
        ("conditional-etag-unquoted-respond-unquoted", "abcdef", "abcdef", NotModified),
        ("conditional-etag-quoted-respond-unquoted", "\"abcdef\"", "abcdef", Proceed),
        ("a comma inside a tag", "\"a,b\"", "\"x\", \"a,b\"", NotModified),
        ("another tag", "\"abcdef\"", "\"other\"", Proceed),
        ("letter case matters", "\"abcdef\"", "\"ABCDEF\"", Proceed),
    ];
    for (id, etag, asked, expected) in rows {
        assert_eq!(inm(etag, asked), expected, "{id}");
    }
    assert_eq!(see(&[], &[("if-none-match", "\"a\"")]), Proceed);
}

#[test]
fn conditional_etag_precedence() {
    let (modified, since) = (at(-5000), at(-1));
    let stored = [("etag", "\"abcdef\""), ("last-modified", &*modified)];
    assert_eq!(
        see(&stored, &[("if-none-match", "\"abcdef\""), ("if-modified-since", &at(-9999))]),
        NotModified
    );
    assert_eq!(see(&stored, &[("if-none-match", "\"other\""), ("if-modified-since", &since)]), Proceed);
}

#[test]
fn conditional_lm() {
    let (modified, date) = (at(-3000), at(0));
    let stored = [("last-modified", &*modified), ("date", &*date)];
    let ims = |since: &str| see(&stored, &[("if-modified-since", since)]);
    assert_eq!(ims(&at(-3000)), NotModified, "conditional-lm-fresh");
    assert_eq!(ims(&at(-2000)), NotModified, "conditional-lm-fresh-earlier");
    assert_eq!(ims(&at(-4000)), Proceed);
    assert_eq!(ims("yesterday"), Proceed);
    // RFC 9111 §4.3.2: without Last-Modified, Date stands in.
    assert_eq!(see(&[("date", &date)], &[("if-modified-since", &at(0))]), NotModified);
    assert_eq!(see(&[("date", &date)], &[("if-modified-since", &at(-3000))]), Proceed);
}

#[test]
fn conditions_that_guard_the_origins_state() {
    let modified = at(-3000);
    let stored = [("etag", "\"a\""), ("last-modified", &*modified)];
    assert_eq!(see(&stored, &[("if-match", "\"a\"")]), Proceed);
    assert_eq!(see(&stored, &[("if-match", "\"b\"")]), AskOrigin);
    assert_eq!(see(&[("etag", "W/\"a\"")], &[("if-match", "W/\"a\"")]), AskOrigin);
    assert_eq!(see(&stored, &[("if-unmodified-since", &at(-2000))]), Proceed);
    assert_eq!(see(&stored, &[("if-unmodified-since", &at(-4000))]), AskOrigin);
}

#[test]
fn conditions_do_not_apply_to_other_answers() {
    let request = fields(&[("if-none-match", "*")]);
    let stored = fields(&[("etag", "\"a\"")]);
    assert_eq!(evaluate(&Method::GET, &request, StatusCode::NOT_FOUND, &stored, present()), Proceed);
    assert_eq!(evaluate(&Method::POST, &request, StatusCode::OK, &stored, present()), Proceed);
}

#[test]
fn conditional_304_etag() {
    let stored = fields(&[
        ("etag", "\"abcdef\""),
        ("cache-control", "max-age=9"),
        ("vary", "foo"),
        ("content-type", "text/html"),
        ("content-length", "5"),
    ]);
    let expected = fields(&[("etag", "\"abcdef\""), ("cache-control", "max-age=9"), ("vary", "foo")]);
    assert_eq!(not_modified_headers(&stored), expected);
}
