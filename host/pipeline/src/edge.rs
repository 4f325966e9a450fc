//! What requests of a node share: one immutable value, built at the start and anew by each reload. A request holds one to
//! its end, and so does a fill.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use seawall_base::trace::Tracer;
use seawall_base::{Clock, NodeName, OriginName};
use seawall_cache::Store;
use seawall_cluster::Cluster;
use seawall_cluster::peer::PeerSecret;
use seawall_origin::Client;
use seawall_policy::admission::HeadLimits;
use seawall_policy::via::Via;

use crate::metrics::Metrics;
use crate::origin::Origin;
use crate::proxies::Proxies;
use crate::record::{AccessLog, Trace};
use crate::site::Sites;

/// What all requests of a node share.
pub struct Edge {
    /// This node's name: in `Cache-Status`, `Via` and `CDN-Loop`.
    pub name: NodeName,
    /// Name in `CDN-Loop` (RFC 8586) and `Via`: the node's, so that a shield is no loop.
    pub identity: Identity,
    /// The clock.
    pub clock: Clock,
    /// The cache.
    pub store: Arc<Store>,
    /// Sites by host.
    pub sites: Sites,
    /// All origins by name: a function may choose among them.
    pub origins: HashMap<OriginName, Origin>,
    /// The log and the other nodes.
    pub cluster: Arc<Cluster>,
    /// How to ask other nodes.
    pub peers: Option<Peers>,
    /// Who stands in front.
    pub proxies: Proxies,
    /// Where clients are served over TLS, if they are.
    pub https_port: Option<u16>,
    /// How large a request's head may be.
    pub head_limits: HeadLimits,
    /// Counters.
    pub metrics: Metrics,
    /// Which requests write a line.
    pub access_log: AccessLog,
    /// Who else is told of every request: on an author's desk only.
    pub trace: Option<Arc<dyn Trace>>,
    /// Which requests are traced, if any.
    pub tracer: Option<Tracer>,
    /// What the next request's name counts from: a number that differs between two runs of a node.
    pub requests: Arc<AtomicU64>,
}

/// How this node names itself in fields.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The `cdn-id` of RFC 8586: the node's own, so that a shield is no loop.
    pub cdn_id: String,
    /// The same, as a field value.
    pub cdn_loop: HeaderValue,
    /// `Via` (RFC 9110 §7.6.3).
    pub via: Via,
}

/// How to ask other nodes.
#[derive(Clone)]
pub struct Peers {
    /// The client.
    pub client: Client,
    /// What both sides know.
    pub secret: PeerSecret,
}

/// How long a shield that is behind an edge's position waits for its own log before it fetches from the origin
/// instead. Far above the usual 0.2 to 1 ms, far below what a client notices as an outage.
pub const SHIELD_CATCH_UP_LIMIT: Duration = Duration::from_millis(250);

/// How often a shield that is behind looks again.
pub(crate) const SHIELD_CATCH_UP_STEP: Duration = Duration::from_millis(1);

impl Edge {
    /// Names a request in the logs, and for its functions.
    pub(crate) fn next_request_id(&self) -> Arc<str> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        Arc::from(format!("{}-{number:x}", self.name))
    }
}

impl Identity {
    /// The names that go with a node's name; `None` where they cannot stand in a field, which no [`NodeName`] is.
    #[must_use]
    pub fn new(node: &NodeName) -> Option<Self> {
        let cdn_id = format!("seawall-{node}");
        Some(Self { cdn_loop: HeaderValue::try_from(&cdn_id).ok()?, cdn_id, via: Via::new(node.as_str())? })
    }
}
