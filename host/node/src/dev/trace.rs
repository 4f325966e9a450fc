//! What a request met, as text: its way, what became of it, and each hook with its verdict, its cost and its edits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use seawall_functions::{FetchReason, Report, Seen, Watching};
use seawall_pipeline::{Ended, Way};

use crate::cli::plain;

/// Calls that wait for the end of their request. Those of a client that has left never see it.
const WAITING_MAX: usize = 1024;

/// Characters of a version that are shown.
const VERSION_SHOWN: usize = 8;

/// A request at its end.
pub(super) struct Request {
    id: Option<String>,
    target: String,
    status: StatusCode,
    /// What the node says in `Cache-Status`.
    cache: String,
    way: Way,
    detail: Option<&'static str>,
    fault: Option<String>,
    elapsed: Duration,
}

impl Request {
    pub(super) fn of(ended: &Ended<'_>) -> Self {
        let (method, host, path) = ended.target;
        // Each node on the way adds one; the last is this node's.
        let cache = ended.headers.get_all("cache-status").iter().next_back();
        let cache = cache.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Self {
            id: ended.request.map(str::to_owned),
            target: plain(&format!("{method} {host}{path}")),
            status: ended.status,
            cache: plain(&cache.unwrap_or_default()),
            way: ended.way,
            detail: ended.detail,
            fault: ended.fault.map(|fault| plain(&fault.to_string())),
            elapsed: ended.elapsed,
        }
    }

    fn line(&self) -> String {
        let Self { target, status, cache, way, detail, elapsed, .. } = self;
        let outcome = outcome(*way, *detail, cache);
        let mut line = format!("{target} → {} {outcome}, {}\n", status.as_u16(), shown(*elapsed));
        if !cache.is_empty() {
            line.push_str(&format!("  cache-status: {cache}\n"));
        }
        if let Some(fault) = &self.fault {
            // A guest's stack follows with its hook.
            let short = fault.split("; ").next().unwrap_or(fault);
            line.push_str(&format!("  ! {short}\n"));
        }
        line
    }
}

/// The way, and what became of what was fetched.
fn outcome(way: Way, detail: Option<&'static str>, cache: &str) -> String {
    let stored = cache.split("; ").any(|word| word == "stored");
    match (way, detail) {
        (Way::Miss | Way::Pass, _) if stored => format!("{}, stored", way.as_str()),
        (Way::Miss | Way::Pass, Some(why)) => format!("{}, not stored: {why}", way.as_str()),
        (Way::Miss | Way::Pass, None) => format!("{}, not stored", way.as_str()),
        (_, Some(why)) => format!("{} ({why})", way.as_str()),
        (_, None) => way.as_str().to_owned(),
    }
}

fn shown(time: Duration) -> String {
    let us = time.as_micros();
    if us < 1000 { format!("{us} µs") } else { format!("{}.{} ms", us / 1000, us % 1000 / 100) }
}

/// Puts calls and requests together.
pub(super) struct Trace {
    watching: Watching,
    waiting: VecDeque<Arc<Report>>,
}

impl Trace {
    pub(super) fn new(watching: Watching) -> Self {
        Self { watching, waiting: VecDeque::new() }
    }

    /// A request and its calls, and what came in the background.
    pub(super) fn ended(&mut self, request: &Request) -> String {
        let mut text = self.meanwhile();
        text.push_str(&request.line());
        let own = |report: &Arc<Report>| request.id.as_deref() == Some(&*report.request_id);
        self.waiting.iter().filter(|report| own(report)).for_each(|report| text.push_str(&call(report)));
        self.waiting.retain(|report| !own(report));
        text
    }

    /// What came in the background, and the calls of requests that never end.
    pub(super) fn meanwhile(&mut self) -> String {
        let mut text = String::new();
        while let Some(seen) = self.watching.try_next() {
            match seen {
                Seen::Missed(calls) => text.push_str(&format!("… {calls} calls more than could be shown\n")),
                Seen::Call(report) if report.reason == Some(FetchReason::Background) => {
                    text.push_str(&format!(
                        "{} in the background\n{}",
                        plain(&report.request),
                        call(&report)
                    ));
                }
                Seen::Call(report) => self.waiting.push_back(report),
            }
        }
        while self.waiting.len() > WAITING_MAX {
            if let Some(report) = self.waiting.pop_front() {
                text.push_str(&format!("{} and its client left\n{}", plain(&report.request), call(&report)));
            }
        }
        text
    }
}

fn call(report: &Report) -> String {
    let version: String = report.function.version().chars().take(VERSION_SHOWN).collect();
    let mut text = format!(
        "  {:<18} {}@{version}: {}{}, {}\n",
        report.hook.as_str(),
        report.function.name(),
        report.outcome,
        report.error.as_ref().map(|error| format!(" {}", error.code())).unwrap_or_default(),
        shown(report.cpu),
    );
    if let Some(error) = &report.error {
        error.detail.split("; ").for_each(|part| text.push_str(&format!("    ! {}\n", plain(part))));
    }
    report.changes.iter().for_each(|change| text.push_str(&format!("    {}\n", plain(change))));
    for line in &report.lines {
        text.push_str(&format!("    {}: {}\n", line.level.as_str(), plain(&line.text)));
    }
    if report.lines_dropped > 0 {
        text.push_str(&format!("    … {} lines over the limit\n", report.lines_dropped));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_which_way_it_went_and_why_it_was_not_stored() {
        for (way, detail, cache, said) in [
            (Way::Hit, None, "a; hit; ttl=5", "hit"),
            (Way::Stale, Some("stale-while-revalidate"), "a; hit; ttl=-5", "stale (stale-while-revalidate)"),
            (Way::Miss, None, "a; fwd=uri-miss; fwd-status=200; stored", "miss, stored"),
            (Way::Miss, Some("no-store"), "a; fwd=uri-miss; detail=no-store", "miss, not stored: no-store"),
            (Way::Pass, None, "a; fwd=method", "pass, not stored"),
            (Way::Local, None, "a; detail=function", "local"),
        ] {
            assert_eq!(outcome(way, detail, cache), said);
        }
    }

    #[test]
    fn times_are_short() {
        assert_eq!(shown(Duration::from_micros(12)), "12 µs");
        assert_eq!(shown(Duration::from_micros(1260)), "1.2 ms");
    }
}
