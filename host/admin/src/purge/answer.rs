//! What became of a purge, as the API says it.

use seawall_cluster::{AppliedState, NodeApplied, Published};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of a purge.
#[derive(Debug, Serialize, ToSchema)]
pub struct PurgeAnswer {
    /// Its name, for `GET /v1/purges/{id}`: its place in the control log, the same on every node and after a restart.
    pub id: String,
    /// Its place in the control log.
    pub position: u64,
    /// It was given before under the same `Idempotency-Key`; nothing was written now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// How many stored responses it dropped or made stale, on all nodes that have applied it.
    pub matched: u64,
    /// Nodes that have not applied it as far as is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Every node there is.
    pub nodes: Vec<NodeAnswer>,
}

/// What one node made of a purge.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeAnswer {
    /// The node.
    pub name: String,
    /// Where it is.
    pub region: String,
    /// `applied`, `pending` or `unreachable`.
    pub state: &'static str,
    /// How long after the purge was accepted, in microseconds, as the node that took it measured; null where the node has
    /// not applied it, or joined or dropped everything later and has no need to, or where nobody remembers.
    pub applied_after_us: Option<u64>,
    /// How many stored responses it dropped or made stale.
    pub matched: Option<u64>,
}

impl From<NodeApplied> for NodeAnswer {
    fn from(node: NodeApplied) -> Self {
        let NodeApplied { name, region, state, applied_after_us, matched } = node;
        Self { name: name.into(), region: region.into(), state: state.as_str(), applied_after_us, matched }
    }
}

impl PurgeAnswer {
    pub(super) fn new(published: &Published, nodes: Vec<NodeApplied>) -> Self {
        Self {
            id: published.position.to_string(),
            position: published.position.0,
            repeated: published.repeated,
            matched: matched(&nodes),
            missing: missing(&nodes),
            nodes: nodes.into_iter().map(NodeAnswer::from).collect(),
        }
    }
}

/// What all of them matched together.
pub(super) fn matched(nodes: &[NodeApplied]) -> u64 {
    nodes.iter().filter_map(|node| node.matched).fold(0, u64::saturating_add)
}

/// Who has not applied it.
pub(super) fn missing(nodes: &[NodeApplied]) -> Vec<String> {
    let missing = nodes.iter().filter(|node| node.state != AppliedState::Applied);
    missing.map(|node| node.name.to_string()).collect()
}
