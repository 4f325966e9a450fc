//! `pragma`: what is left of it.

use super::{Exchange, Seen, at};

const HOUR: (&str, &str) = ("cache-control", "max-age=3600");

#[test]
fn pragma_on_a_request() {
    let see = |later: &[(&str, &str)]| Exchange::with(&[HOUR]).later(later).see();
    assert_eq!(see(&[("pragma", "no-cache")]), Seen::NotCached, "pragma-request-no-cache");
    assert_eq!(see(&[("pragma", "unrecognised-extension")]), Seen::Cached, "pragma-request-extension");
    assert_eq!(see(&[("pragma", "no-cache"), ("cache-control", "max-age=9")]), Seen::Cached);
}

#[test]
fn pragma_on_a_response_means_nothing() {
    assert_eq!(
        Exchange::with(&[HOUR, ("pragma", "no-cache")]).see(),
        Seen::Cached,
        "pragma-response-no-cache"
    );
    let modified = at(-10_000);
    let heuristic = Exchange::with(&[("last-modified", modified.as_str()), ("pragma", "no-cache")]);
    assert_eq!(heuristic.see(), Seen::Cached, "pragma-response-no-cache-heuristic");
}
