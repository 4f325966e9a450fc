//! One look at a request's field names.
//!
//! Owns the answer to "is any of these there?" for the fields that decide a request's way, and how large all of them are.
//! Each rule would ask the map for its own, and most requests have none of them: a dozen look-ups that all say no cost
//! more than a walk over the fields.

use http::header::HeaderMap;

use crate::admission::FIELD_OVERHEAD_BYTES;
use crate::overrides;

/// Which of the fields that decide its way a request has. A `true` says that the rule must look itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glance {
    seen: u8,
    /// Of all names and values.
    bytes: usize,
    /// Of the longest name and value.
    longest: usize,
}

const HOP_BY_HOP: u8 = 1;
const DIRECTIVES: u8 = 1 << 1;
const CONDITIONS: u8 = 1 << 2;
const RANGE: u8 = 1 << 3;
const CDN_LOOP: u8 = 1 << 4;
const EXPECT: u8 = 1 << 5;
const OVERRIDES: u8 = 1 << 6;
const FORWARDED: u8 = 1 << 7;

impl Glance {
    /// Looks.
    pub fn at(request: &HeaderMap) -> Self {
        request.iter().fold(Self::default(), |glance, (name, value)| {
            let name = name.as_str();
            let bytes = name.len().saturating_add(value.len());
            Self {
                seen: glance.seen | kind(name),
                bytes: glance.bytes.saturating_add(bytes),
                longest: glance.longest.max(bytes),
            }
        })
    }

    /// Bytes of the longest field.
    pub fn longest_field(self) -> usize {
        self.longest
    }

    /// Bytes of all fields, of which there are `count`, as they stand on an HTTP/1 connection.
    pub fn fields_bytes(self, count: usize) -> usize {
        self.bytes.saturating_add(count.saturating_mul(FIELD_OVERHEAD_BYTES))
    }

    /// `Expect`: for [`crate::admission::judge`].
    pub fn expects(self) -> bool {
        self.seen & EXPECT != 0
    }

    /// Fields that would have an origin answer for another URL or method: for [`crate::overrides::strip`].
    pub fn overrides(self) -> bool {
        self.seen & OVERRIDES != 0
    }

    /// Fields of one connection (RFC 9110 §7.6.1): for [`crate::fields::strip_hop_by_hop`].
    pub fn hop_by_hop(self) -> bool {
        self.seen & HOP_BY_HOP != 0
    }

    /// `Cache-Control` or `Pragma`: for [`crate::RequestDirectives::from_headers`].
    pub fn directives(self) -> bool {
        self.seen & DIRECTIVES != 0
    }

    /// The conditions of RFC 9110 §13.1: for [`crate::conditional::evaluate`].
    pub fn conditions(self) -> bool {
        self.seen & CONDITIONS != 0
    }

    /// `Range` or `If-Range`: for [`crate::range::resolve`].
    pub fn range(self) -> bool {
        self.seen & RANGE != 0
    }

    /// What proxies say of a request: for [`crate::forwarded::read`].
    pub fn forwarded(self) -> bool {
        self.seen & FORWARDED != 0
    }

    /// `CDN-Loop`: for [`crate::cdn_loop::visits`].
    pub fn cdn_loop(self) -> bool {
        self.seen & CDN_LOOP != 0
    }
}

/// What a field's name says of it.
fn kind(name: &str) -> u8 {
    match name {
        "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding"
        | "upgrade" => HOP_BY_HOP,
        "cache-control" | "pragma" => DIRECTIVES,
        "if-none-match" | "if-modified-since" | "if-match" | "if-unmodified-since" => CONDITIONS,
        "range" | "if-range" => RANGE,
        "cdn-loop" => CDN_LOOP,
        "expect" => EXPECT,
        "forwarded" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto" | "x-real-ip" => FORWARDED,
        _ if overrides::is_one(name) => OVERRIDES,
        _ => 0,
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
        assert!(glance(&[http::header::EXPECT]).expects());
        for name in overrides::all() {
            assert!(glance(&[HeaderName::from_static(name)]).overrides(), "{name}");
        }
    }

    #[test]
    fn what_fields_weigh_is_counted_as_they_are_looked_at() {
        let mut headers: HeaderMap = HeaderMap::new();
        for (name, value) in [("a", "12"), ("a", "1234"), ("bcd", "")] {
            headers.append(name, http::HeaderValue::from_static(value));
        }
        let glance = Glance::at(&headers);
        assert_eq!((glance.longest_field(), glance.fields_bytes(headers.len())), (5, 3 + 5 + 3 + 3 * 4));
    }

    #[test]
    fn what_a_browser_sends_with_every_request_is_none_of_them() {
        use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HOST, REFERER, USER_AGENT};
        let usual = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HOST, REFERER, USER_AGENT];
        assert_eq!(glance(&usual).seen, 0);
    }
}
