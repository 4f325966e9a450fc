//! Who watches functions at work: one report for each call of a hook, for those who asked for it.
//!
//! Owns: the watchers of one node, their bounded queues, and the count of what one that does not keep up has missed.
//! Refuses: to keep anything, and to wait for anybody. Where nobody watches, a call pays one load of a number.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::error::FunctionError;
use crate::exchange::Exchange;
use crate::function::{Function, Hook};
use crate::guest_log::Line;
use crate::live::{Called, Spent};
use crate::metrics::Outcome;
use crate::store_policy::FetchReason;

mod changes;

use changes::Before;

/// Watchers of one node at once: people at terminals. Each costs every call of a function that it watches.
pub const WATCHERS_MAX: usize = 8;
/// Reports that wait for one watcher. A report may carry 4 KiB of log and 4 KiB of a stack: at most 2 MiB for each.
pub const WATCHER_QUEUE_MAX: usize = 256;

/// What one call of a hook did.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it ended.
    pub at: SystemTime,
    /// The site whose function it is.
    pub site: Arc<str>,
    /// The function and its version.
    pub function: Arc<Function>,
    /// The hook.
    pub hook: Hook,
    /// The request, as the logs name it.
    pub request_id: Arc<str>,
    /// Why the origin was asked, in the origin-side hooks.
    pub reason: Option<FetchReason>,
    /// The request's method, and its path and query when the call began.
    pub request: String,
    /// What it decided; `failed` where it did not come to that.
    pub outcome: &'static str,
    /// How it failed.
    pub error: Option<FunctionError>,
    /// CPU time of the call.
    pub cpu: Duration,
    /// From its begin to its end.
    pub wall: Duration,
    /// Instructions that it executed, where the engine counts them.
    pub instructions: Option<u64>,
    /// What it changed, in words. Only for a watcher that asked for it: values may be secrets.
    pub changes: Vec<String>,
    /// What it wrote.
    pub lines: Vec<Line>,
    /// What it wrote beyond the limits.
    pub lines_dropped: u32,
}

/// What a watcher is told.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A call has ended.
    Call(Arc<Report>),
    /// So many calls were not reported, because the watcher did not keep up.
    Missed(u64),
}

/// Which calls somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this function; of all where there is none.
    pub function: Option<String>,
    /// On this site; on all where there is none.
    pub site: Option<String>,
    /// With what they changed.
    pub changes: bool,
}

/// [`WATCHERS_MAX`] watch already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{WATCHERS_MAX} watch already, and that is the most: end one of them first")]
pub struct TooManyWatchers;

/// The watchers of one node.
#[derive(Default)]
pub struct Watch {
    /// How many there are; read by every call.
    watching: AtomicUsize,
    /// How many of them want to see what is changed.
    wanting_changes: AtomicUsize,
    watchers: Mutex<Vec<Watcher>>,
}

struct Watcher {
    wanted: Wanted,
    queue: mpsc::Sender<Arc<Report>>,
    missed: Arc<AtomicU64>,
}

/// Where one watcher reads. Dropping it ends the watch.
pub struct Watching {
    watch: Arc<Watch>,
    queue: mpsc::Receiver<Arc<Report>>,
    missed: Arc<AtomicU64>,
}

impl Watch {
    /// Nobody watches yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Begins to watch.
    pub fn begin(self: &Arc<Self>, wanted: Wanted) -> Result<Watching, TooManyWatchers> {
        let mut watchers = self.watchers.lock();
        if watchers.len() >= WATCHERS_MAX {
            return Err(TooManyWatchers);
        }
        let (sender, queue) = mpsc::channel(WATCHER_QUEUE_MAX);
        let missed = Arc::new(AtomicU64::new(0));
        watchers.push(Watcher { wanted, queue: sender, missed: Arc::clone(&missed) });
        self.count(&watchers);
        Ok(Watching { watch: Arc::clone(self), queue, missed })
    }

    /// Ends every watch: the node stops, and those who watch must not hold it up.
    pub fn end_all(&self) {
        let mut watchers = self.watchers.lock();
        watchers.clear();
        self.count(&watchers);
    }

    /// How many watch.
    #[must_use]
    pub fn watching(&self) -> usize {
        self.watching.load(Ordering::Relaxed)
    }

    fn count(&self, watchers: &[Watcher]) {
        let changes = watchers.iter().filter(|watcher| watcher.wanted.changes).count();
        self.watching.store(watchers.len(), Ordering::Relaxed);
        self.wanting_changes.store(changes, Ordering::Relaxed);
    }

    fn tell(&self, report: &Arc<Report>) {
        for watcher in self.watchers.lock().iter() {
            if watcher.wanted.has(report) && watcher.queue.try_send(Arc::clone(report)).is_err() {
                watcher.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Wanted {
    fn has(&self, report: &Report) -> bool {
        self.function.as_ref().is_none_or(|name| *name == *report.function.name())
            && self.site.as_ref().is_none_or(|name| **name == *report.site)
    }
}

impl Watching {
    /// The next thing to see; `None` when the watch was ended.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Seen>> {
        // What was missed lies after all that is queued now, or between: told as soon as it is known.
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => self.queue.poll_recv(cx).map(|report| report.map(Seen::Call)),
            missed => Poll::Ready(Some(Seen::Missed(missed))),
        }
    }

    /// The same without waiting: `None` where there is nothing yet, too.
    pub fn try_next(&mut self) -> Option<Seen> {
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => self.queue.try_recv().ok().map(Seen::Call),
            missed => Some(Seen::Missed(missed)),
        }
    }

    /// The same for a thread that may sleep until there is something.
    pub fn blocking_next(&mut self) -> Option<Seen> {
        match self.missed.swap(0, Ordering::Relaxed) {
            0 => self.queue.blocking_recv().map(Seen::Call),
            missed => Some(Seen::Missed(missed)),
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.queue.close();
        let mut watchers = self.watch.watchers.lock();
        watchers.retain(|watcher| !watcher.queue.is_closed());
        self.watch.count(&watchers);
    }
}

/// A node's watchers, as the functions of one site see them.
#[derive(Clone)]
pub(crate) struct Window {
    pub(crate) site: Arc<str>,
    pub(crate) watch: Arc<Watch>,
}

/// A call that somebody watches, before it begins.
pub(crate) struct Eye {
    window: Window,
    request: String,
    lines: usize,
    lines_dropped: u32,
    before: Option<Before>,
}

impl Window {
    /// Opens an eye on a call, if anybody watches.
    pub(crate) fn look(&self, exchange: &Exchange) -> Option<Box<Eye>> {
        if self.watch.watching() == 0 {
            return None;
        }
        let wants_changes = self.watch.wanting_changes.load(Ordering::Relaxed) > 0;
        let head = &exchange.request;
        Some(Box::new(Eye {
            window: self.clone(),
            request: format!("{} {}", head.method, head.path_and_query),
            lines: exchange.log.lines.len(),
            lines_dropped: exchange.log.dropped,
            before: wants_changes.then(|| Before::of(exchange)),
        }))
    }
}

impl Eye {
    /// Tells what the call did.
    pub(crate) fn close<T: Outcome>(
        self: Box<Self>,
        function: &Arc<Function>,
        hook: Hook,
        called: &Called<T>,
    ) {
        let Called { exchange, spent, result } = called;
        let Spent { cpu, wall, instructions } = *spent;
        let Self { window: Window { site, watch }, request, lines, lines_dropped, before } = *self;
        let report = Report {
            at: function.shared.clock.now(),
            site,
            function: Arc::clone(function),
            hook,
            request_id: Arc::clone(&exchange.client.request_id),
            reason: exchange.store.as_ref().map(|store| store.reason),
            request,
            outcome: result.as_ref().map_or("failed", Outcome::word),
            error: result.as_ref().err().cloned(),
            cpu,
            wall,
            instructions,
            changes: before.map(|before| before.changes(exchange)).unwrap_or_default(),
            lines: exchange.log.lines.get(lines..).unwrap_or_default().to_vec(),
            lines_dropped: exchange.log.dropped.saturating_sub(lines_dropped),
        };
        watch.tell(&Arc::new(report));
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("watching", &self.watching()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Window").field(&self.site).finish()
    }
}
