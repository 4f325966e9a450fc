//! What goes on at one connection, and when that is too little for too long.
//!
//! The stream and the responses count what they do, without a timer or a lock of their own; once in a while one look at the
//! counts says which limit has passed. So a limit ends a connection after its time, and at most the time between two
//! looks later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Connections;

/// Requests of one HTTP/2 connection that its client may give up before it is taken for an attack: more than a browser
/// whose user leaves a page of pictures, and only where they are more than those that it takes to the end.
pub(super) const GIVEN_UP_MAX: u64 = 256;

/// Longest time between two looks.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// Why a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// `head_timeout`: a request's head did not come to its end.
    Head,
    /// `idle_timeout`: no next request came.
    Idle,
    /// `stall_timeout`: nothing was taken of what waits.
    Stall,
    /// `total_timeout`: a request took too long altogether.
    Total,
    /// [`GIVEN_UP_MAX`].
    Resets,
}

impl Cut {
    /// The word in the metric.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head-timeout",
            Self::Idle => "idle-timeout",
            Self::Stall => "stall-timeout",
            Self::Total => "total-timeout",
            Self::Resets => "resets",
        }
    }
}

/// Counts of one connection. All happen on one thread; they are atomic since an HTTP/2 connection's requests are tasks.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Requests whose head has come.
    begun: AtomicU64,
    /// Those whose response is not whole yet.
    open: AtomicU32,
    /// Open ones whose next piece waits for the client to have taken those before it.
    waiting: AtomicU32,
    /// Those that the client gave up.
    given_up: AtomicU64,
    /// Times that bytes came.
    reads: AtomicU64,
    /// The same when nothing was open last.
    reads_when_quiet: AtomicU64,
    /// Times that bytes, or a piece of a response, were taken.
    writes: AtomicU64,
    /// Looks so far.
    looks: AtomicU32,
    /// A head that is on its way cannot be told from other frames.
    is_http2: AtomicBool,
}

/// For counts with one writer at a time: cheaper than an atomic addition.
fn bump(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

impl Pulse {
    /// One more request.
    pub(super) fn begin(self: &Arc<Self>) -> Open {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        let look = self.looks.load(Ordering::Relaxed);
        Open { pulse: Arc::clone(self), look, stage: Stage::Asked }
    }

    /// Bytes came.
    pub(crate) fn read(&self) {
        bump(&self.reads);
    }

    /// Bytes were taken.
    pub(crate) fn wrote(&self) {
        bump(&self.writes);
    }

    pub(super) fn is_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
    }

    /// Whether its client opens requests to give them up.
    pub(super) fn is_abused(&self) -> bool {
        let given_up = self.given_up.load(Ordering::Relaxed);
        given_up > GIVEN_UP_MAX && given_up > self.begun.load(Ordering::Relaxed) / 2
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is no response yet, or its next piece is not there.
    Asked,
    /// A piece is on its way to the client, and the next has not been asked for.
    Sent,
    /// All has been handed over.
    Whole,
}

/// One request under way.
#[derive(Debug)]
pub(super) struct Open {
    pulse: Arc<Pulse>,
    /// The look before it began.
    look: u32,
    stage: Stage,
}

impl Open {
    /// The client is asked for no more, and the origin is.
    pub(super) fn asks(&mut self) {
        self.go(Stage::Asked);
        bump(&self.pulse.writes);
    }

    /// A piece is on its way.
    pub(super) fn sends(&mut self) {
        self.go(Stage::Sent);
    }

    /// The last one is.
    pub(super) fn ends(&mut self) {
        self.go(Stage::Whole);
    }

    fn go(&mut self, to: Stage) {
        let from = std::mem::replace(&mut self.stage, to);
        match (from == Stage::Sent, to == Stage::Sent) {
            (false, true) => drop(self.pulse.waiting.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.pulse.waiting.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    /// Looks since it began.
    pub(super) fn looks(&self) -> u32 {
        self.pulse.looks.load(Ordering::Relaxed).wrapping_sub(self.look)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.stage != Stage::Whole {
            self.go(Stage::Whole);
            bump(&self.pulse.given_up);
        }
        if self.pulse.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            let reads = self.pulse.reads.load(Ordering::Relaxed);
            self.pulse.reads_when_quiet.store(reads, Ordering::Relaxed);
        }
    }
}

/// The limits, in looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    /// The time between two.
    pub(super) every: Duration,
    head: u32,
    idle: u32,
    stall: u32,
    pub(super) total: u32,
}

impl Looks {
    pub(super) fn of(limits: &Connections) -> Self {
        let shortest = limits.head_timeout.min(limits.idle_timeout).min(limits.stall_timeout);
        let every = shortest.min(limits.total_timeout).min(LOOK_MAX);
        // What is looked at first may have begun a moment ago: one look more than fit into the time.
        let looks = |limit: Duration| {
            let whole = limit.as_millis().div_ceil(every.as_millis().max(1));
            u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(1)
        };
        Self {
            every,
            head: looks(limits.head_timeout),
            idle: looks(limits.idle_timeout),
            stall: looks(limits.stall_timeout),
            total: looks(limits.total_timeout),
        }
    }
}

/// What the looks at one connection have seen.
#[derive(Debug, Default)]
pub(super) struct Watch {
    begun: u64,
    writes: u64,
    /// Looks in a row that found the same.
    quiet: u32,
    heading: u32,
    stalled: u32,
}

impl Watch {
    /// Looks; says why the connection is to be cut, if it is.
    pub(super) fn look(&mut self, pulse: &Pulse, looks: Looks) -> Option<Cut> {
        pulse.looks.fetch_add(1, Ordering::Relaxed);
        if pulse.is_abused() {
            return Some(Cut::Resets);
        }
        let begun = pulse.begun.load(Ordering::Relaxed);
        let writes = pulse.writes.load(Ordering::Relaxed);
        let same_begun = begun == std::mem::replace(&mut self.begun, begun);
        let same_writes = writes == std::mem::replace(&mut self.writes, writes);
        let open = pulse.open.load(Ordering::Relaxed);
        let count = |so: bool, looks: &mut u32| *looks = if so { *looks + 1 } else { 0 };
        let waits = open > 0 && pulse.waiting.load(Ordering::Relaxed) == open;
        count(waits && same_writes, &mut self.stalled);
        let nothing = open == 0 && same_begun;
        count(nothing && same_writes, &mut self.quiet);
        let came = pulse.reads.load(Ordering::Relaxed) != pulse.reads_when_quiet.load(Ordering::Relaxed);
        let in_head = begun == 0 || (came && !pulse.is_http2.load(Ordering::Relaxed));
        count(nothing && in_head, &mut self.heading);
        match () {
            () if self.heading >= looks.head => Some(Cut::Head),
            () if self.quiet >= looks.idle => Some(Cut::Idle),
            () if self.stalled >= looks.stall => Some(Cut::Stall),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests;
