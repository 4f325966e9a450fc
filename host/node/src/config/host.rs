//! The host names that a site takes.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Longest host name, in bytes (RFC 1035 §2.3.4).
pub const HOST_MAX_BYTES: usize = 253;

/// Which hosts a site takes. In lower case, without a port: one site answers on every port of the node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// `shop.example`: this host.
    Exact(String),
    /// `*.shop.example`, kept as `shop.example`: every host below it, at any depth, but not itself.
    Below(String),
    /// `*`: every host that no other site takes.
    Any,
}

/// Why a text is not a host pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// It has a scheme, a port or a path.
    #[error("`{given}` is more than a host. Write `{instead}`.")]
    MoreThanHost {
        /// What was written.
        given: String,
        /// Its host.
        instead: String,
    },
    /// A star that is not a whole first label.
    #[error(
        "`{0}` has a `*` where none can stand. Write `*.shop.example` for all hosts below one, or `*` for every host."
    )]
    Star(String),
    /// Not letters, digits and hyphens between dots.
    #[error(
        "`{0}` is not a host name. Write letters, digits and `-` between dots, as DNS has it (other scripts \
         as `xn--...`), such as `shop.example`."
    )]
    Malformed(String),
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let given = || text.chars().take(HOST_MAX_BYTES).collect::<String>();
        if text == "*" {
            return Ok(Self::Any);
        }
        if is_ipv6_literal(text) {
            return Ok(Self::Exact(text.to_ascii_lowercase()));
        }
        let bare = bare_host(text);
        if bare != text && bare != "*" && bare.parse::<Self>().is_ok() {
            return Err(HostError::MoreThanHost { given: given(), instead: bare.to_owned() });
        }
        let below = text.strip_prefix("*.");
        let host = below.unwrap_or(text);
        if host.contains('*') {
            return Err(HostError::Star(given()));
        }
        if !is_dns_name(host) {
            return Err(HostError::Malformed(given()));
        }
        let host = host.to_ascii_lowercase();
        Ok(if below.is_some() { Self::Below(host) } else { Self::Exact(host) })
    }
}

/// `https://shop.example:8443/x` → `shop.example`; a trailing dot goes as well.
fn bare_host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if let Some((address, _)) = rest.split_once(']') {
        return rest.get(..=address.len()).unwrap_or(rest);
    }
    let rest = rest.split_once(':').map_or(rest, |(host, _)| host);
    rest.strip_suffix('.').unwrap_or(rest)
}

/// `[2001:db8::1]`, as the `Host` field has it (RFC 3986 §3.2.2).
fn is_ipv6_literal(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
}

/// Labels of 1 to 63 letters, digits, hyphens and (as many do) underscores; IPv4 addresses are of that shape too.
fn is_dns_name(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= HOST_MAX_BYTES && host.split('.').all(label)
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Below(host) => write!(f, "*.{host}"),
            Self::Any => f.write_str("*"),
        }
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_and_printed_in_lower_case() {
        for (text, pattern) in [
            ("*", HostPattern::Any),
            ("Shop.Example", HostPattern::Exact("shop.example".into())),
            ("*.shop.example", HostPattern::Below("shop.example".into())),
            ("127.0.0.1", HostPattern::Exact("127.0.0.1".into())),
            ("[::1]", HostPattern::Exact("[::1]".into())),
            ("my_shop", HostPattern::Exact("my_shop".into())),
        ] {
            assert_eq!(text.parse(), Ok(pattern.clone()), "{text}");
            assert_eq!(pattern.to_string(), text.to_ascii_lowercase());
        }
    }

    #[test]
    fn a_bad_host_says_what_to_write() {
        let long = format!("{}.example", "a".repeat(64));
        for (text, words) in [
            ("https://shop.example/", "Write `shop.example`"),
            ("shop.example:8080", "Write `shop.example`"),
            ("shop.example.", "Write `shop.example`"),
            ("[::1]:80", "Write `[::1]`"),
            ("shop.*", "has a `*` where none can stand"),
            ("*shop.example", "has a `*` where none can stand"),
            ("*.*.example", "has a `*` where none can stand"),
            ("", "is not a host name"),
            ("*.", "is not a host name"),
            ("-a.example", "is not a host name"),
            ("a..example", "is not a host name"),
            ("münchen.example", "xn--"),
            (long.as_str(), "is not a host name"),
        ] {
            let said = text.parse::<HostPattern>().unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
