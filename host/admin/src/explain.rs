//! `POST /v1/explain`: what this node would answer to a request, and why. Asks no origin and changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::{FieldError, Kind, Problem};
use crate::purge::read_body;
use crate::router::BODY_MAX_BYTES;
use crate::state::AdminState;

/// What the door needs of the node.
pub trait Explain: Send + Sync {
    /// What it would answer, and why; or why it would refuse the request.
    fn explain(&self, method: Method, url: Uri, headers: HeaderMap) -> Result<serde_json::Value, String>;
}

/// A request to be explained.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainOrder {
    /// The whole URL.
    pub url: String,
    /// The method; GET where there is none.
    #[serde(default)]
    pub method: Option<String>,
    /// The request's fields, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

impl ExplainOrder {
    fn read(self) -> Result<(Method, Uri, HeaderMap), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut wrong = |pointer: String, detail: &str| {
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        };
        let url = Uri::try_from(&self.url).ok().filter(|url| url.scheme().is_some() && url.host().is_some());
        if url.is_none() {
            wrong("#/url".to_owned(), "is no URL. Write `https://host/path`.");
        }
        let method = self.method.as_deref().unwrap_or("GET").to_ascii_uppercase().parse::<Method>();
        if method.is_err() {
            wrong("#/method".to_owned(), "is no method. Write one such as `GET`.");
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => drop(headers.append(name, value)),
                _ => wrong(
                    format!("#/headers/{name}"),
                    "is no field of HTTP. Write a name and a value of one line.",
                ),
            }
        }
        match (url, method) {
            (Some(url), Ok(method)) if errors.is_empty() => Ok((method, url, headers)),
            _ => Err(errors),
        }
    }
}

/// What this node would answer to a request, and why. No origin is asked, and nothing is changed.
#[utoipa::path(
    post, path = "/v1/explain", tag = "nodes",
    request_body = ExplainOrder,
    responses(
        (status = 200, description = "What it would answer, and why.", body = serde_json::Value),
        (status = 400, description = "Not JSON.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a request, or one that is refused.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn explain(
    State(state): State<Arc<AdminState>>,
    request: Request,
) -> Result<Json<serde_json::Value>, Problem> {
    let body = read_body(request, BODY_MAX_BYTES).await?;
    let order: ExplainOrder = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(Kind::MalformedBody, error.to_string()))?;
    let (method, url, headers) = order.read().map_err(|errors| {
        Problem::new(Kind::InvalidRequest, "Nothing was explained; see `errors`.").with_errors(errors)
    })?;
    let explained = state.explain.explain(method, url, headers);
    explained
        .map(Json)
        .map_err(|why| Problem::new(Kind::InvalidRequest, format!("It would be refused: {why}")))
}
