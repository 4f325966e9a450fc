//! Which path leads where, and what holds for all of them.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Method, Uri};

use crate::auth::require_token;
use crate::problem::{Kind, Problem};
use crate::state::AdminState;
use crate::{config, dev, explain, functions, health, nodes, openapi, origins, purge};

#[cfg(test)]
mod tests;

/// Largest body that the API reads, in bytes: a thousand selectors of a usual length.
pub const BODY_MAX_BYTES: usize = 1024 * 1024;

/// The whole API.
pub fn router(state: AdminState) -> Router {
    let state = Arc::new(state);
    let guarded = Router::new()
        .route("/v1/purge", post(purge::purge))
        .route("/v1/purges", get(purge::trail::trail))
        .route("/v1/purges/{id}", get(purge::trail::one))
        .route("/v1/functions", get(functions::list))
        .route(
            "/v1/functions/{name}",
            get(functions::one)
                .put(functions::deploy)
                .layer(DefaultBodyLimit::max(functions::DEPLOY_BODY_MAX_BYTES)),
        )
        .route("/v1/functions/{name}/activate", post(functions::activation::activate))
        .route("/v1/functions/{name}/rollback", post(functions::activation::rollback))
        .route("/v1/functions/{name}/versions/{version}", delete(functions::remove))
        .route("/v1/functions/{name}/tail", get(functions::tail::tail))
        .route("/v1/dev/clock", post(dev::step))
        .route("/v1/nodes", get(nodes::nodes))
        .route("/v1/explain", post(explain::explain))
        .route("/v1/origins", get(origins::origins))
        .route("/v1/config", get(config::config))
        .route("/v1/config/reload", post(config::reload))
        .route_layer(from_fn_with_state(Arc::clone(&state), require_token));
    let document = openapi::document();
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(|| async move { Json(document) }))
        .merge(guarded)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(map_response(no_store))
        .with_state(state)
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(Kind::NotFound, format!("`{}` is not a path of this API; see /openapi.json.", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(Kind::MethodNotAllowed, format!("`{}` does not take {method}.", uri.path()))
}

async fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
