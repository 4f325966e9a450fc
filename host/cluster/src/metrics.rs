//! What this room counts. One set per node.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use seawall_base::Position;

use crate::cluster::Touch;

/// Upper ends of the apply histogram, in seconds: a purge that matches nothing takes microseconds, one that matches
/// a million objects must not take seconds.
const APPLY_BUCKETS_SECONDS: [f64; 8] = [0.000_01, 0.000_1, 0.001, 0.01, 0.05, 0.25, 1.0, 5.0];

/// The counters of one node. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) appended: Counter,
    pub(crate) append_errors: Counter,
    pub(crate) follower_errors: Counter,
    pub(crate) emptied: Counter,
    pub(crate) matched: Counter,
    applied_position: Gauge,
    lag_records: Gauge,
    lag_seconds: Gauge<f64, AtomicU64>,
    cut_off: Gauge,
    apply: Histogram,
}

impl Metrics {
    /// Counters that nobody reads yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            appended: Counter::default(),
            append_errors: Counter::default(),
            follower_errors: Counter::default(),
            emptied: Counter::default(),
            matched: Counter::default(),
            applied_position: Gauge::default(),
            lag_records: Gauge::default(),
            lag_seconds: Gauge::default(),
            cut_off: Gauge::default(),
            apply: Histogram::new(APPLY_BUCKETS_SECONDS),
        }
    }

    /// Lists them in a registry, under `control_log`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("control_log");
        registry.register("appended", "Records that this node put in the control log", self.appended.clone());
        registry.register(
            "append_errors",
            "Records that this node could not put in the control log",
            self.append_errors.clone(),
        );
        registry.register(
            "follower_errors",
            "Times that this node lost the control log",
            self.follower_errors.clone(),
        );
        registry.register(
            "emptied",
            "Times that this node dropped everything because it had missed a record or could not read one",
            self.emptied.clone(),
        );
        registry.register(
            "matched",
            "Objects that purges dropped or made stale on this node",
            self.matched.clone(),
        );
        registry.register(
            "applied_position",
            "How far this node has applied the control log",
            self.applied_position.clone(),
        );
        registry.register(
            "lag_records",
            "Records of the control log that this node knows of and has not applied",
            self.lag_records.clone(),
        );
        registry.register_with_unit(
            "lag",
            "How long ago this node last knew that it had applied all there was",
            Unit::Seconds,
            self.lag_seconds.clone(),
        );
        registry.register(
            "cut_off",
            "Whether this node is further from the control log than max_lag: 1 if so",
            self.cut_off.clone(),
        );
        registry.register_with_unit(
            "apply",
            "How long this node took to apply one record",
            Unit::Seconds,
            self.apply.clone(),
        );
    }

    pub(crate) fn took(&self, elapsed: Duration) {
        self.apply.observe(elapsed.as_secs_f64());
    }

    pub(crate) fn lags(&self, lag: Duration, touch: Touch) {
        self.lag_seconds.set(lag.as_secs_f64());
        self.cut_off.set(i64::from(touch == Touch::CutOff));
    }

    pub(crate) fn reached(&self, applied: Position, head: Position) {
        self.applied_position.set(gauge(applied.0));
        self.lag_records.set(gauge(head.0.saturating_sub(applied.0)));
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
