//! A site's own rules for what it stores: by path and status, the first that matches.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use seawall_policy::{Rules, Ruling};

use super::Site;
use crate::glob::Glob;

/// One rule.
#[derive(Clone, Debug, Default)]
pub struct SiteRule {
    /// Paths that it speaks of, without their query. None: every path.
    pub paths: Box<[Glob]>,
    /// Statuses that it speaks of. None: those below 400.
    pub statuses: Box<[Statuses]>,
    /// Lifetime of a response that states none.
    pub ttl: Option<Duration>,
    /// Whether what the rule sets replaces what the response says.
    pub replaces: bool,
    /// `stale-while-revalidate` (RFC 5861 §3).
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861 §4).
    pub stale_if_error: Option<Duration>,
}

/// One status, or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    first: u16,
    last: u16,
}

/// Why a text names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusesError {
    /// Neither a number nor a class.
    #[error("`{0}` is not a status. Write one such as `404`, or a class such as `5xx`.")]
    Malformed(String),
    /// A status that is never stored as such.
    #[error("a `{0}` response is never stored. Write a status from 200 to 599 that is neither 206 nor 304.")]
    NeverStored(String),
}

impl FromStr for Statuses {
    type Err = StatusesError;

    fn from_str(text: &str) -> Result<Self, StatusesError> {
        let malformed = || StatusesError::Malformed(text.chars().take(20).collect());
        let (first, last) = match text.as_bytes() {
            [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => {
                let first = u16::from(class - b'0') * 100;
                (first, first + 99)
            }
            [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] => {
                let status = text.parse().map_err(|_| malformed())?;
                (status, status)
            }
            _ => return Err(malformed()),
        };
        match first {
            ..200 | 206 | 304 => Err(StatusesError::NeverStored(text.to_owned())),
            _ => Ok(Self { first, last }),
        }
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}xx", self.first / 100)
        }
    }
}

impl Statuses {
    fn contain(self, status: StatusCode) -> bool {
        (self.first..=self.last).contains(&status.as_u16())
    }
}

impl SiteRule {
    /// What the rule says of a response; `None` where it does not speak of it.
    fn ruling(&self, path: &str, status: StatusCode) -> Option<Ruling> {
        let names_status = self.statuses.iter().any(|statuses| statuses.contain(status));
        let of_status = if self.statuses.is_empty() { status.as_u16() < 400 } else { names_status };
        let of_path = || self.paths.is_empty() || self.paths.iter().any(|glob| glob.matches(path));
        (of_status && of_path()).then_some(Ruling {
            ttl: self.ttl,
            replaces: self.replaces,
            names_status,
            stale_while_revalidate: self.stale_while_revalidate,
            stale_if_error: self.stale_if_error,
        })
    }
}

impl Site {
    /// Which of its own rules holds for a response, counted from 0.
    pub(crate) fn rule_for(&self, path: &str, status: StatusCode) -> Option<usize> {
        self.own_rules.iter().position(|rule| rule.ruling(path, status).is_some())
    }

    /// The overrides that hold for a response that is about to be stored.
    pub(crate) fn rules_for(&self, path: &str, status: StatusCode) -> Cow<'_, Rules> {
        // A part is of a 200, and is stored as one (RFC 9111 §3.4).
        let status = if status == StatusCode::PARTIAL_CONTENT { StatusCode::OK } else { status };
        match self.own_rules.iter().find_map(|rule| rule.ruling(path, status)) {
            Some(ruling) => Cow::Owned(Rules { ruling: Some(ruling), ..self.rules }),
            None => Cow::Borrowed(&self.rules),
        }
    }
}

#[cfg(test)]
mod tests;
