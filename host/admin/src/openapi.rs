//! `/openapi.json`: the API's description, generated from the handlers.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::{config, explain, functions, health, nodes, origins, purge};

#[derive(OpenApi)]
#[openapi(
    info(title = "Seawall admin API", description = "Errors are problem documents (RFC 9457)."),
    paths(
        purge::purge,
        purge::trail::trail,
        purge::trail::one,
        functions::list,
        functions::one,
        functions::deploy,
        functions::activation::activate,
        functions::activation::rollback,
        functions::remove,
        functions::tail::tail,
        nodes::nodes,
        explain::explain,
        origins::origins,
        config::config,
        config::reload,
        health::livez,
        health::readyz,
        health::metrics,
        openapi_json,
    ),
    modifiers(&BearerToken),
)]
struct Api;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token with the role `read` for safe methods, `write` for all others."))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "health",
    responses((status = 200, description = "OpenAPI.", body = serde_json::Value)),
)]
#[expect(dead_code, reason = "documents the route; the document itself is made once, by the router")]
fn openapi_json() {}

/// The whole description.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
}
