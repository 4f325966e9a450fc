//! What a stored response says to later requests.
//!
//! Owns everything that can be derived from a response's fields once, when it is stored, so that a hit reads numbers and
//! flags and never a field. Cloning bumps at most three reference counts.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{ETAG, HeaderMap, HeaderName, LAST_MODIFIED};

use crate::cache_control::{ResponseDirectives, Scope};
use crate::freshness::{self, DirectiveSource, Lifetime, LifetimeSource};
use crate::rules::Rules;
use crate::vary::Vary;
use crate::{age, targeted};

/// When a response was asked for and when its fields arrived (RFC 9111 §4.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `request_time`.
    pub requested_at: SystemTime,
    /// `response_time`.
    pub received_at: SystemTime,
}

/// The rules of one stored response.
#[derive(Debug, Clone)]
pub struct Terms {
    lifetime: Lifetime,
    initial_age: Duration,
    received_at: SystemTime,
    date: SystemTime,
    stale_while_revalidate: Option<Duration>,
    stale_if_error: Option<Duration>,
    ruled_while_revalidate: Option<Duration>,
    ruled_if_error: Option<Duration>,
    must_revalidate: bool,
    s_maxage: bool,
    no_cache: bool,
    immutable: bool,
    no_transform: bool,
    has_validator: bool,
    unvalidated_fields: Option<Arc<[HeaderName]>>,
    private_fields: Option<Arc<[HeaderName]>>,
    vary: Vary,
}

/// The directives that hold for this cache and the field they came from (RFC 9213 §2.2).
pub(crate) fn directives(headers: &HeaderMap) -> (ResponseDirectives, DirectiveSource) {
    match targeted::directives(headers) {
        Some(directives) => (directives, DirectiveSource::Targeted),
        None => (ResponseDirectives::from_headers(headers), DirectiveSource::CacheControl),
    }
}

impl Terms {
    /// Reads the terms of a response, whether or not it may be stored. [`crate::storing::may_store`] answers that.
    pub fn read(status: StatusCode, headers: &HeaderMap, times: Times, rules: &Rules) -> Self {
        let (directives, from) = directives(headers);
        Self::from_directives(status, headers, &directives, from, times, rules)
    }

    pub(crate) fn from_directives(
        status: StatusCode,
        headers: &HeaderMap,
        directives: &ResponseDirectives,
        from: DirectiveSource,
        times: Times,
        rules: &Rules,
    ) -> Self {
        let received_at = times.received_at;
        let ruling = rules.ruling.unwrap_or_default();
        // A window of the rule's own stands in for the response's only where the rule replaces.
        let own =
            |said: Option<Duration>, ruled: Option<Duration>| ruled.filter(|_| ruling.replaces).or(said);
        Self {
            lifetime: freshness::lifetime(status, headers, directives, from, received_at, rules),
            initial_age: age::corrected_initial_age(headers, times.requested_at, received_at),
            received_at,
            date: freshness::date_or(headers, received_at),
            stale_while_revalidate: own(directives.stale_while_revalidate, ruling.stale_while_revalidate),
            stale_if_error: own(directives.stale_if_error, ruling.stale_if_error),
            ruled_while_revalidate: ruling.stale_while_revalidate,
            ruled_if_error: ruling.stale_if_error,
            must_revalidate: directives.must_revalidate || directives.proxy_revalidate,
            s_maxage: directives.s_maxage.is_some() && rules.replacing_ttl().is_none(),
            no_cache: directives.no_cache.is_everything(),
            immutable: directives.immutable,
            no_transform: directives.no_transform,
            has_validator: headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED),
            unvalidated_fields: shared(&directives.no_cache),
            private_fields: shared(&directives.private),
            vary: Vary::from_headers(headers),
        }
    }

    /// `current_age` (RFC 9111 §4.2.3): what the `Age` field of a hit says, in whole seconds.
    pub fn age(&self, now: SystemTime) -> Duration {
        age::current_age(self.initial_age, self.received_at, now)
    }

    /// Whole seconds until the response is stale; negative once it is (the `ttl` of RFC 9211 §2.4).
    pub fn ttl(&self, now: SystemTime) -> i64 {
        let signed = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        signed(self.lifetime.duration).saturating_sub(signed(self.age(now)))
    }

    /// `response_is_fresh` (RFC 9111 §4.2).
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        self.lifetime.duration > self.age(now)
    }

    /// How far past its lifetime the response is; zero while fresh.
    pub fn staleness(&self, now: SystemTime) -> Duration {
        self.age(now).saturating_sub(self.lifetime.duration)
    }

    /// How much longer the response is fresh; zero once stale.
    pub fn fresh_for(&self, now: SystemTime) -> Duration {
        self.lifetime.duration.saturating_sub(self.age(now))
    }

    /// How long after `now` the response can still be of any use: fresh, or stale where something may allow that. The
    /// moment to let go of a response that nobody asks for. A validator makes it useful without end: then `None`.
    pub fn useful_for(&self, now: SystemTime, rules: &Rules) -> Option<Duration> {
        if self.has_validator {
            return None;
        }
        let disconnected = rules.stale_when_disconnected.filter(|_| self.permits_unasked_stale());
        let stale = self
            .stale_while_revalidate(rules)
            .max(self.stale_if_error(rules))
            .max(disconnected.unwrap_or_default());
        let end = self.lifetime.duration.saturating_add(stale);
        Some(end.saturating_sub(self.age(now)))
    }

    /// The freshness lifetime and who stated it.
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// Who stated the lifetime.
    pub fn source(&self) -> LifetimeSource {
        self.lifetime.source
    }

    /// `response_time` (RFC 9111 §4.2.3).
    pub fn received_at(&self) -> SystemTime {
        self.received_at
    }

    /// The response's `Date`, or the time of its receipt.
    pub fn date(&self) -> SystemTime {
        self.date
    }

    /// The `stale-while-revalidate` window (RFC 5861 §3) that holds: the response's own, else the site's; zero where
    /// there is none or stale use is forbidden.
    pub fn stale_while_revalidate(&self, rules: &Rules) -> Duration {
        let site = self.ruled_while_revalidate.or(rules.stale_while_revalidate);
        self.window(self.stale_while_revalidate, site, rules)
    }

    /// The `stale-if-error` window (RFC 5861 §4) that holds: the response's own, else the site's; zero where there is
    /// none or stale use is forbidden.
    pub fn stale_if_error(&self, rules: &Rules) -> Duration {
        self.window(self.stale_if_error, self.ruled_if_error.or(rules.stale_if_error), rules)
    }

    fn window(&self, own: Option<Duration>, site: Option<Duration>, rules: &Rules) -> Duration {
        match own {
            Some(own) if self.permits_explicit_stale(rules) => own,
            None if self.permits_unasked_stale() => site.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }

    /// Whether every use needs a validation (unqualified `no-cache`, RFC 9111 §5.2.2.4).
    pub fn no_cache(&self) -> bool {
        self.no_cache
    }

    /// Whether `must-revalidate` or `proxy-revalidate` holds (RFC 9111 §5.2.2.2, §5.2.2.8).
    pub fn must_revalidate(&self) -> bool {
        self.must_revalidate
    }

    /// Whether the lifetime is the shared caches' own, which implies `proxy-revalidate` (RFC 9111 §5.2.2.10). Not where
    /// the site's ruling replaced it.
    pub fn has_s_maxage(&self) -> bool {
        self.s_maxage
    }

    /// RFC 8246.
    pub fn immutable(&self) -> bool {
        self.immutable
    }

    /// RFC 9111 §5.2.2.6.
    pub fn no_transform(&self) -> bool {
        self.no_transform
    }

    /// Whether the response can be asked about with a conditional request.
    pub fn has_validator(&self) -> bool {
        self.has_validator
    }

    /// Fields that may not be sent from store without validation (qualified `no-cache`, RFC 9111 §5.2.2.4).
    pub fn unvalidated_fields(&self) -> &[HeaderName] {
        self.unvalidated_fields.as_deref().unwrap_or_default()
    }

    /// Fields that may not be stored at all (qualified `private`, RFC 9111 §5.2.2.7).
    pub fn private_fields(&self) -> &[HeaderName] {
        self.private_fields.as_deref().unwrap_or_default()
    }

    /// What selects this response among others (RFC 9111 §4.1).
    pub fn vary(&self) -> &Vary {
        &self.vary
    }

    /// Whether the stale use that the response's own window allows is not forbidden by another directive of it (RFC 9111
    /// §4.2.4).
    pub(crate) fn permits_explicit_stale(&self, rules: &Rules) -> bool {
        !self.no_cache && !self.must_revalidate && (!self.s_maxage || rules.stale_beside_s_maxage)
    }

    /// Whether a stale use that the origin did not ask for is not forbidden (RFC 9111 §4.2.4).
    pub(crate) fn permits_unasked_stale(&self) -> bool {
        !self.no_cache && !self.must_revalidate && !self.s_maxage
    }
}

fn shared(scope: &Scope) -> Option<Arc<[HeaderName]>> {
    let fields = scope.fields();
    (!fields.is_empty()).then(|| Arc::from(fields))
}

#[cfg(test)]
mod tests;
