//! The access log: one JSON object a line, for machines; which requests it has, what stands in a line, and when.
//!
//! Owns: the fields ([`FIELDS`] is what the documentation shows), and that a line is complete only when its response's body
//! is. Refuses: any field of a request or a response, so that neither cookies nor credentials get there, and where the
//! bytes go: that is [`Lines`]'s business, which must not wait.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Version;
use seawall_base::Clock;
use serde::Serialize;

/// Which requests write a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// None.
    Off,
    /// Those that ended in a fault, or whose function failed.
    #[default]
    Errors,
    /// Every one.
    All,
}

/// Where lines go. Called on the data path.
pub trait Lines: Send + Sync {
    /// Takes a line, its end included. It must not wait: where there is no room, the line is lost, and counted.
    fn take(&self, line: &[u8]);
}

/// What is written of requests, and where.
#[derive(Clone, Default)]
pub struct AccessLog {
    /// Which requests.
    pub which: Which,
    /// The share of them, from 0 to 1. What failed is written whatever it is.
    pub sample: Option<f64>,
    /// Whether paths are written without their query.
    pub omits_query: bool,
    /// As JSON, here. Without it, in the process's log.
    pub to: Option<Arc<dyn Lines>>,
}

impl AccessLog {
    /// Whether a request gets a line.
    pub(super) fn takes(&self, failed: bool) -> bool {
        match self.which {
            Which::Off => false,
            _ if failed => true,
            Which::Errors => false,
            Which::All => self.sample.is_none_or(|share| fastrand::f64() < share),
        }
    }

    /// The path as it is written.
    pub(super) fn path<'p>(&self, path_and_query: &'p str) -> &'p str {
        match path_and_query.split_once('?') {
            Some((path, _)) if self.omits_query => path,
            _ => path_and_query,
        }
    }
}

/// The fields of a line, in their order, and what each says: the source of the table in the documentation.
pub const FIELDS: &[(&str, &str)] = &[
    ("time", "when the request came, RFC 3339 in UTC, milliseconds"),
    ("node", "the node's name"),
    (
        "site",
        "the site; it and the next to `protocol` are left out where the request was refused before a site was known",
    ),
    ("method", "of the request"),
    ("scheme", "`http` or `https`"),
    ("host", "host, and port where it is not the default"),
    ("path", "path and query, as functions left them; without the query where `access_query = false`"),
    ("protocol", "what the client speaks: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`"),
    ("client", "the client's address; of a peer's request, that of the node"),
    ("peer", "whether another node asked"),
    ("status", "of the response"),
    ("way", "as in the metric `seawall_requests`"),
    ("detail", "the word that stands in `Cache-Status`, where one does"),
    (
        "stale_left_s",
        "where stale content stands in for a failing origin: the seconds for which it still may",
    ),
    ("cause", "of a fault: its word"),
    ("blame", "of a fault: `client`, `origin`, `peer`, `function` or `node`"),
    ("error", "of a fault: the whole story, which no client sees"),
    ("function", "how a function failed, with its `SW-FN-…` code"),
    ("fields", "an object with what functions added by `log.field`"),
    ("request", "the request's name, on a site with functions; also on their own lines"),
    ("trace", "the trace's name, where the request is sampled"),
    ("elapsed_us", "from the request's head to the response's head"),
    ("sent_bytes", "bytes of the body that were handed to the connection"),
    ("complete", "whether that is all of it: `false` where the body broke off, or the client left"),
    ("total_us", "from the request's head to the end of the response's body"),
];

/// What is known of a request when its response begins.
#[derive(Debug, Default, Serialize)]
pub(super) struct Entry<'a> {
    pub(super) time: String,
    pub(super) node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) site: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scheme: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<IpAddr>,
    pub(super) peer: bool,
    pub(super) status: u16,
    pub(super) way: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stale_left_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blame: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) fields: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace: Option<String>,
    pub(super) elapsed_us: u64,
}

/// How a response ended.
#[derive(Debug, Serialize)]
struct End {
    sent_bytes: u64,
    complete: bool,
    total_us: u64,
}

/// A line that waits for the end of its response's body, and is written when that is dropped.
pub(crate) struct Pending {
    /// The first part, without the brace that closes it.
    line: Vec<u8>,
    to: Arc<dyn Lines>,
    clock: Clock,
    started: Duration,
    sent: u64,
    /// Bytes that it will have, where that is known.
    length: Option<u64>,
    ended: bool,
}

impl Pending {
    /// A line of which only the end is missing. `None` where it cannot be written down, which does not happen.
    pub(super) fn new(
        entry: &Entry<'_>,
        to: Arc<dyn Lines>,
        clock: Clock,
        started: Duration,
    ) -> Option<Self> {
        let mut line = Vec::with_capacity(LINE_USUAL_BYTES);
        serde_json::to_writer(&mut line, entry).ok()?;
        line.pop();
        Some(Self { line, to, clock, started, sent: 0, length: None, ended: false })
    }

    /// The body begins, of this length if it is known; `ended`: there is none.
    pub(crate) fn begin(&mut self, length: Option<u64>, ended: bool) {
        (self.length, self.ended) = (length, ended);
    }

    /// So many bytes more have been handed on.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes as u64);
    }

    /// The body is whole.
    pub(crate) fn ended(&mut self) {
        self.ended = true;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let total_us = micros(self.clock.ticks().saturating_sub(self.started));
        let complete = self.ended || self.length == Some(self.sent);
        let end = End { sent_bytes: self.sent, complete, total_us };
        let begun = self.line.len();
        if serde_json::to_writer(&mut self.line, &end).is_ok()
            && let Some(brace) = self.line.get_mut(begun)
        {
            *brace = b',';
            self.line.push(b'\n');
            self.to.take(&self.line);
        }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("sent", &self.sent).finish_non_exhaustive()
    }
}

/// Room for a line, so that most need no more.
const LINE_USUAL_BYTES: usize = 512;

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What the client speaks, in the words of access logs.
pub(super) fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP",
    }
}

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date, with years that begin in March, so that a leap day is a year's last (H. Hinnant's algorithm).
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests;
