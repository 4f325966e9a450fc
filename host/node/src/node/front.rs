//! The front door: everything between a client's first packet and the request that the pipeline is given.
//!
//! Owns: who may connect and how many, TLS, what a connection may take how long for, and what is counted of all that.
//! Refuses: what a request means. Nothing here is done for each request but counting it.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use seawall_base::Clock;

use super::StartError;
use crate::config::Config;

mod census;
mod certificates;
mod connection;
mod handshakes;
mod metrics;
mod names;
mod proxy_protocol;
mod pulse;
mod tls;
mod wire;

use census::Census;
use certificates::Certificates;
pub(crate) use certificates::Pairs;
pub(crate) use connection::{Door, serve};
use metrics::Metrics;
pub(crate) use metrics::Way;
pub(crate) use pulse::Pulse;
use tls::Tls;

/// What all listeners of a node share.
pub(crate) struct Front {
    census: Arc<Census>,
    metrics: Metrics,
    /// Where there are listeners for TLS.
    tls: Option<Tls>,
}

impl Front {
    pub(crate) fn new(config: &Config, clock: &Clock, registry: &mut Registry) -> Result<Self, StartError> {
        let metrics = Metrics::default();
        metrics.register(registry);
        let limits = &config.listen.connections;
        let tls = match config.listen.https.as_slice() {
            [] => None,
            _ => {
                let strict = config.listen.strict_sni;
                let pairs = Pairs::load(&config.certificates, clock)?;
                let certificates = Certificates::new(pairs, strict, metrics.clone());
                Some(Tls::new(Arc::new(certificates), config.listen.tls_min, limits)?)
            }
        };
        let census = Census::new(limits.max_connections, limits.max_connections_per_client);
        Ok(Self { census: Arc::new(census), metrics, tls })
    }
}

impl Front {
    /// Puts these certificates in force, for handshakes from now on.
    pub(crate) fn show(&self, pairs: Pairs) {
        if let Some(tls) = &self.tls {
            tls.certificates.replace(pairs);
        }
    }

    /// Reads certificates again that have changed, for ever.
    pub(crate) async fn watch(&self) {
        if let Some(tls) = &self.tls {
            Arc::clone(&tls.certificates).watch().await;
        }
    }
}
