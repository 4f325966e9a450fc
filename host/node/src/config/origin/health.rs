//! `[origins.health]`: how servers are checked.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::uri::PathAndQuery;
use seawall_origin::health::{
    HEALTH_FALL_DEFAULT, HEALTH_INTERVAL_DEFAULT, HEALTH_RISE_DEFAULT, HEALTH_STATUS_DEFAULT,
    HEALTH_TIMEOUT_DEFAULT,
};
use serde::{Serialize, Serializer};

use super::parse_host_header;
use super::pool::COUNT_MAX;
use crate::config::check::Check;
use crate::config::cluster::parse_positive;
use crate::config::duration;
use crate::config::raw::RawHealth;

/// Shortest [`Health::interval`]: a check opens a connection, and is no load test.
pub const HEALTH_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// `[origins.health]`: how servers are checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// What is asked for.
    pub path: String,
    /// From one check to the next. Default [`HEALTH_INTERVAL_DEFAULT`].
    #[serde(serialize_with = "duration::serialize")]
    pub interval: Duration,
    /// How long one may take. Default [`HEALTH_TIMEOUT_DEFAULT`].
    #[serde(serialize_with = "duration::serialize")]
    pub timeout: Duration,
    /// What a server that is well answers with. Default [`HEALTH_STATUS_DEFAULT`].
    #[serde(serialize_with = "statuses")]
    pub status: RangeInclusive<u16>,
    /// So many good answers in a row bring a server back. Default [`HEALTH_RISE_DEFAULT`].
    pub rise: u32,
    /// So many bad ones in a row take it out. Default [`HEALTH_FALL_DEFAULT`].
    pub fall: u32,
    /// `Host`. Default: the origin's `host_header`, else the server's own name.
    pub host: Option<String>,
}

fn statuses<S: Serializer>(range: &RangeInclusive<u16>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}-{}", range.start(), range.end()))
}

impl Health {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawHealth) -> Option<Self> {
        let RawHealth { at: _, path, interval, timeout, status, rise, fall, host } = raw;
        let path = check.required("path", path, parse_path);
        let interval = check.or("interval", interval, HEALTH_INTERVAL_DEFAULT, parse_interval);
        let timeout = check.or("timeout", timeout, HEALTH_TIMEOUT_DEFAULT, parse_positive);
        let status = check.or("status", status, HEALTH_STATUS_DEFAULT, parse_statuses);
        let host = check.optional("host", host, parse_host_header).map(|spot| spot.value);
        let rise = check.number("rise", &rise, 1..=COUNT_MAX).unwrap_or(HEALTH_RISE_DEFAULT);
        let fall = check.number("fall", &fall, 1..=COUNT_MAX).unwrap_or(HEALTH_FALL_DEFAULT);
        Some(Self { path: path?.value, interval, timeout, status, rise, fall, host })
    }
}

fn parse_path(text: &str) -> Result<String, String> {
    match text.parse::<PathAndQuery>() {
        Ok(path) if text.starts_with('/') => Ok(path.as_str().to_owned()),
        _ => Err(format!("`{text}` is not a path. Write one that begins with `/`, such as `/healthz`.")),
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_positive(text)?;
    if interval < HEALTH_INTERVAL_MIN {
        let least = duration::text(HEALTH_INTERVAL_MIN);
        return Err(format!("`{text}` is too often for anybody. Write at least `{least}`."));
    }
    Ok(interval)
}

/// `200-399`, or `204` alone.
fn parse_statuses(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    match (status(from), status(to)) {
        (Some(from), Some(to)) if from <= to => Ok(from..=to),
        _ => {
            Err(format!("`{text}` is not a range of statuses. Write two from 100 to 599, such as `200-399`."))
        }
    }
}
