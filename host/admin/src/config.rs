//! `GET /v1/config`: what the node runs with. `POST /v1/config/reload`: it reads its config file again.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use futures_core::future::BoxFuture;
use seawall_base::SiteName;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Actor, Tokens};
use crate::problem::{FieldError, Kind, Problem};
use crate::state::{AdminState, ConfirmLimits};

/// The node's configuration, as the door sees it.
pub trait Configured: Send + Sync {
    /// What is in force.
    fn now(&self) -> Arc<InForce>;

    /// Reads the file again, and puts it in force as a whole or not at all. `actor` is who asked.
    fn reload(&self, actor: Arc<str>) -> BoxFuture<'_, Result<Reloaded, NotReloaded>>;
}

/// What is in force, as far as this door goes.
#[derive(Debug)]
pub struct InForce {
    /// The sites, for telling who misspelt one.
    pub sites: Vec<SiteName>,
    /// Who may do what.
    pub tokens: Tokens,
    /// Which purges must be confirmed.
    pub confirm: ConfirmLimits,
    /// The configuration, without secrets.
    pub config: serde_json::Value,
    /// BLAKE3 of the file, or of `config` where there is none: 64 hex digits.
    pub digest: String,
    /// When it was loaded, by the node's clock, in milliseconds since 1970.
    pub loaded_unix_ms: u64,
    /// The file, where there is one.
    pub file: Option<String>,
}

/// What a reload has done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reloaded {
    /// BLAKE3 of what is in force now.
    pub digest: String,
    /// And of what was before.
    pub previous_digest: String,
    /// When it was loaded, by the node's clock, in milliseconds since 1970.
    pub loaded_unix_ms: u64,
    /// Origins whose connections, health and circuits went on.
    pub origins_kept: Vec<String>,
    /// Sites whose stored responses were dropped, since their keys mean something else now, or they are gone.
    pub sites_dropped: Vec<String>,
}

/// One thing that is wrong with a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// `file:line:column`, as far as there is one.
    pub place: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Why the old configuration is still in force.
#[derive(Debug)]
pub enum NotReloaded {
    /// The node was started without a file.
    NoFile,
    /// All that is wrong with it.
    Refused(Vec<Mistake>),
}

/// The configuration in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView {
    /// BLAKE3 of the file, or of `config` where there is none.
    digest: String,
    /// When it was loaded, by the node's clock, in milliseconds since 1970.
    loaded_unix_ms: u64,
    /// The file, where there is one.
    file: Option<String>,
    /// The configuration, defaults filled in, secrets left out.
    config: serde_json::Value,
}

/// The configuration this node runs with, secrets left out.
#[utoipa::path(
    get, path = "/v1/config", tag = "config",
    responses(
        (status = 200, description = "The configuration, secrets left out.", body = ConfigView),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn config(State(state): State<Arc<AdminState>>) -> Json<ConfigView> {
    let now = state.config.now();
    Json(ConfigView {
        digest: now.digest.clone(),
        loaded_unix_ms: now.loaded_unix_ms,
        file: now.file.clone(),
        config: now.config.clone(),
    })
}

/// Reads the config file again. It comes into force as a whole, or is refused as a whole.
#[utoipa::path(
    post, path = "/v1/config/reload", tag = "config",
    responses(
        (status = 200, description = "It is in force.", body = Reloaded),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token may only read.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The node runs without a file.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Refused, with every mistake; the old one is in force.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn reload(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Reloaded>, Problem> {
    state.config.reload(actor.name).await.map(Json).map_err(|why| match why {
        NotReloaded::NoFile => Problem::new(
            Kind::NoConfigFile,
            "This node was started with flags alone: there is no file to read again.",
        ),
        NotReloaded::Refused(mistakes) => {
            let errors = mistakes
                .into_iter()
                .map(|Mistake { place, message }| FieldError { pointer: place, detail: message });
            let errors: Vec<FieldError> = errors.collect();
            let count = errors.len();
            let what = if count == 1 { "is 1 problem" } else { "are problems" };
            Problem::new(Kind::ConfigRefused, format!("There {what} in the file; see `errors`."))
                .with_errors(errors)
        }
    })
}
