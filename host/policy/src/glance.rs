//! One look at a request's field names.
//!
//! Owns the answer to "is any of these there?" for the fields that decide a request's way. Each rule would ask the map for
//! its own, and most requests have none of them: a dozen look-ups that all say no cost more than a walk over the names.

use http::header::HeaderMap;

/// Which of the fields that decide its way a request has. A `true` says that the rule must look itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glance(u8);

const HOP_BY_HOP: u8 = 1;
const DIRECTIVES: u8 = 1 << 1;
const CONDITIONS: u8 = 1 << 2;
const RANGE: u8 = 1 << 3;
const CDN_LOOP: u8 = 1 << 4;
const FORWARDED: u8 = 1 << 7;

impl Glance {
    /// Looks.
    pub fn at(request: &HeaderMap) -> Self {
        let seen = request.keys().fold(0, |seen, name| {
            seen | match name.as_str() {
                "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding"
                | "upgrade" => HOP_BY_HOP,
                "cache-control" | "pragma" => DIRECTIVES,
                "if-none-match" | "if-modified-since" | "if-match" | "if-unmodified-since" => CONDITIONS,
                "range" | "if-range" => RANGE,
                "cdn-loop" => CDN_LOOP,
                "forwarded" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto" | "x-real-ip" => {
                    FORWARDED
                }
                _ => 0,
            }
        });
        Self(seen)
    }

    /// Fields of one connection (RFC 9110 §7.6.1): for [`crate::fields::strip_hop_by_hop`].
    pub fn hop_by_hop(self) -> bool {
        self.0 & HOP_BY_HOP != 0
    }

    /// `Cache-Control` or `Pragma`: for [`crate::RequestDirectives::from_headers`].
    pub fn directives(self) -> bool {
        self.0 & DIRECTIVES != 0
    }

    /// The conditions of RFC 9110 §13.1: for [`crate::conditional::evaluate`].
    pub fn conditions(self) -> bool {
        self.0 & CONDITIONS != 0
    }

    /// `Range` or `If-Range`: for [`crate::range::resolve`].
    pub fn range(self) -> bool {
        self.0 & RANGE != 0
    }

    /// What proxies say of a request: for [`crate::forwarded::read`].
    pub fn forwarded(self) -> bool {
        self.0 & FORWARDED != 0
    }

    /// `CDN-Loop`: for [`crate::cdn_loop::visits`].
    pub fn cdn_loop(self) -> bool {
        self.0 & CDN_LOOP != 0
    }
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;

    use super::*;
    use crate::{conditional, fields};

    fn glance(names: &[HeaderName]) -> Glance {
        let value = http::HeaderValue::from_static("x");
        Glance::at(&names.iter().map(|name| (name.clone(), value.clone())).collect())
    }

    /// What the rules themselves go by, so that a field they learn of later is not overlooked here.
    #[test]
    fn every_field_that_a_rule_looks_for_is_seen() {
        for name in fields::HOP_BY_HOP {
            assert!(glance(std::slice::from_ref(&name)).hop_by_hop(), "{name}");
        }
        for name in conditional::CONDITIONS {
            assert!(glance(std::slice::from_ref(&name)).conditions(), "{name}");
        }
        for name in crate::forwarded::FIELDS {
            assert!(glance(std::slice::from_ref(&name)).forwarded(), "{name}");
        }
        for name in [http::header::CACHE_CONTROL, http::header::PRAGMA] {
            assert!(glance(std::slice::from_ref(&name)).directives(), "{name}");
        }
        assert!(glance(&[http::header::RANGE]).range());
        assert!(glance(&[crate::cdn_loop::CDN_LOOP]).cdn_loop());
    }

    #[test]
    fn what_a_browser_sends_with_every_request_is_none_of_them() {
        use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HOST, REFERER, USER_AGENT};
        let usual = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HOST, REFERER, USER_AGENT];
        assert_eq!(glance(&usual), Glance::default());
    }
}
