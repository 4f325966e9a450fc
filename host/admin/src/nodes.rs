//! `GET /v1/nodes`: who is there, and how far each has applied the control log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use seawall_cluster::NodeView;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::AdminState;

/// All nodes that this one knows of.
#[derive(Debug, Serialize, ToSchema)]
pub struct Nodes {
    /// The node that answers.
    pub answered_by: String,
    /// By name.
    pub nodes: Vec<Node>,
}

/// One node.
#[derive(Debug, Serialize, ToSchema)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub region: String,
    /// `ready`, `catching-up`, `draining` or `unreachable`.
    pub state: &'static str,
    /// How far it has applied the control log.
    pub applied: u64,
    /// Its build.
    pub version: String,
    /// Where peers reach it.
    pub peer_addr: Option<String>,
    /// When it started, by its own clock, in milliseconds since 1970.
    pub started_unix_ms: u64,
}

impl From<NodeView> for Node {
    fn from(view: NodeView) -> Self {
        let NodeView { info, state, applied } = view;
        Self {
            name: info.name.to_string(),
            region: info.region.to_string(),
            state: state.as_str(),
            applied: applied.0,
            version: info.version.clone(),
            peer_addr: info.peer_addr.map(|addr| addr.to_string()),
            started_unix_ms: info.started_unix_ms,
        }
    }
}

/// The nodes of the cluster.
#[utoipa::path(
    get, path = "/v1/nodes", tag = "nodes",
    responses(
        (status = 200, description = "All nodes, by name.", body = Nodes),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn nodes(State(state): State<Arc<AdminState>>) -> Json<Nodes> {
    let nodes = state.cluster.members().list().into_iter().map(Node::from).collect();
    Json(Nodes { answered_by: state.cluster.name().to_string(), nodes })
}
