//! RFC 9111 §3.3 and §3.4: incomplete and partial responses, stored, served, combined and completed.
//!
//! Owns what a part is, which requests are worth asking the origin for a part only, and which two parts are of the same
//! representation. Parts combine on a strong entity tag and on nothing weaker (§3.4): two dates that agree do not prove
//! that the bytes do.

use std::time::SystemTime;

use http::StatusCode;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};

use crate::conditional::strong_match;
use crate::list;
use crate::range::{self, ByteRange, ContentRange, Span};

/// A range that begins within so many bytes of the start is answered from a fetch of the whole, which passes it soon and
/// serves everybody afterwards. One that begins later, or at the end, is asked for by itself. A second's transfer at 8
/// Mbit/s.
pub const NEAR_BYTES: u64 = 1 << 20;

/// Fewest bytes of a body that broke off which are kept to be completed. Below it, asking anew costs no more.
pub const INCOMPLETE_MIN_BYTES: u64 = 64 << 10;

/// Which bytes of a representation a stored response holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// The bytes.
    pub span: Span,
    /// The length of the whole, if known.
    pub complete: Option<u64>,
}

impl Part {
    /// The part that a 206 encloses; `None` where it does not say one, or several.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        match ContentRange::from_headers(headers)? {
            ContentRange::Span { span, complete } => Some(Self { span, complete }),
            ContentRange::Unsatisfied { .. } => None,
        }
    }

    /// The part of which only the first `received` bytes came (§3.3: an incomplete response). `None` where nothing came,
    /// or more than there is.
    pub fn cut_to(self, received: u64) -> Option<Self> {
        let last = self.span.first.checked_add(received.checked_sub(1)?)?;
        (last <= self.span.last).then_some(Self { span: Span { first: self.span.first, last }, ..self })
    }

    /// The first `received` bytes of a whole response of `length` bytes.
    pub fn start_of(length: u64, received: u64) -> Option<Self> {
        let whole = Span { first: 0, last: length.checked_sub(1)? };
        Self { span: whole, complete: Some(length) }.cut_to(received)
    }

    /// Both parts as one, where no byte between them is missing and they speak of the same length.
    pub fn joined(self, other: Self) -> Option<Self> {
        let agree = self.complete.is_none() || other.complete.is_none() || self.complete == other.complete;
        let (low, high) = if self.span.first <= other.span.first { (self, other) } else { (other, self) };
        let touch = high.span.first <= low.span.last.saturating_add(1);
        let span = Span { first: low.span.first, last: low.span.last.max(high.span.last) };
        let complete = self.complete.or(other.complete);
        let fits = complete.is_none_or(|complete| span.last < complete);
        (agree && touch && fits).then_some(Self { span, complete })
    }

    /// Whether it is all there is.
    pub fn is_whole(self) -> bool {
        self.span.first == 0 && self.complete == self.span.last.checked_add(1)
    }
}

impl ByteRange {
    /// Whether a fetch of the whole would take long to reach it.
    pub fn is_far(self) -> bool {
        match self {
            Self::FromTo(first, _) | Self::From(first) => first >= NEAR_BYTES,
            Self::Suffix(_) => true,
        }
    }

    /// The value of a `Range` that asks for it.
    pub fn to_value(self) -> Option<HeaderValue> {
        let text = match self {
            Self::FromTo(first, last) => format!("bytes={first}-{last}"),
            Self::From(first) => format!("bytes={first}-"),
            Self::Suffix(count) => format!("bytes=-{count}"),
        };
        HeaderValue::try_from(text).ok()
    }
}

/// The one range that a request asks for, where an origin could be asked for just that. With `If-Range` the condition
/// would have to be judged first, and nothing is there to judge it by.
pub fn asked(request: &HeaderMap) -> Option<ByteRange> {
    let value = range::only(request)?;
    if request.contains_key(IF_RANGE) {
        return None;
    }
    match range::parse(value).ok()?.as_slice() {
        [range] => Some(*range),
        _ => None,
    }
}

/// The one span that a request asks for, if a stored partial response holds all of it (§3.3).
pub fn within(request: &HeaderMap, stored: &HeaderMap, part: Part, received_at: SystemTime) -> Option<Span> {
    if request.get(IF_RANGE).is_some_and(|condition| !range::if_range_holds(condition, stored, received_at)) {
        return None;
    }
    let ranges = range::parse(range::only(request)?).ok()?;
    let [range] = ranges.as_slice() else { return None };
    let span = match (range, part.complete) {
        (range, Some(complete)) => range.resolve(complete)?,
        // Where the whole ends is not known, so only a range with both ends can be placed.
        (ByteRange::FromTo(first, last), None) => Span { first: *first, last: *last },
        (_, None) => return None,
    };
    part.span.covers(span).then_some(span)
}

/// Asks for what is missing after a stored part that begins with the first byte, on condition that the representation is
/// still the same (§3.4; RFC 9110 §13.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    range: HeaderValue,
    if_range: HeaderValue,
}

impl Rest {
    /// What is missing of `part`. `None` where it does not begin with the first byte, is whole, or has no strong entity
    /// tag to combine by.
    pub fn of(part: Part, stored: &HeaderMap) -> Option<Self> {
        let next = part.span.last.checked_add(1)?;
        let missing = part.span.first == 0 && part.complete.is_some_and(|complete| next < complete);
        let if_range = strong_etag(stored).filter(|_| missing)?;
        Some(Self { range: ByteRange::From(next).to_value()?, if_range: if_range.clone() })
    }

    /// Puts the question into a request that has no conditions.
    pub fn ask(&self, request: &mut HeaderMap) {
        request.insert(RANGE, self.range.clone());
        request.insert(IF_RANGE, self.if_range.clone());
    }
}

/// Whether two responses hold bytes of the same representation: the same strong entity tag (§3.4).
pub fn may_combine(one: &HeaderMap, other: &HeaderMap) -> bool {
    match (strong_etag(one), strong_etag(other)) {
        (Some(one), Some(other)) => strong_match(list::trim(one.as_bytes()), list::trim(other.as_bytes())),
        _ => false,
    }
}

/// Whether a response whose body broke off can be completed later: it has a strong entity tag, and its origin has not said
/// that it serves no ranges (RFC 9110 §14.3).
pub fn is_resumable(status: StatusCode, headers: &HeaderMap) -> bool {
    let refuses = list::members(headers, ACCEPT_RANGES).any(|unit| unit.eq_ignore_ascii_case(b"none"));
    status == StatusCode::OK && strong_etag(headers).is_some() && !refuses
}

/// The head of a response that holds `part`: a 206 that says so, or a 200 where that is all there is (§3.4).
pub fn head_for(part: Part, headers: &mut HeaderMap) -> StatusCode {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.span.length()));
    headers.remove(CONTENT_RANGE);
    if part.is_whole() {
        return StatusCode::OK;
    }
    let range = ContentRange::Span { span: part.span, complete: part.complete };
    if let Some(value) = range.to_value() {
        headers.insert(CONTENT_RANGE, value);
    }
    StatusCode::PARTIAL_CONTENT
}

fn strong_etag(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(ETAG).filter(|etag| etag.as_bytes().starts_with(b"\""))
}

#[cfg(test)]
mod tests;
