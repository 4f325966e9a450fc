//! What is counted of the requests that go out.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Counters of one [`crate::Client`].
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Requests sent, retries included.
    pub requests: Counter,
    /// Requests that ended in a fault before a response head.
    pub failures: Counter,
    /// Requests sent a second time, because the first met a connection's end.
    pub retries: Counter,
}

impl Metrics {
    /// Registers everything under `registry`, with `prefix` before each name: `origin` or `peer`.
    pub fn register(&self, registry: &mut Registry, prefix: &str) {
        let registry = registry.sub_registry_with_prefix(prefix);
        registry.register("requests", "Requests sent, retries included", self.requests.clone());
        registry.register("failures", "Requests that failed before a response head", self.failures.clone());
        registry.register("retries", "Requests sent again after a connection's end", self.retries.clone());
    }
}
