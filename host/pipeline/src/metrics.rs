//! What is counted of requests. Label sets are bounded: the ways of a request are a closed enum.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use seawall_base::{Blame, Clock, Fault};

use crate::context::Way;
use crate::cutoff::WhenCutOff;

mod stale_left;

pub use stale_left::StaleLeft;

/// Counters of one node's path. The counters of each way are resolved once: a hit looks nothing up.
#[derive(Clone, Debug)]
pub struct Metrics {
    by_way: Family<WayLabel, Counter>,
    ways: [Counter; Way::ALL.len()],
    faults: Family<FaultLabel, Counter>,
    by_guests: Family<GuestLabel, Counter>,
    guest_names: Arc<Mutex<HashSet<GuestLabel>>>,
    by_cut_off: Family<CutOffLabel, Counter>,
    not_stored: Family<ReasonLabel, Counter>,
    /// Requests answered by a shield.
    pub shield_answers: Counter,
    /// Requests that a shield should have answered and the origin was asked instead.
    pub shield_fallbacks: Counter,
    /// Peer requests that this node fetched past its cache because it was behind the asking node.
    pub shield_behind: Counter,
    /// Purges that a `Cache-Group-Invalidation` put in the log.
    pub group_purges: Counter,
    /// Those that did not get there.
    pub group_purges_lost: Counter,
    /// How long stale content still lasts where it stands in for a failing origin.
    pub stale_left: StaleLeft,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WayLabel {
    way: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CutOffLabel {
    does: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabel {
    cause: &'static str,
    blame: &'static str,
}

/// A counter of a function's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GuestLabel {
    function: String,
    name: String,
}

/// Most counters of functions' own, over all functions: names come from guests, and each is a time series for ever.
pub const GUEST_COUNTERS_MAX: usize = 256;

impl Default for Metrics {
    fn default() -> Self {
        let by_way = Family::<WayLabel, Counter>::default();
        let by_cut_off = Family::<CutOffLabel, Counter>::default();
        for does in WhenCutOff::ALL {
            by_cut_off.get_or_create_owned(&CutOffLabel { does: does.as_str() });
        }
        let ways = Way::ALL.map(|way| by_way.get_or_create(&WayLabel { way: way.as_str() }).clone());
        Self {
            by_way,
            ways,
            faults: Family::default(),
            by_guests: Family::default(),
            guest_names: Arc::default(),
            by_cut_off,
            not_stored: Family::default(),
            shield_answers: Counter::default(),
            shield_fallbacks: Counter::default(),
            shield_behind: Counter::default(),
            group_purges: Counter::default(),
            group_purges_lost: Counter::default(),
            stale_left: StaleLeft::default(),
        }
    }
}

impl Metrics {
    /// Counts a response that was not stored.
    pub(crate) fn not_stored(&self, reason: &'static str) {
        self.not_stored.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// Registers everything under `registry`.
    pub fn register(&self, registry: &mut Registry, clock: &Clock) {
        let stale_left = stale_left::Reader { of: self.stale_left.clone(), clock: clock.clone() };
        registry.register_collector(Box::new(stale_left));
        registry.register("requests", "Requests, by the way they went", self.by_way.clone());
        registry.register(
            "faults",
            "Requests that ended in a fault, by cause and blame",
            self.faults.clone(),
        );
        let help = "What functions counted, by function and name";
        registry.register("function_counts", help, self.by_guests.clone());
        registry.register(
            "cut_off_requests",
            "Requests that came while this node was further from the control log than max_lag, by what their site does",
            self.by_cut_off.clone(),
        );
        registry.register(
            "not_stored",
            "Responses that were not stored, by the reason that Cache-Status tells",
            self.not_stored.clone(),
        );
        registry.register("shield_answers", "Fills answered by a shield", self.shield_answers.clone());
        registry.register(
            "shield_fallbacks",
            "Fills whose shield did not answer, asked of the origin instead",
            self.shield_fallbacks.clone(),
        );
        registry.register(
            "shield_behind",
            "Peer requests fetched past the cache because this node was behind the asking one",
            self.shield_behind.clone(),
        );
        registry.register(
            "group_purges",
            "Purges that a Cache-Group-Invalidation put in the control log",
            self.group_purges.clone(),
        );
        registry.register(
            "group_purges_lost",
            "Purges of a Cache-Group-Invalidation that did not reach the control log",
            self.group_purges_lost.clone(),
        );
    }

    /// Adds to a function's own counter. Past [`GUEST_COUNTERS_MAX`] names, new ones are not counted.
    pub(crate) fn count_for_guest(&self, function: &str, name: &str, delta: u64) {
        let label = GuestLabel { function: function.to_owned(), name: name.to_owned() };
        let mut names = self.guest_names.lock();
        if names.contains(&label) || (names.len() < GUEST_COUNTERS_MAX && names.insert(label.clone())) {
            self.by_guests.get_or_create(&label).inc_by(delta);
        }
    }

    pub(crate) fn count(&self, way: Way) {
        if let Some(counter) = self.ways.get(way as usize) {
            counter.inc();
        }
    }

    pub(crate) fn count_cut_off(&self, does: WhenCutOff) {
        self.by_cut_off.get_or_create(&CutOffLabel { does: does.as_str() }).inc();
    }

    pub(crate) fn count_fault(&self, fault: &Fault) {
        let blame: Blame = fault.blame;
        self.faults.get_or_create(&FaultLabel { cause: fault.cause.as_str(), blame: blame.as_str() }).inc();
    }

    /// How many requests went this way.
    #[must_use]
    pub fn of(&self, way: Way) -> u64 {
        self.ways.get(way as usize).map_or(0, Counter::get)
    }
}
