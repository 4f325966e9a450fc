//! `/v1/functions`: deploying versions of functions, activating them on every node, and going back.
//!
//! Owns: the shapes of orders and answers, and the way of an activation through the control log. Refuses: knowing what a
//! function is; the node behind [`Functions`] checks, compiles and keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_core::future::BoxFuture;
use http::StatusCode;
use seawall_base::Position;
use seawall_cluster::Activation;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Actor;
use crate::problem::{Kind, Problem};
use crate::purge::read_body;
use crate::state::AdminState;

pub mod activation;
pub mod tail;

pub use tail::{Tail, TailCall, TailLine};

/// Largest body of a deployment, in bytes: the largest upload that a node takes (32 MiB) in base64, and room for settings.
pub const DEPLOY_BODY_MAX_BYTES: usize = 44 * 1024 * 1024;

/// Fewest characters that name a version: 32 bits of its digest, so that people need not copy all 64 digits.
pub const VERSION_PREFIX_MIN: usize = 8;

/// What the door needs of the node.
pub trait Functions: Send + Sync {
    /// All functions that are deployed here, by name.
    fn list(&self) -> Vec<FunctionView>;
    /// Checks, compiles and keeps a version. Does its work away from the door's own thread.
    fn deploy(
        &self,
        name: String,
        order: DeployOrder,
        wasm: Bytes,
    ) -> BoxFuture<'_, Result<DeployView, Refusal>>;
    /// The whole name of a version that begins so and can be activated.
    fn resolve<'a>(&'a self, name: &'a str, version: &'a str) -> BoxFuture<'a, Result<String, Refusal>>;
    /// The active version, and the one before it.
    fn previous(&self, name: &str) -> Result<(String, String), Refusal>;
    /// The tag of what a version shaped.
    fn tag(&self, name: &str, version: &str) -> String;
    /// Notes for good that an activation stands in the log.
    fn activated(&self, activation: &Activation, position: Position) -> Result<(), String>;
    /// Begins to watch a function, on one site or on all.
    fn tail(&self, name: &str, site: Option<&str>) -> Result<Tail, Refusal>;
    /// Forgets a version.
    fn remove(&self, name: &str, version: &str) -> Result<(), Refusal>;
}

/// Why the node says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such function or version.
    NotFound(String),
    /// What was sent is not a function, or its settings make no sense.
    Invalid(String),
    /// It cannot be done as things are.
    Conflict(String),
    /// Another upload is being compiled.
    Busy(String),
    /// The node's own fault.
    Failed(String),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(text) => Self::new(Kind::UnknownFunction, text),
            Refusal::Invalid(text) => Self::new(Kind::InvalidFunction, text),
            Refusal::Conflict(text) => Self::new(Kind::FunctionConflict, text),
            Refusal::Busy(text) => Self::new(Kind::Busy, text),
            Refusal::Failed(text) => Self::new(Kind::Internal, text),
        }
    }
}

/// A version to deploy.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeployOrder {
    /// The component, or the core module for `wasm32-wasip1`, in base64.
    pub wasm: String,
    /// What `config.get` answers.
    pub config: BTreeMap<String, String>,
    /// The origins that it may choose. Names of the node's configuration.
    pub origins: Vec<String>,
    /// What it may do beyond what every function may: `store-private`, `reuse`.
    pub grants: Vec<String>,
    /// What a failure does, by hook.
    pub on_error: BTreeMap<String, String>,
    /// Whether the version before is activated where this one keeps failing.
    pub rollback_on_traps: bool,
}

/// A version that is kept and ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeployView {
    /// The function.
    pub function: String,
    /// The version: a digest of the upload and its settings.
    pub version: String,
    /// The hooks that it has.
    pub hooks: Vec<String>,
    /// The interfaces that it really imports.
    pub imports: Vec<String>,
    /// What it was granted.
    pub grants: Vec<String>,
    /// What was granted and it has no use for.
    pub unused_grants: Vec<String>,
    /// Size of the upload, in bytes.
    pub size_bytes: u64,
    /// How long checking and compiling took, in microseconds.
    pub prepared_in_us: u64,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FunctionView {
    /// Its name.
    pub name: String,
    /// The active version; null before the first activation.
    pub active: Option<String>,
    /// The version that a rollback activates.
    pub previous: Option<String>,
    /// All versions that are kept, newest first.
    pub versions: Vec<VersionView>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct VersionView {
    /// Its name.
    pub version: String,
    /// When it was deployed, in milliseconds since 1970.
    pub deployed_unix_ms: u64,
    /// Size of the upload, in bytes.
    pub size_bytes: u64,
}

/// All functions.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunctionsAnswer {
    /// By name.
    pub functions: Vec<FunctionView>,
}

/// All functions that are deployed.
#[utoipa::path(
    get, path = "/v1/functions", tag = "functions",
    responses(
        (status = 200, description = "All functions, by name.", body = FunctionsAnswer),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn list(State(state): State<Arc<AdminState>>) -> Json<FunctionsAnswer> {
    Json(FunctionsAnswer { functions: state.functions.list() })
}

/// One function.
#[utoipa::path(
    get, path = "/v1/functions/{name}", tag = "functions",
    params(("name" = String, Path, description = "The function's name.")),
    responses(
        (status = 200, description = "The function and its versions.", body = FunctionView),
        (status = 404, description = "No such function.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn one(
    State(state): State<Arc<AdminState>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<FunctionView>, Problem> {
    let name = named(name)?;
    let found = state.functions.list().into_iter().find(|function| function.name == name);
    let missing = || Refusal::NotFound(format!("there is no function `{name}` to deploy"));
    Ok(Json(found.ok_or_else(missing)?))
}

/// Deploy a version: it is checked, compiled, tried and kept, and nothing runs it yet.
///
/// Deploying the same again answers the same.
#[utoipa::path(
    put, path = "/v1/functions/{name}", tag = "functions",
    params(("name" = String, Path, description = "The function's name, as the config has it.")),
    request_body = DeployOrder,
    responses(
        (status = 200, description = "It is ready to be activated.", body = DeployView),
        (status = 404, description = "No such function.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The function's file is in the config.", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a function, and why.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Another upload is being compiled.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn deploy(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<DeployView>, Problem> {
    let name = named(name)?;
    let mut order: DeployOrder = order(&read_body(request, DEPLOY_BODY_MAX_BYTES).await?)?;
    let wasm = BASE64_STANDARD.decode(std::mem::take(&mut order.wasm));
    let wasm = wasm.map_err(|error| Refusal::Invalid(format!("`wasm` is not base64: {error}")))?;
    let deployed = state.functions.deploy(name.clone(), order, wasm.into()).await;
    match &deployed {
        Ok(view) => tracing::info!(
            target: "audit", action = "deploy", actor = %actor.name, function = name, version = view.version, "accepted"
        ),
        Err(refusal) => tracing::warn!(
            target: "audit", action = "deploy", actor = %actor.name, function = name, ?refusal, "not accepted"
        ),
    }
    Ok(Json(deployed?))
}

/// Forget a version that is not active.
#[utoipa::path(
    delete, path = "/v1/functions/{name}/versions/{version}", tag = "functions",
    params(
        ("name" = String, Path, description = "The function's name."),
        ("version" = String, Path, description = "The version's whole name."),
    ),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "No such version.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is active, or a rollback would want it.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn remove(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((name, version)) = path.map_err(|rejection| Refusal::NotFound(rejection.body_text()))?;
    state.functions.remove(&name, &version)?;
    tracing::info!(target: "audit", action = "remove", actor = %actor.name, function = name, version, "accepted");
    Ok(StatusCode::NO_CONTENT)
}

fn named(name: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(name) = name.map_err(|rejection| Refusal::NotFound(rejection.body_text()))?;
    Ok(name)
}

/// An order in JSON.
fn order<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::new(Kind::InvalidFunction, error.to_string()),
        _ => Problem::new(Kind::MalformedBody, error.to_string()),
    })
}
