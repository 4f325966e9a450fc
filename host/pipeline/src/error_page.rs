//! An operator's own pages for what ends in a fault: small texts, read once, with three words to fill in.
//!
//! Owns what a page may say. Refuses the status, the fields and the decision: `fault` has them.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use seawall_base::Cause;

/// Largest page, in bytes: every fault sends one, and none of them should be worth attacking for.
pub const ERROR_PAGE_MAX_BYTES: u64 = 64 * 1024;

/// The pages of a site.
#[derive(Clone, Debug, Default)]
pub struct ErrorPages {
    by_status: HashMap<StatusCode, ErrorPage>,
    default: Option<ErrorPage>,
}

/// One page. `{{status}}`, `{{reason}}` and `{{cause}}` in it are filled in: `504`, `Gateway Timeout` and the word of the
/// fault. None of them can hold markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// `Content-Type`.
    pub media_type: HeaderValue,
    /// The page.
    pub text: Box<str>,
}

impl ErrorPages {
    /// Adds the page of a status, or of all that have none of their own.
    pub fn add(&mut self, status: Option<StatusCode>, page: ErrorPage) {
        match status {
            Some(status) => drop(self.by_status.insert(status, page)),
            None => self.default = Some(page),
        }
    }

    /// The page for a fault: its media type and its text.
    pub(crate) fn of(&self, status: StatusCode, cause: Cause) -> Option<(HeaderValue, Bytes)> {
        let page = self.by_status.get(&status).or(self.default.as_ref())?;
        let text = page
            .text
            .replace("{{status}}", status.as_str())
            .replace("{{reason}}", status.canonical_reason().unwrap_or("Error"))
            .replace("{{cause}}", cause.as_str());
        Some((page.media_type.clone(), text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> ErrorPage {
        ErrorPage { media_type: HeaderValue::from_static("text/plain"), text: text.into() }
    }

    #[test]
    fn a_status_has_its_own_page_or_the_default_or_none() {
        let mut pages = ErrorPages::default();
        let said = |pages: &ErrorPages, status| pages.of(status, Cause::QueueFull).map(|(_, text)| text);
        assert_eq!(said(&pages, StatusCode::BAD_GATEWAY), None);
        pages.add(Some(StatusCode::SERVICE_UNAVAILABLE), page("busy"));
        assert_eq!(said(&pages, StatusCode::BAD_GATEWAY), None);
        pages.add(None, page("{{status}} {{reason}} {{cause}} {{other}} {{status}}"));
        assert_eq!(said(&pages, StatusCode::SERVICE_UNAVAILABLE), Some("busy".into()));
        let filled = "502 Bad Gateway queue-full {{other}} 502";
        assert_eq!(said(&pages, StatusCode::BAD_GATEWAY), Some(filled.into()));
    }
}
