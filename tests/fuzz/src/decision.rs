//! The whole decision: stored or not, reused or not, freshened by a 304, reused again, delivered under conditions.
//!
//! `>` request, `<` response, `?` a later request, `!` the 304. `#` status, then seconds from the present: asked, received,
//! later, validated, later still; then bits for the method and the site's rules.

use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap};
use http::{Method, StatusCode, Uri};
use seawall_policy::range::RangeRequest;
use seawall_policy::reuse::{self, OriginFailure, StaleOnError, stale_on_error};
use seawall_policy::terms::Times;
use seawall_policy::validation::{self, Validators};
use seawall_policy::{
    Glance, Normalise, Precondition, RequestDirectives, RequestView, ResponseDirectives, ResponseView, Reuse,
    Rules, Ruling, Storing, Terms, age, conditional, fields, range, storing, targeted,
};

use crate::play::Play;

const METHODS: [Method; 4] = [Method::GET, Method::HEAD, Method::POST, Method::QUERY];

pub(crate) fn decision(data: &[u8]) {
    let play = Play::read(data);
    let status = u16::try_from(play.number(0)).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let bits = play.number(6);
    let rules = rules(bits);
    let method = usize::try_from(bits & 3).ok().and_then(|place| METHODS.get(place)).unwrap_or(&Method::GET);
    let times = Times { requested_at: play.moment(1), received_at: play.moment(2) };

    let terms = Terms::read(status, &play.response, times, &rules);
    stored(method, status, &play, times, &rules);
    reused(&terms, &play.response, times, &play.later, &rules, play.moment(3));

    let validated_at = play.moment(4);
    let merged = freshened(&play.response, &play.update, validated_at);
    let times = Times { requested_at: validated_at, received_at: validated_at };
    let terms = Terms::read(status, &merged, times, &rules);
    reused(&terms, &merged, times, &play.later, &rules, play.moment(5));
    delivered(status, &merged, &play.later, validated_at);
}

fn rules(bits: i64) -> Rules {
    let bit = |place: u32| bits.checked_shr(place).unwrap_or_default() & 1 == 1;
    let minute = Duration::from_secs(60);
    Rules {
        default_ttl: bit(2).then_some(minute),
        negative_ttl: bit(3).then_some(minute),
        heuristics: !bit(4),
        stale_while_revalidate: bit(5).then_some(minute),
        stale_if_error: bit(6).then_some(minute),
        stale_when_disconnected: bit(7).then_some(minute),
        stale_beside_s_maxage: !bit(8),
        request_directives: !bit(9),
        store_set_cookie: !bit(10),
        store_partial: bit(11),
        store_post: bit(12),
        strict_no_store: bit(13),
        request_no_store: !bit(14),
        ruling: bit(15).then(|| Ruling {
            ttl: bit(16).then_some(minute),
            replaces: bit(17),
            names_status: bit(18),
            ..Ruling::default()
        }),
    }
}

fn directives(response: &HeaderMap) -> ResponseDirectives {
    targeted::directives(response).unwrap_or_else(|| ResponseDirectives::from_headers(response))
}

/// Nothing is stored without leave (RFC 9111 §3).
fn stored(method: &Method, status: StatusCode, play: &Play<'_>, times: Times, rules: &Rules) {
    let target = Uri::from_static("http://shop.example/a/b?c");
    let request = RequestView { method, headers: &play.request, target: Some(&target) };
    let response = ResponseView { status, headers: &play.response, times };
    let Storing::Store(terms) = storing::may_store(&request, &response, rules) else { return };
    let said = directives(&play.response);
    assert!(*method == Method::GET || (*method == Method::POST && rules.store_post));
    assert!(!status.is_informational() && status != StatusCode::NOT_MODIFIED);
    assert!(!said.no_store || (said.must_understand && !rules.strict_no_store));
    assert!(!said.private.is_everything());
    assert!(!rules.request_no_store || !RequestDirectives::from_headers(&play.request).no_store);
    let shared = said.public || said.must_revalidate || said.s_maxage.is_some();
    assert!(shared || !play.request.contains_key(AUTHORIZATION));
    assert!(status != StatusCode::PARTIAL_CONTENT || rules.store_partial);
    assert!(rules.store_set_cookie || !play.response.contains_key("set-cookie"));
    // `Vary: *` matches nothing, so nothing of it is kept; what is kept answers the request that it came of.
    if let Some(selecting) = terms.vary().selecting(&play.request, Normalise::default()) {
        assert!(terms.vary().selects(&selecting, &play.request, Normalise::default()));
    }
}

/// Fresh is younger than its lifetime, and stale has leave (RFC 9111 §4).
fn reused(
    terms: &Terms,
    response: &HeaderMap,
    times: Times,
    later: &HeaderMap,
    rules: &Rules,
    now: SystemTime,
) {
    let age = terms.age(now);
    assert!(age >= age::age_value(response));
    assert!(age >= now.duration_since(times.received_at).unwrap_or_default());
    assert!(age >= times.received_at.duration_since(times.requested_at).unwrap_or_default());
    assert_eq!(terms.is_fresh(now), terms.lifetime().duration > age);
    assert_eq!(terms.useful_for(now, rules).is_none(), terms.has_validator());
    let asked = RequestDirectives::from_headers(later);
    let heard = if rules.request_directives { asked } else { RequestDirectives::default() };
    for soft in [false, true] {
        let verdict = reuse::reuse(terms, &asked, soft, rules, now);
        let free = !terms.no_cache() && !heard.no_cache;
        match verdict {
            Reuse::Fresh => {
                assert!(free && !soft && terms.is_fresh(now));
                assert!(heard.max_age.is_none_or(|limit| age <= limit));
            }
            Reuse::StaleWhileRevalidate => assert!(free && !terms.must_revalidate()),
            Reuse::MaxStale => {
                assert!(free && !soft && heard.max_stale.is_some());
                assert!(!terms.must_revalidate() && !terms.has_s_maxage());
            }
            Reuse::Revalidate(_) => assert!(!asked.only_if_cached),
            Reuse::GatewayTimeout(_) => assert!(asked.only_if_cached),
        }
    }
    for failure in [OriginFailure::Disconnected, OriginFailure::Status(StatusCode::SERVICE_UNAVAILABLE)] {
        let verdict = stale_on_error(terms, &asked, failure, rules, now);
        assert!(!verdict.is_allowed() || !(terms.no_cache() || terms.must_revalidate() || heard.no_cache));
        assert!(verdict != StaleOnError::Disconnected || !terms.has_s_maxage());
    }
}

/// Every field of the 304 replaces the stored ones, and none touches the content (RFC 9111 §3.2).
fn freshened(held: &HeaderMap, not_modified: &HeaderMap, at: SystemTime) -> HeaderMap {
    let merged = validation::freshen(held, not_modified, at);
    let mut update = not_modified.clone();
    fields::strip_unstorable(&mut update);
    for name in update
        .keys()
        .filter(|name| !["content-length", "content-encoding", "content-range"].contains(&name.as_str()))
    {
        assert!(merged.get_all(name).iter().eq(update.get_all(name)));
    }
    assert!(merged.get_all(CONTENT_LENGTH).iter().eq(held.get_all(CONTENT_LENGTH)));
    assert_eq!(validation::freshen(&merged, not_modified, at), merged, "the same 304 again changes nothing");

    // A 304 that repeats the validators of what is stored speaks of it.
    let mut request = HeaderMap::new();
    validation::conditional_request(&mut request, &Validators::from_headers(held));
    assert_eq!(request.is_empty(), Validators::from_headers(held).is_empty());
    assert!(validation::selects(held, held).is_selected());
    merged
}

/// A client's conditions and ranges, against what is stored (RFC 9110 §13, §14).
fn delivered(status: StatusCode, held: &HeaderMap, later: &HeaderMap, received_at: SystemTime) {
    let verdict = conditional::evaluate(&Method::GET, later, status, held, received_at);
    assert!(Glance::at(later).conditions() || verdict == Precondition::Proceed);
    if let RangeRequest::Spans(spans) = range::resolve(&Method::GET, later, status, held, 1000, received_at) {
        assert!(
            status == StatusCode::OK && spans.iter().all(|span| span.first <= span.last && span.last < 1000)
        );
    }
}
