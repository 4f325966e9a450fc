//! RFC 9211: the `Cache-Status` field.
//!
//! Owns the rendering of one member into a caller's buffer. Each cache appends a line of its own and leaves the lines of
//! the caches behind it as they came (§2): the caller appends, never inserts.

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::list;

/// The field's name.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The most bytes of `key` and of `detail` that are rendered: they are for people, and a URL can be long.
pub const MAX_TEXT_BYTES: usize = 512;

/// Why a request went forward (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forward {
    /// The cache was told not to handle it.
    Bypass,
    /// The method's semantics required it.
    Method,
    /// Nothing is stored for the URI.
    UriMiss,
    /// Something is stored for the URI, but `Vary` does not match.
    VaryMiss,
    /// Nothing is stored, and it is not told which of the two misses it was.
    Miss,
    /// The request's own directives required it.
    Request,
    /// What is stored is stale.
    Stale,
    /// What is stored is only a part.
    Partial,
}

impl Forward {
    /// The token of RFC 9211 §2.2.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Miss => "miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

/// Whether the cache answered or passed on (RFC 9211 §2.1, §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered from store without going forward.
    Hit,
    /// Went forward.
    Forward(Forward),
    /// Neither: the cache made the answer up itself.
    Neither,
}

/// One member of `Cache-Status`.
#[derive(Debug, Clone, Copy)]
pub struct CacheStatus<'a> {
    /// The name of this cache.
    pub name: &'a str,
    /// Hit or forward.
    pub outcome: Outcome,
    /// §2.3: the next hop's status, where it differs from the answer's.
    pub forward_status: Option<StatusCode>,
    /// §2.4: freshness left, in seconds.
    pub ttl: Option<i64>,
    /// §2.5: the forwarded answer was stored.
    pub stored: bool,
    /// §2.6: another request's answer was used.
    pub collapsed: bool,
    /// §2.7: the cache key.
    pub key: Option<&'a str>,
    /// §2.8: more, in this project's words.
    pub detail: Option<&'a str>,
}

impl<'a> CacheStatus<'a> {
    /// A hit with so many seconds left.
    pub fn hit(name: &'a str, ttl: i64) -> Self {
        Self { ttl: Some(ttl), ..Self::new(name, Outcome::Hit) }
    }

    /// A request that went forward.
    pub fn forward(name: &'a str, reason: Forward) -> Self {
        Self::new(name, Outcome::Forward(reason))
    }

    /// Whether it says no more than that it is a hit, and for how long.
    pub fn is_plain_hit(&self) -> bool {
        self.outcome == Outcome::Hit && self.key.is_none() && self.detail.is_none()
    }

    /// A member with nothing but its outcome.
    pub fn new(name: &'a str, outcome: Outcome) -> Self {
        Self {
            name,
            outcome,
            forward_status: None,
            ttl: None,
            stored: false,
            collapsed: false,
            key: None,
            detail: None,
        }
    }

    /// Appends the member to `out` (RFC 9211 §2). Allocates only if `out` must grow.
    pub fn render(&self, out: &mut Vec<u8>) {
        push_name(out, self.name);
        match self.outcome {
            Outcome::Hit => out.extend_from_slice(b"; hit"),
            Outcome::Forward(reason) => {
                out.extend_from_slice(b"; fwd=");
                out.extend_from_slice(reason.as_str().as_bytes());
            }
            Outcome::Neither => {}
        }
        if let Some(status) = self.forward_status {
            out.extend_from_slice(b"; fwd-status=");
            out.extend_from_slice(status.as_str().as_bytes());
        }
        if let Some(ttl) = self.ttl {
            out.extend_from_slice(b"; ttl=");
            push_integer(out, ttl);
        }
        if self.stored {
            out.extend_from_slice(b"; stored");
        }
        if self.collapsed {
            out.extend_from_slice(b"; collapsed");
        }
        if let Some(key) = self.key {
            out.extend_from_slice(b"; key=");
            push_string(out, key);
        }
        if let Some(detail) = self.detail {
            out.extend_from_slice(b"; detail=");
            push_name(out, detail);
        }
    }

    /// The member as a field value. `scratch` is cleared and reused.
    pub fn to_value(&self, scratch: &mut Vec<u8>) -> Option<HeaderValue> {
        scratch.clear();
        self.render(scratch);
        HeaderValue::from_bytes(scratch).ok()
    }
}

/// Adds `key` to the last member, which is that of the cache that answers (§2.7).
pub fn add_key(headers: &mut HeaderMap, key: &str) {
    let Some(last) = headers.get_all(CACHE_STATUS).iter().next_back() else { return };
    let mut text = last.as_bytes().to_vec();
    text.extend_from_slice(b"; key=");
    push_string(&mut text, key);
    if let Ok(with_key) = HeaderValue::from_bytes(&text)
        && let http::header::Entry::Occupied(mut lines) = headers.entry(CACHE_STATUS)
        && let Some(last) = lines.iter_mut().next_back()
    {
        *last = with_key;
    }
}

/// A structured-field integer (RFC 9651 §3.3.1), held to its fifteen digits.
pub(crate) fn push_integer(out: &mut Vec<u8>, number: i64) {
    const LIMIT: u64 = 999_999_999_999_999;
    if number < 0 {
        out.push(b'-');
    }
    let mut rest = number.unsigned_abs().min(LIMIT);
    let mut digits = [0_u8; 15];
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// A token where the text is one, else a string (RFC 9211 §2 allows both for names and details).
pub(crate) fn push_name(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let starts = bytes.first().is_some_and(|&byte| byte.is_ascii_alphabetic() || byte == b'*');
    let is_token = starts
        && bytes.len() <= MAX_TEXT_BYTES
        && bytes.iter().all(|&byte| b":/".contains(&byte) || list::is_token(&[byte]));
    if is_token {
        out.extend_from_slice(bytes);
    } else {
        push_string(out, text);
    }
}

/// A structured-field string (RFC 9651 §3.3.3). What it cannot carry becomes `?`.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes().iter().take(MAX_TEXT_BYTES) {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x20..=0x7e => out.push(byte),
            _ => out.push(b'?'),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
