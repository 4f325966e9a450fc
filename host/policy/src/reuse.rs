//! RFC 9111 §4: answering a request from what is stored.
//!
//! Owns the verdict on a stored response that already matched by key and `Vary`. Reads [`Terms`] and the request's
//! directives, never a field: this is what runs on every hit.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use crate::cache_control::{MaxStale, RequestDirectives};
use crate::cache_status::Forward;
use crate::rules::Rules;
use crate::terms::Terms;

/// What to do with a stored response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// Answer with it.
    Fresh,
    /// Answer with it and refresh it in the background (RFC 5861 §3).
    StaleWhileRevalidate,
    /// Answer with it: it is stale and the client's `max-stale` accepts that (§5.2.1.2).
    MaxStale,
    /// Ask the origin first.
    Revalidate(RevalidateReason),
    /// It would need the origin and the client said `only-if-cached`: answer 504 (§5.2.1.7).
    GatewayTimeout(RevalidateReason),
}

/// Why a stored response cannot be used before the origin was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevalidateReason {
    /// Its lifetime is over (§4.2).
    Stale,
    /// A soft purge made it stale.
    SoftPurged,
    /// It said `no-cache` (§5.2.2.4).
    NoCache,
    /// The client said `no-cache` (§5.2.1.4, §5.4).
    RequestNoCache,
    /// It is older than the client's `max-age` (§5.2.1.1).
    RequestMaxAge,
    /// It is not fresh for as long as the client's `min-fresh` (§5.2.1.3).
    RequestMinFresh,
}

impl RevalidateReason {
    /// The word for it in logs, metrics and `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::SoftPurged => "soft-purged",
            Self::NoCache => "no-cache",
            Self::RequestNoCache => "request-no-cache",
            Self::RequestMaxAge => "request-max-age",
            Self::RequestMinFresh => "request-min-fresh",
        }
    }

    /// The `fwd` parameter of the answer (RFC 9211 §2.2).
    pub fn forward(self) -> Forward {
        match self {
            Self::Stale | Self::SoftPurged | Self::NoCache => Forward::Stale,
            Self::RequestNoCache | Self::RequestMaxAge | Self::RequestMinFresh => Forward::Request,
        }
    }
}

impl Reuse {
    /// The word for it in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::StaleWhileRevalidate => "stale-while-revalidate",
            Self::MaxStale => "max-stale",
            Self::Revalidate(_) => "revalidate",
            Self::GatewayTimeout(_) => "only-if-cached",
        }
    }
}

/// What to do when nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Miss {
    /// Ask the origin.
    Forward,
    /// The client said `only-if-cached`: answer 504 (§5.2.1.7).
    GatewayTimeout,
}

/// The verdict when nothing is stored (RFC 9111 §5.2.1.7).
pub fn miss(request: &RequestDirectives) -> Miss {
    if request.only_if_cached { Miss::GatewayTimeout } else { Miss::Forward }
}

/// The verdict on a stored response that matches the request (RFC 9111 §4).
pub fn reuse(
    terms: &Terms,
    request: &RequestDirectives,
    soft_purged: bool,
    rules: &Rules,
    now: SystemTime,
) -> Reuse {
    match decide(terms, request, soft_purged, rules, now) {
        Reuse::Revalidate(reason) if request.only_if_cached => Reuse::GatewayTimeout(reason),
        verdict => verdict,
    }
}

fn decide(
    terms: &Terms,
    request: &RequestDirectives,
    soft_purged: bool,
    rules: &Rules,
    now: SystemTime,
) -> Reuse {
    if terms.no_cache() {
        return Reuse::Revalidate(RevalidateReason::NoCache);
    }
    let asked = if rules.request_directives { *request } else { RequestDirectives::default() };
    if asked.no_cache || request.must_validate {
        return Reuse::Revalidate(RevalidateReason::RequestNoCache);
    }
    if asked.max_age.is_some_and(|limit| terms.age(now) > limit) {
        return Reuse::Revalidate(RevalidateReason::RequestMaxAge);
    }
    let fresh_for = terms.fresh_for(now);
    if !fresh_for.is_zero() && !soft_purged {
        return match asked.min_fresh {
            Some(wanted) if fresh_for < wanted => Reuse::Revalidate(RevalidateReason::RequestMinFresh),
            _ => Reuse::Fresh,
        };
    }
    let reason = if soft_purged { RevalidateReason::SoftPurged } else { RevalidateReason::Stale };
    stale(terms, &asked, soft_purged, rules, now).unwrap_or(Reuse::Revalidate(reason))
}

/// The uses of a stale response that need no origin first (RFC 9111 §4.2.4), if one applies.
fn stale(
    terms: &Terms,
    asked: &RequestDirectives,
    soft_purged: bool,
    rules: &Rules,
    now: SystemTime,
) -> Option<Reuse> {
    let staleness = terms.staleness(now);
    // §5.2.1.1, §5.2.1.3: who asks for a bounded age or for freshness does not want a stale response.
    let wants_fresh = asked.min_fresh.is_some() || (asked.max_age.is_some() && asked.max_stale.is_none());
    if !wants_fresh && staleness < terms.stale_while_revalidate(rules) {
        return Some(Reuse::StaleWhileRevalidate);
    }
    // How long ago a soft purge was is not known here, so no `max-stale` can be measured against it.
    let accepted = match asked.max_stale? {
        MaxStale::Any => true,
        MaxStale::Within(limit) => staleness <= limit,
    };
    let usable = accepted && !soft_purged && asked.min_fresh.is_none() && terms.permits_unasked_stale();
    usable.then_some(Reuse::MaxStale)
}

/// How asking the origin failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OriginFailure {
    /// No answer: refused, reset, timed out, not resolved. The cache is disconnected (RFC 9111 §4.2.4).
    Disconnected,
    /// An answer with this status.
    Status(StatusCode),
}

/// Whether a stored response may stand in for a failed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StaleOnError {
    /// Yes: within a `stale-if-error` window (RFC 5861 §4).
    StaleIfError,
    /// Yes: the origin cannot be reached and nothing forbids it (RFC 9111 §4.2.4).
    Disconnected,
    /// No.
    Refused(StaleRefusal),
}

/// Why a stored response may not stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StaleRefusal {
    /// The response forbids stale use: `no-cache`, `must-revalidate`, `proxy-revalidate` or `s-maxage` (§4.2.4).
    Forbidden,
    /// The client said `no-cache` (§5.2.1.4).
    RequestNoCache,
    /// The status is not an error that `stale-if-error` covers: 500, 502, 503, 504 (RFC 5861 §4).
    NotAnError,
    /// The response is staler than any window allows.
    TooStale,
}

impl StaleOnError {
    /// Whether the stored response may be sent.
    pub fn is_allowed(self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// The word for it in logs, metrics and `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StaleIfError => "stale-if-error",
            Self::Disconnected => "disconnected",
            Self::Refused(reason) => reason.as_str(),
        }
    }
}

impl StaleRefusal {
    /// The word for it in logs, metrics and `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "stale-forbidden",
            Self::RequestNoCache => "request-no-cache",
            Self::NotAnError => "not-an-error",
            Self::TooStale => "too-stale",
        }
    }
}

/// Whether a stored response may be sent in place of a failed answer (RFC 5861 §4; RFC 9111 §4.2.4).
pub fn stale_on_error(
    terms: &Terms,
    request: &RequestDirectives,
    failure: OriginFailure,
    rules: &Rules,
    now: SystemTime,
) -> StaleOnError {
    if let OriginFailure::Status(status) = failure
        && !matches!(status.as_u16(), 500 | 502 | 503 | 504)
    {
        return StaleOnError::Refused(StaleRefusal::NotAnError);
    }
    let asked = if rules.request_directives { *request } else { RequestDirectives::default() };
    if request.must_validate || asked.no_cache {
        return StaleOnError::Refused(StaleRefusal::RequestNoCache);
    }
    let staleness = terms.staleness(now);
    let unasked = terms.permits_unasked_stale();
    let wanted = asked.stale_if_error.filter(|_| unasked).unwrap_or_default();
    let window: Duration = terms.stale_if_error(rules).max(wanted);
    if !window.is_zero() && staleness <= window {
        return StaleOnError::StaleIfError;
    }
    if !unasked {
        return StaleOnError::Refused(StaleRefusal::Forbidden);
    }
    let disconnected = failure == OriginFailure::Disconnected;
    match rules.stale_when_disconnected.filter(|_| disconnected) {
        Some(limit) if staleness <= limit => StaleOnError::Disconnected,
        _ => StaleOnError::Refused(StaleRefusal::TooStale),
    }
}

/// How much longer a stored response may stand in for a failed answer, by the window that it stands in by. Zero where that
/// is the request's own.
pub fn stale_left(terms: &Terms, stands: StaleOnError, rules: &Rules, now: SystemTime) -> Duration {
    let window = match stands {
        StaleOnError::StaleIfError => terms.stale_if_error(rules),
        StaleOnError::Disconnected => rules.stale_when_disconnected.unwrap_or_default(),
        StaleOnError::Refused(_) => Duration::ZERO,
    };
    window.saturating_sub(terms.staleness(now))
}

#[cfg(test)]
mod tests;
