//! What is in force, as the operator's door looks at it: origins, and what would become of a request. Changes nothing.

use http::{HeaderMap, Method, Uri};
use seawall_admin::origins::{OriginView, ServerView};
use seawall_admin::{Explain, Origins};
use seawall_origin::PoolReport;
use seawall_pipeline::explain::{Question, explain};

use super::live::Live;

/// What is in force.
pub(crate) struct View(pub(crate) Live);

impl Origins for View {
    fn list(&self) -> Vec<OriginView> {
        let now = self.0.now();
        let mut views: Vec<_> = now.pools.values().map(|made| view(made.pool.report())).collect();
        views.sort_by(|one, other| one.name.cmp(&other.name));
        views
    }
}

fn view(report: PoolReport) -> OriginView {
    let servers = report.servers.into_iter().map(|server| ServerView {
        url: server.url,
        weight: server.weight,
        role: server.role.as_str(),
        health: server.health.as_str(),
        circuit: server.circuit.as_str(),
        opens_again_in_ms: server.opens_again_in.map(|left| left.as_millis() as u64),
        in_flight: server.in_flight,
        latency_us: server.latency.map(|latency| latency.as_micros() as u64),
    });
    OriginView {
        name: report.name.to_string(),
        balance: report.balance.as_str(),
        in_flight: report.in_flight,
        waiting: report.waiting,
        retries_left: report.retries_left,
        backup: report.backup.map(|name| name.to_string()),
        servers: servers.collect(),
    }
}

impl Explain for View {
    fn explain(&self, method: Method, url: Uri, headers: HeaderMap) -> Result<serde_json::Value, String> {
        let explained = explain(&self.0.edge(), &Question { method, url, headers })?;
        serde_json::to_value(explained).map_err(|error| error.to_string())
    }
}
