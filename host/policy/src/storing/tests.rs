use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};

use super::{DeclineReason, RequestView, ResponseView, Storing, may_store};
use crate::suite::{Exchange, Pairs, fields, present};
use crate::terms::Times;
use crate::{Rules, Ruling};

fn reason(storing: &Storing) -> Option<DeclineReason> {
    match storing {
        Storing::Store(_) => None,
        Storing::Decline(reason) => Some(*reason),
    }
}

fn by_method(method: &Method, response: &HeaderMap, rules: &Rules) -> Option<DeclineReason> {
    let target = Uri::from_static("http://shop.example/a?b");
    let headers = HeaderMap::new();
    let request = RequestView { method, headers: &headers, target: Some(&target) };
    let times = Times { requested_at: present(), received_at: present() };
    reason(&may_store(&request, &ResponseView { status: StatusCode::OK, headers: response, times }, rules))
}

#[test]
fn only_get_is_stored_by_default() {
    let response = fields(&[("cache-control", "max-age=60")]);
    assert_eq!(by_method(&Method::GET, &response, &Rules::default()), None);
    for method in [Method::HEAD, Method::POST, Method::PUT, Method::QUERY, Method::OPTIONS] {
        let declined = by_method(&method, &response, &Rules::default());
        assert_eq!(declined, Some(DeclineReason::Method), "{method}");
    }
}

#[test]
fn method_post() {
    let rules = Rules { store_post: true, ..Rules::default() };
    let post = |pairs: &[(&str, &str)]| by_method(&Method::POST, &fields(pairs), &rules);
    let fresh = ("cache-control", "max-age=60");
    assert_eq!(post(&[fresh, ("content-location", "/a?b")]), None);
    assert_eq!(post(&[fresh, ("content-location", "http://SHOP.example:80/a?b")]), None);
    assert_eq!(post(&[fresh, ("content-location", "")]), None);
    assert_eq!(post(&[fresh, ("content-location", "/other")]), Some(DeclineReason::Method));
    assert_eq!(post(&[fresh]), Some(DeclineReason::Method));
    assert_eq!(post(&[("content-location", "/a?b")]), Some(DeclineReason::Method));
}

#[test]
fn each_reason_against() {
    let etag = ("etag", "\"a\"");
    let cc = |value| ("cache-control", value);
    let rows: &[(Pairs<'_>, u16, Option<DeclineReason>)] = &[
        (&[cc("no-store"), etag], 200, Some(DeclineReason::NoStore)),
        (&[cc("private"), etag], 200, Some(DeclineReason::Private)),
        (&[cc("max-age=9"), ("vary", "*")], 200, Some(DeclineReason::VaryAny)),
        (&[etag], 403, Some(DeclineReason::NotAllowed)),
        (&[etag], 200, None),
        (&[cc("public"), etag], 403, None),
        (&[cc("no-cache")], 200, Some(DeclineReason::NoUse)),
        (&[cc("max-age=60, no-cache")], 200, Some(DeclineReason::NoUse)),
        (&[cc("max-age=0")], 200, Some(DeclineReason::NoUse)),
        (&[cc("max-age=0, stale-if-error=60")], 200, None),
        (&[cc("max-age=0, stale-while-revalidate=60")], 200, None),
        (&[cc("max-age=9"), ("age", "10")], 200, Some(DeclineReason::NoUse)),
        (&[], 200, Some(DeclineReason::NoUse)),
        (&[cc("max-age=9"), ("set-cookie", "a=b")], 200, None),
        (&[cc("max-age=9")], 206, Some(DeclineReason::Partial)),
    ];
    for (response, status, expected) in rows {
        let storing = Exchange::with(response).status(*status).storing();
        assert_eq!(reason(&storing), *expected, "{status} {response:?}");
    }
}

#[test]
fn a_site_can_refuse_cookies() {
    let rules = Rules { store_set_cookie: false, ..Rules::default() };
    let cookie = Exchange::with(&[("cache-control", "max-age=9"), ("set-cookie", "a=b")]).rules(rules);
    assert_eq!(reason(&cookie.storing()), Some(DeclineReason::SetCookie));
}

#[test]
fn a_site_can_give_lifetimes_to_those_without() {
    let rules = || Rules {
        default_ttl: Some(Duration::from_secs(60)),
        negative_ttl: Some(Duration::from_secs(5)),
        ..Rules::default()
    };
    let lifetime = |status, pairs: &[(&str, &str)]| {
        Exchange::with(pairs).status(status).rules(rules()).stored().lifetime().duration.as_secs()
    };
    assert_eq!(lifetime(200, &[]), 60);
    assert_eq!(lifetime(404, &[]), 5);
    assert_eq!(lifetime(200, &[("cache-control", "max-age=9")]), 9);
    assert_eq!(
        reason(&Exchange::with::<&str>(&[]).status(403).rules(rules()).storing()),
        Some(DeclineReason::NotAllowed)
    );
    let refused = Exchange::with(&[("cache-control", "no-store")]).rules(rules());
    assert_eq!(reason(&refused.storing()), Some(DeclineReason::NoStore));
}

fn ruled(ruling: Ruling) -> Rules {
    let default_ttl = Some(Duration::from_secs(60));
    Rules { ruling: Some(ruling), default_ttl, negative_ttl: default_ttl, ..Rules::default() }
}

const NINE: Option<Duration> = Some(Duration::from_secs(9));

#[test]
fn a_ruling_gives_a_lifetime_to_those_without_before_the_site_does() {
    let ruling = Ruling { ttl: NINE, ..Ruling::default() };
    let lifetime = |status, pairs: &[(&str, &str)]| {
        Exchange::with(pairs).status(status).rules(ruled(ruling)).stored().lifetime().duration.as_secs()
    };
    assert_eq!(lifetime(200, &[]), 9);
    assert_eq!(lifetime(404, &[]), 9);
    assert_eq!(lifetime(200, &[("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")]), 9);
    assert_eq!(lifetime(200, &[("cache-control", "max-age=5")]), 5);
    assert_eq!(lifetime(200, &[("expires", "0"), ("etag", "\"a\"")]), 0);
    assert_eq!(lifetime(200, &[("cdn-cache-control", "max-age=5")]), 5);
}

#[test]
fn only_a_ruling_that_names_a_status_makes_it_storable() {
    let of =
        |ruling, status| reason(&Exchange::with::<&str>(&[]).status(status).rules(ruled(ruling)).storing());
    let named = Ruling { ttl: NINE, names_status: true, ..Ruling::default() };
    for status in [302, 403, 500, 503] {
        assert_eq!(of(named, status), None, "{status}");
        assert_eq!(
            of(Ruling { names_status: false, ..named }, status),
            Some(DeclineReason::NotAllowed),
            "{status}"
        );
        assert_eq!(of(Ruling { ttl: None, ..named }, status), Some(DeclineReason::NotAllowed), "{status}");
    }
    assert_eq!(of(named, 304), Some(DeclineReason::Status));
    assert_eq!(of(named, 206), Some(DeclineReason::Partial));
    // What one request brings about is not everybody's, whatever a rule says; the response may say so itself.
    for status in [400, 408, 413, 417, 421, 426, 431] {
        assert_eq!(of(named, status), Some(DeclineReason::NotAllowed), "{status}");
        let itself = Exchange::with(&[("cache-control", "max-age=5")]).status(status);
        assert_eq!(reason(&itself.storing()), None, "{status}");
    }
}

#[test]
fn a_ruling_that_replaces_lifts_no_restriction_but_the_lifetimes_own() {
    let ruling = Ruling { ttl: NINE, replaces: true, names_status: true, ..Ruling::default() };
    let exchange =
        |cache_control: &str| Exchange::with(&[("cache-control", cache_control)]).rules(ruled(ruling));
    for (cache_control, refused) in [
        ("no-store", DeclineReason::NoStore),
        ("private, max-age=5", DeclineReason::Private),
        ("no-cache, max-age=5", DeclineReason::NoUse),
    ] {
        assert_eq!(reason(&exchange(cache_control).storing()), Some(refused), "{cache_control}");
    }
    let authorized = exchange("max-age=5").first(&[("authorization", "Basic x")]);
    assert_eq!(reason(&authorized.storing()), Some(DeclineReason::Authorization));
    for (cache_control, stale) in
        [("max-age=5", true), ("s-maxage=5", true), ("s-maxage=5, must-revalidate", false)]
    {
        let terms = exchange(cache_control).stored();
        assert_eq!(terms.lifetime().duration, Duration::from_secs(9), "{cache_control}");
        assert_eq!(terms.permits_unasked_stale(), stale, "{cache_control}");
    }
}

#[test]
fn the_windows_of_a_ruling_stand_before_the_sites_and_after_the_responses_own() {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let ruling = Ruling { stale_while_revalidate: Some(minute), ..Ruling::default() };
    let windows = |cache_control: &str, replaces| {
        let site =
            Rules { stale_while_revalidate: Some(hour), stale_if_error: Some(hour), ..Rules::default() };
        let rules = Rules { ruling: Some(Ruling { replaces, ..ruling }), ..site };
        let terms = Exchange::with(&[("cache-control", cache_control)]).rules(rules).stored();
        // Asked with the site's alone, as on every hit.
        (terms.stale_while_revalidate(&site).as_secs(), terms.stale_if_error(&site).as_secs())
    };
    assert_eq!(windows("max-age=5", false), (60, 3600));
    assert_eq!(windows("max-age=5, stale-while-revalidate=7, stale-if-error=7", false), (7, 7));
    assert_eq!(windows("max-age=5, stale-while-revalidate=7, stale-if-error=7", true), (60, 7));
    assert_eq!(windows("max-age=5, must-revalidate", true), (0, 0));
}

#[test]
fn no_store_can_be_read_strictly() {
    let strict = || Rules { strict_no_store: true, ..Rules::default() };
    let targeted = [("cache-control", "no-store"), ("cdn-cache-control", "max-age=9")];
    for response in [&[("cache-control", "no-store, must-understand, max-age=9")][..], &targeted] {
        assert_eq!(reason(&Exchange::with(response).storing()), None, "{response:?}");
        let strictly = Exchange::with(response).rules(strict()).storing();
        assert_eq!(reason(&strictly), Some(DeclineReason::NoStore), "{response:?}");
    }
    let said = Exchange::with(&[("cache-control", "max-age=9")]).first(&[("cache-control", "no-store")]);
    assert_eq!(reason(&said.storing()), Some(DeclineReason::RequestNoStore));
    let deaf = said.rules(Rules { request_no_store: false, ..Rules::default() });
    assert_eq!(reason(&deaf.storing()), None);
}
