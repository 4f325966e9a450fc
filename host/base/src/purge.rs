//! What a purge says. The control log carries it, the cache applies it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::SiteName;

/// Names one purge for `GET /v1/purges/{id}` and the logs. Chosen by the node that accepted it; never used for order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PurgeId(pub String);

impl fmt::Display for PurgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What happens to what matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// Gone: the next request fetches.
    #[default]
    Hard,
    /// Stale: the next request revalidates, and may be answered stale where the response allows it.
    Soft,
}

/// Which sites a purge speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every site of the node.
    AllSites,
    /// One site.
    Site(SiteName),
}

/// What a purge matches. A purge carries a list; an object goes if any selector matches.
///
/// URLs, prefixes and hosts are kept *normalised*, as [`Selector::url`] and its siblings make them: lower-case scheme
/// and host, no default port, no fragment. A URL without a scheme matches both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// All variants of one URL: `host/path?query`, the scheme left out: both schemes match.
    Url(String),
    /// Objects that carry this tag.
    Tag(String),
    /// URLs that start so: `host/path…`.
    Prefix(String),
    /// All URLs of one host (with its port where that is not the default one).
    Host(String),
    /// Everything in scope.
    All,
}

/// One purge, as the control log carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Its name.
    pub id: PurgeId,
    /// Which sites it speaks of.
    pub scope: Scope,
    /// What it matches.
    pub selectors: Vec<Selector>,
    /// What happens to what matches.
    pub depth: Depth,
}

/// Why a text cannot be a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// No host stands where one must.
    #[error("`{0}` names no host: write `https://host/path` or `host/path`")]
    NoHost(String),
    /// A scheme that no cached response can have.
    #[error("`{0}` has a scheme other than http and https")]
    Scheme(String),
    /// Empty, too long, or with octets that no URL or tag has.
    #[error(
        "`{0}` is empty, longer than {SELECTOR_MAX_BYTES} bytes, or has white space or control characters"
    )]
    Malformed(String),
    /// A tag that no stored response has.
    #[error(
        "a tag of {0} bytes matches nothing: responses with a tag of over {TAG_MAX_BYTES} bytes are not stored"
    )]
    TagTooLong(usize),
}

/// Longest selector, in bytes: the longest URI that RFC 9110 §4.1 asks everyone to support.
pub const SELECTOR_MAX_BYTES: usize = 8000;

/// Longest tag that a purge may name, in bytes: a response with a longer one is not stored, so none could match.
pub const TAG_MAX_BYTES: usize = 1024;

impl Selector {
    /// All variants of one URL.
    pub fn url(text: &str) -> Result<Self, SelectorError> {
        let (host, path) = split_url(text)?;
        Ok(Self::Url(format!("{host}{}", if path.is_empty() { "/" } else { path })))
    }

    /// All URLs that start so.
    pub fn prefix(text: &str) -> Result<Self, SelectorError> {
        let (host, path) = split_url(text)?;
        Ok(Self::Prefix(format!("{host}{}", if path.is_empty() { "/" } else { path })))
    }

    /// All URLs of one host.
    pub fn host(text: &str) -> Result<Self, SelectorError> {
        let (host, path) = split_url(text)?;
        if path.is_empty() || path == "/" { Ok(Self::Host(host)) } else { Err(malformed(text)) }
    }

    /// Everything that carries this tag.
    pub fn tag(text: &str) -> Result<Self, SelectorError> {
        if text.len() > TAG_MAX_BYTES {
            return Err(SelectorError::TagTooLong(text.len()));
        }
        plain(text).map(|text| Self::Tag(text.to_owned()))
    }
}

/// `host/path?query` as selectors and the cache's index have it: the host in lower case. `authority` must already be
/// without the scheme's default port, see [`normal_authority`].
#[must_use]
pub fn url_text(authority: &str, path_and_query: &str) -> String {
    let mut text = String::with_capacity(authority.len() + path_and_query.len());
    text.push_str(authority);
    text.make_ascii_lowercase();
    text.push_str(path_and_query);
    text
}

/// An authority without the default port of its scheme (RFC 9110 §4.2.3): `:80` for http, `:443` for https.
#[must_use]
pub fn normal_authority<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let default = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    authority.strip_suffix(default).unwrap_or(authority)
}

fn malformed(text: &str) -> SelectorError {
    SelectorError::Malformed(text.chars().take(100).collect())
}

fn plain(text: &str) -> Result<&str, SelectorError> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if text.is_empty() || text.len() > SELECTOR_MAX_BYTES || text.contains(odd) {
        Err(malformed(text))
    } else {
        Ok(text)
    }
}

fn split_url(text: &str) -> Result<(String, &str), SelectorError> {
    let text = plain(text)?;
    let text = text.split('#').next().unwrap_or(text);
    let (scheme, rest) = match text.split_once("://") {
        // Behind a path or in a query it is another URL's.
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), text),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = match scheme.as_str() {
        "" => authority,
        "http" | "https" => normal_authority(&scheme, authority),
        _ => return Err(SelectorError::Scheme(scheme)),
    };
    // An empty port is no port (RFC 3986 §6.2.3), and what is left must not read as a scheme.
    let authority = authority.trim_end_matches(':');
    if authority.is_empty() {
        return Err(SelectorError::NoHost(text.chars().take(100).collect()));
    }
    if path.starts_with('?') {
        return Err(malformed(text));
    }
    Ok((authority.to_ascii_lowercase(), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_normalised_alike_with_and_without_scheme() {
        for text in ["https://Shop.Example:443/A?b=1#c", "http://shop.example:80/A?b=1", "SHOP.example/A?b=1"]
        {
            assert_eq!(Selector::url(text), Ok(Selector::Url("shop.example/A?b=1".into())), "{text}");
        }
        assert_eq!(Selector::url("https://a"), Ok(Selector::Url("a/".into())));
        assert_eq!(Selector::url("a/b?to=https://c/"), Ok(Selector::Url("a/b?to=https://c/".into())));
        assert_eq!(Selector::url("http://a:/b"), Ok(Selector::Url("a/b".into())));
        assert_eq!(Selector::url("http://a://b"), Ok(Selector::Url("a//b".into())));
        assert_eq!(Selector::host("https://a:8080/"), Ok(Selector::Host("a:8080".into())));
        assert_eq!(Selector::prefix("a/b/"), Ok(Selector::Prefix("a/b/".into())));
    }

    #[test]
    fn bad_selectors_say_why() {
        assert!(matches!(Selector::url("/path"), Err(SelectorError::NoHost(_))));
        assert!(matches!(Selector::url("ftp://a/b"), Err(SelectorError::Scheme(_))));
        assert!(matches!(Selector::tag("two words"), Err(SelectorError::Malformed(_))));
        assert!(matches!(Selector::tag(""), Err(SelectorError::Malformed(_))));
        assert!(Selector::tag(&"t".repeat(TAG_MAX_BYTES)).is_ok());
        assert_eq!(Selector::tag(&"t".repeat(1025)), Err(SelectorError::TagTooLong(1025)));
        assert!(matches!(Selector::host("a/b"), Err(SelectorError::Malformed(_))));
        assert!(matches!(Selector::url("a?b"), Err(SelectorError::Malformed(_))));
    }
}
