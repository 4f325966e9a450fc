//! Stops a version that keeps failing, before it is called: a trap costs more than a call that goes well, and an operator
//! is better told once than by every request.
//!
//! Owns: when a version is stopped, and how it is tried again. Refuses: what becomes of the request, which `on_error` says,
//! and going back to another version, which the node orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::FunctionErrorKind;
use crate::function::Function;
use crate::live::Failed;

/// Failures within [`WINDOW`] that stop a version, if they are [`SHARE_PERCENT`] of its calls: a request that somebody
/// sends again and again to break it must not take it from everybody else.
pub const FAILURES_MAX: u64 = 20;
/// Share of the calls that must have failed.
pub const SHARE_PERCENT: u64 = 5;
/// What is counted together.
pub const WINDOW: Duration = Duration::from_secs(30);
/// How long a stopped version is not called; then one call says whether it stays so.
pub const REST: Duration = Duration::from_secs(30);

/// A version that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The function.
    pub function: Arc<str>,
    /// Its version.
    pub version: String,
    /// Whether its settings want the version before it back.
    pub rolls_back: bool,
}

/// One version's breaker.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    calls: AtomicU64,
    /// When it may be tried again, in nanoseconds of the node's clock. Zero: it is not stopped.
    stopped_until_ns: AtomicU64,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    began: Duration,
    calls_before: u64,
    failures: u64,
}

/// On what terms a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// As usual.
    Regular,
    /// To see whether a stopped version still fails.
    Probe,
}

/// What a failure changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// The version is stopped now.
    Stopped,
    /// It goes on.
    Resumed,
}

impl Breaker {
    /// Whether a call may be made; none where the version is stopped.
    pub(crate) fn enter(&self, now: Duration) -> Option<Pass> {
        let until = self.stopped_until_ns.load(Ordering::Relaxed);
        if until == 0 {
            return Some(Pass::Regular);
        }
        let now = nanoseconds(now);
        // One at a time: who moves the end is the probe.
        let is_probe = now >= until
            && self
                .stopped_until_ns
                .compare_exchange(until, now + nanoseconds(REST), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        is_probe.then_some(Pass::Probe)
    }

    /// A call ended.
    pub(crate) fn ended(&self, pass: Pass, failed: Option<FunctionErrorKind>, now: Duration) -> Change {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        match (failed.is_some_and(is_its_own), pass) {
            (false, Pass::Regular) => Change::None,
            (true, Pass::Probe) => Change::None,
            (false, Pass::Probe) => {
                *self.window.lock() = Window { began: now, calls_before: calls, failures: 0 };
                self.stopped_until_ns.store(0, Ordering::Relaxed);
                Change::Resumed
            }
            (true, Pass::Regular) => self.failed(calls, now),
        }
    }

    fn failed(&self, calls: u64, now: Duration) -> Change {
        let mut window = self.window.lock();
        if now.saturating_sub(window.began) > WINDOW {
            *window = Window { began: now, calls_before: calls.saturating_sub(1), failures: 0 };
        }
        window.failures += 1;
        let of = calls.saturating_sub(window.calls_before);
        if window.failures < FAILURES_MAX || window.failures * 100 < of * SHARE_PERCENT {
            return Change::None;
        }
        *window = Window::default();
        let until = nanoseconds(now + REST);
        // Another thread may have been faster.
        match self.stopped_until_ns.swap(until, Ordering::Relaxed) {
            0 => Change::Stopped,
            _ => Change::None,
        }
    }
}

impl Function {
    /// Whether it may be called.
    pub(crate) fn admit(&self, now: Duration) -> Result<Pass, Failed> {
        self.breaker.enter(now).ok_or_else(|| {
            (FunctionErrorKind::Stopped, "it kept failing, and is not called for a while".to_owned())
        })
    }

    /// Notes how a call ended; if that stops it, everybody who should know is told.
    pub(crate) fn ended(&self, pass: Pass, failed: Option<FunctionErrorKind>, now: Duration) {
        let (function, version) = (self.name(), self.version());
        match self.breaker.ended(pass, failed, now) {
            Change::None => {}
            Change::Resumed => {
                tracing::info!(function, version, "the function does not fail any more: it is called again");
            }
            Change::Stopped => {
                let last = failed.map(FunctionErrorKind::code);
                tracing::error!(
                    function,
                    version,
                    last,
                    "the function keeps failing: it is not called for a while"
                );
                self.shared.metrics.stopped();
                let rolls_back = self.settings.rollback_on_traps;
                // Nobody listens where there is no node, as in a test of a file.
                let stopped =
                    Stopped { function: Arc::clone(&self.name), version: version.to_owned(), rolls_back };
                let _ = self.shared.stops.send(stopped);
            }
        }
    }
}

/// Whether a failure is one of the guest's code. An error that it returns is a decision of its author, waiting is not its
/// doing, and neither is what the host lacks.
fn is_its_own(kind: FunctionErrorKind) -> bool {
    use FunctionErrorKind as K;
    match kind {
        K::Trap | K::Cpu | K::Memory | K::Stack | K::HostCalls | K::Transfer | K::BadResponse | K::Misuse => {
            true
        }
        K::Returned | K::Wall | K::Busy | K::Absent | K::Stopped | K::Host => false,
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAP: Option<FunctionErrorKind> = Some(FunctionErrorKind::Trap);
    const SECOND: Duration = Duration::from_secs(1);

    fn fail(breaker: &Breaker, times: u64, now: Duration) -> Vec<Change> {
        let changes = (0..times).map(|_| breaker.ended(Pass::Regular, TRAP, now));
        changes.filter(|change| *change != Change::None).collect()
    }

    #[test]
    fn it_stops_what_keeps_failing_and_tries_it_again() {
        let (breaker, now) = (Breaker::default(), 100 * SECOND);
        assert_eq!(fail(&breaker, FAILURES_MAX - 1, now), []);
        assert_eq!(breaker.enter(now), Some(Pass::Regular));
        assert_eq!(fail(&breaker, 1, now), [Change::Stopped]);
        assert_eq!(breaker.enter(now + REST - SECOND), None);
        let later = now + REST;
        assert_eq!((breaker.enter(later), breaker.enter(later)), (Some(Pass::Probe), None), "one at a time");
        assert_eq!(breaker.ended(Pass::Probe, TRAP, later), Change::None);
        assert_eq!(breaker.enter(later + SECOND), None, "it still fails");
        assert_eq!(breaker.enter(later + REST), Some(Pass::Probe));
        assert_eq!(breaker.ended(Pass::Probe, None, later + REST), Change::Resumed);
        assert_eq!(breaker.enter(later + REST), Some(Pass::Regular));
        assert_eq!(fail(&breaker, FAILURES_MAX - 1, later + REST), [], "it begins anew");
    }

    #[test]
    fn a_few_failures_among_many_calls_stop_nothing() {
        let (breaker, now) = (Breaker::default(), 100 * SECOND);
        for _ in 0..1000 {
            assert_eq!(fail(&breaker, 1, now), []);
            (0..25).for_each(|_| assert_eq!(breaker.ended(Pass::Regular, None, now), Change::None));
        }
        for failed in [FunctionErrorKind::Returned, FunctionErrorKind::Wall, FunctionErrorKind::Busy] {
            (0..1000).for_each(|_| {
                assert_eq!(breaker.ended(Pass::Regular, Some(failed), now), Change::None);
            });
        }
    }

    #[test]
    fn failures_that_lie_far_apart_stop_nothing() {
        let breaker = Breaker::default();
        for n in 0..200 {
            assert_eq!(fail(&breaker, 1, 2 * SECOND * n), [], "{n}");
        }
    }
}
