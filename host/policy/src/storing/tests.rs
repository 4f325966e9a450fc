use http::{HeaderMap, Method, StatusCode, Uri};

use super::{DeclineReason, RequestView, ResponseView, Storing, may_store};
use crate::Rules;
use crate::suite::{Exchange, Pairs, fields, present};
use crate::terms::Times;

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
    use std::time::Duration;
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
