//! RFC 9111 §4.2: how long a response stays fresh.
//!
//! Owns the order of precedence between the ways to say it, and the heuristic for responses that do not.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{DATE, EXPIRES, HeaderMap, LAST_MODIFIED};

use crate::cache_control::{MAX_DELTA_SECONDS, ResponseDirectives};
use crate::date;
use crate::rules::Rules;

/// The share of the time since `Last-Modified` that the heuristic takes: a tenth (RFC 9111 §4.2.2).
pub const HEURISTIC_FRACTION: u32 = 10;

/// The longest heuristic lifetime. A day: nobody said that the response may be kept, so an old file is looked at daily.
pub const HEURISTIC_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a lifetime came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LifetimeSource {
    /// A targeted field (RFC 9213).
    Targeted,
    /// `s-maxage` (RFC 9111 §5.2.2.10).
    SMaxage,
    /// `max-age` (RFC 9111 §5.2.2.1).
    MaxAge,
    /// `Expires` (RFC 9111 §5.3).
    Expires,
    /// A tenth of the age of the content (RFC 9111 §4.2.2).
    Heuristic,
    /// The site's rules.
    Site,
    /// Nothing: the lifetime is zero.
    None,
}

impl LifetimeSource {
    /// The word for it in logs, metrics and `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Targeted => "targeted",
            Self::SMaxage => "s-maxage",
            Self::MaxAge => "max-age",
            Self::Expires => "expires",
            Self::Heuristic => "heuristic",
            Self::Site => "site",
            Self::None => "none",
        }
    }

    /// Whether the origin stated the lifetime (RFC 9111 §4.2.1).
    pub fn is_explicit(self) -> bool {
        matches!(self, Self::Targeted | Self::SMaxage | Self::MaxAge | Self::Expires)
    }
}

/// Which field the directives were read from (RFC 9213 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectiveSource {
    /// A field of the target list, which also switches `Expires` off.
    Targeted,
    /// `Cache-Control`.
    CacheControl,
}

/// A freshness lifetime and its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// How long the response is fresh, counted from its generation.
    pub duration: Duration,
    /// Who said so.
    pub source: LifetimeSource,
}

/// `freshness_lifetime` (RFC 9111 §4.2.1, §4.2.2), or what the site's ruling puts in its place. `received_at` stands in
/// for a missing or invalid `Date`.
pub fn lifetime(
    status: StatusCode,
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    from: DirectiveSource,
    received_at: SystemTime,
    rules: &Rules,
) -> Lifetime {
    if let Some(duration) = rules.replacing_ttl() {
        return Lifetime { duration, source: LifetimeSource::Site };
    }
    if let Some(explicit) = explicit(headers, directives, from, received_at) {
        return explicit;
    }
    let may_guess = is_heuristically_cacheable(status) || directives.public || rules.allows_any_status();
    if !may_guess {
        return Lifetime { duration: Duration::ZERO, source: LifetimeSource::None };
    }
    let by_status = if status.is_client_error() || status.is_server_error() {
        rules.negative_ttl
    } else {
        rules.default_ttl
    };
    if let Some(duration) = rules.ruled_ttl().or(by_status) {
        return Lifetime { duration, source: LifetimeSource::Site };
    }
    match heuristic(headers, received_at).filter(|_| rules.heuristics) {
        Some(duration) => Lifetime { duration, source: LifetimeSource::Heuristic },
        None => Lifetime { duration: Duration::ZERO, source: LifetimeSource::None },
    }
}

/// The lifetime that the origin stated, in order of precedence (RFC 9111 §4.2.1; RFC 9213 §2.2).
fn explicit(
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    from: DirectiveSource,
    received_at: SystemTime,
) -> Option<Lifetime> {
    let (shared, any) = (directives.s_maxage, directives.max_age);
    match (from, shared, any) {
        (DirectiveSource::Targeted, shared, any) => {
            shared.or(any).map(|duration| Lifetime { duration, source: LifetimeSource::Targeted })
        }
        (DirectiveSource::CacheControl, Some(duration), _) => {
            Some(Lifetime { duration, source: LifetimeSource::SMaxage })
        }
        (DirectiveSource::CacheControl, None, Some(duration)) => {
            Some(Lifetime { duration, source: LifetimeSource::MaxAge })
        }
        (DirectiveSource::CacheControl, None, None) => expires(headers, received_at)
            .map(|duration| Lifetime { duration, source: LifetimeSource::Expires }),
    }
}

/// `Expires` minus `Date` (RFC 9111 §5.3). Invalid means already expired; of several lines the first counts.
fn expires(headers: &HeaderMap, received_at: SystemTime) -> Option<Duration> {
    let expires = headers.get(EXPIRES)?;
    let lifetime = date::parse_value(expires, received_at)
        .and_then(|expires| expires.duration_since(date_or(headers, received_at)).ok())
        .unwrap_or_default();
    Some(lifetime.min(Duration::from_secs(MAX_DELTA_SECONDS)))
}

/// A tenth of the time between `Last-Modified` and `Date`, at most [`HEURISTIC_LIMIT`] (RFC 9111 §4.2.2).
fn heuristic(headers: &HeaderMap, received_at: SystemTime) -> Option<Duration> {
    let modified = date::parse_value(headers.get(LAST_MODIFIED)?, received_at)?;
    let unchanged_for = date_or(headers, received_at).duration_since(modified).ok()?;
    Some((unchanged_for / HEURISTIC_FRACTION).min(HEURISTIC_LIMIT))
}

/// `Date`, or the time of receipt where it is missing or invalid (RFC 9110 §6.6.1).
pub(crate) fn date_or(headers: &HeaderMap, received_at: SystemTime) -> SystemTime {
    headers.get(DATE).and_then(|value| date::parse_value(value, received_at)).unwrap_or(received_at)
}

/// The statuses whose definition allows heuristic freshness (RFC 9110 §15.1).
pub fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The statuses whose caching requirements this cache knows, for `must-understand` (RFC 9111 §5.2.2.3): those of
/// RFC 9110 and of the extensions that define no caching of their own. 304 is never stored; 206 has its own reason.
pub fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=206 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 425 | 426 | 428 | 429 | 431 | 451 | 500..=505 | 511
    )
}
