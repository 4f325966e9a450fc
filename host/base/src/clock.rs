//! The one file that reads the clock (invariant 6). Everything else is told what time it is.
//!
//! Two kinds of time, as in every operating system: *wall* time for what HTTP says in dates, and *ticks* for how
//! long something took. Neither is ever used to order events between nodes; the control log does that.
#![expect(clippy::disallowed_methods, reason = "this is the file that the rule points to")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// Where a node gets its time from. Cheap to clone; clones of a manual clock share its time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Manual(Arc<Mutex<Manual>>),
}

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
            Source::Manual(manual) => manual.lock().wall,
        }
    }

    /// Time since this clock was made; never goes back. For durations.
    #[must_use]
    pub fn ticks(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => manual.lock().ticks,
        }
    }

    /// Moves a manual clock forward. Answers `false`, and does nothing, on the system clock or past the end of time.
    pub fn advance(&self, by: Duration) -> bool {
        let Source::Manual(manual) = &self.0 else {
            return false;
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
    fn the_system_clock_cannot_be_moved() {
        let clock = Clock::system();
        let before = clock.ticks();
        assert!(!clock.advance(Duration::from_secs(1)));
        assert!(clock.ticks() >= before);
    }
}
