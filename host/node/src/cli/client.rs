//! Calls to the admin API of a running node.

use std::fmt;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use super::table::plain;
use super::{Exit, token};
use crate::config::{Scheme, Secret, ServerUrl};

/// Default of `--admin`: where a node listens unless it is told otherwise.
pub const DEFAULT_ADMIN_URL: &str = "http://127.0.0.1:9090";

/// Largest answer that is read, in bytes: a thousand nodes take less than one MiB.
const ANSWER_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Longest line that is read of what a node tells as it happens, in bytes: a call with all that it may log, escaped.
const LINE_MAX_BYTES: u64 = 256 * 1024;

/// Longest wait for a connection: the admin API is most often on this machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take beyond what the call itself was told to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the admin API is and how to talk to it.
#[derive(Clone, Debug, Args)]
pub struct AdminArgs {
    /// The admin API of a node. The token is $SEAWALL_ADMIN_TOKEN, or the one in the data directory
    #[arg(long, value_name = "URL", default_value = DEFAULT_ADMIN_URL)]
    pub admin: AdminUrl,
    /// The node's data directory, for its admin token [default: the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// The address of an admin API: `http://host:port` or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminUrl(ServerUrl);

impl FromStr for AdminUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let server: ServerUrl =
            with_scheme.parse().map_err(|wrong: crate::config::ServerUrlError| wrong.to_string())?;
        match server.scheme() {
            Scheme::Http => Ok(Self(server)),
            Scheme::Https => Err(format!(
                "`{text}`: the admin API speaks plain http. Write `http://host:port`, through a tunnel if need be."
            )),
        }
    }
}

impl fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Token(#[from] token::TokenError),
    #[error(
        "nothing listens at {0}. Start a node there (`seawall run --origin URL` or `seawall run --config \
         FILE`), or say where one is with `--admin URL`."
    )]
    Refused(AdminUrl),
    #[error("{admin} did not answer in time")]
    TimedOut { admin: AdminUrl },
    #[error("{admin} cannot be reached: {error}")]
    Unreachable { admin: AdminUrl, error: ureq::Error },
    #[error("{0}")]
    Problem(ProblemDocument),
    #[error("`{}`: {why}", path.display())]
    File { path: PathBuf, why: String },
    #[error("{admin} answered {status} and what follows is not what a Seawall node says: {wrong}")]
    NotOurs { admin: AdminUrl, status: StatusCode, wrong: String },
}

/// An RFC 9457 problem document, as far as people need it.
#[derive(Debug)]
pub(super) struct ProblemDocument {
    status: StatusCode,
    title: Option<String>,
    detail: Option<String>,
    /// Each thing that is wrong: where in the request, and what.
    errors: Vec<(String, String)>,
}

impl ProblemDocument {
    fn read(status: StatusCode, json: Option<&Value>) -> Self {
        let text = |json: &Value, key| json.get(key).and_then(Value::as_str).map(plain);
        let errors =
            json.and_then(|json| json.get("errors")?.as_array()).map(Vec::as_slice).unwrap_or_default();
        let error = |error| Some((text(error, "pointer").unwrap_or_default(), text(error, "detail")?));
        Self {
            status,
            title: json.and_then(|json| text(json, "title")),
            detail: json.and_then(|json| text(json, "detail")),
            errors: errors.iter().filter_map(error).collect(),
        }
    }
}

impl fmt::Display for ProblemDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, title, detail, errors } = self;
        let title = title.as_deref().or(status.canonical_reason()).unwrap_or("Refused");
        write!(f, "{title} ({})", status.as_u16())?;
        if let Some(detail) = detail {
            write!(f, ": {detail}")?;
        }
        for (pointer, detail) in errors {
            write!(f, "\n  {pointer} {detail}")?;
        }
        if *status == StatusCode::UNAUTHORIZED {
            let env = token::ADMIN_TOKEN_ENV;
            write!(
                f,
                "\nSet {env} to a token of this node, or say with `--data-dir` where it keeps its own."
            )?;
        }
        Ok(())
    }
}

/// What a node answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) json: Value,
}

/// One call: what is sent, and how long the node may take over it.
pub(super) struct Call<'a> {
    /// With its query.
    pub(super) path: &'a str,
    /// What is done there.
    pub(super) verb: Verb<'a>,
    /// How long the node was told to wait before it answers.
    pub(super) patience: Duration,
}

/// What a call does, and with what body.
#[derive(Clone, Copy)]
pub(super) enum Verb<'a> {
    Get,
    Post(&'a Value),
    /// With a name for the order, by which it is done once.
    PostOnce(&'a Value, &'a str),
    Put(&'a Value),
}

impl AdminArgs {
    /// Makes the call with the token found for this node.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Answer, CallError> {
        let token = token::resolve_for_client(self.data_dir.as_deref(), token::from_env().as_deref())?;
        self.call_with(call, &token)
    }

    pub(super) fn call_with(&self, call: &Call<'_>, token: &Secret) -> Result<Answer, CallError> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(CONNECT_TIMEOUT + call.patience + ANSWER_TIMEOUT))
            .user_agent(concat!("seawall/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let url = format!("{}{}", self.admin, call.path);
        let bearer = format!("Bearer {}", token.expose());
        let sending = match call.verb {
            Verb::Get => None,
            Verb::Post(body) => Some((agent.post(&url), body)),
            Verb::PostOnce(body, key) => Some((agent.post(&url).header("idempotency-key", key), body)),
            Verb::Put(body) => Some((agent.put(&url), body)),
        };
        let answer = match sending {
            None => agent.get(url).header("authorization", bearer).call(),
            Some((sending, body)) => sending
                .header("authorization", bearer)
                .header("content-type", "application/json")
                .send(body.to_string()),
        };
        self.read(answer.map_err(|error| self.unreachable(error))?)
    }

    /// Reads lines until there are no more, or `line` says that nobody wants them. Empty ones are signs of life.
    pub(super) fn follow(&self, path: &str, line: &mut dyn FnMut(&str) -> bool) -> Result<(), CallError> {
        let token = token::resolve_for_client(self.data_dir.as_deref(), token::from_env().as_deref())?;
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_recv_body(None)
            .user_agent(concat!("seawall/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let bearer = format!("Bearer {}", token.expose());
        let answer = agent.get(format!("{}{path}", self.admin)).header("authorization", bearer).call();
        let answer = answer.map_err(|error| self.unreachable(error))?;
        if !answer.status().is_success() {
            return self.read(answer).map(drop);
        }
        let mut reader = BufReader::new(answer.into_body().into_reader());
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = reader.by_ref().take(LINE_MAX_BYTES).read_until(b'\n', &mut bytes);
            match read {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let text = text.trim_end();
                    if !text.is_empty() && !line(text) {
                        return Ok(());
                    }
                }
                Err(error) => return Err(self.unreachable(ureq::Error::Io(error))),
            }
        }
    }

    fn unreachable(&self, error: ureq::Error) -> CallError {
        let admin = self.admin.clone();
        match error {
            ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
                CallError::Refused(admin)
            }
            ureq::Error::ConnectionFailed => CallError::Refused(admin),
            ureq::Error::Timeout(_) => CallError::TimedOut { admin },
            error => CallError::Unreachable { admin, error },
        }
    }

    fn read(&self, mut answer: Response<ureq::Body>) -> Result<Answer, CallError> {
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(ANSWER_MAX_BYTES).read_to_vec();
        let body = body.map_err(|error| self.unreachable(error))?;
        let json = serde_json::from_slice::<Value>(&body);
        match json {
            Ok(json) if status.is_success() => Ok(Answer { status, json }),
            Err(wrong) if status.is_success() => Err(self.not_ours(status, &wrong.to_string())),
            json => Err(CallError::Problem(ProblemDocument::read(status, json.as_ref().ok()))),
        }
    }

    /// The answer is not of the shape that this command knows.
    pub(super) fn not_ours(&self, status: StatusCode, wrong: &str) -> CallError {
        CallError::NotOurs { admin: self.admin.clone(), status, wrong: plain(wrong) }
    }
}

/// Says why on standard error.
pub(super) fn fail(error: &CallError, err: &mut dyn Write) -> Exit {
    // Where standard error is closed nobody reads this, and the exit code still says it.
    let _ = writeln!(err, "seawall: {error}");
    Exit::Failed
}

/// A string member, or `-`.
pub(super) fn cell(json: &Value, key: &str) -> String {
    match json.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}
