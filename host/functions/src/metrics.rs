//! Counters of calls and their cost. Recording is a few additions: no label is looked up, nothing is locked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::Semaphore;

use crate::error::{FunctionError, FunctionErrorKind};
use crate::exchange::{OriginVerdict, RequestVerdict};
use crate::function::Hook;
use crate::live::Spent;

/// Upper bounds of the histograms' buckets, in microseconds: a fresh call takes about 10, a bad one 5000, and a handler
/// may wait.
const BOUNDS_US: [u32; 14] = [2, 5, 10, 15, 25, 50, 100, 250, 500, 1000, 5000, 20_000, 100_000, 1_000_000];

/// What this room counts.
pub struct Metrics {
    /// In the order of [`Hook::ALL`].
    hooks: [PerHook; Hook::ALL.len()],
    handlers: PerHook,
    stops: AtomicU64,
    slots: Slots,
    handler_slots: Slots,
}

/// The places of a pool.
struct Slots {
    free: Arc<Semaphore>,
    all: usize,
}

impl Slots {
    fn new(free: &Arc<Semaphore>) -> Self {
        Self { all: free.available_permits(), free: Arc::clone(free) }
    }

    fn used(&self) -> usize {
        self.all.saturating_sub(self.free.available_permits())
    }
}

struct PerHook {
    next: AtomicU64,
    responded: AtomicU64,
    failed: [AtomicU64; FunctionErrorKind::ALL.len()],
    cpu: Histogram,
    wall: Histogram,
}

#[derive(Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len()],
    above: AtomicU64,
    sum_us: AtomicU64,
}

impl Metrics {
    pub(crate) fn new(slots: &Arc<Semaphore>, handler_slots: &Arc<Semaphore>) -> Self {
        Self {
            hooks: Hook::ALL.map(|_| PerHook::new()),
            handlers: PerHook::new(),
            stops: AtomicU64::new(0),
            slots: Slots::new(slots),
            handler_slots: Slots::new(handler_slots),
        }
    }

    /// Adds these metrics to a registry.
    pub fn register(self: &Arc<Self>, registry: &mut Registry) {
        registry.register_collector(Box::new(Arc::clone(self)));
    }

    /// Calls that ended so. `None` is success: for the request side, that the request goes on.
    #[must_use]
    pub fn calls(&self, hook: Hook, failed: Option<FunctionErrorKind>) -> u64 {
        let of = self.of(hook);
        failed
            .map_or(Some(&of.next), |kind| of.failed.get(kind as usize))
            .map_or(0, |n| n.load(Ordering::Relaxed))
    }

    pub(crate) fn record<T: Outcome>(&self, hook: Hook, result: &Result<T, FunctionError>, spent: Spent) {
        let of = self.of(hook);
        match result {
            Ok(outcome) if outcome.responds() => of.responded.fetch_add(1, Ordering::Relaxed),
            Ok(_) => of.next.fetch_add(1, Ordering::Relaxed),
            Err(error) => return of.failure(error.kind, spent),
        };
        of.spent(spent);
    }

    /// A version was stopped.
    pub(crate) fn stopped(&self) {
        self.stops.fetch_add(1, Ordering::Relaxed);
    }

    /// A call that never began.
    pub(crate) fn refused(&self, hook: Hook, why: FunctionErrorKind) {
        self.of(hook).failure(why, Spent::default());
    }

    fn of(&self, hook: Hook) -> &PerHook {
        let [on_request, on_origin_request, on_origin_response, on_response] = &self.hooks;
        match hook {
            Hook::OnRequest => on_request,
            Hook::OnOriginRequest => on_origin_request,
            Hook::OnOriginResponse => on_origin_response,
            Hook::OnResponse => on_response,
            Hook::Handle => &self.handlers,
        }
    }
}

/// What a call that went well can come to.
pub(crate) trait Outcome {
    /// The function answered by itself.
    fn responds(&self) -> bool {
        false
    }

    /// The word for it.
    fn word(&self) -> &'static str;
}

impl Outcome for RequestVerdict {
    fn responds(&self) -> bool {
        matches!(self, Self::Respond(_))
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Respond(_) => "respond",
        }
    }
}

impl Outcome for OriginVerdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::DeliverOnly => "deliver-only",
            Self::Retry(_) => "retry",
        }
    }
}

impl Outcome for () {
    fn word(&self) -> &'static str {
        "done"
    }
}

impl PerHook {
    fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
            responded: AtomicU64::new(0),
            failed: std::array::from_fn(|_| AtomicU64::new(0)),
            cpu: Histogram::default(),
            wall: Histogram::default(),
        }
    }

    fn failure(&self, kind: FunctionErrorKind, spent: Spent) {
        if let Some(count) = self.failed.get(kind as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // A call that never began would only blur the picture of those that did.
        if !matches!(kind, FunctionErrorKind::Busy | FunctionErrorKind::Stopped) {
            self.spent(spent);
        }
    }

    fn spent(&self, spent: Spent) {
        self.cpu.record(spent.cpu);
        self.wall.record(spent.wall);
    }

    fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let failed = FunctionErrorKind::ALL.iter().zip(&self.failed).map(|(kind, n)| (kind.as_str(), n));
        let well = [("next", &self.next), ("responded", &self.responded)];
        well.into_iter().chain(failed).map(|(word, n)| (word, n.load(Ordering::Relaxed)))
    }
}

impl Histogram {
    fn record(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS_US.partition_point(|bound| u64::from(*bound) < us);
        self.buckets.get(at).unwrap_or(&self.above).fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        const US_PER_S: f64 = 1e6;
        let seconds = |us: f64| us / US_PER_S;
        let mut buckets: Vec<(f64, u64)> = BOUNDS_US
            .iter()
            .zip(&self.buckets)
            .map(|(bound, n)| (seconds(f64::from(*bound)), n.load(Ordering::Relaxed)))
            .collect();
        buckets.push((f64::INFINITY, self.above.load(Ordering::Relaxed)));
        let count = buckets.iter().map(|(_, n)| n).sum();
        let sum = Duration::from_micros(self.sum_us.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

/// All that is counted by itself.
fn calls_of() -> impl Iterator<Item = Hook> {
    Hook::ALL.into_iter().chain([Hook::Handle])
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Calls of functions' hooks, by outcome";
        let mut calls = encoder.encode_descriptor("function_calls", help, None, MetricType::Counter)?;
        for hook in calls_of() {
            for (outcome, n) in self.of(hook).outcomes() {
                let labels = [("hook", hook.as_str()), ("outcome", outcome)];
                calls.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&n, None)?;
            }
        }
        let help = "Versions that were stopped because they kept failing";
        let stops = encoder.encode_descriptor("function_stops", help, None, MetricType::Counter)?;
        let n = self.stops.load(Ordering::Relaxed);
        { stops }.encode_counter::<NoLabelSet, _, u64>(&n, None)?;
        for (name, help, which) in [
            ("function_cpu", "CPU time of one call", (|of| &of.cpu) as fn(&PerHook) -> &Histogram),
            ("function_wall", "Time from the begin to the end of one call", |of| &of.wall),
        ] {
            let mut family =
                encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
            for hook in calls_of() {
                let labels = [("hook", hook.as_str())];
                which(self.of(hook)).encode(family.encode_family(&labels)?)?;
            }
        }
        for (name, help, n) in [
            ("function_instances", "Instances that exist now", self.slots.used()),
            ("function_instances_max", "Instances that may exist", self.slots.all),
            ("handler_instances", "Instances of handlers that exist now", self.handler_slots.used()),
            ("handler_instances_max", "Instances of handlers that may exist", self.handler_slots.all),
        ] {
            let n = i64::try_from(n).unwrap_or(i64::MAX);
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&n)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_their_cost_are_exported() {
        let metrics = Arc::new(Metrics::new(&Arc::new(Semaphore::new(5)), &Arc::new(Semaphore::new(2))));
        let spent =
            Spent { cpu: Duration::from_micros(10), wall: Duration::from_millis(50), ..Spent::default() };
        metrics.record(Hook::OnRequest, &Ok(RequestVerdict::Next), spent);
        let error = FunctionError::new(&Arc::from("f"), Hook::OnResponse, FunctionErrorKind::Cpu, "");
        metrics.record::<()>(Hook::OnResponse, &Err(error), spent);
        let (mut registry, mut text) = (Registry::default(), String::new());
        metrics.register(&mut registry);
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "function_calls_total{hook=\"on-request\",outcome=\"next\"} 1",
            "function_calls_total{hook=\"on-response\",outcome=\"cpu-limit\"} 1",
            "function_calls_total{hook=\"on-response\",outcome=\"next\"} 0",
            "function_cpu_seconds_bucket{le=\"0.000005\",hook=\"on-request\"} 0",
            "function_cpu_seconds_bucket{le=\"0.00001\",hook=\"on-request\"} 1",
            "function_wall_seconds_bucket{le=\"0.02\",hook=\"on-request\"} 0",
            "function_wall_seconds_bucket{le=\"+Inf\",hook=\"on-request\"} 1",
            "function_wall_seconds_count{hook=\"on-response\"} 1",
            "function_instances_max 5",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert_eq!(metrics.calls(Hook::OnResponse, Some(FunctionErrorKind::Cpu)), 1);
        assert_eq!(metrics.calls(Hook::OnRequest, None), 1);
    }
}
