//! `POST /v1/purge`: order, count, confirm, publish, wait. What was ordered is read back by [`trail`].

mod answer;
mod key;
mod order;
mod preview;
mod query;
pub mod trail;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::{Extension, Json};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use seawall_base::Purge;
use seawall_cluster::{AppliedState, ClusterError, NodeApplied, Published, Readiness, Wait};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

pub use self::answer::{NodeAnswer, PurgeAnswer};
pub use self::key::{IDEMPOTENCY_KEY, KEY_MAX_BYTES};
pub use self::order::{PurgeOrder, SELECTORS_MAX};
use self::preview::Bounds;
pub use self::preview::{COUNT_LIMIT, DryRunAnswer, NodeFootprintAnswer};
pub(crate) use self::query::parse as parse_wait;
pub use self::query::{DEFAULT_WAIT_LIMIT, TrailQuery, WAIT_LIMIT_MAX, WaitQuery};
use crate::auth::Actor;
use crate::problem::{Kind, Problem};
use crate::router::BODY_MAX_BYTES;
use crate::state::{AdminState, ConfirmLimits};

/// How long a client may take to send its body.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// What `POST /v1/purge` answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PurgeReply {
    /// It was purged.
    Purged(PurgeAnswer),
    /// It was only counted.
    Counted(DryRunAnswer),
}

/// Purge stored responses, on every node.
///
/// The purge is durable when this answers, whatever is waited for.
#[utoipa::path(
    post, path = "/v1/purge", tag = "purge",
    params(
        WaitQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Names the order: given again under the same key, it is \
            answered and not written again, for as long as the control log holds it. 1 to 128 visible characters."),
    ),
    request_body = PurgeOrder,
    responses(
        (status = 200, description = "All nodes that were waited for have applied it; or a dry run.", body = PurgeReply),
        (status = 202, description = "Durable, and not yet applied by all that were waited for.", body = PurgeReply),
        (status = 400, description = "Not JSON, a bad query or a bad key.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token may only read, or is for other sites.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It would match more than may go unconfirmed.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large.", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Not `application/json`.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a purge; all that is wrong. Or another purge stands under this key.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The control log took nothing.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn purge(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<(StatusCode, Json<PurgeReply>), Problem> {
    let (wait, limit) = query::parse(request.uri())?;
    let key = key::read(request.headers())?;
    let order = PurgeOrder::parse(&read_body(request, BODY_MAX_BYTES).await?)?;
    let PurgeOrder { dry_run, confirm, max_objects, .. } = order;
    let in_force = state.config.now();
    let purge = order.validate(&in_force.sites, state.cluster.new_purge_id())?;
    actor.may_purge(&purge.scope)?;
    if dry_run {
        let counted = DryRunAnswer::new(state.cluster.footprints(&purge, limit).await);
        return Ok((StatusCode::OK, Json(PurgeReply::Counted(counted))));
    }
    let confirm = if confirm { ConfirmLimits::default() } else { in_force.confirm };
    Bounds { max_objects, confirm }.check(&state, &purge).await?;
    let published = publish(&state, purge, &actor, key).await?;
    let nodes = state.cluster.wait(&published, wait, limit).await;
    let status = if complete(&state, wait, &nodes) { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(PurgeReply::Purged(PurgeAnswer::new(&published, nodes)))))
}

/// A task of its own, so that a client who hangs up cannot part the purge from its line in the audit trail.
async fn publish(
    state: &Arc<AdminState>,
    purge: Purge,
    actor: &Actor,
    key: Option<String>,
) -> Result<Published, Problem> {
    let (cluster, actor) = (Arc::clone(&state.cluster), Arc::clone(&actor.name));
    let task = tokio::spawn(async move {
        let id = purge.id.clone();
        let selectors = purge.selectors.len();
        let result = cluster.publish_purge_once(purge, &actor, key.as_deref()).await;
        match &result {
            Ok(Published { position, repeated, .. }) => tracing::info!(
                target: "audit", action = "purge", %actor, id = %position, position = position.0, selectors, repeated,
                "accepted"
            ),
            Err(error) => tracing::warn!(
                target: "audit", action = "purge", %actor, %id, selectors, %error, "not accepted"
            ),
        }
        result
    });
    match task.await {
        Ok(Ok(published)) => Ok(published),
        Ok(Err(ClusterError::NothingSelected)) => {
            Err(Problem::new(Kind::InvalidPurge, ClusterError::NothingSelected.to_string()))
        }
        Ok(Err(error @ ClusterError::KeyUsed(_))) => Err(Problem::new(Kind::KeyUsed, error.to_string())),
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
