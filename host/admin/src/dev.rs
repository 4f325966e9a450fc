//! `/v1/dev/clock`: stepping the clock of a node that `seawall dev` runs. On every other node there is nothing here.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};

use crate::problem::{Kind, Problem};
use crate::purge::read_body;
use crate::router::BODY_MAX_BYTES;
use crate::state::AdminState;

/// How far to step.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepOrder {
    /// Milliseconds, forward.
    pub step_ms: u64,
}

/// What the clock shows now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StepAnswer {
    /// Milliseconds since 1970.
    pub now_unix_ms: u64,
    /// How far it runs ahead of the machine's, in milliseconds.
    pub ahead_ms: u64,
}

/// Steps the clock forward. Not in the description of the API: no node in service has it.
pub(crate) async fn step(
    State(state): State<Arc<AdminState>>,
    request: Request,
) -> Result<Json<StepAnswer>, Problem> {
    let Some(clock) = &state.steps else {
        let detail = "only the clock of a node that `seawall dev` runs can be stepped";
        return Err(Problem::new(Kind::NotFound, detail));
    };
    let body = read_body(request, BODY_MAX_BYTES).await?;
    let wrong = |error: serde_json::Error| Problem::new(Kind::MalformedBody, error.to_string());
    let StepOrder { step_ms } = serde_json::from_slice(&body).map_err(wrong)?;
    if !clock.advance(Duration::from_millis(step_ms)) {
        let days = seawall_base::clock::AHEAD_MAX.as_secs() / 86_400;
        return Err(Problem::new(Kind::InvalidQuery, format!("the clock may run ahead at most {days} days")));
    }
    let since = clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Ok(Json(StepAnswer { now_unix_ms: ms(since), ahead_ms: ms(clock.ahead()) }))
}
