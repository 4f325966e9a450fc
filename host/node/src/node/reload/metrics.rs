//! What is counted of reloads.

use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::node::build::unix_ms;

/// Counters of reloads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    loads: Family<OutcomeLabel, Counter>,
    last_ok: Gauge,
    last_success_s: Gauge,
    last_failure_s: Gauge,
    /// One series: the digest in force.
    digest: Family<DigestLabel, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DigestLabel {
    digest: String,
}

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("config");
        registry.register(
            "loads",
            "Configurations loaded, the first included, by outcome",
            self.loads.clone(),
        );
        registry.register("last_load_ok", "1 if the last load came into force, else 0", self.last_ok.clone());
        let help = "When a configuration last came into force, in seconds since 1970";
        registry.register("last_success_timestamp_seconds", help, self.last_success_s.clone());
        let help = "When a configuration was last refused, in seconds since 1970; 0: never";
        registry.register("last_failure_timestamp_seconds", help, self.last_failure_s.clone());
        registry.register("in_force", "1 for the digest in force", self.digest.clone());
    }

    pub(crate) fn loaded(&self, digest: &str, at_unix_ms: u64) {
        self.count("applied");
        self.last_ok.set(1);
        self.last_success_s.set(seconds(at_unix_ms));
        self.digest.clear();
        self.digest.get_or_create(&DigestLabel { digest: digest.to_owned() }).set(1);
    }

    pub(crate) fn refused(&self, at: SystemTime) {
        self.count("refused");
        self.last_ok.set(0);
        self.last_failure_s.set(seconds(unix_ms(at)));
    }

    fn count(&self, outcome: &'static str) {
        self.loads.get_or_create(&OutcomeLabel { outcome }).inc();
    }
}

fn seconds(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms / 1000).unwrap_or(i64::MAX)
}
