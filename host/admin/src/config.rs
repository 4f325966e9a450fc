//! `GET /v1/config`: what the node runs with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use crate::problem::Problem;
use crate::state::AdminState;

/// The configuration this node runs with, secrets left out.
#[utoipa::path(
    get, path = "/v1/config", tag = "nodes",
    responses(
        (status = 200, description = "The configuration, secrets left out.", body = serde_json::Value),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn config(State(state): State<Arc<AdminState>>) -> Json<serde_json::Value> {
    Json(state.config.clone())
}
