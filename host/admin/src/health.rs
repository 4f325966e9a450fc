//! What machines ask: does it live, may it be sent requests, what does it count. Open to everyone who reaches the
//! door, and silent about anything that is a secret.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use prometheus_client::encoding::text::encode;
use seawall_cluster::Readiness;

use crate::problem::{Kind, Problem};
use crate::state::AdminState;

/// The media type of what [`metrics`] answers.
const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Does the process answer?
#[utoipa::path(
    get, path = "/livez", tag = "health",
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// May this node be sent requests? Not before it has applied the control log up to the head it found.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "It may.", body = String, content_type = "text/plain"),
        (status = 503, description = "Not now, and why.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn readyz(State(state): State<Arc<AdminState>>) -> Response {
    let readiness = state.cluster.readiness();
    let why = match readiness {
        Readiness::Ready => return "ready\n".into_response(),
        Readiness::CatchingUp => "it has not yet applied the control log up to the head it found",
        Readiness::Draining => "it finishes what it has and will leave",
        Readiness::Left => "it has left the cluster, or has not followed the control log for a while",
    };
    let applied = state.cluster.position();
    Problem::new(Kind::NotReady, format!("{}: {why}; applied up to {applied}.", readiness.as_str()))
        .into_response()
}

/// Everything the node counts, in the OpenMetrics text format.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((
        status = 200, description = "OpenMetrics text.", body = String, content_type = "application/openmetrics-text",
    )),
)]
pub(crate) async fn metrics(State(state): State<Arc<AdminState>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &state.registry.read()) {
        Ok(()) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            Problem::new(Kind::Internal, "The metrics could not be written.").into_response()
        }
    }
}
