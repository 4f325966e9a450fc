//! What is counted of the requests that go out. Label sets are bounded: origins and servers come from the config, and
//! every other label is a closed enum.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use seawall_base::{Cause, OriginName};

use crate::pool::Pool;
use crate::server::Server;

/// Counters of one [`crate::Client`], or of all that share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Requests sent, retries included.
    pub requests: Counter,
    /// Requests that ended in a fault before a response head.
    pub failures: Counter,
    /// Requests sent again, to the same server or to another.
    pub retries: Counter,
}

impl Metrics {
    /// Registers everything under `registry`, with `prefix` before each name: `origin` or `peer`.
    pub fn register(&self, registry: &mut Registry, prefix: &str) {
        let registry = registry.sub_registry_with_prefix(prefix);
        registry.register("requests", "Requests sent, retries included", self.requests.clone());
        registry.register("failures", "Requests that failed before a response head", self.failures.clone());
        registry.register("retries", "Requests sent again", self.retries.clone());
    }
}

/// Counters of all pools of a node.
#[derive(Clone, Debug, Default)]
pub struct PoolMetrics {
    retries_refused: Family<OriginLabel, Counter>,
    backup: Family<OriginLabel, Counter>,
    queue: Family<OriginLabel, Gauge>,
    refused: Family<RefusedLabel, Counter>,
    requests: Family<ServerLabel, Counter>,
    failures: Family<ServerLabel, Counter>,
    ejections: Family<ServerLabel, Counter>,
    in_flight: Family<ServerLabel, Gauge>,
    up: Family<ServerLabel, Gauge>,
    circuit: Family<ServerLabel, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OriginLabel {
    origin: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabel {
    origin: String,
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabel {
    origin: String,
    server: String,
}

impl PoolMetrics {
    /// Registers everything under `registry`; each name begins with `origin_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("origin");
        let (refused, backup) = (self.retries_refused.clone(), self.backup.clone());
        registry.register("retries_refused", "Retries that the budget did not allow", refused);
        registry.register("backup", "Requests sent to a backup server or a backup origin", backup);
        registry.register("queue", "Requests that wait for a free server", self.queue.clone());
        let help = "Requests refused without asking a server, by reason";
        registry.register("refused", help, self.refused.clone());
        registry.register("server_requests", "Requests sent to a server", self.requests.clone());
        let help = "Requests that a server failed: no answer, a gateway error, or a body that broke off";
        registry.register("server_failures", help, self.failures.clone());
        registry.register("server_ejections", "Times a server's circuit opened", self.ejections.clone());
        let help = "Requests under way at a server, bodies included";
        registry.register("server_in_flight", help, self.in_flight.clone());
        let help = "1 where the active checks say that a server is well, or there are none; else 0";
        registry.register("server_up", help, self.up.clone());
        let help = "A server's circuit: 0 closed, 1 half-open, 2 open";
        registry.register("server_circuit", help, self.circuit.clone());
    }

    /// Ends the series of a pool that is asked no more, but for those that its successor goes on with.
    pub fn retire(&self, pool: &Pool, successor: Option<&Pool>) {
        let kept = |server: &Server| {
            let mut members = successor.into_iter().flat_map(Pool::members);
            members.any(|member| member.server.to_string() == server.to_string())
        };
        for member in pool.members().iter().filter(|member| !kept(&member.server)) {
            let label = ServerLabel { origin: pool.name().to_string(), server: member.server.to_string() };
            self.requests.remove(&label);
            self.failures.remove(&label);
            self.ejections.remove(&label);
            self.in_flight.remove(&label);
            self.up.remove(&label);
            self.circuit.remove(&label);
        }
        if successor.is_some() {
            return;
        }
        let origin = pool.name().to_string();
        for why in [Cause::QueueFull, Cause::QueueTimeout, Cause::NoServer] {
            self.refused.remove(&RefusedLabel { origin: origin.clone(), why: why.as_str() });
        }
        let label = OriginLabel { origin };
        self.retries_refused.remove(&label);
        self.backup.remove(&label);
        self.queue.remove(&label);
    }

    /// The counters of one pool, looked up once.
    pub(crate) fn of_origin(&self, name: &OriginName) -> OriginMetrics {
        let label = OriginLabel { origin: name.to_string() };
        let refused = |cause: Cause| {
            let label = RefusedLabel { origin: name.to_string(), why: cause.as_str() };
            self.refused.get_or_create_owned(&label)
        };
        OriginMetrics {
            retries_refused: self.retries_refused.get_or_create_owned(&label),
            backup: self.backup.get_or_create_owned(&label),
            queue: self.queue.get_or_create_owned(&label),
            queue_full: refused(Cause::QueueFull),
            queue_timeout: refused(Cause::QueueTimeout),
            no_server: refused(Cause::NoServer),
        }
    }

    /// The counters of one server, looked up once.
    pub(crate) fn of_server(&self, name: &OriginName, server: &Server) -> ServerMetrics {
        let label = ServerLabel { origin: name.to_string(), server: server.to_string() };
        let metrics = ServerMetrics {
            requests: self.requests.get_or_create_owned(&label),
            failures: self.failures.get_or_create_owned(&label),
            ejections: self.ejections.get_or_create_owned(&label),
            in_flight: self.in_flight.get_or_create_owned(&label),
            up: self.up.get_or_create_owned(&label),
            circuit: self.circuit.get_or_create_owned(&label),
        };
        metrics.up.set(1);
        metrics.circuit.set(0);
        metrics
    }
}

#[derive(Debug)]
pub(crate) struct OriginMetrics {
    pub(crate) retries_refused: Counter,
    pub(crate) backup: Counter,
    pub(crate) queue: Gauge,
    pub(crate) queue_full: Counter,
    pub(crate) queue_timeout: Counter,
    pub(crate) no_server: Counter,
}

#[derive(Debug)]
pub(crate) struct ServerMetrics {
    pub(crate) requests: Counter,
    pub(crate) failures: Counter,
    pub(crate) ejections: Counter,
    pub(crate) in_flight: Gauge,
    pub(crate) up: Gauge,
    pub(crate) circuit: Gauge,
}
