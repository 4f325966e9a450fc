//! `update304`: what a 304 changes in the stored fields.

use super::{Pairs, at, fields, present};
use crate::validation::{Selects, freshen, selects};

#[test]
fn a_304_updates_all_but_what_describes_the_content() {
    let stored = fields(&[
        ("etag", "\"e\""),
        ("test-header", "a"),
        ("kept", "stored"),
        ("cache-control", "max-age=1"),
        ("content-length", "5"),
        ("content-encoding", "gzip"),
        ("content-type", "text/plain"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
        ("date", &at(-100)),
        ("age", "30"),
    ]);
    let not_modified = fields(&[
        ("etag", "\"e\""),
        ("test-header", "b"),
        ("cache-control", "max-age=3600"),
        ("content-length", "10"),
        ("content-encoding", "br"),
        ("content-type", "text/plain;charset=utf-8"),
        ("set-cookie", "a=c"),
        ("connection", "close"),
        ("proxy-authenticate", "Basic"),
        ("date", &at(0)),
    ]);
    let expected = fields(&[
        ("etag", "\"e\""),
        ("test-header", "b"),
        ("kept", "stored"),
        ("cache-control", "max-age=3600"),
        ("content-length", "5"),
        ("content-encoding", "gzip"),
        ("content-type", "text/plain;charset=utf-8"),
        ("set-cookie", "a=c"),
        ("date", &at(0)),
    ]);
    assert_eq!(freshen(&stored, &not_modified, present()), expected);
}

#[test]
fn a_304_without_date_was_made_when_it_came() {
    let merged = freshen(&fields(&[("date", at(-100))]), &fields::<&str>(&[]), present());
    assert_eq!(merged, fields(&[("date", at(0))]));
}

#[test]
fn which_304_selects_the_stored_response() {
    let (lm, other_lm) = (at(-100), at(-50));
    let rows: &[(Pairs<'_>, Pairs<'_>, Selects)] = &[
        (&[("etag", "\"a\"")], &[("etag", "\"a\"")], Selects::Strong),
        (&[("etag", "\"a\"")], &[("etag", "\"b\"")], Selects::Other),
        (&[("etag", "W/\"a\"")], &[("etag", "W/\"a\"")], Selects::Weak),
        (&[("etag", "\"a\"")], &[("etag", "W/\"a\"")], Selects::Weak),
        (&[("etag", "W/\"a\"")], &[("etag", "\"a\"")], Selects::Other),
        (&[("last-modified", &lm)], &[("etag", "\"a\"")], Selects::Other),
        (&[("last-modified", &lm)], &[("last-modified", &lm)], Selects::Weak),
        (&[("last-modified", &lm)], &[("last-modified", &other_lm)], Selects::Other),
        (&[("etag", "\"a\""), ("last-modified", &lm)], &[("last-modified", &lm)], Selects::Weak),
        (&[("etag", "\"a\"")], &[], Selects::Only),
    ];
    for (stored, not_modified, expected) in rows {
        let selected = selects(&fields(stored), &fields(not_modified));
        assert_eq!(selected, *expected, "{stored:?} {not_modified:?}");
    }
}
