//! What a reload replaces, as one: a request, a connection's limits and a fill each hold one configuration to their end.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use seawall_admin::InForce;
use seawall_base::SiteName;
use seawall_pipeline::Edge;

use super::functions::Switchboard;
use super::origins::Pools;
use crate::config::{Config, RunFlags};

/// A configuration, and what was made of it.
pub(crate) struct Now {
    pub(crate) config: Config,
    /// What requests see.
    pub(crate) edge: Arc<Edge>,
    pub(crate) functions: Arc<Switchboard>,
    pub(crate) pools: Pools,
    /// How often the keys of each site have come to mean something else.
    pub(crate) editions: HashMap<SiteName, u64>,
    /// What the operator's door shows of it.
    pub(crate) in_force: Arc<InForce>,
}

/// The configuration in force. Clones are the same.
#[derive(Clone)]
pub(crate) struct Live(Arc<ArcSwap<Now>>);

/// Where a configuration came from, and where the next will come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// What overrides it, each time.
    pub flags: RunFlags,
}

impl Live {
    pub(crate) fn new(now: Now) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(now)))
    }

    /// What is in force. Takes no lock.
    pub(crate) fn now(&self) -> Arc<Now> {
        self.0.load_full()
    }

    /// What requests see.
    pub(crate) fn edge(&self) -> Arc<Edge> {
        Arc::clone(&self.0.load().edge)
    }

    /// Puts `next` in force for all that begins from here on. Answers what was before.
    pub(super) fn replace(&self, next: Arc<Now>) -> Arc<Now> {
        self.0.swap(next)
    }
}
