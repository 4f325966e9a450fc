//! The bytes of a response that a request asks for (RFC 9110 §14).
//!
//! Owns 206 and 416 of this node's own making. Several ranges are sent as `multipart/byteranges` from a stored body;
//! while a body is being filled they are answered with the whole, which §14.2 allows: the order in which a client wants
//! its ranges is not the order in which they come.

use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue,
    LAST_MODIFIED,
};
use http::{Response, StatusCode};
use seawall_cache::StoredBody;
use seawall_policy::range::{self, ContentRange, RangeRequest, Span};
use seawall_policy::{Part, partial};

use super::Source;
use crate::context::Context;
use crate::reply::Reply;

/// Which bytes are sent.
pub(super) enum Wanted {
    /// All that there are.
    Whole,
    /// These, of a body that holds that part.
    Span(Span, Part),
    /// Several spans.
    Several(Several),
    /// None: nothing of what was asked for exists. The length of the whole is told.
    Nothing(u64),
}

/// Several spans of a stored body.
pub(super) struct Several {
    spans: Vec<Span>,
    body: StoredBody,
}

/// What the request wants of what there is.
pub(super) fn wanted(cx: &Context, source: &Source) -> Wanted {
    if !cx.glance.range() {
        return Wanted::Whole;
    }
    let head = source.head();
    let request = &cx.head.headers;
    let received_at = head.terms.received_at();
    if let Some(part) = head.part {
        // A part that does not hold all of the range is sent as it came: the origin chose to send that. So is one whose
        // length is not that of its range: which bytes those are only the origin knows.
        let span = partial::within(request, &head.headers, part, received_at);
        let consistent = head.length.is_none_or(|length| length == part.span.length());
        let inner = span.filter(|span| consistent && *span != part.span);
        return inner.map_or(Wanted::Whole, |span| Wanted::Span(span, part));
    }
    let Some(length) = source.length() else { return Wanted::Whole };
    let resolved = range::resolve(&cx.head.method, request, head.status, &head.headers, length, received_at);
    match (resolved, source) {
        (RangeRequest::Whole(_), _) => Wanted::Whole,
        (RangeRequest::NotSatisfiable, _) => Wanted::Nothing(length),
        (RangeRequest::Spans(spans), source) => match (spans.as_slice(), source) {
            ([span], _) => {
                let whole = Span { first: 0, last: length.saturating_sub(1) };
                Wanted::Span(*span, Part { span: whole, complete: Some(length) })
            }
            (spans, Source::Stored(entry) | Source::Validated(entry)) => {
                Wanted::Several(Several { spans: spans.to_vec(), body: entry.body.clone() })
            }
            (_, Source::Filling(..)) => Wanted::Whole,
        },
    }
}

/// Makes the response a 206 with one range (RFC 9110 §15.3.7.1). The body is the caller's to cut.
pub(super) fn span(response: &mut Response<Reply>, span: Span, complete: Option<u64>) {
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(span.length()));
    if let Some(value) = (ContentRange::Span { span, complete }).to_value() {
        headers.insert(CONTENT_RANGE, value);
    }
}

/// Makes the response a 206 with several ranges, in the order they were asked for (RFC 9110 §15.3.7.2). The parts of the
/// body are those stored; nothing is copied.
pub(super) fn several(response: &mut Response<Reply>, several: Several) {
    let Several { spans, body } = several;
    let boundary = boundary();
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let mut pieces = Vec::with_capacity(spans.len() * 2 + 1);
    for span in spans {
        let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
        if !kind.is_empty() {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(kind);
            head.extend_from_slice(b"\r\n");
        }
        let range = format!("Content-Range: bytes {}-{}/{}\r\n\r\n", span.first, span.last, body.len());
        head.extend_from_slice(range.as_bytes());
        pieces.push(Bytes::from(head));
        pieces.extend(body.slice(span.first, span.last));
    }
    pieces.push(Bytes::from(format!("\r\n--{boundary}--\r\n")));
    let reply = Reply::pieces(pieces);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(format!("multipart/byteranges; boundary={boundary}")) {
        headers.insert(CONTENT_TYPE, value);
    }
    if let Some(length) = reply.length() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = reply;
}

/// What stands between parts: random, so that nobody can write a body that holds it.
fn boundary() -> String {
    let [one, other] = [(); 2].map(|()| RandomState::new().hash_one("multipart/byteranges"));
    format!("{one:016x}{other:016x}")
}

/// RFC 9110 §15.5.17.
pub(super) fn unsatisfiable(response: &mut Response<Reply>, length: u64) {
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    let headers = response.headers_mut();
    // These speak of the content, and there is none.
    for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING, ETAG, LAST_MODIFIED] {
        headers.remove(name);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(value) = (ContentRange::Unsatisfied { complete: length }).to_value() {
        headers.insert(CONTENT_RANGE, value);
    }
}
