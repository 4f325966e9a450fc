//! What happened, in order: small values while a run lasts, words only when somebody reads them.
//!
//! Owns the digest of a run. Two runs of one seed have the same digest, or the simulation is not deterministic.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use seawall_base::Position;

/// A place in the trace. All order that the oracle speaks of is this order.
pub(crate) type Moment = usize;

/// One thing that happened. Nodes, URLs, requests and contents are numbers.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Event {
    Edited { url: usize, version: u32, tags: u8, what: &'static str },
    Asked { request: u32, node: usize, url: usize, french: bool, range: bool, at: Position },
    Led { node: usize, url: usize, at: Position, why: &'static str },
    Followed { node: usize, url: usize, at: Position },
    Released { node: usize, url: usize, why: &'static str },
    AskedOrigin { node: usize, url: usize },
    FromOrigin { node: usize, url: usize, content: u32, status: u16 },
    AskedPeer { node: usize, shield: usize, url: usize, at: Position },
    FromPeer { node: usize, shield: usize, content: u32, status: u16, at: Position, stale: bool },
    Passed { node: usize, url: usize, why: &'static str },
    Merged { node: usize, content: u32, prior: u32, into: u32 },
    Settled { node: usize, url: usize, content: u32, how: &'static str },
    Answered { request: u32, content: u32, how: &'static str, status: u16 },
    Failed { request: u32, why: &'static str },
    Published { at: Position, what: usize },
    Applied { node: usize, at: Position, matched: u64 },
    Emptied { node: usize, at: Position },
    Acknowledged { at: Position, nodes: usize },
    Fault { node: usize, what: &'static str },
}

impl Event {
    /// The URL that it is about, if it is about one.
    fn url(&self) -> Option<usize> {
        match *self {
            Self::Edited { url, .. }
            | Self::Asked { url, .. }
            | Self::Led { url, .. }
            | Self::Followed { url, .. }
            | Self::Released { url, .. }
            | Self::AskedOrigin { url, .. }
            | Self::FromOrigin { url, .. }
            | Self::AskedPeer { url, .. }
            | Self::Passed { url, .. }
            | Self::Settled { url, .. } => Some(url),
            _ => None,
        }
    }
}

/// The events of one run.
#[derive(Default)]
pub(crate) struct Trace {
    events: Vec<(Duration, Event)>,
    digest: DefaultHasher,
}

impl Trace {
    pub(crate) fn push(&mut self, now: Duration, event: Event) -> Moment {
        (now, event).hash(&mut self.digest);
        self.events.push((now, event));
        self.events.len() - 1
    }

    /// The moment after all that happened so far.
    pub(crate) fn next(&self) -> Moment {
        self.events.len()
    }

    /// The same for two runs only if the same happened at the same times.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// The last `most` events that are about `url`, or about no URL at all. `purge` says what a purge orders.
    pub(crate) fn tail(
        &self,
        url: Option<usize>,
        most: usize,
        purge: impl Fn(usize) -> String,
    ) -> Vec<String> {
        let about = |event: &Event| url.is_none() || event.url().is_none_or(|other| Some(other) == url);
        let chosen = self.events.iter().enumerate().rev().filter(|(_, (_, event))| about(event)).take(most);
        let line = |(number, (now, event)): (usize, &(Duration, Event))| {
            let orders = match event {
                Event::Published { what, .. } => purge(*what),
                _ => String::new(),
            };
            format!("{number:>6} {:>9.3} s  {event}{orders}", now.as_secs_f64())
        };
        let mut lines: Vec<String> = chosen.map(line).collect();
        lines.reverse();
        lines
    }
}

/// Tags by their letters.
pub(crate) fn tags(set: u8) -> String {
    let tags: String =
        ('a'..='h').enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, tag)| tag).collect();
    format!("{{{tags}}}")
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Edited { url, version, tags: set, what } => {
                write!(f, "origin: url {url} is version {version} with tags {} ({what})", tags(set))
            }
            Self::Asked { request, node, url, french, range, at } => {
                let (language, range) =
                    (if french { "fr" } else { "de" }, if range { ", a range" } else { "" });
                write!(f, "request {request}: asks node {node}, at {at}, for url {url} in {language}{range}")
            }
            Self::Led { node, url, at, why } => {
                write!(f, "node {node}: leads a fill of url {url} from {at} ({why})")
            }
            Self::Followed { node, url, at } => {
                write!(f, "node {node}: a request for url {url} joins a fill at {at}")
            }
            Self::Released { node, url, why } => {
                write!(f, "node {node}: a follower of url {url} is released ({why})")
            }
            Self::AskedOrigin { node, url } => write!(f, "node {node}: asks the origin for url {url}"),
            Self::FromOrigin { node, url, content, status } => {
                write!(f, "node {node}: origin answers {status} for url {url}: content {content}")
            }
            Self::AskedPeer { node, shield, url, at } => {
                write!(f, "node {node}: asks shield {shield} for url {url} from {at}")
            }
            Self::FromPeer { node, shield, content, status, at, stale } => {
                let stale = if stale { ", stale" } else { "" };
                write!(f, "node {node}: shield {shield} answers {status}: content {content} of {at}{stale}")
            }
            Self::Passed { node, url, why } => {
                write!(f, "node {node}: url {url} goes past the cache ({why})")
            }
            Self::Merged { node, content, prior, into } => {
                write!(f, "node {node}: content {content} keeps {prior} alive: content {into}")
            }
            Self::Settled { node, url, content, how } => {
                write!(f, "node {node}: fill of url {url} ends: content {content} is {how}")
            }
            Self::Answered { request, content, how, status } => {
                write!(f, "request {request}: answered {status} with content {content} ({how})")
            }
            Self::Failed { request, why } => write!(f, "request {request}: fails ({why})"),
            Self::Published { at, what } => write!(f, "log: record {what} stands at {at}"),
            Self::Applied { node, at, matched } => {
                write!(f, "node {node}: has applied {at}, which matched {matched}")
            }
            Self::Emptied { node, at } => write!(f, "node {node}: holds nothing, goes on from {at}"),
            Self::Acknowledged { at, nodes } => write!(f, "operator: {at} is acknowledged by {nodes} nodes"),
            Self::Fault { node, what } => write!(f, "fault: {what} (node {node})"),
        }
    }
}
