//! A server's circuit: what its own answers say about whether it should be asked.
//!
//! ```text
//!            failures in a row                     its time is up
//!  Closed ───────────────────────▶ Open ──────────────────────────▶ HalfOpen
//!    ▲                              ▲                                │   │
//!    │                              └──────── a probe failed ────────┘   │
//!    └──────────────────────────────────────── a probe succeeded ────────┘
//! ```
//!
//! An open circuit is what other proxies call an ejected server. Each time it opens again soon after it closed, it stays
//! open for twice as long. Pure: the time is an argument, and so is whether the pool can spare the server.

use std::time::Duration;

/// When a server is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// So many failures in a row open the circuit.
    pub failures: u32,
    /// For how long the first time.
    pub base: Duration,
    /// For how long at most, however often it opened.
    pub max: Duration,
    /// Most servers of a pool, of those in the same role, whose circuit is open at once, as a percentage; one always may
    /// be.
    pub share_percent: u8,
    /// Most requests at a time that try a server whose time is up.
    pub probes: u32,
}

/// Default of [`Ejection::failures`]: one or two happen to every server, five in a row do not.
pub const FAILURES_DEFAULT: u32 = 5;
/// Default of [`Ejection::base`]: a restart takes about this long.
pub const EJECT_BASE_DEFAULT: Duration = Duration::from_secs(1);
/// Default of [`Ejection::max`]: what a server that has come back waits at worst.
pub const EJECT_MAX_DEFAULT: Duration = Duration::from_secs(30);
/// Default of [`Ejection::share_percent`]: half of the servers cannot carry more than twice their load.
pub const EJECT_SHARE_DEFAULT: u8 = 50;
/// Default of [`Ejection::probes`].
pub const PROBES_DEFAULT: u32 = 1;

impl Default for Ejection {
    fn default() -> Self {
        Self {
            failures: FAILURES_DEFAULT,
            base: EJECT_BASE_DEFAULT,
            max: EJECT_MAX_DEFAULT,
            share_percent: EJECT_SHARE_DEFAULT,
            probes: PROBES_DEFAULT,
        }
    }
}

impl Ejection {
    /// How many of `servers` may be out at once.
    pub(crate) fn most_out(&self, servers: usize) -> usize {
        (servers * usize::from(self.share_percent) / 100).max(1)
    }

    /// How long the circuit stays open the `level`th time in a row, counted from 0.
    fn open_for(&self, level: u32) -> Duration {
        self.base.saturating_mul(2u32.saturating_pow(level)).min(self.max)
    }
}

/// Where a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CircuitState {
    /// The server is asked.
    Closed,
    /// It is left alone.
    Open,
    /// A few requests try it.
    HalfOpen,
}

impl CircuitState {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }

    /// The number in metrics: how far from closed.
    pub(crate) fn as_number(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}

/// On what terms a request asks a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Its circuit is closed.
    Regular,
    /// It is tried out.
    Probe,
    /// It is asked although it is out, for want of another.
    Forced,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing to tell.
    None,
    Opened,
    Closed,
}

/// One server's circuit.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    phase: Phase,
    /// In a row, while closed.
    failures: u32,
    /// How often in a row it has opened, less one.
    level: u32,
    /// When it closed last.
    closed_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    #[default]
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        probes: u32,
    },
}

impl Circuit {
    pub(crate) fn state(&self) -> CircuitState {
        match self.phase {
            Phase::Closed => CircuitState::Closed,
            Phase::Open { .. } => CircuitState::Open,
            Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// When the server may be tried again; zero where it may be now.
    pub(crate) fn opens_again_at(&self) -> Duration {
        match self.phase {
            Phase::Open { until } => until,
            Phase::Closed | Phase::HalfOpen { .. } => Duration::ZERO,
        }
    }

    /// Whether nothing has gone wrong of late, so that a success changes nothing.
    pub(crate) fn is_calm(&self) -> bool {
        matches!(self.phase, Phase::Closed) && self.failures == 0
    }

    /// Whether [`Circuit::enter`] would let a request through.
    pub(crate) fn admits(&self, now: Duration, limits: &Ejection) -> bool {
        match self.phase {
            Phase::Closed => true,
            Phase::Open { until } => now >= until,
            Phase::HalfOpen { probes } => probes < limits.probes,
        }
    }

    /// Lets a request through. It must end in one of the three calls below.
    pub(crate) fn enter(&mut self, now: Duration, limits: &Ejection) -> Option<Pass> {
        if !self.admits(now, limits) {
            return None;
        }
        match &mut self.phase {
            Phase::Closed => return Some(Pass::Regular),
            Phase::Open { .. } => self.phase = Phase::HalfOpen { probes: 1 },
            Phase::HalfOpen { probes } => *probes += 1,
        }
        Some(Pass::Probe)
    }

    /// The server answered well.
    pub(crate) fn succeeded(&mut self, pass: Pass, now: Duration) -> Change {
        match (pass, self.phase) {
            (_, Phase::Closed) => {
                self.failures = 0;
                Change::None
            }
            // It was let through before the circuit opened: what came later knows better.
            (Pass::Regular, _) => Change::None,
            (Pass::Probe | Pass::Forced, _) => self.close(now),
        }
    }

    /// The server failed. `may_open` where the pool can spare it.
    pub(crate) fn failed(&mut self, pass: Pass, now: Duration, limits: &Ejection, may_open: bool) -> Change {
        match (pass, self.phase) {
            (_, Phase::Closed) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < limits.failures || !may_open {
                    return Change::None;
                }
                // One that held for longer than the longest ejection is a server that was well in between.
                let relapsed = self.closed_at.is_some_and(|at| now.saturating_sub(at) <= limits.max);
                self.level = if relapsed { self.level.saturating_add(1) } else { 0 };
            }
            (Pass::Probe, _) => self.level = self.level.saturating_add(1),
            (Pass::Regular | Pass::Forced, _) => return Change::None,
        }
        self.phase = Phase::Open { until: now.saturating_add(limits.open_for(self.level)) };
        Change::Opened
    }

    /// The request ended without saying anything about the server.
    pub(crate) fn abandoned(&mut self, pass: Pass) {
        if let (Pass::Probe, Phase::HalfOpen { probes }) = (pass, &mut self.phase) {
            *probes = probes.saturating_sub(1);
        }
    }

    /// Somebody who knows says that the server is well.
    pub(crate) fn close(&mut self, now: Duration) -> Change {
        self.failures = 0;
        if matches!(self.phase, Phase::Closed) {
            return Change::None;
        }
        self.phase = Phase::Closed;
        self.closed_at = Some(now);
        Change::Closed
    }
}

#[cfg(test)]
mod tests;
