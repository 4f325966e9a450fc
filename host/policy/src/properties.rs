//! What holds for any input at all.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use proptest::prelude::*;

use crate::reuse::{OriginFailure, stale_on_error};
use crate::terms::Times;
use crate::*;

/// The fields that anything here reads.
const NAMES: [&str; 28] = [
    "accept-encoding",
    "accept-language",
    "age",
    "authorization",
    "cache-control",
    "cache-groups",
    "cache-tag",
    "cdn-cache-control",
    "cdn-loop",
    "connection",
    "content-length",
    "content-location",
    "content-range",
    "date",
    "etag",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "last-modified",
    "location",
    "pragma",
    "range",
    "seawall-cache-control",
    "set-cookie",
    "surrogate-key",
    "vary",
];

/// Pieces that real values are made of, so that most inputs get past the first check of a parser.
const PIECES: [&str; 36] = [
    "max-age=",
    "s-maxage=",
    "no-store",
    "no-cache",
    "private",
    "public",
    "must-revalidate",
    "immutable",
    "stale-while-revalidate=",
    "stale-if-error=",
    "must-understand",
    "max-stale",
    "min-fresh=",
    "only-if-cached",
    "0",
    "1",
    "60",
    "99999999999999999999",
    "-",
    "\"",
    "\\",
    ",",
    ", ",
    "=",
    ";",
    " ",
    "*",
    "W/",
    "\"a\"",
    "bytes=",
    "bytes ",
    "/",
    "..",
    "q=0.5",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
];

fn value() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let field = (prop::sample::select(NAMES.to_vec()), value());
    prop::collection::vec(field, 0..8).prop_map(|fields| {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(name), value);
            }
        }
        headers
    })
}

fn moment() -> impl Strategy<Value = SystemTime> {
    prop_oneof![Just(0), Just(1_800_000_000), 0..4_000_000_000_u64, Just(i64::MAX as u64 / 2)]
        .prop_map(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH))
}

fn status() -> impl Strategy<Value = StatusCode> {
    prop_oneof![Just(200), Just(206), Just(304), Just(404), 100..1000_u16]
        .prop_map(|status| StatusCode::from_u16(status).unwrap_or_default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(
        request in headers(), response in headers(), other in headers(), status in status(),
        sent in moment(), received in moment(), now in moment(), soft in any::<bool>(), length in any::<u64>(),
    ) {
        let rules = Rules { store_partial: true, store_post: true, ..Rules::default() };
        let target = Uri::from_static("http://shop.example/a/b?c");
        let times = Times { requested_at: sent, received_at: received };
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let request = RequestView { method: &method, headers: &request, target: Some(&target) };
            let _ = storing::may_store(&request, &ResponseView { status, headers: &response, times }, &rules);
            let _ = conditional::evaluate(&method, request.headers, status, &response, received);
            let _ = range::resolve(&method, request.headers, StatusCode::OK, &response, length, received);
            let _ = invalidation::invalidates(&method, &target, StatusCode::OK, &response);
        }
        let terms = Terms::read(status, &response, times, &rules);
        let asked = RequestDirectives::from_headers(&request);
        let _ = reuse::reuse(&terms, &asked, soft, &rules, now);
        let _ = stale_on_error(&terms, &asked, OriginFailure::Disconnected, &rules, now);
        let _ = (terms.ttl(now), terms.useful_for(now, &rules));
        let _ = terms.vary().matches(&request, &other, Normalise::default());
        let _ = validation::selects(&response, &other);
        let _ = validation::freshen(&response, &other, now);
        let _ = (tags::tags(&response), groups::groups(&response), cdn_loop::visits(&request, "seawall"));
        let _ = (range::ContentRange::from_headers(&response), negotiation::most_wanted_language(&request));
        let _ = negotiation::lookup_language(&request, &["a", "en"]);
    }

    #[test]
    fn never_fresh_past_its_lifetime(
        response in headers(), sent in moment(), received in moment(), past in 0..10_000_000_u64, soft in any::<bool>(),
    ) {
        let rules = Rules::default();
        let terms = Terms::read(StatusCode::OK, &response, Times { requested_at: sent, received_at: received }, &rules);
        let end = received.checked_add(terms.lifetime().duration);
        let Some(now) = end.and_then(|end| end.checked_add(Duration::from_secs(past))) else { return Ok(()) };
        prop_assert!(!terms.is_fresh(now) && terms.ttl(now) <= 0);
        let verdict = reuse::reuse(&terms, &RequestDirectives::default(), soft, &rules, now);
        prop_assert_ne!(verdict, Reuse::Fresh);
    }

    #[test]
    fn age_is_never_smaller_than_its_parts(
        response in headers(), sent in moment(), received in moment(), now in moment(),
    ) {
        let times = Times { requested_at: sent, received_at: received };
        let terms = Terms::read(StatusCode::OK, &response, times, &Rules::default());
        let resident = now.duration_since(received).unwrap_or_default();
        prop_assert!(terms.age(now) >= age::age_value(&response));
        prop_assert!(terms.age(now) >= resident);
        prop_assert!(terms.age(now) >= received.duration_since(sent).unwrap_or_default());
        prop_assert!(terms.age(now) >= terms.age(received));
    }

    #[test]
    fn no_store_is_never_stored(
        mut request in headers(), mut response in headers(), status in status(), on_request in any::<bool>(),
        default_ttl in prop::option::of(0..1000_u64), ruled in prop::option::of(any::<(bool, bool)>()),
    ) {
        for name in targeted::TARGET_LIST {
            response.remove(name);
        }
        prop_assume!(!ResponseDirectives::from_headers(&response).must_understand);
        let side = if on_request { &mut request } else { &mut response };
        side.append("cache-control", HeaderValue::from_static("no-store"));
        let default_ttl = default_ttl.map(Duration::from_secs);
        let ruling = |(replaces, names_status)| Ruling { ttl: default_ttl, replaces, names_status, ..Ruling::default() };
        let rules = Rules { default_ttl, ruling: ruled.map(ruling), ..Rules::default() };
        let times = Times { requested_at: UNIX_EPOCH, received_at: UNIX_EPOCH };
        let view = RequestView { method: &Method::GET, headers: &request, target: None };
        let verdict = storing::may_store(&view, &ResponseView { status, headers: &response, times }, &rules);
        prop_assert!(matches!(verdict, Storing::Decline(_)));
    }

    #[test]
    fn a_request_selects_what_it_caused(request in headers(), response in headers()) {
        let vary = Vary::from_headers(&response);
        if let Some(selecting) = vary.selecting(&request, Normalise::default()) {
            prop_assert!(vary.selects(&selecting, &request, Normalise::default()));
        }
    }

    #[test]
    fn spans_lie_within_the_content(request in headers(), range in value(), length in 0..100_u64) {
        let mut request = request;
        if let Ok(value) = HeaderValue::from_bytes(&range) {
            request.insert("range", value);
        }
        let stored = HeaderMap::new();
        let verdict = range::resolve(&Method::GET, &request, StatusCode::OK, &stored, length, UNIX_EPOCH);
        if let range::RangeRequest::Spans(spans) = verdict {
            prop_assert!(spans.len() <= range::MAX_RANGES);
            prop_assert!(spans.iter().all(|span| span.first <= span.last && span.last < length));
        }
    }

    #[test]
    fn a_304_never_touches_the_content(stored in headers(), not_modified in headers()) {
        let merged = validation::freshen(&stored, &not_modified, UNIX_EPOCH);
        for name in ["content-length", "content-range", "content-encoding"] {
            prop_assert_eq!(merged.get(name), stored.get(name));
        }
    }
}
