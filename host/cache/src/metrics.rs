//! What the cache counts. Each counter is documented where it is declared.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters of one [`crate::Store`].
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Fills that ended in a stored response.
    pub stored: Counter,
    /// Fills that broke off and left a part that can be completed.
    pub stored_incomplete: Counter,
    /// Fills whose response was refreshed by a 304.
    pub refreshed: Counter,
    /// Fills that policy declined to store.
    pub declined: Counter,
    /// Fills that were not stored because a purge matched them while they were under way.
    pub sealed: Counter,
    /// Fills that failed or were dropped.
    pub failed: Counter,
    /// Fills not stored because their body passed the object limit.
    pub too_large: Counter,
    /// Requests that joined another's fill.
    pub followed: Counter,
    /// Stored responses removed by purges.
    pub purged: Counter,
    /// Resources that moka evicted for room.
    pub evicted: Counter,
    /// Fills in flight.
    pub in_flight: Gauge,
    /// Bytes held, as weighed.
    pub bytes: Gauge,
    /// Resources (URLs) held.
    pub resources: Gauge,
}

impl Metrics {
    /// Registers everything under `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let counters = [
            ("cache_stored", "Fills that ended in a stored response", &self.stored),
            (
                "cache_stored_incomplete",
                "Fills that broke off and left a part that can be completed",
                &self.stored_incomplete,
            ),
            ("cache_refreshed", "Fills whose stored response a 304 refreshed", &self.refreshed),
            ("cache_declined", "Fills that policy declined to store", &self.declined),
            ("cache_sealed", "Fills not stored because a purge matched them in flight", &self.sealed),
            ("cache_fill_failed", "Fills that failed or were dropped", &self.failed),
            ("cache_too_large", "Fills not stored because the body passed the object limit", &self.too_large),
            ("cache_followed", "Requests that joined another request's fill", &self.followed),
            ("cache_purged", "Stored responses removed or made stale by purges", &self.purged),
            ("cache_evicted", "Resources evicted for room", &self.evicted),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register("cache_fills_in_flight", "Fills in flight", self.in_flight.clone());
        registry.register("cache_bytes", "Bytes held, as weighed", self.bytes.clone());
        registry.register("cache_resources", "Resources (URLs) held", self.resources.clone());
    }
}
