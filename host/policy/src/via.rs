//! RFC 9110 §7.6.3: the `Via` field.

use http::Version;
use http::header::{HeaderMap, HeaderValue, VIA};

use crate::list;

/// The ready-made members of one intermediary, so that a request costs no formatting.
#[derive(Debug, Clone)]
pub struct Via {
    http_1_0: HeaderValue,
    http_1_1: HeaderValue,
    http_2: HeaderValue,
    http_3: HeaderValue,
}

impl Via {
    /// Prepares the members for a pseudonym. `None` unless it is a token or `host[:port]`.
    pub fn new(pseudonym: &str) -> Option<Self> {
        let valid = pseudonym.bytes().all(|byte| byte == b':' || list::is_token(&[byte]));
        if pseudonym.is_empty() || !valid {
            return None;
        }
        let member = |protocol: &str| HeaderValue::try_from(format!("{protocol} {pseudonym}")).ok();
        Some(Self {
            http_1_0: member("1.0")?,
            http_1_1: member("1.1")?,
            http_2: member("2")?,
            http_3: member("3")?,
        })
    }

    /// The member for a message received over `version`.
    pub fn member(&self, version: Version) -> &HeaderValue {
        match version {
            Version::HTTP_09 | Version::HTTP_10 => &self.http_1_0,
            Version::HTTP_2 => &self.http_2,
            Version::HTTP_3 => &self.http_3,
            _ => &self.http_1_1,
        }
    }

    /// Appends the member after those of the message's earlier hops.
    pub fn append(&self, headers: &mut HeaderMap, received_over: Version) {
        headers.append(VIA, self.member(received_over).clone());
    }
}

#[cfg(test)]
mod tests;
