//! `GET /v1/origins`: how the servers of every origin are, as this node sees them. Each node has a view of its own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::AdminState;

/// What the door needs of the node.
pub trait Origins: Send + Sync {
    /// All origins, by name, as they are now.
    fn list(&self) -> Vec<OriginView>;
}

/// All origins of a node.
#[derive(Debug, Serialize, ToSchema)]
pub struct OriginViews {
    /// The node that answers: others may see it otherwise.
    pub answered_by: String,
    /// By name.
    pub origins: Vec<OriginView>,
}

/// One origin.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OriginView {
    /// Its name.
    pub name: String,
    /// How a server is chosen.
    pub balance: &'static str,
    /// Requests under way, bodies included.
    pub in_flight: u32,
    /// Requests that wait for a free server.
    pub waiting: u32,
    /// Retries that the budget has saved up now.
    pub retries_left: u64,
    /// The origin that is asked where no server can be.
    pub backup: Option<String>,
    /// Its servers, in the order of the config.
    pub servers: Vec<ServerView>,
}

/// One server.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ServerView {
    /// Its URL.
    pub url: String,
    /// Its share, relative to the others'.
    pub weight: u32,
    /// `primary` or `backup`.
    pub role: &'static str,
    /// What the active checks say: `up`, `down`, or `unchecked`.
    pub health: &'static str,
    /// What its own answers say: `closed` where it is asked, `open` where it is left alone, `half-open` where it is tried.
    pub circuit: &'static str,
    /// How long until it is tried again, where it is left alone.
    pub opens_again_in_ms: Option<u64>,
    /// Requests under way there, bodies included.
    pub in_flight: u32,
    /// How long it takes to answer, as a peak average that fades; null where nothing was asked of late.
    pub latency_us: Option<u64>,
}

/// The origins and their servers.
#[utoipa::path(
    get, path = "/v1/origins", tag = "nodes",
    responses(
        (status = 200, description = "All origins, by name, as this node sees them.", body = OriginViews),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn origins(State(state): State<Arc<AdminState>>) -> Json<OriginViews> {
    Json(OriginViews { answered_by: state.cluster.name().to_string(), origins: state.origins.list() })
}
