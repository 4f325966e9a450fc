//! `status`: which statuses are stored.

use super::{Exchange, Seen, at};
use crate::{DeclineReason, Storing};

#[test]
fn status_fresh_and_stale() {
    let statuses =
        [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599, 999];
    let fresh = [
        ("expires", at(100_000)),
        ("cache-control", "max-age=100000".into()),
        ("last-modified", at(0)),
        ("date", at(0)),
    ];
    let stale = [("expires", at(-5000)), ("last-modified", at(-100_000)), ("date", at(0))];
    for status in statuses {
        assert_eq!(Exchange::with(&fresh).status(status).see(), Seen::Cached, "status-{status}-fresh");
        assert_eq!(Exchange::with(&stale).status(status).see(), Seen::Validated, "status-{status}-stale");
    }
}

#[test]
fn status_must_understand() {
    let guarded = || Exchange::with(&[("cache-control", "max-age=3600, no-store, must-understand")]);
    assert_eq!(guarded().see(), Seen::Cached, "status-200-must-understand");
    let unknown = guarded().status(599).storing();
    assert!(matches!(unknown, Storing::Decline(DeclineReason::NotUnderstood)), "status-599-must-understand");
}

#[test]
fn interim_and_304_are_never_new_responses() {
    for status in [100, 102, 103, 304] {
        let refused = Exchange::with(&[("cache-control", "max-age=3600")]).status(status).storing();
        assert!(matches!(refused, Storing::Decline(DeclineReason::Status)), "{status}");
    }
}
