//! `stale`: stale responses, allowed and forbidden.

use std::time::Duration;

use http::StatusCode;

use super::{Exchange, Seen, present};
use crate::reuse::{OriginFailure, StaleOnError, StaleRefusal, stale_on_error};
use crate::{RequestDirectives, Rules};

fn after_failure(cache_control: &str, failure: OriginFailure) -> StaleOnError {
    let terms = Exchange::with(&[("cache-control", cache_control), ("etag", "\"a\"")]).stored();
    let now = present() + Duration::from_secs(3);
    stale_on_error(&terms, &RequestDirectives::default(), failure, &Rules::default(), now)
}

const UNAVAILABLE: OriginFailure = OriginFailure::Status(StatusCode::SERVICE_UNAVAILABLE);

#[test]
fn stale_close() {
    assert_eq!(
        after_failure("max-age=2", OriginFailure::Disconnected),
        StaleOnError::Disconnected,
        "stale-close"
    );
    for forbidding in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"] {
        assert_eq!(
            after_failure(&format!("max-age=2, {forbidding}"), OriginFailure::Disconnected),
            StaleOnError::Refused(StaleRefusal::Forbidden),
            "stale-close-{forbidding}"
        );
    }
}

#[test]
fn stale_503() {
    let refused = after_failure("max-age=2", UNAVAILABLE);
    assert_eq!(refused, StaleOnError::Refused(StaleRefusal::TooStale), "stale-503");
    assert_eq!(after_failure("max-age=2, stale-if-error=60", UNAVAILABLE), StaleOnError::StaleIfError);
    assert_eq!(
        after_failure("max-age=2, stale-if-error=60", OriginFailure::Disconnected),
        StaleOnError::StaleIfError,
        "stale-sie-close"
    );
    assert_eq!(
        after_failure("max-age=2, stale-if-error=60", OriginFailure::Status(StatusCode::NOT_FOUND)),
        StaleOnError::Refused(StaleRefusal::NotAnError)
    );
}

#[test]
fn stale_while_revalidate() {
    let see = |cache_control, after| {
        Exchange::with(&[("cache-control", cache_control), ("etag", "\"abc\"")]).after(after).see()
    };
    assert_eq!(see("max-age=1, stale-while-revalidate=3600", 3), Seen::Cached);
    assert_eq!(see("max-age=1, stale-while-revalidate=4", 3), Seen::Cached);
    assert_eq!(
        see("max-age=1, stale-while-revalidate=4", 6),
        Seen::Validated,
        "stale-while-revalidate-window"
    );
    assert_eq!(see("max-age=1, stale-while-revalidate=3600, must-revalidate", 3), Seen::Validated);
    assert_eq!(see("s-maxage=1, stale-while-revalidate=3600", 3), Seen::Cached);
}
