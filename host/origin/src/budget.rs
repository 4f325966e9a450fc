//! The budget of retries: a token bucket, so that a pool that fails is not asked many times as much for it.
//!
//! Every request pays a part of a token in, time pays in the rest, and a retry takes a whole one out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// How much may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// Retries per hundred requests.
    pub percent: u32,
    /// Retries per second beside that, so that a pool with few requests has some too.
    pub min_per_second: u32,
    /// Most servers that one request is sent to. `None`: every server once.
    pub tries: Option<u32>,
}

/// Default of [`RetryLimits::percent`]: a pool that fails whole gets a fifth more than its load.
pub const RETRY_PERCENT_DEFAULT: u32 = 20;
/// Default of [`RetryLimits::min_per_second`].
pub const RETRY_MIN_PER_SECOND_DEFAULT: u32 = 10;

/// Most retries that are saved up, as seconds of [`RetryLimits::min_per_second`]; or [`SAVED_LEAST`], if that is more.
pub const SAVED_SECONDS: u32 = 10;
/// Fewest retries that can be saved up where any are allowed: a burst's worth.
pub const SAVED_LEAST: u32 = 100;

impl Default for RetryLimits {
    fn default() -> Self {
        Self { percent: RETRY_PERCENT_DEFAULT, min_per_second: RETRY_MIN_PER_SECOND_DEFAULT, tries: None }
    }
}

/// Hundredths of a token: a percentage of a request is a whole number of them.
const TOKEN: u64 = 100;

/// A pool's bucket.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: RetryLimits,
    /// In hundredths.
    saved: AtomicU64,
    /// Until when time has been paid in. Asked only for a retry.
    paid_until: Mutex<Duration>,
}

impl Budget {
    /// It begins with a second's worth.
    pub(crate) fn new(limits: RetryLimits, now: Duration) -> Self {
        let saved = u64::from(limits.min_per_second) * TOKEN;
        Self { limits, saved: AtomicU64::new(saved), paid_until: Mutex::new(now) }
    }

    /// One more request.
    pub(crate) fn deposit(&self) {
        self.add(u64::from(self.limits.percent));
    }

    /// Takes a retry, if there is one.
    pub(crate) fn withdraw(&self, now: Duration) -> bool {
        self.pay_in_time(now);
        let less = |saved: u64| saved.checked_sub(TOKEN);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    /// How many retries it has, with what time has paid in.
    pub(crate) fn saved(&self, now: Duration) -> u64 {
        self.pay_in_time(now);
        self.saved.load(Ordering::Relaxed) / TOKEN
    }

    fn pay_in_time(&self, now: Duration) {
        let mut paid_until = self.paid_until.lock();
        let elapsed = now.saturating_sub(*paid_until).min(Duration::from_secs(SAVED_SECONDS.into()));
        let due = elapsed.as_millis() as u64 * u64::from(self.limits.min_per_second) * TOKEN / 1000;
        if due > 0 {
            *paid_until = now;
            self.add(due);
        }
    }

    fn add(&self, hundredths: u64) {
        if hundredths == 0 {
            return;
        }
        let most =
            u64::from(self.limits.min_per_second.saturating_mul(SAVED_SECONDS).max(SAVED_LEAST)) * TOKEN;
        let more = |saved: u64| (saved < most).then(|| (saved + hundredths).min(most));
        // Full is full.
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(percent: u32, min_per_second: u32) -> Budget {
        Budget::new(RetryLimits { percent, min_per_second, tries: None }, Duration::ZERO)
    }

    fn drain(budget: &Budget, now: Duration) -> usize {
        (0..).take_while(|_| budget.withdraw(now)).count()
    }

    #[test]
    fn a_share_of_the_requests_may_be_asked_again() {
        let budget = budget(20, 0);
        assert_eq!(drain(&budget, Duration::ZERO), 0, "nothing has been asked yet");
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(drain(&budget, Duration::from_secs(60)), 20);
    }

    #[test]
    fn time_pays_in_the_least() {
        let budget = budget(0, 10);
        assert_eq!(budget.saved(Duration::ZERO), 10);
        assert_eq!(drain(&budget, Duration::ZERO), 10);
        assert_eq!(budget.saved(Duration::ZERO), 0);
        assert_eq!(drain(&budget, Duration::from_millis(99)), 0);
        assert_eq!(
            drain(&budget, Duration::from_millis(250)),
            2,
            "what is less than a retry is kept for later"
        );
        assert_eq!(drain(&budget, Duration::from_millis(300)), 1);
        assert_eq!(drain(&budget, Duration::from_secs(3600)), 100, "and no more than a limit is saved up");
    }

    #[test]
    fn a_busy_pool_cannot_save_up_without_end() {
        let budget = budget(100, 1);
        (0..100_000).for_each(|_| budget.deposit());
        assert_eq!(drain(&budget, Duration::ZERO), SAVED_LEAST as usize);
    }

    #[test]
    fn none_at_all_is_none_at_all() {
        assert_eq!(drain(&budget(0, 0), Duration::from_secs(3600)), 0);
    }
}
