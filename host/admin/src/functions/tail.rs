//! `/v1/functions/{name}/tail`: what a function does and says, while it does, one line of JSON for each call.
//!
//! Owns: the shape of the lines, and the sign of life between them. Refuses: to queue; the node behind
//! [`Functions`](super::Functions) has a bounded queue for each who watches, and says what did not fit.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::ToSchema;

use super::named;
use crate::auth::Actor;
use crate::problem::{Kind, Problem};
use crate::state::AdminState;

/// Between two empty lines where nothing happens: whoever has gone is noticed by them, and makes room for another.
pub const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(10);

/// Lines as they come. Dropping it ends the watch.
pub type Tail = Pin<Box<dyn Stream<Item = TailLine> + Send>>;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TailLine {
    /// A hook was called.
    Call(Box<TailCall>),
    /// So many calls are not told of, because the reader did not keep up.
    Missed {
        /// How many.
        calls: u64,
    },
}

/// One call of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TailCall {
    /// When it ended, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// The site.
    pub site: String,
    /// The function.
    pub function: String,
    /// Its version.
    pub version: String,
    /// The hook.
    pub hook: String,
    /// The request's name in the log.
    pub request: String,
    /// Its method, path and query when the call began.
    pub target: String,
    /// What was decided: `next`, `respond`, `store`, `deliver-only`, `retry`, `done` or `failed`.
    pub outcome: String,
    /// `SW-FN-…`, if it failed.
    pub code: Option<String>,
    /// How it failed, with the guest's own stack.
    pub detail: Option<String>,
    /// CPU time, in microseconds.
    pub cpu_us: u64,
    /// From begin to end, in microseconds.
    pub wall_us: u64,
    /// What it wrote.
    pub log: Vec<TailLog>,
    /// Lines, fields and counters that were dropped for a limit.
    pub log_dropped: u32,
}

/// One line that a function wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TailLog {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The line.
    pub text: String,
}

/// What to watch.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TailQuery {
    /// Calls on this site only.
    pub site: Option<String>,
}

/// Watch a function: a line of JSON for each call of a hook, as it happens, until the reader goes.
///
/// Empty lines are signs of life. At most eight may watch the functions of a node.
#[utoipa::path(
    get, path = "/v1/functions/{name}/tail", tag = "functions",
    params(
        ("name" = String, Path, description = "The function's name."),
        ("site" = Option<String>, Query, description = "Calls on this site only."),
    ),
    responses(
        (status = 200, description = "Lines, as they come.", body = TailLine, content_type = "application/x-ndjson"),
        (status = 404, description = "No such function or site.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Too many watch.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn tail(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    name: Result<Path<String>, PathRejection>,
    query: Result<Query<TailQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let name = named(name)?;
    let invalid = |rejection: QueryRejection| Problem::new(Kind::InvalidQuery, rejection.body_text());
    let Query(TailQuery { site }) = query.map_err(invalid)?;
    let sites = &state.config.now().sites;
    if let Some(unknown) = site.as_deref().filter(|site| sites.iter().all(|known| known.as_str() != *site)) {
        return Err(Problem::new(Kind::NotFound, format!("no site is named `{unknown}`")));
    }
    let tail = state.functions.tail(&name, site.as_deref())?;
    // What visitors ask for and what functions say of them is read here, so who read it is on record.
    tracing::info!(target: "audit", action = "tail", actor = %actor.name, function = name, site, "begun");
    let mut signs = interval(SIGN_OF_LIFE_EVERY);
    signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut response = Body::from_stream(Lines { tail, signs }).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// The lines as bytes.
struct Lines {
    tail: Tail,
    signs: Interval,
}

impl Stream for Lines {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.tail.as_mut().poll_next(cx) {
            Poll::Ready(line) => Poll::Ready(line.map(|line| Ok(written(&line)))),
            Poll::Pending => self.signs.poll_tick(cx).map(|_| Some(Ok(Bytes::from_static(b"\n")))),
        }
    }
}

fn written(line: &TailLine) -> Bytes {
    // Strings and numbers always become JSON; an empty line, where they did not, is a sign of life.
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes.into()
}
