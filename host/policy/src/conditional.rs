//! RFC 9110 §13 and RFC 9111 §4.3.2: a client's conditions, evaluated against a stored response.
//!
//! Owns the precedence of the conditions and the two comparisons of entity tags. `If-Match` and `If-Unmodified-Since`
//! guard state that only the origin has: a cache confirms them when it can and otherwise passes the request on.

use std::time::SystemTime;

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
};
use http::{Method, StatusCode};

use crate::{date, list};

/// The most entity tags of one condition that are compared. The rest is not read, as if it did not match.
pub const MAX_ENTITY_TAGS: usize = 256;

/// What a client's conditions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precondition {
    /// None, or all hold: send the stored response.
    Proceed,
    /// The client has it already: send 304 (RFC 9110 §15.4.5).
    NotModified,
    /// Only the origin can tell: pass the request on.
    AskOrigin,
}

impl Precondition {
    /// The word for it in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proceed => "proceed",
            Self::NotModified => "not-modified",
            Self::AskOrigin => "ask-origin",
        }
    }
}

/// The conditions that a cache judges (RFC 9110 §13.1). `If-Range` belongs to the range.
pub const CONDITIONS: [HeaderName; 4] = [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_MATCH, IF_UNMODIFIED_SINCE];

/// Evaluates a request's conditions against a stored response, in order of precedence (RFC 9110 §13.2.2).
/// `received_at` is the stored response's; it stands in where there is neither `Last-Modified` nor `Date`.
pub fn evaluate(
    method: &Method,
    request: &HeaderMap,
    status: StatusCode,
    stored: &HeaderMap,
    received_at: SystemTime,
) -> Precondition {
    // §13.2.1: conditions are ignored unless the answer without them would be a 2xx.
    if !matches!(*method, Method::GET | Method::HEAD) || !status.is_success() {
        return Precondition::Proceed;
    }
    let etag = stored.get(ETAG);
    if request.contains_key(IF_MATCH) {
        if !any_match(request, &IF_MATCH, etag, strong_match) {
            return Precondition::AskOrigin;
        }
    } else if let Some(since) = request.get(IF_UNMODIFIED_SINCE)
        && !unmodified_since(since, stored, received_at)
    {
        return Precondition::AskOrigin;
    }
    if request.contains_key(IF_NONE_MATCH) {
        return if any_match(request, &IF_NONE_MATCH, etag, weak_match) {
            Precondition::NotModified
        } else {
            Precondition::Proceed
        };
    }
    match request.get(IF_MODIFIED_SINCE) {
        Some(since) if !modified_since(since, stored, received_at) => Precondition::NotModified,
        _ => Precondition::Proceed,
    }
}

/// Whether a condition's list has `*` or a tag that matches (RFC 9110 §13.1.1, §13.1.2).
fn any_match(
    request: &HeaderMap,
    name: &HeaderName,
    etag: Option<&HeaderValue>,
    matches: fn(&[u8], &[u8]) -> bool,
) -> bool {
    list::members(request, name)
        .take(MAX_ENTITY_TAGS)
        .any(|member| member == b"*" || etag.is_some_and(|etag| matches(list::trim(etag.as_bytes()), member)))
}

/// RFC 9110 §13.1.3 and RFC 9111 §4.3.2: by `Last-Modified`, else `Date`, else the time of receipt. A date that cannot
/// be read is no condition, so everything counts as modified since.
fn modified_since(since: &HeaderValue, stored: &HeaderMap, received_at: SystemTime) -> bool {
    match date::parse_value(since, received_at) {
        Some(since) => last_changed(stored, received_at) > since,
        None => true,
    }
}

/// RFC 9110 §13.1.4. A date that cannot be read is no condition.
fn unmodified_since(since: &HeaderValue, stored: &HeaderMap, received_at: SystemTime) -> bool {
    match date::parse_value(since, received_at) {
        Some(since) => last_changed(stored, received_at) <= since,
        None => true,
    }
}

fn last_changed(stored: &HeaderMap, received_at: SystemTime) -> SystemTime {
    let read = |name: HeaderName| stored.get(name).and_then(|value| date::parse_value(value, received_at));
    read(LAST_MODIFIED).or_else(|| read(DATE)).unwrap_or(received_at)
}

/// Strong comparison (RFC 9110 §8.8.3.2): equal and neither weak.
pub fn strong_match(one: &[u8], other: &[u8]) -> bool {
    one == other && !one.starts_with(b"W/")
}

/// Weak comparison (RFC 9110 §8.8.3.2): equal but for the weakness flag. Tags that miss their quotes are compared as they
/// are written: a client that repeats what it was given has given the right one.
pub fn weak_match(one: &[u8], other: &[u8]) -> bool {
    one.strip_prefix(b"W/").unwrap_or(one) == other.strip_prefix(b"W/").unwrap_or(other)
}

/// Fields that describe content and so stay out of a 304 (RFC 9110 §15.4.5). `Last-Modified` stays in: it is what a
/// client without an entity tag validates by next time.
pub const NOT_MODIFIED_OMITS: [HeaderName; 5] =
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_RANGE];

/// The fields of a 304 made from a stored response (RFC 9110 §15.4.5). `Age` is the caller's to add.
pub fn not_modified_headers(stored: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    for name in NOT_MODIFIED_OMITS {
        headers.remove(name);
    }
    headers
}
