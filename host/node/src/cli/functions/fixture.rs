//! `seawall functions test`: runs a built function on fixtures, and compares what it did with what was expected.
//!
//! Owns: the shape of fixtures, and the comparison. An expectation is a part of the outcome: what it does not name is not
//! compared, and `null` means that something is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use seawall_base::{Clock, OriginName};
use seawall_functions::{
    CacheWord, Chain, ClientInfo, Config, Exchange, FetchReason, FunctionError, FunctionSettings,
    HandlerLimits, Hook, Instances, LocalResponse, OnError, OriginVerdict, RequestHead, RequestVerdict,
    ResponseHead, Role, Runtime, Seen, StorePolicy, Wanted, Watch,
};
use seawall_policy::restate;
use serde::Deserialize;
use serde_json::{Map, Value, json};

mod handler;

/// One fixture.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fixture {
    pub(super) name: String,
    #[serde(default)]
    config: BTreeMap<String, String>,
    #[serde(default)]
    origins: BTreeSet<OriginName>,
    #[serde(default)]
    store_private: bool,
    /// Instructions that each hook may execute.
    #[serde(default)]
    pub(super) max_fuel: Option<u64>,
    request: Request,
    #[serde(default)]
    origin: Origin,
    expect: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    client_ip: Option<IpAddr>,
    /// For handlers: filters see no bodies.
    #[serde(default)]
    body: String,
}

fn get() -> String {
    "GET".to_owned()
}

/// What the origin answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Origin {
    status: u16,
    headers: BTreeMap<String, String>,
    /// How long the host would keep it, in seconds: what `ttl` answers.
    ttl: Option<u64>,
}

impl Default for Origin {
    fn default() -> Self {
        let headers = BTreeMap::from([("cache-control".to_owned(), "max-age=60".to_owned())]);
        Self { status: 200, headers, ttl: Some(60) }
    }
}

/// The fixtures of files and folders; a file holds one, or a list.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Fixture>, String> {
    let mut fixtures = Vec::new();
    for path in paths {
        for file in files(path)? {
            let wrong = |error: &dyn std::fmt::Display| format!("`{}`: {error}", file.display());
            let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
            let value: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
            let list = match value {
                Value::Array(list) => list,
                one => vec![one],
            };
            for one in list {
                fixtures.push(serde_json::from_value(one).map_err(|error| wrong(&error))?);
            }
        }
    }
    Ok(fixtures)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error: std::io::Error| format!("`{}`: {error}", path.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|suffix| suffix == "json") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// What came of a fixture.
pub(super) struct Ran {
    /// All that differs from what was expected.
    pub(super) differences: Vec<String>,
    /// What each hook that ran executed, where that is counted.
    pub(super) instructions: Vec<(&'static str, u64)>,
}

/// Runs one.
pub(super) async fn run(runtime: &Runtime, wasm: &[u8], fixture: &Fixture) -> Result<Ran, String> {
    let role = runtime.role(wasm).map_err(|error| error.to_string())?;
    let closed = match role {
        Role::Filter => Hook::ALL.map(|hook| (hook, OnError::FailClosed)).into_iter().collect(),
        Role::Handler => BTreeMap::new(),
    };
    let settings = FunctionSettings {
        config: fixture.config.clone(),
        origins: fixture.origins.clone(),
        store_private: fixture.store_private,
        reuse: false,
        // So that every failure is seen.
        on_error: closed,
        rollback_on_traps: false,
    };
    let function = runtime.prepare("tested", wasm, settings).map_err(|error| error.to_string())?;
    let watch = Watch::new();
    let mut watching = watch.begin(Wanted::default()).map_err(|error| error.to_string())?;
    let did = match role {
        Role::Handler => handler::run(&function, fixture).await?,
        Role::Filter => {
            let chain = Chain::new(vec![function]).map_err(|error| error.to_string())?;
            let chain = chain.watched("test", &watch);
            let mut play = Play { chain, instances: Instances::default(), did: Map::new() };
            play.run(fixture).await?;
            play.did
        }
    };
    let mut differences = Vec::new();
    compare("", &Value::Object(fixture.expect.clone()), &Value::Object(did), &mut differences);
    let mut instructions = Vec::new();
    while let Some(seen) = watching.try_next() {
        if let Seen::Call(report) = seen {
            instructions.extend(report.instructions.map(|used| (report.hook.as_str(), used)));
        }
    }
    Ok(Ran { differences, instructions })
}

/// A runtime with the limits of a node. Where instructions are counted, the guest's clock stands still, so that the same
/// fixture counts the same; the engine is slower then, and its limit of CPU time is ten times the usual one.
pub(super) fn runtime(counts: bool, code: &Path) -> Result<Runtime, String> {
    let usual = Config::default();
    let config = Config {
        // One slot for each hook's instance is enough, and reserves little.
        max_instances: 8,
        wall_per_hook: Duration::from_secs(5),
        // Handlers are not counted; two are enough.
        handlers: HandlerLimits { max_instances: 2, ..HandlerLimits::default() },
        cpu_per_hook: if counts { usual.cpu_per_hook * 10 } else { usual.cpu_per_hook },
        count_instructions: counts,
        code_folder: Some(code.to_owned()),
        ..usual
    };
    let clock = if counts { Clock::manual(SystemTime::UNIX_EPOCH + COUNTED_AT) } else { Clock::system() };
    Runtime::new(&config, clock).map_err(|error| error.to_string())
}

/// What a guest's clock shows while its instructions are counted: the first second of 2026.
const COUNTED_AT: Duration = Duration::from_secs(1_767_225_600);

struct Play {
    chain: Chain,
    instances: Instances,
    /// What each hook did, by its name.
    did: Map<String, Value>,
}

impl Play {
    async fn run(&mut self, fixture: &Fixture) -> Result<(), String> {
        let (head, client) = request(&fixture.request)?;
        let exchange = Exchange::new(head, client);
        let (mut exchange, outcome) = self.chain.on_request(&mut self.instances, exchange).await;
        self.note_request(Hook::OnRequest, &exchange, &outcome);
        let response = match outcome {
            Err(_) => return Ok(()),
            Ok(RequestVerdict::Respond(local)) => {
                ResponseHead { status: local.status, headers: local.headers, cache: CacheWord::Local }
            }
            Ok(RequestVerdict::Next) => match self.fetch(fixture, &exchange).await? {
                Some(response) => response,
                None => return Ok(()),
            },
        };
        exchange.response = Some(response);
        exchange.log = seawall_functions::GuestLog::default();
        let (exchange, outcome) = self.chain.on_response(&mut self.instances, exchange).await;
        if self.chain.has(Hook::OnResponse) {
            let mut did = response_of(&exchange);
            failure(&mut did, outcome.as_ref().err());
            self.did.insert(Hook::OnResponse.as_str().to_owned(), Value::Object(did));
        }
        Ok(())
    }

    /// The origin's side, on a request as `on-request` left it.
    async fn fetch(&mut self, fixture: &Fixture, before: &Exchange) -> Result<Option<ResponseHead>, String> {
        let client = ClientInfo { request_id: Arc::from("test"), ..ClientInfo::default() };
        let mut exchange = Exchange::new(before.request.clone(), client);
        exchange.vars = before.vars.clone();
        exchange.store = Some(StorePolicy::new(FetchReason::Miss, None, false));
        let mut instances = Instances::default();
        let (mut exchange, outcome) = self.chain.on_origin_request(&mut instances, exchange).await;
        self.note_request(Hook::OnOriginRequest, &exchange, &outcome);
        let (status, headers) = match outcome {
            Err(_) => return Ok(None),
            Ok(RequestVerdict::Respond(local)) => (local.status, local.headers),
            Ok(RequestVerdict::Next) => {
                let status =
                    StatusCode::from_u16(fixture.origin.status).map_err(|error| error.to_string())?;
                (status, fields(&fixture.origin.headers)?)
            }
        };
        let forbidden = restate::forbids(&headers).is_some();
        let ttl = fixture.origin.ttl.filter(|_| !forbidden).map(Duration::from_secs);
        exchange.store = Some(StorePolicy::new(FetchReason::Miss, ttl, forbidden));
        exchange.response = Some(ResponseHead { status, headers, cache: CacheWord::Miss });
        let (mut exchange, outcome) = self.chain.on_origin_response(&mut instances, exchange).await;
        if self.chain.has(Hook::OnOriginResponse) {
            let did = Value::Object(stored(&exchange, &outcome));
            self.did.insert(Hook::OnOriginResponse.as_str().to_owned(), did);
        }
        Ok(exchange.response.take().filter(|_| outcome.is_ok()))
    }

    fn note_request(
        &mut self,
        hook: Hook,
        exchange: &Exchange,
        outcome: &Result<RequestVerdict, FunctionError>,
    ) {
        if !self.chain.has(hook) {
            return;
        }
        let (request, route) = (&exchange.request, &exchange.route);
        let mut did = Map::new();
        did.insert("method".to_owned(), json!(request.method.as_str()));
        did.insert("path".to_owned(), json!(request.path_and_query.as_str()));
        did.insert("headers".to_owned(), header_json(&request.headers));
        did.insert("origin".to_owned(), json!(route.origin.as_ref().map(OriginName::as_str)));
        did.insert("pass".to_owned(), json!(route.pass));
        let parts = route.key_parts.iter();
        let parts = parts.map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value))));
        did.insert("key_parts".to_owned(), Value::Object(parts.collect()));
        let verdict = match outcome {
            Ok(RequestVerdict::Next) if hook == Hook::OnRequest => "next",
            Ok(RequestVerdict::Next) => "fetch",
            Ok(RequestVerdict::Respond(local)) => {
                did.insert("response".to_owned(), local_json(local));
                "respond"
            }
            Err(_) => "error",
        };
        did.insert("verdict".to_owned(), json!(verdict));
        said(&mut did, exchange);
        failure(&mut did, outcome.as_ref().err());
        self.did.insert(hook.as_str().to_owned(), Value::Object(did));
    }
}

fn request(request: &Request) -> Result<(RequestHead, ClientInfo), String> {
    let uri: Uri = request.url.parse().map_err(|error| format!("`{}`: {error}", request.url))?;
    let parts = uri.into_parts();
    let (Some(scheme), Some(authority), Some(path_and_query)) =
        (parts.scheme, parts.authority, parts.path_and_query)
    else {
        return Err(format!("`{}`: write a whole URL, such as https://shop.example/path", request.url));
    };
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| error.to_string())?;
    let head = RequestHead { method, scheme, authority, path_and_query, headers: fields(&request.headers)? };
    let client = ClientInfo {
        ip: request.client_ip,
        request_id: Arc::from("test"),
        http_version: Some(http::Version::HTTP_11),
        tls_version: None,
    };
    Ok((head, client))
}

fn fields(named: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        let field = HeaderName::try_from(name).map_err(|error| format!("`{name}`: {error}"))?;
        headers.append(field, HeaderValue::try_from(value).map_err(|error| format!("`{name}`: {error}"))?);
    }
    Ok(headers)
}

fn header_json(headers: &HeaderMap) -> Value {
    let joined = |name: &HeaderName| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(", ")
    };
    Value::Object(headers.keys().map(|name| (name.as_str().to_owned(), json!(joined(name)))).collect())
}

fn local_json(local: &LocalResponse) -> Value {
    let body = String::from_utf8_lossy(&local.body);
    json!({ "status": local.status.as_u16(), "headers": header_json(&local.headers), "body": body })
}

fn response_of(exchange: &Exchange) -> Map<String, Value> {
    let mut did = Map::new();
    if let Some(response) = &exchange.response {
        did.insert("status".to_owned(), json!(response.status.as_u16()));
        did.insert("headers".to_owned(), header_json(&response.headers));
    }
    said(&mut did, exchange);
    did
}

fn stored(exchange: &Exchange, outcome: &Result<OriginVerdict, FunctionError>) -> Map<String, Value> {
    let mut did = response_of(exchange);
    let verdict = match outcome {
        Ok(OriginVerdict::Store) => json!("store"),
        Ok(OriginVerdict::DeliverOnly) => json!("deliver-only"),
        Ok(OriginVerdict::Retry(origin)) => json!({ "retry": origin.as_str() }),
        Err(_) => json!("error"),
    };
    did.insert("verdict".to_owned(), verdict);
    if let Some(policy) = &exchange.store {
        let edits = &policy.edits;
        let seconds = |time: Option<Duration>| json!(time.map(|time| time.as_secs()));
        did.insert("ttl".to_owned(), seconds(edits.ttl));
        did.insert("stale_while_revalidate".to_owned(), seconds(edits.stale_while_revalidate));
        did.insert("stale_if_error".to_owned(), seconds(edits.stale_if_error));
        did.insert("hit_for_miss".to_owned(), seconds(edits.hit_for_miss));
        did.insert("tags".to_owned(), json!(edits.tags));
        let vary = edits.vary.as_ref().map(|names| names.iter().map(HeaderName::as_str).collect::<Vec<_>>());
        did.insert("vary".to_owned(), json!(vary));
    }
    failure(&mut did, outcome.as_ref().err());
    did
}

fn said(did: &mut Map<String, Value>, exchange: &Exchange) {
    let lines: Vec<&str> = exchange.log.lines.iter().map(|line| line.text.as_str()).collect();
    did.insert("log".to_owned(), json!(lines));
}

fn failure(did: &mut Map<String, Value>, error: Option<&FunctionError>) {
    did.insert("error".to_owned(), json!(error.map(FunctionError::code)));
    did.insert("error_detail".to_owned(), json!(error.map(|error| error.detail.as_str())));
}

/// Notes where `actual` is not what `expected` says. Objects are compared by the expected keys only.
fn compare(at: &str, expected: &Value, actual: &Value, differences: &mut Vec<String>) {
    if let (Value::Object(expected), Value::Object(actual)) = (expected, actual) {
        for (key, value) in expected {
            let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            compare(&at, value, actual.get(key).unwrap_or(&Value::Null), differences);
        }
    } else if expected != actual {
        differences.push(format!("{at}: expected {expected}, and it is {actual}"));
    }
}

#[cfg(test)]
mod tests;
