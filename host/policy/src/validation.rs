//! RFC 9111 §4.3: asking the origin about a stored response, and §3.2 updating it.
//!
//! Owns the conditional request that this cache generates and what its answer does to the stored fields. What a client's
//! own conditions mean is in [`crate::conditional`].

use std::time::SystemTime;

use http::StatusCode;
use http::header::{
    AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};

use crate::conditional::{strong_match, weak_match};
use crate::{date, fields};

/// Fields that a 304 or HEAD does not change (RFC 9111 §3.2). `Content-Length` by the letter; the other two because the
/// stored content is kept as it came, and to say otherwise of it would break it.
const NOT_UPDATED: [HeaderName; 3] = [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE];

/// Request fields that belong to a client's own condition or range.
const PRECONDITIONS: [HeaderName; 6] =
    [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, IF_RANGE, RANGE];

/// The validators of a stored response (RFC 9110 §8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// As the origin wrote it.
    pub etag: Option<HeaderValue>,
    /// As the origin wrote it.
    pub last_modified: Option<HeaderValue>,
}

impl Validators {
    /// Takes them from a response's fields.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        Self { etag: headers.get(ETAG).cloned(), last_modified: headers.get(LAST_MODIFIED).cloned() }
    }

    /// Whether there is nothing to ask with.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// Removes the client's own conditions and range. For every fill: its response is for all clients.
pub fn strip_preconditions(request: &mut HeaderMap) {
    for name in PRECONDITIONS {
        request.remove(name);
    }
}

/// Puts a client's own conditions and range into a request that has none; answers whether there are any. For what no
/// cache will answer: only the origin can judge them (RFC 9110 §13.2.1).
pub fn keep_preconditions(client: &HeaderMap, request: &mut HeaderMap) -> bool {
    let mut any = false;
    for name in PRECONDITIONS {
        for value in client.get_all(&name) {
            request.append(name.clone(), value.clone());
            any = true;
        }
    }
    any
}

/// Makes a request ask about a stored response (RFC 9111 §4.3.1). The client's own conditions go.
pub fn conditional_request(request: &mut HeaderMap, validators: &Validators) {
    strip_preconditions(request);
    if let Some(etag) = &validators.etag {
        request.insert(IF_NONE_MATCH, etag.clone());
    }
    if let Some(last_modified) = &validators.last_modified {
        request.insert(IF_MODIFIED_SINCE, last_modified.clone());
    }
}

/// Whether a 304 speaks of a stored response (RFC 9111 §4.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Selects {
    /// The same strong validator.
    Strong,
    /// The same weak validator, or the same `Last-Modified`.
    Weak,
    /// The 304 names no validator. It answers a request that named only this response, so it can mean no other.
    Only,
    /// Another validator: the 304 must not update this response. Ask again without a condition.
    Other,
}

impl Selects {
    /// Whether the stored response may be updated and used.
    pub fn is_selected(self) -> bool {
        self != Self::Other
    }

    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
            Self::Only => "only",
            Self::Other => "other-validator",
        }
    }
}

/// Whether `not_modified`, the answer to this cache's own conditional request, selects `stored` (RFC 9111 §4.3.4).
pub fn selects(stored: &HeaderMap, not_modified: &HeaderMap) -> Selects {
    match (stored.get(ETAG), not_modified.get(ETAG)) {
        (Some(held), Some(named)) if strong_match(held.as_bytes(), named.as_bytes()) => Selects::Strong,
        (Some(held), Some(named)) if is_weak(named) && weak_match(held.as_bytes(), named.as_bytes()) => {
            Selects::Weak
        }
        (_, Some(_)) => Selects::Other,
        (_, None) => match (stored.get(LAST_MODIFIED), not_modified.get(LAST_MODIFIED)) {
            (Some(held), Some(named)) if held == named => Selects::Weak,
            (_, Some(_)) => Selects::Other,
            (_, None) => Selects::Only,
        },
    }
}

fn is_weak(etag: &HeaderValue) -> bool {
    etag.as_bytes().starts_with(b"W/")
}

/// The stored fields after a 304 that selects them (RFC 9111 §4.3.4, §3.2). Each field of the 304 replaces the stored
/// field of that name, except what is never stored and what describes the stored content.
///
/// `Age` and `Date` belong to the message that carried them: a 304 without `Age` is not as old as the stored response
/// was, and one without `Date` was made when it was received (RFC 9110 §6.6.1).
pub fn freshen(stored: &HeaderMap, not_modified: &HeaderMap, received_at: SystemTime) -> HeaderMap {
    let mut update = not_modified.clone();
    fields::strip_unstorable(&mut update);
    for name in NOT_UPDATED {
        update.remove(name);
    }
    let mut merged = stored.clone();
    merged.remove(AGE);
    if !update.contains_key(DATE)
        && let Some(date) = date::render(received_at)
    {
        merged.insert(DATE, date);
    }
    for name in update.keys() {
        merged.remove(name);
    }
    for (name, value) in &update {
        merged.append(name.clone(), value.clone());
    }
    merged
}

/// What a HEAD response says of a stored GET response (RFC 9111 §4.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadEffect {
    /// The same representation: [`freshen`] the stored response with it.
    Freshens,
    /// Another representation: the stored response is to be considered stale.
    Invalidates,
    /// Not a 200 for a stored 200: nothing.
    Nothing,
}

impl HeadEffect {
    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Freshens => "freshens",
            Self::Invalidates => "invalidates",
            Self::Nothing => "nothing",
        }
    }
}

/// Compares a HEAD response with the stored GET response that its request would have selected (RFC 9111 §4.3.5).
pub fn head_update(
    stored_status: StatusCode,
    stored: &HeaderMap,
    head_status: StatusCode,
    head: &HeaderMap,
) -> HeadEffect {
    if stored_status != StatusCode::OK || head_status != StatusCode::OK {
        return HeadEffect::Nothing;
    }
    let same = [ETAG, LAST_MODIFIED, CONTENT_LENGTH]
        .into_iter()
        .all(|name| head.get(&name).is_none_or(|said| stored.get(&name) == Some(said)));
    if same { HeadEffect::Freshens } else { HeadEffect::Invalidates }
}

#[cfg(test)]
mod tests;
