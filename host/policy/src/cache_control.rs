//! RFC 9111 §5.2: the `Cache-Control` field, and §5.4 `Pragma`.
//!
//! Owns the tolerant reading of directives on requests and on responses. One principle settles every malformed case: a
//! malformed directive restricts, it never permits. A `max-age` that is not a number is 0 (§4.2.1), a `no-cache` with an
//! unreadable field list covers everything, a `stale-if-error` that is not a number is absent. Of duplicates the first
//! counts (§4.2.1).

use std::borrow::Cow;
use std::time::Duration;

use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, PRAGMA};

use crate::list::{self, closing_quote};

/// The largest delta-seconds that is told apart from infinity: 2^31 seconds, the value that RFC 9111 §1.2.2 has a
/// recipient use for anything it cannot represent.
pub const MAX_DELTA_SECONDS: u64 = 2_147_483_648;

/// What `max-stale` accepts (RFC 9111 §5.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxStale {
    /// Without an argument: a stale response of any age.
    Any,
    /// A response at most this much past its lifetime.
    Within(Duration),
}

/// The directives of a request (RFC 9111 §5.2.1). `Default` is a request without any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestDirectives {
    /// §5.2.1.4: do not answer from store without validation.
    pub no_cache: bool,
    /// §5.2.1.5: do not store the response.
    pub no_store: bool,
    /// §5.2.1.6: do not transform the content.
    pub no_transform: bool,
    /// §5.2.1.7: answer from store or with 504.
    pub only_if_cached: bool,
    /// §5.2.1.1: not older than this.
    pub max_age: Option<Duration>,
    /// §5.2.1.3: fresh for at least this much longer.
    pub min_fresh: Option<Duration>,
    /// §5.2.1.2: stale is acceptable.
    pub max_stale: Option<MaxStale>,
    /// RFC 5861 §4: stale is acceptable when the origin fails.
    pub stale_if_error: Option<Duration>,
    /// No directive, and never read from a field: the cache itself wants validation before reuse (§4.2.4), whether or not
    /// its rules listen to the client. For a cache that cannot say whether what it holds was invalidated.
    pub must_validate: bool,
}

/// Whether a directive that may name fields is there, and for which (RFC 9111 §5.2.2.4, §5.2.2.7).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// The directive is not there.
    #[default]
    Absent,
    /// It covers the whole response.
    Everything,
    /// It covers these fields only.
    Fields(Vec<HeaderName>),
}

/// The directives of a response (RFC 9111 §5.2.2, RFC 5861, RFC 8246). `Default` is a response without any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseDirectives {
    /// §5.2.2.9.
    pub public: bool,
    /// §5.2.2.7.
    pub private: Scope,
    /// §5.2.2.4.
    pub no_cache: Scope,
    /// §5.2.2.5.
    pub no_store: bool,
    /// §5.2.2.6.
    pub no_transform: bool,
    /// §5.2.2.2.
    pub must_revalidate: bool,
    /// §5.2.2.8.
    pub proxy_revalidate: bool,
    /// §5.2.2.3.
    pub must_understand: bool,
    /// §5.2.2.1.
    pub max_age: Option<Duration>,
    /// §5.2.2.10.
    pub s_maxage: Option<Duration>,
    /// RFC 8246.
    pub immutable: bool,
    /// RFC 5861 §3.
    pub stale_while_revalidate: Option<Duration>,
    /// RFC 5861 §4.
    pub stale_if_error: Option<Duration>,
}

impl RequestDirectives {
    /// Reads `Cache-Control`, or `Pragma: no-cache` where there is none (RFC 9111 §5.4). Two look-ups when neither is sent.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        if !headers.contains_key(CACHE_CONTROL) {
            found.no_cache = list::members(headers, PRAGMA).any(|m| m.eq_ignore_ascii_case(b"no-cache"));
            return found;
        }
        for member in list::members(headers, CACHE_CONTROL) {
            found.take(&Directive::read(member));
        }
        found
    }

    fn take(&mut self, directive: &Directive<'_>) {
        let seconds = directive.argument.seconds();
        match directive.name {
            n if n.eq_ignore_ascii_case(b"no-cache") => self.no_cache = true,
            n if n.eq_ignore_ascii_case(b"no-store") => self.no_store = true,
            n if n.eq_ignore_ascii_case(b"no-transform") => self.no_transform = true,
            n if n.eq_ignore_ascii_case(b"only-if-cached") => self.only_if_cached = true,
            n if n.eq_ignore_ascii_case(b"max-age") => self.max_age = self.max_age.or(seconds),
            n if n.eq_ignore_ascii_case(b"min-fresh") => self.min_fresh = self.min_fresh.or(seconds),
            n if n.eq_ignore_ascii_case(b"max-stale") => {
                let accepted = match directive.argument {
                    Argument::Absent => Some(MaxStale::Any),
                    _ => seconds.map(MaxStale::Within),
                };
                self.max_stale = self.max_stale.or(accepted);
            }
            n if n.eq_ignore_ascii_case(b"stale-if-error") => {
                self.stale_if_error = self.stale_if_error.or(seconds);
            }
            _ => {}
        }
    }
}

impl ResponseDirectives {
    /// Reads `Cache-Control` (RFC 9111 §5.2.2). `Pragma` means nothing on a response (§5.4).
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for member in list::members(headers, CACHE_CONTROL) {
            found.take(&Directive::read(member));
        }
        found
    }

    /// Takes one directive; what is not known is ignored (§5.2.3).
    pub(crate) fn take(&mut self, directive: &Directive<'_>) {
        let argument = &directive.argument;
        match directive.name {
            n if n.eq_ignore_ascii_case(b"public") => self.public = true,
            n if n.eq_ignore_ascii_case(b"private") => self.private.widen(argument),
            n if n.eq_ignore_ascii_case(b"no-cache") => self.no_cache.widen(argument),
            n if n.eq_ignore_ascii_case(b"no-store") => self.no_store = true,
            n if n.eq_ignore_ascii_case(b"no-transform") => self.no_transform = true,
            n if n.eq_ignore_ascii_case(b"must-revalidate") => self.must_revalidate = true,
            n if n.eq_ignore_ascii_case(b"proxy-revalidate") => self.proxy_revalidate = true,
            n if n.eq_ignore_ascii_case(b"must-understand") => self.must_understand = true,
            n if n.eq_ignore_ascii_case(b"immutable") => self.immutable = true,
            n if n.eq_ignore_ascii_case(b"max-age") => {
                self.max_age = self.max_age.or(Some(argument.seconds().unwrap_or_default()));
            }
            n if n.eq_ignore_ascii_case(b"s-maxage") => {
                self.s_maxage = self.s_maxage.or(Some(argument.seconds().unwrap_or_default()));
            }
            n if n.eq_ignore_ascii_case(b"stale-while-revalidate") => {
                self.stale_while_revalidate = self.stale_while_revalidate.or(argument.seconds());
            }
            n if n.eq_ignore_ascii_case(b"stale-if-error") => {
                self.stale_if_error = self.stale_if_error.or(argument.seconds());
            }
            _ => {}
        }
    }
}

impl Scope {
    /// Whether the directive is there and covers the whole response.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    /// The fields it is limited to; empty when it is absent or covers everything.
    pub fn fields(&self) -> &[HeaderName] {
        match self {
            Self::Fields(fields) => fields,
            Self::Absent | Self::Everything => &[],
        }
    }

    /// Adds one more occurrence. Two lists add up; anything unreadable covers everything.
    fn widen(&mut self, argument: &Argument<'_>) {
        let named = match argument {
            Argument::Value(value) => field_names(value),
            Argument::Absent | Argument::Malformed => None,
        };
        match (named, self) {
            (None, scope) => *scope = Self::Everything,
            (Some(_), Self::Everything) => {}
            (Some(mut more), Self::Fields(fields)) => fields.append(&mut more),
            (Some(more), scope @ Self::Absent) => *scope = Self::Fields(more),
        }
    }
}

/// The field names in a directive's argument. `None` when it names none or when one cannot be a field name.
fn field_names(value: &[u8]) -> Option<Vec<HeaderName>> {
    let names: Option<Vec<_>> = list::split(value).map(|name| HeaderName::from_bytes(name).ok()).collect();
    names.filter(|names| !names.is_empty())
}

/// One directive: a name and what stands after `=`.
pub(crate) struct Directive<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) argument: Argument<'a>,
}

/// What stands after a directive's `=` (RFC 9111 §5.2: token and quoted forms are equal).
pub(crate) enum Argument<'a> {
    Absent,
    /// The token, or what the quoted string says.
    Value(Cow<'a, [u8]>),
    Malformed,
}

impl<'a> Directive<'a> {
    /// Reads one list member. Never fails: what is wrong with it is in its argument.
    pub(crate) fn read(member: &'a [u8]) -> Self {
        let Some(equals) = member.iter().position(|&byte| byte == b'=') else {
            return Self { name: list::trim(member), argument: Argument::Absent };
        };
        let (name, rest) = member.split_at_checked(equals).unwrap_or((member, b"="));
        let value = rest.get(1..).unwrap_or_default();
        let argument = if name.last().is_some_and(|byte| b" \t".contains(byte)) {
            // `max-age =1`: the grammar has no whitespace around `=`.
            Argument::Malformed
        } else if value.first() == Some(&b'"') {
            match closing_quote(value, 0) {
                Some(end) if end.checked_add(1) == Some(value.len()) => {
                    Argument::Value(unescaped(value.get(1..end).unwrap_or_default()))
                }
                _ => Argument::Malformed,
            }
        } else if list::is_token(value) {
            Argument::Value(Cow::Borrowed(value))
        } else {
            Argument::Malformed
        };
        Self { name: list::trim(name), argument }
    }
}

/// The inside of a quoted string with `x` for each `\x` (RFC 9110 §5.6.4). Allocates only where there is one.
fn unescaped(inside: &[u8]) -> Cow<'_, [u8]> {
    if !inside.contains(&b'\\') {
        return Cow::Borrowed(inside);
    }
    let mut said = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter();
    while let Some(&byte) = bytes.next() {
        said.push(if byte == b'\\' { bytes.next().copied().unwrap_or(byte) } else { byte });
    }
    Cow::Owned(said)
}

impl Argument<'_> {
    /// The argument as delta-seconds (RFC 9111 §1.2.2).
    fn seconds(&self) -> Option<Duration> {
        match self {
            Self::Value(value) => delta_seconds(value),
            Self::Absent | Self::Malformed => None,
        }
    }
}

/// Digits as seconds, at most [`MAX_DELTA_SECONDS`] (RFC 9111 §1.2.2). `None` for anything but digits.
pub fn delta_seconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() {
        return None;
    }
    let mut total = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        total = total.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    }
    Some(Duration::from_secs(total.min(MAX_DELTA_SECONDS)))
}

#[cfg(test)]
mod tests;
