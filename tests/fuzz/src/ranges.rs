//! `Range`, `If-Range` and `Content-Range`.

use http::header::HeaderMap;
use http::{Method, StatusCode};
use seawall_policy::range::{ContentRange, MAX_RANGES, RangeRequest, Span, parse, resolve};
use seawall_policy::{Part, partial};

use crate::play::{Play, lines, present};

/// `>` the request's fields, `<` the stored response's, `#` the length of the content.
pub(crate) fn range(data: &[u8]) {
    let play = Play::read(data);
    let length = play.number(0).unsigned_abs();
    let of =
        |method: &Method, status| resolve(method, &play.request, status, &play.response, length, present());
    if let RangeRequest::Spans(spans) = of(&Method::GET, StatusCode::OK) {
        assert!(!spans.is_empty() && spans.len() <= MAX_RANGES);
        assert!(spans.iter().all(|span| span.first <= span.last && span.last < length));
    }
    assert!(matches!(of(&Method::HEAD, StatusCode::OK), RangeRequest::Whole(_)));
    assert!(matches!(of(&Method::GET, StatusCode::PARTIAL_CONTENT), RangeRequest::Whole(_)));
    for value in play.request.get_all("range") {
        assert!(
            parse(value).is_ok_and(|ranges| !ranges.is_empty() && ranges.len() <= MAX_RANGES)
                || parse(value).is_err()
        );
    }
    within(&play.request, &play.response, length);
}

fn within(request: &HeaderMap, stored: &HeaderMap, length: u64) {
    let Some(ContentRange::Span { span: part, complete }) = ContentRange::from_headers(stored) else {
        return;
    };
    parts(request, stored, Part { span: part, complete }, length);
}

/// Parts answer only what they hold, and only what touches joins (RFC 9111 §3.3, §3.4).
fn parts(request: &HeaderMap, stored: &HeaderMap, part: Part, received: u64) {
    if let Some(span) = partial::within(request, stored, part, present()) {
        assert!(span.first <= span.last && part.span.covers(span));
    }
    if let Some(cut) = part.cut_to(received) {
        assert!(part.span.covers(cut.span) && cut.span.length() == received);
        let rest = Part { span: Span { first: cut.span.last.saturating_add(1), ..part.span }, ..part };
        assert!(cut == part || cut.joined(rest) == Some(part));
    }
    if partial::Rest::of(part, stored).is_some() {
        assert!(part.span.first == 0 && !part.is_whole());
    }
    let mut headers = stored.clone();
    let status = partial::head_for(part, &mut headers);
    assert_eq!(status == StatusCode::OK, part.is_whole());
    assert_eq!(Part::from_headers(&headers), (!part.is_whole()).then_some(part));
}

pub(crate) fn content_range(data: &[u8]) {
    for line in lines(data) {
        let Some(read) = ContentRange::parse(line) else { continue };
        if let ContentRange::Span { span, complete } = read {
            assert!(span.first <= span.last && complete.is_none_or(|complete| span.last < complete));
            assert!(span.length() > 0 && span.covers(span));
        }
        let written = read.to_value();
        assert_eq!(written.as_ref().and_then(|value| ContentRange::parse(value.as_bytes())), Some(read));
    }
}
