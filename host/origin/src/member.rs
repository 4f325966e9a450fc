//! One server of a running pool: what is under way there, and what is known of it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::balance::{self, Candidate};
use crate::circuit::{Change, Circuit, CircuitState, Ejection, Pass};
use crate::client::Client;
use crate::latency::Latency;
use crate::metrics::ServerMetrics;
use crate::server::Server;

/// One server of a running pool.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its place in the pool.
    pub(crate) at: usize,
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) latency: Latency,
    pub(crate) metrics: ServerMetrics,
    seed: u64,
    in_flight: AtomicU32,
    /// What the active checks say.
    up: AtomicBool,
    /// The circuit is closed and has counted no failure: nobody needs to lock it.
    calm: AtomicBool,
    circuit: Mutex<Circuit>,
}

impl Member {
    pub(crate) fn new(at: usize, server: Server, client: Client, metrics: ServerMetrics) -> Self {
        Self {
            at,
            seed: balance::hash(&[server.to_string().as_bytes()]),
            server,
            client,
            latency: Latency::default(),
            metrics,
            in_flight: AtomicU32::new(0),
            up: AtomicBool::new(true),
            calm: AtomicBool::new(true),
            circuit: Mutex::default(),
        }
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub(crate) fn circuit(&self) -> CircuitState {
        if self.calm.load(Ordering::Relaxed) { CircuitState::Closed } else { self.circuit.lock().state() }
    }

    /// Whether a request may be sent there.
    pub(crate) fn is_usable(&self, now: Duration, limits: &Ejection) -> bool {
        self.is_up() && (self.calm.load(Ordering::Relaxed) || self.circuit.lock().admits(now, limits))
    }

    /// How much is to be said against trying it although it is out: less is better.
    pub(crate) fn reluctance(&self) -> (bool, Duration) {
        (!self.is_up(), self.circuit.lock().opens_again_at())
    }

    pub(crate) fn candidate(&self, latency_us: u32) -> Candidate {
        Candidate {
            at: self.at,
            weight: self.server.weight.get(),
            in_flight: self.in_flight(),
            latency_us,
            seed: self.seed,
        }
    }

    /// Takes one of `max` places there. It must be given back with [`Member::leave`].
    pub(crate) fn sit_down(&self, max: Option<u32>) -> bool {
        let sat = take_one(&self.in_flight, max);
        if sat {
            self.metrics.in_flight.inc();
        }
        sat
    }

    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.metrics.in_flight.dec();
    }

    /// On what terms a request that has a place may be sent; none where another was faster.
    pub(crate) fn pass(&self, now: Duration, limits: &Ejection) -> Option<Pass> {
        if self.calm.load(Ordering::Relaxed) {
            return Some(Pass::Regular);
        }
        self.with_circuit(|circuit| circuit.enter(now, limits))
    }

    pub(crate) fn succeeded(&self, pass: Pass, now: Duration) -> Change {
        if self.calm.load(Ordering::Relaxed) {
            return Change::None;
        }
        self.with_circuit(|circuit| circuit.succeeded(pass, now))
    }

    pub(crate) fn failed(&self, pass: Pass, now: Duration, limits: &Ejection, may_open: bool) -> Change {
        let change = self.with_circuit(|circuit| circuit.failed(pass, now, limits, may_open));
        self.metrics.failures.inc();
        if change == Change::Opened {
            self.metrics.ejections.inc();
        }
        change
    }

    pub(crate) fn abandoned(&self, pass: Pass) {
        if pass == Pass::Probe {
            self.with_circuit(|circuit| circuit.abandoned(pass));
        }
    }

    /// The active checks have come to another result.
    pub(crate) fn set_up(&self, up: bool, now: Duration) {
        self.up.store(up, Ordering::Relaxed);
        self.metrics.up.set(i64::from(up));
        if up {
            self.with_circuit(|circuit| circuit.close(now));
        }
    }

    fn with_circuit<T>(&self, act: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuit = self.circuit.lock();
        let outcome = act(&mut circuit);
        self.calm.store(circuit.is_calm(), Ordering::Relaxed);
        self.metrics.circuit.set(circuit.state().as_number());
        outcome
    }
}

/// Counts up, unless there are `max` already.
pub(crate) fn take_one(count: &AtomicU32, max: Option<u32>) -> bool {
    let Some(max) = max else {
        count.fetch_add(1, Ordering::Relaxed);
        return true;
    };
    let more = |count: u32| (count < max).then(|| count + 1);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}
