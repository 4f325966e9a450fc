//! The one file that reads the clock (invariant 6). Everything else is told what time it is.
//!
//! Two kinds of time, as in every operating system: *wall* time for what HTTP says in dates, and *ticks* for how
//! long something took. Neither is ever used to order events between nodes; the control log does that.
#![expect(clippy::disallowed_methods, reason = "this is the file that the rule points to")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// Where a node gets its time from. Cheap to clone; clones of a manual clock share its time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Stepped { started: Instant, ahead_ms: Arc<AtomicU64> },
    Manual(Arc<Mutex<Manual>>),
}

/// How far a stepped clock may run ahead: ten years, more than any response is fresh. Dates stay such as HTTP can write.
pub const AHEAD_MAX: Duration = Duration::from_secs(3650 * 86_400);

#[derive(Debug)]
struct Manual {
    wall: SystemTime,
    ticks: Duration,
}

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// The machine's clock, whose wall time can be stepped forward with [`Clock::advance`], to see what happens when a
    /// lifetime is over. Ticks go on as they do: a step must not make anything late that is under way.
    #[must_use]
    pub fn stepped() -> Self {
        Self(Source::Stepped { started: Instant::now(), ahead_ms: Arc::default() })
    }

    /// A clock that moves only when [`Clock::advance`] is called.
    #[must_use]
    pub fn manual(wall: SystemTime) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(Manual { wall, ticks: Duration::ZERO }))))
    }

    /// Wall time, for `Date`, `Age` and freshness.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Source::System { .. } => SystemTime::now(),
            Source::Stepped { .. } => SystemTime::now() + self.ahead(),
            Source::Manual(manual) => manual.lock().wall,
        }
    }

    /// Time since this clock was made; never goes back. For durations.
    #[must_use]
    pub fn ticks(&self) -> Duration {
        match &self.0 {
            Source::System { started } | Source::Stepped { started, .. } => started.elapsed(),
            Source::Manual(manual) => manual.lock().ticks,
        }
    }

    /// How far a stepped clock runs ahead of the machine's.
    #[must_use]
    pub fn ahead(&self) -> Duration {
        match &self.0 {
            Source::Stepped { ahead_ms, .. } => Duration::from_millis(ahead_ms.load(Ordering::Relaxed)),
            Source::System { .. } | Source::Manual(_) => Duration::ZERO,
        }
    }

    /// Whether it is the machine's clock with steps.
    #[must_use]
    pub fn is_stepped(&self) -> bool {
        matches!(self.0, Source::Stepped { .. })
    }

    /// Moves a manual or stepped clock forward, the latter in whole milliseconds. Answers `false`, and does nothing, on
    /// the system clock, past the end of time, or beyond [`AHEAD_MAX`].
    pub fn advance(&self, by: Duration) -> bool {
        let manual = match &self.0 {
            Source::System { .. } => return false,
            Source::Stepped { ahead_ms, .. } => return step(ahead_ms, by),
            Source::Manual(manual) => manual,
        };
        let mut manual = manual.lock();
        let Some(wall) = manual.wall.checked_add(by) else {
            return false;
        };
        manual.wall = wall;
        manual.ticks = manual.ticks.saturating_add(by);
        true
    }
}

fn step(ahead_ms: &AtomicU64, by: Duration) -> bool {
    let stepped = |ahead: u64| {
        let by = u64::try_from(by.as_millis()).ok()?;
        ahead.checked_add(by).filter(|ahead| Duration::from_millis(*ahead) <= AHEAD_MAX)
    };
    ahead_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stepped).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_clones_share_it() {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        let other = clock.clone();
        assert_eq!(clock.now(), SystemTime::UNIX_EPOCH);
        assert!(other.advance(Duration::from_secs(5)));
        assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(5));
        assert_eq!(clock.ticks(), Duration::from_secs(5));
        assert!(!clock.advance(Duration::MAX), "past the end of time nothing moves");
        assert_eq!(clock.ticks(), Duration::from_secs(5));
    }

    #[test]
    fn a_stepped_clock_runs_and_can_be_set_ahead_but_not_for_ever() {
        let clock = Clock::stepped();
        let (before, ticks) = (clock.now(), clock.ticks());
        let other = clock.clone();
        assert!(other.advance(Duration::from_secs(3600)));
        assert!(clock.now() >= before + Duration::from_secs(3600), "clones share its steps");
        assert!(clock.ticks() < ticks + Duration::from_secs(3600), "nothing under way is late");
        assert!(!clock.advance(AHEAD_MAX), "that would be too far");
        assert_eq!(clock.ahead(), Duration::from_secs(3600));
        assert!(clock.is_stepped() && !Clock::system().is_stepped());
    }

    #[test]
    fn the_system_clock_cannot_be_moved() {
        let clock = Clock::system();
        let before = clock.ticks();
        assert!(!clock.advance(Duration::from_secs(1)));
        assert!(clock.ticks() >= before);
    }
}
