//! RFC 9110 §14: range requests.
//!
//! Owns `Range`, `If-Range` and `Content-Range`. A `Range` that cannot be read, or that asks for too much, is ignored as
//! the RFC allows: the answer is then the whole response, never an error.

use std::time::{Duration, SystemTime};

use http::header::{CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{Method, StatusCode};
use smallvec::SmallVec;

use crate::conditional::strong_match;
use crate::{date, list};

/// The most ranges of one request. A media player asks for one, a document reader for a few; beyond that it is an attack
/// on the server's memory (RFC 9110 §17.15).
pub const MAX_RANGES: usize = 16;

/// How much older than `Date` a `Last-Modified` must be to count as strong (RFC 9110 §8.8.2.2).
const STRONG_DATE_GAP: Duration = Duration::from_secs(1);

/// An inclusive span of bytes. `first` is never above `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub first: u64,
    /// The last byte.
    pub last: u64,
}

impl Span {
    /// Bytes covered.
    pub fn length(self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// Whether `other` lies within it.
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// What a request's `Range` comes to for content of a known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeRequest {
    /// Send the whole response.
    Whole(WholeReason),
    /// Send 206 with these spans, in the order asked.
    Spans(SmallVec<[Span; 1]>),
    /// Send 416 (RFC 9110 §15.5.17).
    NotSatisfiable,
}

/// Why a `Range` leads to the whole response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WholeReason {
    /// No `Range`.
    Absent,
    /// Not a GET for a 200 (§14.2).
    NotApplicable,
    /// Another unit than bytes (§14.1).
    UnknownUnit,
    /// It cannot be read (§14.1.1).
    Malformed,
    /// More than [`MAX_RANGES`], or more than two that overlap (§14.2).
    TooMany,
    /// `If-Range` names another representation (§13.1.5).
    IfRange,
}

impl WholeReason {
    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::NotApplicable => "not-applicable",
            Self::UnknownUnit => "unknown-unit",
            Self::Malformed => "malformed",
            Self::TooMany => "too-many",
            Self::IfRange => "if-range",
        }
    }
}

/// One range as asked for, before the length is known (RFC 9110 §14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// `0-99`
    FromTo(u64, u64),
    /// `100-`
    From(u64),
    /// `-100`
    Suffix(u64),
}

impl ByteRange {
    /// The span it covers of `length` bytes; `None` when it covers nothing.
    pub fn resolve(self, length: u64) -> Option<Span> {
        let end = length.checked_sub(1)?;
        match self {
            Self::FromTo(first, last) => (first <= end).then(|| Span { first, last: last.min(end) }),
            Self::From(first) => (first <= end).then_some(Span { first, last: end }),
            Self::Suffix(0) => None,
            Self::Suffix(count) => Some(Span { first: length.saturating_sub(count), last: end }),
        }
    }
}

/// The `Range` of a request. The field has one value: two lines of it are none.
pub(crate) fn only(request: &HeaderMap) -> Option<&HeaderValue> {
    let mut lines = request.get_all(RANGE).iter();
    lines.next().filter(|_| lines.next().is_none())
}

/// Reads a `Range` value (RFC 9110 §14.2).
pub fn parse(value: &HeaderValue) -> Result<SmallVec<[ByteRange; 1]>, WholeReason> {
    let value = list::trim(value.as_bytes());
    let equals = value.iter().position(|&byte| byte == b'=').ok_or(WholeReason::Malformed)?;
    let (unit, set) = value.split_at_checked(equals).ok_or(WholeReason::Malformed)?;
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return Err(WholeReason::UnknownUnit);
    }
    let mut ranges = SmallVec::new();
    for spec in list::split(set.get(1..).unwrap_or_default()) {
        if ranges.len() >= MAX_RANGES {
            return Err(WholeReason::TooMany);
        }
        ranges.push(byte_range(spec).ok_or(WholeReason::Malformed)?);
    }
    if ranges.is_empty() { Err(WholeReason::Malformed) } else { Ok(ranges) }
}

fn byte_range(spec: &[u8]) -> Option<ByteRange> {
    let dash = spec.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (list::trim(spec.get(..dash)?), list::trim(spec.get(dash.checked_add(1)?..)?));
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some(ByteRange::Suffix(position(last)?)),
        (false, true) => Some(ByteRange::From(position(first)?)),
        (false, false) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(ByteRange::FromTo(first, last))
        }
    }
}

/// Digits, saturating: a position beyond 2^64 is beyond any content.
fn position(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |total, digit| {
        digit.is_ascii_digit().then(|| total.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

/// What a request's `Range` comes to for a stored response of `length` bytes (RFC 9110 §14.2, §13.2.2 step 5).
pub fn resolve(
    method: &Method,
    request: &HeaderMap,
    status: StatusCode,
    stored: &HeaderMap,
    length: u64,
    received_at: SystemTime,
) -> RangeRequest {
    let Some(value) = only(request) else {
        return RangeRequest::Whole(WholeReason::Absent);
    };
    if *method != Method::GET || status != StatusCode::OK {
        return RangeRequest::Whole(WholeReason::NotApplicable);
    }
    if let Some(condition) = request.get(IF_RANGE)
        && !if_range_holds(condition, stored, received_at)
    {
        return RangeRequest::Whole(WholeReason::IfRange);
    }
    let ranges = match parse(value) {
        Ok(ranges) => ranges,
        Err(reason) => return RangeRequest::Whole(reason),
    };
    let spans: SmallVec<[Span; 1]> = ranges.iter().filter_map(|range| range.resolve(length)).collect();
    if spans.is_empty() {
        return RangeRequest::NotSatisfiable;
    }
    if has_many_overlaps(&spans) {
        return RangeRequest::Whole(WholeReason::TooMany);
    }
    RangeRequest::Spans(spans)
}

/// §14.2 lets a server ignore more than two overlapping ranges.
fn has_many_overlaps(spans: &[Span]) -> bool {
    let overlapping = spans.iter().enumerate().filter(|(index, span)| {
        spans.iter().enumerate().any(|(other, against)| other != *index && span.overlaps(*against))
    });
    overlapping.count() > 2
}

/// RFC 9110 §13.1.5: a strong entity tag that matches, or exactly the `Last-Modified` and that one strong.
pub(crate) fn if_range_holds(condition: &HeaderValue, stored: &HeaderMap, received_at: SystemTime) -> bool {
    let condition = list::trim(condition.as_bytes());
    if condition.ends_with(b"\"") {
        return stored.get(ETAG).is_some_and(|etag| strong_match(list::trim(etag.as_bytes()), condition));
    }
    let read = |value: &HeaderValue| date::parse_value(value, received_at);
    let (Some(asked), Some(modified)) =
        (date::parse(condition, received_at), stored.get(LAST_MODIFIED).and_then(read))
    else {
        return false;
    };
    let made = stored.get(DATE).and_then(read).unwrap_or(received_at);
    asked == modified && made.duration_since(modified).is_ok_and(|gap| gap >= STRONG_DATE_GAP)
}

/// A `Content-Range` in bytes (RFC 9110 §14.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentRange {
    /// `bytes 0-99/200` or `bytes 0-99/*`
    Span {
        /// The bytes enclosed.
        span: Span,
        /// The length of the whole, if known.
        complete: Option<u64>,
    },
    /// `bytes */200`: the answer to a range that cannot be satisfied.
    Unsatisfied {
        /// The length of the whole.
        complete: u64,
    },
}

impl ContentRange {
    /// Reads the field. `None` when it is missing, repeated, in another unit or invalid.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(CONTENT_RANGE).iter();
        let line = lines.next()?;
        lines.next().is_none().then(|| Self::parse(line.as_bytes()))?
    }

    /// Reads a value.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = list::trim(value);
        let (unit, rest) = value.split_at_checked(6)?;
        if !unit.eq_ignore_ascii_case(b"bytes ") {
            return None;
        }
        let slash = rest.iter().position(|&byte| byte == b'/')?;
        let (range, complete) = (rest.get(..slash)?, rest.get(slash.checked_add(1)?..)?);
        let complete = if complete == b"*" { None } else { Some(position(complete)?) };
        if range == b"*" {
            return Some(Self::Unsatisfied { complete: complete? });
        }
        let dash = range.iter().position(|&byte| byte == b'-')?;
        let span = Span {
            first: position(range.get(..dash)?)?,
            last: position(range.get(dash.checked_add(1)?..)?)?,
        };
        let valid = span.first <= span.last && complete.is_none_or(|complete| span.last < complete);
        valid.then_some(Self::Span { span, complete })
    }

    /// Writes the field.
    pub fn to_value(self) -> Option<HeaderValue> {
        let text = match self {
            Self::Span { span, complete: Some(complete) } => {
                format!("bytes {}-{}/{complete}", span.first, span.last)
            }
            Self::Span { span, complete: None } => format!("bytes {}-{}/*", span.first, span.last),
            Self::Unsatisfied { complete } => format!("bytes */{complete}"),
        };
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests;
