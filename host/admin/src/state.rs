//! What the door needs from the rest of the node.

use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::registry::Registry;
use seawall_base::Clock;
use seawall_cluster::Cluster;

use crate::config::Configured;
use crate::explain::Explain;
use crate::functions::Functions;
use crate::origins::Origins;

/// Beyond what a purge must be confirmed, on any one node. Nothing, where nothing is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfirmLimits {
    /// In stored responses.
    pub objects: Option<u64>,
    /// In percent of the node's last hits.
    pub hits_percent: Option<u8>,
}

/// Everything behind the door. Made once, by the node.
pub struct AdminState {
    /// The node in its cluster.
    pub cluster: Arc<Cluster>,
    /// Its functions.
    pub functions: Arc<dyn Functions>,
    /// Its clock, where that may be stepped: on an author's desk only.
    pub steps: Option<Clock>,
    /// Its cache and its sites, as those ask who wonder.
    pub explain: Arc<dyn Explain>,
    /// Its origins.
    pub origins: Arc<dyn Origins>,
    /// Its configuration.
    pub config: Arc<dyn Configured>,
    /// Its metrics. A reload may add some.
    pub registry: Arc<RwLock<Registry>>,
}
