//! `Range`, `If-Range` and `Content-Range`.

use http::header::HeaderMap;
use http::{Method, StatusCode};
use seawall_policy::range::{
    ContentRange, MAX_RANGES, RangeRequest, Span, parse, resolve, rest_of, within_part,
};

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
    if let Some(span) = within_part(request, stored, part, complete, present()) {
        assert!(span.first <= span.last && part.covers(span));
    }
    let short = Span { first: 0, last: length };
    assert_eq!(rest_of(short).is_some(), length < u64::MAX);
    assert!(part.first == 0 || rest_of(part).is_none());
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
