use std::time::Duration;

use http::StatusCode;

use super::{
    OriginFailure, Reuse, RevalidateReason, StaleOnError, StaleRefusal, reuse, stale_left, stale_on_error,
};
use crate::suite::{Exchange, fields, present};
use crate::{RequestDirectives, Rules};

fn decide(stored: &str, asked: &str, soft_purged: bool, rules: &Rules, after: u64) -> Reuse {
    let terms = Exchange::with(&[("cache-control", stored), ("etag", "\"a\"")]).stored();
    let request = RequestDirectives::from_headers(&fields(&[("cache-control", asked)]));
    reuse(&terms, &request, soft_purged, rules, present() + Duration::from_secs(after))
}

#[test]
fn every_reason() {
    let rules = Rules::default();
    let rows = [
        ("max-age=60", "", 59, Reuse::Fresh),
        ("max-age=60", "", 60, Reuse::Revalidate(RevalidateReason::Stale)),
        ("max-age=60, no-cache", "", 0, Reuse::Revalidate(RevalidateReason::NoCache)),
        ("max-age=60", "no-cache", 0, Reuse::Revalidate(RevalidateReason::RequestNoCache)),
        ("max-age=60", "max-age=5", 6, Reuse::Revalidate(RevalidateReason::RequestMaxAge)),
        ("max-age=60", "min-fresh=30", 31, Reuse::Revalidate(RevalidateReason::RequestMinFresh)),
        ("max-age=60", "min-fresh=30", 30, Reuse::Fresh),
        ("max-age=60", "max-stale=10", 70, Reuse::MaxStale),
        ("max-age=60", "max-stale=10", 71, Reuse::Revalidate(RevalidateReason::Stale)),
        ("max-age=60", "max-stale, min-fresh=1", 61, Reuse::Revalidate(RevalidateReason::Stale)),
        ("max-age=60", "only-if-cached", 60, Reuse::GatewayTimeout(RevalidateReason::Stale)),
        ("max-age=60", "only-if-cached", 0, Reuse::Fresh),
        ("max-age=60, stale-while-revalidate=10", "", 69, Reuse::StaleWhileRevalidate),
        ("max-age=60, stale-while-revalidate=10", "", 70, Reuse::Revalidate(RevalidateReason::Stale)),
        (
            "max-age=60, stale-while-revalidate=10",
            "max-age=90",
            65,
            Reuse::Revalidate(RevalidateReason::Stale),
        ),
    ];
    for (stored, asked, after, expected) in rows {
        assert_eq!(decide(stored, asked, false, &rules, after), expected, "{stored} | {asked} | {after}");
    }
}

#[test]
fn a_cache_that_wants_validation_gets_it_whatever_its_rules_and_the_client_say() {
    let terms =
        Exchange::with(&[("cache-control", "max-age=60, stale-if-error=600"), ("etag", "\"a\"")]).stored();
    let request = RequestDirectives { must_validate: true, ..RequestDirectives::default() };
    for request_directives in [true, false] {
        let rules = Rules { request_directives, ..Rules::default() };
        let verdict = reuse(&terms, &request, false, &rules, present());
        assert_eq!(verdict, Reuse::Revalidate(RevalidateReason::RequestNoCache));
        let failed = stale_on_error(&terms, &request, OriginFailure::Disconnected, &rules, present());
        assert_eq!(failed, StaleOnError::Refused(StaleRefusal::RequestNoCache));
    }
}

#[test]
fn max_stale_does_not_lift_a_prohibition() {
    for forbidding in ["must-revalidate", "proxy-revalidate", "s-maxage=60"] {
        let verdict = decide(&format!("max-age=60, {forbidding}"), "max-stale", false, &Rules::default(), 61);
        assert_eq!(verdict, Reuse::Revalidate(RevalidateReason::Stale), "{forbidding}");
    }
}

#[test]
fn a_soft_purge_makes_stale() {
    let rules = Rules::default();
    assert_eq!(decide("max-age=60", "", true, &rules, 0), Reuse::Revalidate(RevalidateReason::SoftPurged));
    assert_eq!(
        decide("max-age=60", "max-stale", true, &rules, 0),
        Reuse::Revalidate(RevalidateReason::SoftPurged)
    );
    assert_eq!(
        decide("max-age=60, stale-while-revalidate=9", "", true, &rules, 0),
        Reuse::StaleWhileRevalidate
    );
}

#[test]
fn a_site_can_ignore_the_clients_wishes() {
    let rules = Rules { request_directives: false, ..Rules::default() };
    assert_eq!(decide("max-age=60", "no-cache, max-age=0", false, &rules, 1), Reuse::Fresh);
    let stale = decide("max-age=60", "only-if-cached", false, &rules, 61);
    assert_eq!(stale, Reuse::GatewayTimeout(RevalidateReason::Stale));
}

#[test]
fn a_sites_own_windows_never_beat_a_prohibition() {
    let minute = Some(Duration::from_secs(60));
    let rules = Rules { stale_while_revalidate: minute, stale_if_error: minute, ..Rules::default() };
    assert_eq!(decide("max-age=60", "", false, &rules, 61), Reuse::StaleWhileRevalidate);
    for forbidding in ["must-revalidate", "proxy-revalidate", "s-maxage=60"] {
        let stored = format!("max-age=60, {forbidding}");
        assert_eq!(decide(&stored, "", false, &rules, 61), Reuse::Revalidate(RevalidateReason::Stale));
    }
    let strict = Rules { stale_beside_s_maxage: false, ..Rules::default() };
    let verdict = decide("s-maxage=60, stale-while-revalidate=9", "", false, &strict, 61);
    assert_eq!(verdict, Reuse::Revalidate(RevalidateReason::Stale));
}

#[test]
fn stale_if_error_from_each_side() {
    let terms =
        |cache_control| Exchange::with(&[("cache-control", cache_control), ("etag", "\"a\"")]).stored();
    let error = OriginFailure::Status(StatusCode::BAD_GATEWAY);
    let now = present() + Duration::from_secs(90);
    let none = RequestDirectives::default();
    let asked = RequestDirectives { stale_if_error: Some(Duration::from_secs(60)), ..none };
    let site = Rules { stale_if_error: Some(Duration::from_secs(60)), ..Rules::default() };
    let plain = Rules::default();
    let allowed = StaleOnError::StaleIfError;
    let too_stale = StaleOnError::Refused(StaleRefusal::TooStale);
    assert_eq!(stale_on_error(&terms("max-age=60, stale-if-error=60"), &none, error, &plain, now), allowed);
    assert_eq!(stale_on_error(&terms("max-age=60, stale-if-error=20"), &none, error, &plain, now), too_stale);
    assert_eq!(stale_on_error(&terms("max-age=60"), &asked, error, &plain, now), allowed);
    assert_eq!(stale_on_error(&terms("max-age=60"), &none, error, &site, now), allowed);
    let deaf = Rules { request_directives: false, ..Rules::default() };
    assert_eq!(stale_on_error(&terms("max-age=60"), &asked, error, &deaf, now), too_stale);
    // The origin's own word is kept even where the site would allow more.
    assert_eq!(stale_on_error(&terms("max-age=60, stale-if-error=0"), &none, error, &site, now), too_stale);
    let no_cache = RequestDirectives { no_cache: true, ..none };
    let refused = stale_on_error(&terms("max-age=60, stale-if-error=60"), &no_cache, error, &plain, now);
    assert_eq!(refused, StaleOnError::Refused(StaleRefusal::RequestNoCache));
    // A site that does not listen to its clients does not listen to this either.
    let deaf = Rules { request_directives: false, ..plain };
    assert_eq!(stale_on_error(&terms("max-age=60"), &asked, error, &deaf, now), too_stale);
}

#[test]
fn disconnected_has_a_limit() {
    let terms = Exchange::with(&[("cache-control", "max-age=60")]).stored();
    let none = RequestDirectives::default();
    let at = |seconds| present() + Duration::from_secs(seconds);
    let lost = OriginFailure::Disconnected;
    assert!(stale_on_error(&terms, &none, lost, &Rules::default(), at(60 + 86_400)).is_allowed());
    assert!(!stale_on_error(&terms, &none, lost, &Rules::default(), at(61 + 86_400)).is_allowed());
    let never = Rules { stale_when_disconnected: None, ..Rules::default() };
    assert!(!stale_on_error(&terms, &none, lost, &never, at(61)).is_allowed());
}

#[test]
fn what_is_left_is_of_the_window_that_it_stands_in_by() {
    let terms = Exchange::with(&[("cache-control", "max-age=60, stale-if-error=100")]).stored();
    let rules = Rules { stale_when_disconnected: Some(Duration::from_secs(500)), ..Rules::default() };
    let left =
        |stands, after| stale_left(&terms, stands, &rules, present() + Duration::from_secs(after)).as_secs();
    assert_eq!(left(StaleOnError::StaleIfError, 70), 90);
    assert_eq!(left(StaleOnError::StaleIfError, 161), 0);
    assert_eq!(left(StaleOnError::Disconnected, 161), 399);
    assert_eq!(left(StaleOnError::Refused(StaleRefusal::TooStale), 70), 0);
}
