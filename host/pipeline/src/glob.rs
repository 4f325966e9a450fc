//! Patterns of an operator's: text in which `*` stands for anything.
//!
//! Owns the one kind of pattern that a site's settings have, for paths, parameters and cookies. Refuses `?`, classes and
//! `**`: a path's `?` begins its query, and whoever needs more writes two patterns. A match is one pass over the text,
//! whatever the pattern: what a client sends must not be a way to spend our time.

use std::fmt;

/// Longest pattern, in bytes: longer than a path that somebody writes by hand.
pub const GLOB_MAX_BYTES: usize = 256;

/// Text in which `*` stands for any bytes, none included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Glob(Box<str>);

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// Nothing, which would match nothing.
    #[error("an empty pattern matches nothing. Leave it out, or write `*` for everything.")]
    Empty,
    /// Longer than [`GLOB_MAX_BYTES`].
    #[error("the pattern has {0} bytes. Write at most {GLOB_MAX_BYTES}.")]
    TooLong(usize),
    /// What no URL and no cookie has.
    #[error("`{0}` has white space or a control character. Write it as it stands in a URL, percent-encoded.")]
    NotPlain(String),
}

impl Glob {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        if text.is_empty() {
            return Err(GlobError::Empty);
        }
        if text.len() > GLOB_MAX_BYTES {
            return Err(GlobError::TooLong(text.len()));
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(GlobError::NotPlain(text.escape_default().to_string()));
        }
        Ok(Self(Box::from(text)))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether all of `text` fits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else {
            return *self.0 == *text;
        };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(mut left) = text.strip_prefix(start).and_then(|left| left.strip_suffix(end)) else {
            return false;
        };
        // The first place where a piece fits leaves the most to those after it.
        for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
            match left.split_once(piece) {
                Some((_, after)) => left = after,
                None => return false,
            }
        }
        true
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
