//! The queries: whom to wait for, and how long; which page of the trail.

use std::time::Duration;

use axum::extract::Query;
use http::Uri;
use seawall_cluster::Wait;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::{FieldError, Kind, Problem};

/// How long a purge waits where the client does not say.
pub const DEFAULT_WAIT_LIMIT: Duration = Duration::from_secs(5);

/// Longest wait a client may ask for: what proxies and clients commonly allow an answer to take.
pub const WAIT_LIMIT_MAX: Duration = Duration::from_secs(60);

/// The query as it is written.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// Whom to wait for: `none`, `local` (this node, the default) or `all` (every live node).
    wait: Option<String>,
    /// How long, as `500ms`, `5s` (the default) or `1m`; at most `60s`.
    timeout: Option<String>,
}

/// The query of `GET /v1/purges`: which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TrailQuery {
    /// Orders after this position; without it the newest ones.
    pub(super) since: Option<u64>,
    /// How many, 100 unless given, at most 1000.
    pub(super) limit: Option<usize>,
}

/// Whom to wait for and how long, or all that is wrong with the query.
pub(crate) fn parse(uri: &Uri) -> Result<(Wait, Duration), Problem> {
    let Query(query) = Query::<WaitQuery>::try_from_uri(uri)
        .map_err(|rejection| Problem::new(Kind::InvalidQuery, rejection.body_text()))?;
    let mut errors = Vec::new();
    let wait = match query.wait.as_deref() {
        None | Some("local") => Wait::Local,
        Some("none") => Wait::None,
        Some("all") => Wait::All,
        Some(other) => {
            errors.push(field("wait", format!("`{other}` is none of `none`, `local` and `all`")));
            Wait::default()
        }
    };
    let limit = match query.timeout.as_deref().map(|text| (text, duration(text))) {
        None => DEFAULT_WAIT_LIMIT,
        Some((_, Some(limit))) if limit <= WAIT_LIMIT_MAX => limit,
        Some((text, _)) => {
            errors.push(field(
                "timeout",
                format!("`{text}` is not a time such as `500ms`, `5s` or `1m`, at most `60s`"),
            ));
            DEFAULT_WAIT_LIMIT
        }
    };
    if errors.is_empty() {
        Ok((wait, limit))
    } else {
        Err(Problem::new(Kind::InvalidQuery, "See `errors`.").with_errors(errors))
    }
}

fn field(name: &str, detail: String) -> FieldError {
    FieldError { pointer: format!("?{name}"), detail }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}
