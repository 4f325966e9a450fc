//! `POST /v1/purge` and `GET /v1/purges/{id}`.

mod order;
mod query;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Path, Request, State};
use axum::{Extension, Json};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use seawall_base::{Purge, PurgeId};
use seawall_cluster::{AppliedState, ClusterError, NodeApplied, Published, Readiness, Wait};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

pub use self::order::{PurgeOrder, SELECTORS_MAX};
pub(crate) use self::query::parse as parse_wait;
pub use self::query::{DEFAULT_WAIT_LIMIT, WAIT_LIMIT_MAX, WaitQuery};
use crate::auth::Actor;
use crate::problem::{Kind, Problem};
use crate::router::BODY_MAX_BYTES;
use crate::state::AdminState;

/// How long a client may take to send its body.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// What became of a purge.
#[derive(Debug, Serialize, ToSchema)]
pub struct PurgeAnswer {
    /// Its name, for `GET /v1/purges/{id}`. Absent after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its place in the control log. Absent after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// How many stored responses it dropped or made stale, on all nodes that have applied it; after a dry run how
    /// many it would on this node.
    pub matched: u64,
    /// After a dry run: the size of what would go on this node, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_bytes: Option<u64>,
    /// Every node there is. Empty after a dry run.
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
    /// How long after the purge was accepted, in microseconds; null where the node has not applied it, or joined or
    /// dropped everything later and has no need to.
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

fn answer(id: &PurgeId, position: Option<u64>, nodes: Vec<NodeApplied>) -> PurgeAnswer {
    PurgeAnswer {
        id: Some(id.0.clone()),
        position,
        matched: nodes.iter().filter_map(|node| node.matched).fold(0, u64::saturating_add),
        matched_bytes: None,
        nodes: nodes.into_iter().map(NodeAnswer::from).collect(),
    }
}

/// Purge stored responses, on every node.
///
/// The purge is durable when this answers, whatever is waited for.
#[utoipa::path(
    post, path = "/v1/purge", tag = "purge",
    params(WaitQuery),
    request_body = PurgeOrder,
    responses(
        (status = 200, description = "All nodes that were waited for have applied it; or a dry run.", body = PurgeAnswer),
        (status = 202, description = "Durable, and not yet applied by all that were waited for.", body = PurgeAnswer),
        (status = 400, description = "Not JSON, or a bad query.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token may only read.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not `application/json`.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a purge; all that is wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The control log took nothing.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn purge(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<(StatusCode, Json<PurgeAnswer>), Problem> {
    let (wait, limit) = query::parse(request.uri())?;
    let order = PurgeOrder::parse(&read_body(request, BODY_MAX_BYTES).await?)?;
    let dry_run = order.dry_run;
    let purge = order.validate(&state.config.now().sites, state.cluster.new_purge_id())?;
    if dry_run {
        let matched = state.store.dry_run(&purge);
        let answer = PurgeAnswer {
            id: None,
            position: None,
            matched: matched.objects,
            matched_bytes: Some(matched.bytes),
            nodes: Vec::new(),
        };
        return Ok((StatusCode::OK, Json(answer)));
    }
    let published = publish(&state, purge, &actor).await?;
    let nodes = state.cluster.wait(&published, wait, limit).await;
    let status = if complete(&state, wait, &nodes) { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(answer(&published.id, Some(published.position.0), nodes))))
}

/// What became of one of the last purges.
#[utoipa::path(
    get, path = "/v1/purges/{id}", tag = "purge",
    params(("id" = String, Path, description = "The purge's name.")),
    responses(
        (status = 200, description = "What every node has made of it.", body = PurgeAnswer),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such purge is remembered.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn purge_status(
    State(state): State<Arc<AdminState>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<PurgeAnswer>, Problem> {
    let Path(id) = id.map_err(|rejection| Problem::new(Kind::UnknownPurge, rejection.body_text()))?;
    let id = PurgeId(id);
    let Some(purge) = state.cluster.purge(&id) else {
        return Err(Problem::new(
            Kind::UnknownPurge,
            format!("`{id}` is not among the last purges that this process has seen."),
        ));
    };
    Ok(Json(answer(&id, purge.position.map(|position| position.0), purge.nodes)))
}

/// A task of its own, so that a client who hangs up cannot part the purge from its line in the audit trail.
async fn publish(state: &Arc<AdminState>, purge: Purge, actor: &Actor) -> Result<Published, Problem> {
    let (cluster, actor) = (Arc::clone(&state.cluster), actor.clone());
    let task = tokio::spawn(async move {
        let id = purge.id.clone();
        let selectors = purge.selectors.len();
        let result = cluster.publish_purge(purge, &actor.0).await;
        match &result {
            Ok(published) => tracing::info!(
                target: "audit", action = "purge", actor = %actor.0, %id, position = published.position.0, selectors,
                "accepted"
            ),
            Err(error) => tracing::warn!(
                target: "audit", action = "purge", actor = %actor.0, %id, selectors, %error, "not accepted"
            ),
        }
        result
    });
    match task.await {
        Ok(Ok(published)) => Ok(published),
        Ok(Err(ClusterError::NothingSelected)) => {
            Err(Problem::new(Kind::InvalidPurge, ClusterError::NothingSelected.to_string()))
        }
        Ok(Err(ClusterError::Log(error))) => Err(Problem::new(Kind::LogUnavailable, error.to_string())),
        Err(_) => Err(Problem::new(Kind::Internal, "The purge was cut off; it may or may not be durable.")),
    }
}

/// Have all that were waited for applied it?
pub(crate) fn complete(state: &AdminState, wait: Wait, nodes: &[NodeApplied]) -> bool {
    let mut waited_for = nodes.iter().filter(|node| match wait {
        Wait::None => true,
        Wait::Local => node.name == *state.cluster.name(),
        Wait::All => true,
    });
    // A node that has not yet heard of everyone cannot speak for them.
    let knows_all = wait != Wait::All || state.cluster.readiness() != Readiness::CatchingUp;
    knows_all && waited_for.all(|node| node.state == AppliedState::Applied)
}

pub(crate) async fn read_body(request: Request, max_bytes: usize) -> Result<Bytes, Problem> {
    let media_type =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(Kind::NotJson, "Send `Content-Type: application/json`."));
    }
    match timeout(BODY_WITHIN, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Problem::new(Kind::BodyTooLarge, format!("At most {max_bytes} bytes are read.")))
        }
        Ok(Err(_)) => Err(Problem::new(Kind::MalformedBody, "The body ended before it was whole.")),
        Err(_) => Err(Problem::new(Kind::BodyTimeout, format!("It took longer than {BODY_WITHIN:?}."))),
    }
}
