//! How an origin's servers are chosen, watched and spared.

use std::num::NonZeroU32;
use std::time::Duration;

use seawall_origin::pool::{QUEUE_DEFAULT, QUEUE_TIMEOUT_DEFAULT};
use seawall_origin::{Balance, Ejection, RetryLimits, WhenAllOut};
use serde::{Serialize, Serializer};

use super::health::Health;
use crate::config::check::Check;
use crate::config::cluster::parse_positive;
use crate::config::duration;
use crate::config::keys;
use crate::config::raw::{RawEject, RawPool, RawRetry};
use crate::config::reader::{Field, Spot};

/// Largest [`PoolKeys::max_connections`], [`PoolKeys::max_fetches`] and [`PoolKeys::queue`]: more than a process has
/// ports or files.
pub const CAP_MAX: u32 = 1_000_000;

/// Largest [`Retry::percent`]: every request twice.
pub const RETRY_PERCENT_MAX: u32 = 100;

/// Largest of the small numbers: failures, probes, tries, checks in a row. Enough for any pool.
pub const COUNT_MAX: u32 = 1000;

/// How an origin's servers are chosen, watched and spared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolKeys {
    /// Default [`Balance::RoundRobin`].
    #[serde(serialize_with = "balance")]
    pub balance: Balance,
    /// How long one try may take, from connecting to the response's head. Default: none beyond the other limits.
    #[serde(serialize_with = "duration::serialize_option")]
    pub try_timeout: Option<Duration>,
    /// How long all tries together may take, the wait for a free server included, up to the response's head. Default:
    /// none beyond the other limits.
    #[serde(serialize_with = "duration::serialize_option")]
    pub timeout: Option<Duration>,
    /// What happens where every server is out. Default [`WhenAllOut::Try`].
    #[serde(serialize_with = "when_all_out")]
    pub when_all_out: WhenAllOut,
    /// Most requests under way at one server. Default: no limit.
    pub max_connections: Option<NonZeroU32>,
    /// Most requests under way at all of them. Default: no limit.
    pub max_fetches: Option<NonZeroU32>,
    /// Most requests that wait for a free server. Default [`QUEUE_DEFAULT`].
    pub queue: u32,
    /// How long each waits. Default [`QUEUE_TIMEOUT_DEFAULT`].
    #[serde(serialize_with = "duration::serialize")]
    pub queue_timeout: Duration,
    /// How servers are checked. Default: they are not.
    pub health: Option<Health>,
    /// When a server is left alone.
    pub eject: Eject,
    /// How much is asked again.
    pub retry: Retry,
}

fn balance<S: Serializer>(balance: &Balance, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(balance.as_str())
}

fn when_all_out<S: Serializer>(what: &WhenAllOut, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(what.as_str())
}

impl Default for PoolKeys {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            try_timeout: None,
            timeout: None,
            when_all_out: WhenAllOut::default(),
            max_connections: None,
            max_fetches: None,
            queue: QUEUE_DEFAULT,
            queue_timeout: QUEUE_TIMEOUT_DEFAULT,
            health: None,
            eject: Eject::default(),
            retry: Retry::default(),
        }
    }
}

/// `[origins.eject]`: when a server is left alone, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Eject {
    /// So many failures in a row. Default [`seawall_origin::circuit::FAILURES_DEFAULT`].
    pub failures: u32,
    /// For how long the first time; each time after that twice as long. Default
    /// [`seawall_origin::circuit::EJECT_BASE_DEFAULT`].
    #[serde(serialize_with = "duration::serialize")]
    pub base: Duration,
    /// For how long at most. Default [`seawall_origin::circuit::EJECT_MAX_DEFAULT`], or `base` if that is more.
    #[serde(serialize_with = "duration::serialize")]
    pub max: Duration,
    /// Most servers at once, as a percentage; one always may be. Default
    /// [`seawall_origin::circuit::EJECT_SHARE_DEFAULT`].
    pub share: u8,
    /// Most requests at a time that try a server whose time is up. Default
    /// [`seawall_origin::circuit::PROBES_DEFAULT`].
    pub probes: u32,
}

impl Default for Eject {
    fn default() -> Self {
        let Ejection { failures, base, max, share_percent, probes } = Ejection::default();
        Self { failures, base, max, share: share_percent, probes }
    }
}

impl Eject {
    fn from_raw(check: &Check<'_>, raw: RawEject) -> Self {
        let RawEject { at: _, failures, base, max, share, probes } = raw;
        let default = Self::default();
        let base = check.or("base", base, default.base, parse_positive);
        let max = check.optional("max", max, parse_positive);
        if let Some(Spot { value, at }) = &max
            && *value < base
        {
            check.problem(*at, "`max` is less than `base`. Write at least that.");
        }
        let share = check.number("share", &share, 1..=100).and_then(|share| u8::try_from(share).ok());
        Self {
            failures: check.number("failures", &failures, 1..=COUNT_MAX).unwrap_or(default.failures),
            base,
            max: max.map_or(default.max.max(base), |spot| spot.value),
            share: share.unwrap_or(default.share),
            probes: check.number("probes", &probes, 1..=COUNT_MAX).unwrap_or(default.probes),
        }
    }
}

/// `[origins.retry]`: how much is asked again of servers that have got the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// Retries per hundred requests. Default [`seawall_origin::budget::RETRY_PERCENT_DEFAULT`].
    pub percent: u32,
    /// Retries per second beside that. Default [`seawall_origin::budget::RETRY_MIN_PER_SECOND_DEFAULT`].
    pub min_per_second: u32,
    /// Most servers that one request is sent to. Default: every server once.
    pub tries: Option<u32>,
}

impl Default for Retry {
    fn default() -> Self {
        let RetryLimits { percent, min_per_second, tries } = RetryLimits::default();
        Self { percent, min_per_second, tries }
    }
}

impl Retry {
    fn from_raw(check: &Check<'_>, raw: RawRetry) -> Self {
        let RawRetry { at: _, percent, min_per_second, tries } = raw;
        let default = Self::default();
        let per_second = check.number("min_per_second", &min_per_second, 0..=CAP_MAX);
        Self {
            percent: check.number("percent", &percent, 0..=RETRY_PERCENT_MAX).unwrap_or(default.percent),
            min_per_second: per_second.unwrap_or(default.min_per_second),
            tries: check.number("tries", &tries, 1..=COUNT_MAX),
        }
    }
}

impl PoolKeys {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawPool) -> Self {
        let RawPool {
            balance,
            try_timeout,
            timeout,
            when_all_out,
            max_connections,
            max_fetches,
            queue,
            queue_timeout,
            health,
            eject,
            retry,
        } = raw;
        let cap = |key, field| check.number(key, &field, 1..=CAP_MAX).and_then(NonZeroU32::new);
        let time = |key, field| check.optional(key, field, parse_positive).map(|spot| spot.value);
        Self {
            balance: check.or("balance", balance, Balance::default(), |text| {
                Check::word(text, &Balance::ALL, Balance::as_str)
            }),
            try_timeout: time("try_timeout", try_timeout),
            timeout: time("timeout", timeout),
            when_all_out: check.or("when_all_out", when_all_out, WhenAllOut::default(), |text| {
                Check::word(text, &WhenAllOut::ALL, WhenAllOut::as_str)
            }),
            max_connections: cap("max_connections", max_connections),
            max_fetches: cap("max_fetches", max_fetches),
            queue: check.number("queue", &queue, 0..=CAP_MAX).unwrap_or(QUEUE_DEFAULT),
            queue_timeout: check.or("queue_timeout", queue_timeout, QUEUE_TIMEOUT_DEFAULT, parse_positive),
            health: match health {
                Field::Given(raw) => Health::from_raw(&check.within(&keys::HEALTH, raw.value.at), raw.value),
                Field::Absent | Field::Broken => None,
            },
            eject: match eject {
                Field::Given(raw) => Eject::from_raw(&check.within(&keys::EJECT, raw.value.at), raw.value),
                Field::Absent | Field::Broken => Eject::default(),
            },
            retry: match retry {
                Field::Given(raw) => Retry::from_raw(&check.within(&keys::RETRY, raw.value.at), raw.value),
                Field::Absent | Field::Broken => Retry::default(),
            },
        }
    }
}
