//! The API from outside: requests into the whole router, with nodes of a real cluster in memory behind it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use axum::{Router, body};
use futures_core::future::BoxFuture;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, Request, StatusCode};
use parking_lot::RwLock;
use prometheus_client::registry::Registry;
use seawall_base::{Clock, NodeName, Position, Purge, Region, SiteName};
use seawall_cluster::{
    Activation, Answering, Applied, Apply, Cluster, ControlLog, EmbeddedLog, Follower, Footprint, Members,
    Metrics, NodeInfo, Readiness, Record, Retention, Setup, Start, Survey,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use super::{BODY_MAX_BYTES, router};
use crate::auth::{Role, Token, Tokens};
use crate::config::{Configured, InForce, Mistake, NotReloaded, Reloaded};
use crate::explain::Explain;
use crate::functions::{DeployOrder, DeployView, FunctionView, Functions, Refusal, Tail};
use crate::origins::{OriginView, Origins, ServerView};
use crate::state::{AdminState, ConfirmLimits};

mod audit;
mod doors;
mod functions;
mod keys;
mod limits;
mod purges;
mod tail;
mod trail;

const READ: &str = "read-secret-0123456789";
const WRITE: &str = "write-secret-0123456789";
const SHOP: &str = "shop-secret-0123456789";

/// A cache that holds three objects, whatever is asked.
struct Three;

impl Apply for Three {
    fn apply(&self, _: &Record) -> Applied {
        Applied { matched: 3 }
    }

    fn empty(&self, _: Position) {}
}

impl Survey for Three {
    fn footprint(&self, _: &Purge) -> Footprint {
        Footprint { objects: 3, bytes: 3000, recent_hits: 1, recent_hits_all: 8 }
    }
}

/// A function `front` with two versions, of which the second is active.
struct Two;

impl Functions for Two {
    fn list(&self) -> Vec<FunctionView> {
        let (active, previous) = (Some("two".to_owned()), Some("one".to_owned()));
        vec![FunctionView { name: "front".to_owned(), active, previous, versions: Vec::new() }]
    }

    fn deploy(
        &self,
        name: String,
        order: DeployOrder,
        wasm: body::Bytes,
    ) -> BoxFuture<'_, Result<DeployView, Refusal>> {
        Box::pin(async move {
            if !wasm.starts_with(b"\0asm") {
                return Err(Refusal::Invalid("not WebAssembly".to_owned()));
            }
            Ok(DeployView {
                function: name,
                version: "three".to_owned(),
                hooks: Vec::new(),
                imports: Vec::new(),
                grants: order.grants,
                unused_grants: Vec::new(),
                size_bytes: wasm.len() as u64,
                prepared_in_us: 1,
            })
        })
    }

    fn resolve<'a>(&'a self, name: &'a str, version: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        Box::pin(async move {
            let known = name == "front" && ["one", "two"].contains(&version);
            known.then(|| version.to_owned()).ok_or_else(|| Refusal::NotFound("no such version".to_owned()))
        })
    }

    fn previous(&self, name: &str) -> Result<(String, String), Refusal> {
        match name {
            "front" => Ok(("two".to_owned(), "one".to_owned())),
            _ => Err(Refusal::Conflict("nothing to go back to".to_owned())),
        }
    }

    fn tag(&self, name: &str, version: &str) -> String {
        format!("fn:{name}@{version}")
    }

    fn activated(&self, _: &Activation, _: Position) -> Result<(), String> {
        Ok(())
    }

    fn tail(&self, name: &str, _: Option<&str>) -> Result<Tail, Refusal> {
        match name {
            "front" => Ok(Box::pin(tail::ThreeLines::default())),
            "crowded" => Err(Refusal::Busy("eight watch already".to_owned())),
            _ => Err(Refusal::NotFound("no such function".to_owned())),
        }
    }

    fn remove(&self, _: &str, version: &str) -> Result<(), Refusal> {
        match version {
            "old" => Ok(()),
            "two" => Err(Refusal::Conflict("it is active".to_owned())),
            _ => Err(Refusal::NotFound("no such version".to_owned())),
        }
    }
}

/// A configuration whose file has two mistakes by now.
struct Settled(Arc<InForce>);

impl Configured for Settled {
    fn now(&self) -> Arc<InForce> {
        Arc::clone(&self.0)
    }

    fn reload(&self, _: Arc<str>) -> BoxFuture<'_, Result<Reloaded, NotReloaded>> {
        let mistake = |place: &str| Mistake { place: place.to_owned(), message: "is wrong.".to_owned() };
        Box::pin(async move {
            Err(NotReloaded::Refused(vec![mistake("seawall.toml:1:2"), mistake("seawall.toml:3:4")]))
        })
    }
}

/// An origin with one server, which is left alone.
struct One;

impl Origins for One {
    fn list(&self) -> Vec<OriginView> {
        let server = ServerView {
            url: "http://10.0.0.1".to_owned(),
            weight: 1,
            role: "primary",
            health: "unchecked",
            circuit: "open",
            opens_again_in_ms: Some(1500),
            in_flight: 0,
            latency_us: None,
        };
        vec![OriginView {
            name: "shop".to_owned(),
            balance: "round-robin",
            in_flight: 0,
            waiting: 2,
            retries_left: 10,
            backup: None,
            servers: vec![server],
        }]
    }
}

/// Says what it was asked about.
struct Echo;

impl Explain for Echo {
    fn explain(&self, method: Method, url: http::Uri, headers: http::HeaderMap) -> Result<Value, String> {
        match url.host() {
            Some("shop.example") => Ok(json!({ "of": format!("{method} {url} {}", headers.len()) })),
            _ => Err("no-site".to_owned()),
        }
    }
}

/// Two nodes of one process; the door is `fra-1`'s.
struct Scene {
    router: Router,
    cluster: Arc<Cluster>,
    second: Option<Follower>,
    members: Members,
    stop: watch::Sender<bool>,
    answering: Vec<Answering>,
}

impl Scene {
    /// Neither node follows the log yet.
    fn new() -> Self {
        let log: Arc<dyn ControlLog> = Arc::new(EmbeddedLog::in_memory(Retention::default()));
        Self::over(&log)
    }

    /// The same, over a log that the test brings.
    fn over(log: &Arc<dyn ControlLog>) -> Self {
        Self::bounded(log, ConfirmLimits::default())
    }

    /// The same, with purges that must be confirmed.
    fn bounded(log: &Arc<dyn ControlLog>, confirm: ConfirmLimits) -> Self {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let members = Members::new(clock.clone());
        let join = |name: &str, region: &str, metrics| {
            let info = NodeInfo {
                name: NodeName::new(name).unwrap(),
                region: Region::new(region).unwrap(),
                version: "0.1.0".to_owned(),
                peer_addr: None,
                started_unix_ms: 1000,
            };
            let (log, members, clock) = (Arc::clone(log), members.clone(), clock.clone());
            let max_lag = Duration::from_secs(5);
            Cluster::join(Setup { info, log, members, clock, metrics, max_lag }).unwrap()
        };
        let metrics = Metrics::new();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let (cluster, first) = join("fra-1", "fra", metrics);
        let (other, second) = join("ams-1", "ams", Metrics::new());
        let answering = [&cluster, &other].map(|cluster| cluster.answering(Arc::new(Three))).into();
        let token = |name: &str, secret: &str, role, sites: Option<&[&str]>| {
            let sites = sites.map(|sites| sites.iter().map(|name| SiteName::new(name).unwrap()).collect());
            Token { name: name.into(), secret: secret.into(), role, sites }
        };
        let state = AdminState {
            cluster: Arc::clone(&cluster),
            functions: Arc::new(Two),
            steps: None,
            origins: Arc::new(One),
            explain: Arc::new(Echo),
            config: Arc::new(Settled(Arc::new(InForce {
                sites: ["shop", "blog"].map(|name| SiteName::new(name).unwrap()).to_vec(),
                tokens: Tokens::new(vec![
                    token("ci", READ, Role::Read, None),
                    token("ops", WRITE, Role::Write, None),
                    token("shop-ci", SHOP, Role::Write, Some(&["shop"])),
                ])
                .unwrap(),
                confirm,
                config: json!({"node": {"name": "fra-1"}}),
                digest: "d1".to_owned(),
                loaded_unix_ms: 1000,
                file: Some("seawall.toml".to_owned()),
            }))),
            registry: Arc::new(RwLock::new(registry)),
        };
        let stop = watch::Sender::new(false);
        tokio::spawn(first.run(Arc::new(Three), Start::Empty, stop.subscribe()));
        Self { router: router(state), cluster, second: Some(second), members, stop, answering }
    }

    /// The first node is ready; the second's follower waits for [`Scene::start_second`].
    async fn with_laggard() -> Self {
        let scene = Self::new();
        scene.ready().await;
        scene
    }

    async fn ready(&self) {
        let mut changed = self.members.watch();
        while self.cluster.readiness() != Readiness::Ready {
            changed.changed().await.unwrap();
        }
    }

    fn start_second(&mut self) {
        let follower = self.second.take().unwrap();
        tokio::spawn(follower.run(Arc::new(Three), Start::After(Position::START), self.stop.subscribe()));
    }

    /// Both nodes follow the log.
    async fn whole() -> Self {
        let mut scene = Self::with_laggard().await;
        scene.start_second();
        scene
    }

    async fn send(&self, request: Request<Body>) -> Response {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let cache_control = response.headers().get(CACHE_CONTROL);
        assert_eq!(cache_control.map(|value| value.as_bytes()), Some(&b"no-store"[..]), "on every answer");
        response
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {READ}"));
        json_of(self.send(request.body(Body::empty()).unwrap()).await).await
    }

    async fn purge(&self, query: &str, body: &Value) -> (StatusCode, Value) {
        json_of(self.send(order(query, body.to_string())).await).await
    }
}

fn order(query: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(format!("/v1/purge{query}"))
        .header(AUTHORIZATION, format!("Bearer {WRITE}"))
        .header(CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

async fn text_of(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn json_of(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, serde_json::from_str(&text_of(response).await).unwrap())
}

/// The status, after checking that the answer is a problem document of this kind (RFC 9457 §3.1).
async fn problem_of(response: Response, kind: &str) -> (StatusCode, Value) {
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json", "{kind}");
    let (status, problem) = json_of(response).await;
    assert_eq!(problem["type"], format!("urn:seawall:problem:{kind}"));
    assert_eq!(problem["status"], status.as_u16(), "{kind}");
    for member in ["title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{kind}: {member}");
    }
    (status, problem)
}
