//! What the door needs from the rest of the node.

use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::registry::Registry;
use seawall_base::Purge;
use seawall_cluster::Cluster;

use crate::config::Configured;
use crate::functions::Functions;

/// What a purge would drop or make stale on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// Stored responses, each variant for itself.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
}

/// The cache, as the door sees it.
pub trait Store: Send + Sync {
    /// What `purge` would match on this node now. Changes nothing.
    fn dry_run(&self, purge: &Purge) -> Matched;
}

/// Everything behind the door. Made once, by the node.
pub struct AdminState {
    /// The node in its cluster.
    pub cluster: Arc<Cluster>,
    /// Its cache.
    pub store: Arc<dyn Store>,
    /// Its functions.
    pub functions: Arc<dyn Functions>,
    /// Its configuration.
    pub config: Arc<dyn Configured>,
    /// Its metrics. A reload may add some.
    pub registry: Arc<RwLock<Registry>>,
}
