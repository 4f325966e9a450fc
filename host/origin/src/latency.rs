//! How long a server takes to answer, as the past says: a peak-sensitive average that fades.
//!
//! A slower answer counts at once and a faster one slowly, so that a server that turns bad is passed over soon. What is
//! remembered fades, so that a server that was slow once is tried again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is remembered counts half as much after this long: some tens of answers of a busy server, and soon enough for
/// one that has recovered.
const HALF_LIFE: Duration = Duration::from_secs(5);

/// The latency of one server. Lock-free: one word holds both the microseconds and when they were measured.
#[derive(Debug, Default)]
pub(crate) struct Latency(AtomicU64);

/// Microseconds, and the milliseconds of the pool's clock at which they were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    micros: u32,
    at_ms: u32,
}

impl Sample {
    fn unpack(word: u64) -> Self {
        Self { micros: word as u32, at_ms: (word >> 32) as u32 }
    }

    fn pack(self) -> u64 {
        u64::from(self.micros) | u64::from(self.at_ms) << 32
    }

    /// What is left of it at `now_ms`; the clock's milliseconds wrap after 49 days.
    fn faded(self, now_ms: u32) -> u32 {
        (f64::from(self.micros) * memory(now_ms.wrapping_sub(self.at_ms))) as u32
    }

    fn with(self, micros: u32, now_ms: u32) -> Self {
        let memory = memory(now_ms.wrapping_sub(self.at_ms)).min(SMOOTHING);
        let blended = f64::from(self.micros) * memory + f64::from(micros) * (1.0 - memory);
        Self { micros: micros.max(blended as u32), at_ms: now_ms }
    }
}

/// How much of the past one faster answer leaves, however soon it comes.
const SMOOTHING: f64 = 0.9;

fn memory(elapsed_ms: u32) -> f64 {
    (-f64::from(elapsed_ms) / HALF_LIFE.as_millis() as f64).exp2()
}

fn millis(now: Duration) -> u32 {
    now.as_millis() as u32
}

impl Latency {
    /// An answer took `took`.
    pub(crate) fn note(&self, took: Duration, now: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let with = |word| Some(Sample::unpack(word).with(micros, millis(now)).pack());
        // The closure never refuses.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with);
    }

    /// In microseconds; 0 where nothing is known, or no longer.
    pub(crate) fn micros(&self, now: Duration) -> u32 {
        Sample::unpack(self.0.load(Ordering::Relaxed)).faded(millis(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_slow_answer_counts_at_once_and_a_fast_one_slowly() {
        let latency = Latency::default();
        assert_eq!(latency.micros(at(0)), 0, "not known");
        latency.note(at(2), at(0));
        assert_eq!(latency.micros(at(0)), 2_000);
        latency.note(at(100), at(0));
        assert_eq!(latency.micros(at(0)), 100_000);
        latency.note(at(2), at(0));
        assert_eq!(latency.micros(at(0)), 90_200);
    }

    #[test]
    fn what_is_remembered_fades() {
        let latency = Latency::default();
        latency.note(at(100), at(1_000));
        assert_eq!(latency.micros(at(6_000)), 50_000);
        assert_eq!(latency.micros(at(11_000)), 25_000);
        latency.note(at(2), at(11_000));
        assert_eq!(latency.micros(at(11_000)), 26_500, "what has faded weighs less beside a new answer");
        assert_eq!(latency.micros(at(600_000)), 0);
    }

    #[test]
    fn the_longest_latency_and_the_clocks_wrap_do_no_harm() {
        let latency = Latency::default();
        let late = Duration::from_millis(u64::from(u32::MAX));
        latency.note(Duration::MAX, late);
        assert_eq!(latency.micros(late), u32::MAX);
        assert_eq!(latency.micros(late + at(5_000)), u32::MAX / 2);
    }
}
