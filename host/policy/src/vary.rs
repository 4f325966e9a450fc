//! RFC 9111 §4.1: calculating cache keys with the `Vary` field.
//!
//! Owns the list of nominated fields and the compact [`Selecting`] that is stored in place of the original request's
//! fields. Two requests match when their `Selecting` for the same `Vary` are equal, so it can also be a map's key.

use std::fmt;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderMap, HeaderName, VARY};
use smallvec::SmallVec;

use crate::negotiation::{self, Normalise};
use crate::{forwarded, list};

/// The most fields one `Vary` may nominate. Beyond it the response matches nothing: each nominated field is read again on
/// every request, and no real response has come near this many.
pub const MAX_VARY_FIELDS: usize = 32;

/// The most bytes of selecting fields that are kept for one response. Beyond it the request matches nothing.
pub const MAX_SELECTING_BYTES: usize = 16 * 1024;

/// Room for selecting fields that needs no allocation; covers `Accept-Encoding` with `Accept-Language`.
type Scratch = SmallVec<[u8; 128]>;

/// What a response says that it was selected by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vary {
    /// Nothing: it answers every request for its URL.
    None,
    /// `*`, or a list that cannot be read: no later request matches (§4.1).
    Any,
    /// These request fields, sorted and without duplicates.
    Fields(Arc<[HeaderName]>),
}

/// The normalised values of the nominated fields of one request.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Selecting(Box<[u8]>);

impl Vary {
    /// Reads every line of `Vary` (RFC 9110 §12.5.5).
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut fields: Vec<HeaderName> = Vec::new();
        for member in list::members(headers, VARY) {
            match HeaderName::from_bytes(member) {
                // A cache writes these itself, after it has looked: what varies by one is one client's.
                Ok(name) if forwarded::OF_CLIENTS.contains(&name) => return Self::Any,
                // `*` is a valid token and so a valid field name.
                Ok(name) if name.as_str() != "*" && fields.len() < MAX_VARY_FIELDS => fields.push(name),
                _ => return Self::Any,
            }
        }
        if fields.is_empty() {
            return Self::None;
        }
        fields.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        fields.dedup();
        Self::Fields(fields.into())
    }

    /// The nominated fields.
    pub fn fields(&self) -> &[HeaderName] {
        match self {
            Self::Fields(fields) => fields,
            Self::None | Self::Any => &[],
        }
    }

    /// The selecting fields of a request, to be stored with its response. `None` when no later request can match: `Any`,
    /// or more than [`MAX_SELECTING_BYTES`].
    pub fn selecting(&self, request: &HeaderMap, normalise: Normalise) -> Option<Selecting> {
        let mut scratch = Scratch::new();
        self.write(request, normalise, &mut scratch).then(|| Selecting(scratch.as_slice().into()))
    }

    /// Whether a request selects the response that was stored with `selecting` (§4.1). Does not allocate unless the
    /// nominated fields are long.
    pub fn selects(&self, selecting: &Selecting, request: &HeaderMap, normalise: Normalise) -> bool {
        if matches!(self, Self::None) {
            return true;
        }
        let mut scratch = Scratch::new();
        self.write(request, normalise, &mut scratch) && scratch.as_slice() == &*selecting.0
    }

    /// Whether two requests match (§4.1).
    pub fn matches(&self, one: &HeaderMap, other: &HeaderMap, normalise: Normalise) -> bool {
        self.selecting(one, normalise).is_some_and(|selecting| self.selects(&selecting, other, normalise))
    }

    /// Writes the selecting fields. `false` when nothing can match them.
    fn write(&self, request: &HeaderMap, normalise: Normalise, out: &mut Scratch) -> bool {
        let fields = match self {
            Self::None => return true,
            Self::Any => return false,
            Self::Fields(fields) => fields,
        };
        for name in fields.iter() {
            write_field(name, request, normalise, out);
            if out.len() > MAX_SELECTING_BYTES {
                return false;
            }
        }
        true
    }
}

/// An absent field differs from an empty one (§4.1), so presence is written as well. No field value holds `\n` or `\0`, and
/// no member is empty, which makes the encoding unambiguous.
fn write_field(name: &HeaderName, request: &HeaderMap, normalise: Normalise, out: &mut Scratch) {
    if !request.contains_key(name) {
        out.push(b'\0');
        return;
    }
    let by_meaning = (*name == ACCEPT_ENCODING && normalise.accept_encoding)
        || (*name == ACCEPT_LANGUAGE && normalise.accept_language);
    if by_meaning {
        negotiation::write_preferences(request, name, out);
    } else {
        negotiation::write_as_written(request, name, out);
    }
    out.push(b'\n');
}

impl Selecting {
    /// Bytes held, for accounting.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was nominated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Selecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selecting({:?})", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests;
