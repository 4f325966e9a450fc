//! Who comes to the demo: real HTTP/1.1 over real sockets, with every wait bounded.

use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode};
use seawall_base::Clock;
use serde_json::Value;
use ureq::{Agent, Body};

use super::error::DemoError;
use super::nodes::DemoNode;

/// Longest that one answer may take: several times what the slowest page does.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Largest body that is read, in bytes: more than the photo has.
const BODY_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A client of all nodes.
pub(super) struct Visitor {
    agent: Agent,
    clock: Clock,
    limit: Duration,
    /// In the clock's ticks.
    ends_at: Duration,
}

/// A GET.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) at: &'a DemoNode,
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    /// One more field, where the story needs one.
    pub(super) field: Option<(&'a str, &'a str)>,
}

/// What came.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A field's first value, as far as it is text.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All lines of `Cache-Status`, the nearest to the origin first (RFC 9211 §2).
    pub(super) fn cache_status(&self) -> Vec<String> {
        let lines = self.headers.get_all("cache-status");
        lines.iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
    }
}

impl Visitor {
    /// A visitor who is gone after `limit`: whatever is asked later fails at once.
    pub(super) fn new(clock: &Clock, limit: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("seawall-demo/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { agent, clock: clock.clone(), limit, ends_at: clock.ticks().saturating_add(limit) }
    }

    /// Time on the demo's clock.
    pub(super) fn ticks(&self) -> Duration {
        self.clock.ticks()
    }

    /// Asks a node for a page.
    pub(super) fn get(&self, ask: &Ask<'_>) -> Result<Answer, DemoError> {
        let mut request =
            Request::get(format!("http://{}{}", ask.at.http, ask.path)).header("host", ask.host);
        if let Some((name, value)) = ask.field {
            request = request.header(name, value);
        }
        self.send(ask.at, request, "")
    }

    /// Whether a node says that it is ready.
    pub(super) fn is_ready(&self, node: &DemoNode) -> Result<bool, DemoError> {
        let request = Request::get(format!("http://{}/readyz", node.admin));
        Ok(self.send(node, request, "")?.status == StatusCode::OK)
    }

    /// Tells a node's admin API to do something.
    pub(super) fn post(
        &self,
        node: &DemoNode,
        token: &str,
        path: &str,
        body: &Value,
    ) -> Result<Answer, DemoError> {
        let request = Request::post(format!("http://{}{path}", node.admin))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        self.send(node, request, &body.to_string())
    }

    fn send(
        &self,
        node: &DemoNode,
        request: http::request::Builder,
        body: &str,
    ) -> Result<Answer, DemoError> {
        let what = || node.name.to_owned();
        let left = self.ends_at.saturating_sub(self.clock.ticks());
        if left.is_zero() {
            return Err(DemoError::OutOfTime { what: what(), limit: self.limit });
        }
        let failed = |source| DemoError::Visit { what: what(), source };
        let limit = ANSWER_LIMIT.min(left);
        let answer = if body.is_empty() {
            let request = request.body(()).map_err(|error| failed(error.into()))?;
            self.agent.run(self.within(limit, request))
        } else {
            let request = request.body(body).map_err(|error| failed(error.into()))?;
            self.agent.run(self.within(limit, request))
        };
        read(answer.map_err(failed)?).map_err(failed)
    }

    fn within<B: ureq::AsSendBody>(&self, limit: Duration, request: Request<B>) -> Request<B> {
        self.agent.configure_request(request).timeout_global(Some(limit)).build()
    }
}

fn read(response: Response<Body>) -> Result<Answer, ureq::Error> {
    let (parts, mut body) = response.into_parts();
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.with_config().limit(BODY_MAX_BYTES).read_to_vec()?,
    })
}
