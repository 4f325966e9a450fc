//! Activating a version, and going back to the one before: orders in the control log.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::{Extension, Json};
use http::{StatusCode, Uri};
use seawall_base::{Depth, Position, Purge, Scope, Selector};
use seawall_cluster::{Activation, ClusterError, Published};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{named, order};
use crate::auth::Actor;
use crate::problem::{Kind, Problem};
use crate::purge::{NodeAnswer, complete, parse_wait, read_body};
use crate::router::BODY_MAX_BYTES;
use crate::state::AdminState;

/// Which version to activate.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateOrder {
    /// Its name, or the first eight or more characters of it.
    pub version: String,
}

/// How to go back.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackOrder {
    /// Purge what the version that is left has shaped.
    pub purge: bool,
}

/// What became of an activation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivationAnswer {
    /// The function.
    pub function: String,
    /// The version that is active from here on.
    pub version: String,
    /// Its place in the control log.
    pub position: u64,
    /// How many stored responses of the version that was left went, on all nodes that have applied that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purged: Option<u64>,
    /// Every node there is, and whether it has applied the last of these orders.
    pub nodes: Vec<NodeAnswer>,
}

type Done = Result<(StatusCode, Json<ActivationAnswer>), Problem>;

/// Activate a version, on every node.
///
/// Requests that have begun end with the version that they began with.
#[utoipa::path(
    post, path = "/v1/functions/{name}/activate", tag = "functions",
    params(("name" = String, Path, description = "The function's name."), crate::purge::WaitQuery),
    request_body = ActivateOrder,
    responses(
        (status = 200, description = "All nodes that were waited for have activated it.", body = ActivationAnswer),
        (status = 202, description = "Durable, and not yet applied by all that were waited for.", body = ActivationAnswer),
        (status = 404, description = "No such function or version.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The control log took nothing.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn activate(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Done {
    let (name, uri) = (named(name)?, request.uri().clone());
    parse_wait(&uri)?;
    let ActivateOrder { version } = order(&read_body(request, BODY_MAX_BYTES).await?)?;
    let version = state.functions.resolve(&name, &version).await?;
    publish(&state, &actor, Activation { function: name, version }, None, &uri).await
}

/// Activate the version that was active before, and, if asked to, purge what the one that is left has shaped.
#[utoipa::path(
    post, path = "/v1/functions/{name}/rollback", tag = "functions",
    params(("name" = String, Path, description = "The function's name."), crate::purge::WaitQuery),
    request_body = RollbackOrder,
    responses(
        (status = 200, description = "All nodes that were waited for have gone back.", body = ActivationAnswer),
        (status = 202, description = "Durable, and not yet applied by all that were waited for.", body = ActivationAnswer),
        (status = 404, description = "No such function.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is nothing to go back to.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The control log took nothing.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn rollback(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Done {
    let (name, uri) = (named(name)?, request.uri().clone());
    parse_wait(&uri)?;
    let RollbackOrder { purge } = order(&read_body(request, BODY_MAX_BYTES).await?)?;
    let (left, version) = state.functions.previous(&name)?;
    let version = state.functions.resolve(&name, &version).await?;
    let tag = purge.then(|| state.functions.tag(&name, &left));
    publish(&state, &actor, Activation { function: name, version }, tag, &uri).await
}

/// Puts an activation in the log, and a purge behind it: whoever has applied the purge runs the version before it, so
/// that nothing which the bad version shaped comes back.
async fn publish(
    state: &Arc<AdminState>,
    actor: &Actor,
    activation: Activation,
    tag: Option<String>,
    uri: &Uri,
) -> Done {
    let (wait, limit) = parse_wait(uri)?;
    let Activation { function, version } = activation.clone();
    // In a task of its own, so that a client who hangs up cannot part the two orders.
    let task = tokio::spawn(order_both(Arc::clone(state), actor.clone(), activation, tag));
    let cut_off = |_| Problem::new(Kind::Internal, "The order was cut off; it may or may not be durable.");
    let (position, last) = task.await.map_err(cut_off)??;
    let purged = last.position != position;
    let nodes = state.cluster.wait(&last, wait, limit).await;
    let status = if complete(state, wait, &nodes) { StatusCode::OK } else { StatusCode::ACCEPTED };
    let matched = nodes.iter().filter_map(|node| node.matched).fold(0, u64::saturating_add);
    let answer = ActivationAnswer {
        function,
        version,
        position: position.0,
        purged: purged.then_some(matched),
        nodes: nodes.into_iter().map(NodeAnswer::from).collect(),
    };
    Ok((status, Json(answer)))
}

/// The activation's place in the log, and the last of the orders.
async fn order_both(
    state: Arc<AdminState>,
    actor: Actor,
    activation: Activation,
    tag: Option<String>,
) -> Result<(Position, Published), Problem> {
    let Activation { function, version } = &activation;
    let mut last =
        state.cluster.publish_activation(activation.clone(), &actor.name).await.map_err(unpublished)?;
    let position = last.position;
    let noted = state.functions.activated(&activation, position);
    noted.map_err(|error| Problem::new(Kind::Internal, error))?;
    if let Some(tag) = tag {
        let (id, selectors) = (state.cluster.new_purge_id(), vec![Selector::Tag(tag)]);
        let purge = Purge { id, scope: Scope::AllSites, selectors, depth: Depth::Hard };
        last = state.cluster.publish_purge(purge, &actor.name).await.map_err(unpublished)?;
    }
    tracing::info!(
        target: "audit", action = "activate", actor = %actor.name, function, version, position = position.0, "accepted"
    );
    Ok((position, last))
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn unpublished(error: ClusterError) -> Problem {
    Problem::new(Kind::LogUnavailable, error.to_string())
}
