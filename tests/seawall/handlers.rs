//! Handlers: components that answer in an origin's place. What they make is cached, collapsed, tagged and purged like any
//! origin's, and however they end, nothing passes for whole that is not.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use seawall_base::{Clock, Fault, OriginName};
use seawall_functions::{
    Asker, Config, FETCH_RESPONSE_MAX_BYTES, FETCHES_MAX, Fetch, Fetched, FunctionErrorKind,
    FunctionSettings, HandlerLimits, Runtime,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::{Answer, Ask, BrokenOff, Node, Plan, World, guests, lines, together, until};

async fn behind(world: &World, file: &Path) -> Node {
    world.start(Plan::new("fra-1", "fra").handler("page", Some(file))).await
}

/// The metric of handlers that ended so.
fn name_of(outcome: &str) -> String {
    format!("seawall_function_calls_total{{hook=\"handle\",outcome=\"{outcome}\"}}")
}

#[tokio::test]
async fn what_a_handler_makes_is_cached_collapsed_tagged_and_purged() {
    for file in guests::both_forms("page-handler") {
        let world = World::new();
        let node = behind(&world, &file).await;
        let got = together((0..8).map(|_| node.get("/hello/Ann")).collect::<Vec<_>>()).await;
        for one in &got {
            assert_eq!((one.status, one.field("content-type")), (200, Some("text/html; charset=utf-8")));
            assert!(one.body.contains("<h1>Hello, Ann</h1>"), "{one:?}");
        }
        node.counts(&name_of("next"), 1).await;
        assert_eq!(node.metric(&name_of("next")).await, 1, "{}", file.display());
        assert_eq!(node.get("/hello/Ann").await.cache(), "hit; ttl=60");
        for tag in ["greetings".to_owned(), tag_of_the_version()] {
            assert_eq!(node.purge(json!({ "tags": [tag] })).await["matched"], json!(1), "{tag}");
            assert_eq!(node.get("/hello/Ann").await.cache(), "fwd=uri-miss; fwd-status=200; stored");
        }
        let head = node.send(&Ask::new("HEAD", "/hello/Bob")).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(node.get("/elsewhere").await.status, 404);
    }
}

/// The tag of the version that runs, as its log line of the start has it.
fn tag_of_the_version() -> String {
    let line = lines::with("function", "page").unwrap();
    format!("fn:page@{}", line["version"])
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let world = World::new();
    let node = behind(&world, &guests::module("usher")).await;
    let ask = Ask::new("POST", "/echo").field("transfer-encoding", "chunked").raw_body("5\r\nfirst\r\n");
    let mut echo = node.open(&ask).await;
    assert_eq!(echo.status, 200);
    echo.reads("first").await;
    echo.writes(b"6\r\nsecond\r\n0\r\n\r\n").await;
    assert_eq!(echo.rest().await.as_deref(), Ok("second"));
    let long = node.get("/stream/300").await;
    assert_eq!(long.body.len(), 300 * 4096);
    assert_eq!(node.get("/stream/300").await.cache(), "hit; ttl=60");
}

#[tokio::test]
async fn a_handler_sees_the_clients_request() {
    let world = World::new();
    let node = behind(&world, &guests::module("usher")).await;
    let ask = Ask::get("/who").field("x-own", "1").field("connection", "x-hop").field("x-hop", "1");
    let who = node.send(&ask).await.body;
    assert!(who.starts_with("http shop.example "), "{who}");
    assert!(who.contains(" x-own") && who.contains(" cdn-loop") && who.contains(" via"), "{who}");
    assert!(!who.contains("x-hop") && !who.contains(" host"), "{who}");
}

#[tokio::test]
async fn a_handler_that_fails_before_it_answers_is_a_502_with_its_code() {
    let world = World::new();
    let node = behind(&world, &guests::module("usher")).await;
    for (path, code, word, times) in [
        ("/panic", "SW-FN-TRAP", "trap", 1),
        ("/loop", "SW-FN-CPU", "cpu-limit", 1),
        ("/memory", "SW-FN-MEMORY", "memory-limit", 1),
        ("/nothing", "SW-FN-RESPONSE", "bad-response", 1),
        ("/status", "SW-FN-RESPONSE", "bad-response", 2),
        ("/refuse", "SW-FN-ERROR", "returned-error", 1),
        ("/exit", "SW-FN-TRAP", "trap", 2),
    ] {
        let got = node.get(path).await;
        assert_eq!(got.status, 502, "{path}: {got:?}");
        let told = format!("fra-1; error=proxy_internal_error; details=\"{code}\"");
        assert_eq!(got.field("proxy-status"), Some(told.as_str()), "{path}");
        assert!(!got.body.contains("guest") && got.body.contains("handler"), "{}", got.body);
        let line = lines::of_path(path).pop().unwrap();
        assert_eq!((line["cause"].as_str(), line["blame"].as_str()), ("handler", "function"));
        assert!(line["error"].contains(code), "{line:?}");
        node.counts(&name_of(word), times).await;
    }
    let trap = lines::of_path("/panic").pop().unwrap();
    assert!(trap["error"].contains("misfortune"), "the guest's own names: {trap:?}");
    assert_eq!(node.get("/say/well").await.says(), (200, "well"), "nobody else is touched");
}

#[tokio::test]
async fn a_handler_that_fails_after_the_head_is_cut_and_not_kept() {
    let world = World::new();
    let node = behind(&world, &guests::module("usher")).await;
    for (path, code) in
        [("/panic-later", "SW-FN-TRAP"), ("/loop-later", "SW-FN-CPU"), ("/leave", "SW-FN-RESPONSE")]
    {
        let mut got = node.open(&Ask::get(path)).await;
        assert_eq!(got.status, 200, "{path}");
        got.reads("half a page").await;
        assert_eq!(got.rest().await, Err(BrokenOff), "{path}");
        node.is_idle().await;
        assert_eq!(node.metric("seawall_cache_stored_total").await, 0, "{path}");
        until("a line in the log", || lines::with("code", code).is_some()).await;
        assert_eq!(lines::with("code", code).unwrap()["function"], "page");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_guest() {
    let world = World::new();
    let node = behind(&world, &guests::module("usher")).await;
    let mut got = node.open(&Ask::new("POST", "/stream/100000")).await;
    got.reads("xxxx").await;
    assert_eq!(node.metric("seawall_handler_instances").await, 1);
    drop(got);
    while node.metric("seawall_handler_instances").await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_handler_asks_the_origins_that_it_was_granted_and_nobody_else() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").handler("page", None)).await;
    let usher = guests::module("usher");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    world.origin.says("/", Answer::cacheable("from the shop").field("x-own", "1"));
    let free = node.deploy("page", &usher, json!({ "origins": ["shop"] })).await;
    node.activate("page", &free).await;
    let got = node.get("/out/shop").await;
    assert_eq!(got.body, "200 from the shop", "{got:?}");
    let asked = world.origin.asked("/").pop().unwrap();
    assert_eq!(asked.head.one("host"), Some("shop.example"));
    assert_eq!(asked.head.one("cdn-loop"), Some("seawall-fra-1"));
    for target in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("shop:{port}"),
        format!("shop@127.0.0.1:{port}"),
        "page".to_owned(),
        "169.254.169.254".to_owned(),
    ] {
        let got = node.get(&format!("/out/{target}")).await;
        assert!(got.body.contains("Denied"), "{target}: {got:?}");
    }
    let came = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(came.is_err(), "somebody connected");
    let got = node.get("/out-often/shop").await;
    assert_eq!(got.body, format!("{FETCHES_MAX} of 40"), "{got:?}");

    let bound = node.deploy("page", &usher, json!({})).await;
    node.activate("page", &bound).await;
    let got = node.get("/out/shop?again").await;
    assert!(got.body.contains("Denied"), "nothing is granted by default: {got:?}");
}

#[tokio::test]
async fn what_a_handler_prints_is_in_the_log() {
    let world = World::new();
    let node = behind(&world, &guests::module("usher")).await;
    assert_eq!(node.get("/log/something").await.says(), (200, "logged"));
    until("a line in the log", || lines::saying("told to say something").is_some()).await;
    let line = lines::saying("told to say something").unwrap();
    assert_eq!((line["function"].as_str(), line["hook"].as_str()), ("page", "handle"));
}

#[tokio::test]
async fn something_stale_stands_in_for_a_failing_handler() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra").site("stale_if_error = \"1h\"").handler("page", None);
    let node = world.start(plan).await;
    let good = node.deploy("page", &guests::module("page-handler"), json!({})).await;
    node.activate("page", &good).await;
    let got = node.get("/panic").await;
    assert_eq!((got.status, got.cache().as_str()), (404, "fwd=uri-miss; fwd-status=404; stored"));
    let bad = node.deploy("page", &guests::module("usher"), json!({})).await;
    node.activate("page", &bad).await;
    assert_eq!(node.get("/panic").await.cache(), "hit; ttl=10", "what is stored stays");
    world.pass(20).await;
    let got = node.get("/panic").await;
    assert_eq!(got.status, 404, "{got:?}");
    assert!(got.cache().contains("stale"), "{got:?}");
}

#[tokio::test]
async fn versions_of_a_handler_are_deployed_activated_and_rolled_back() {
    let world = World::new();
    let plan = |name, region| Plan::new(name, region).handler("page", None);
    let fra = world.start(plan("fra-1", "fra")).await;
    let nyc = world.start(plan("nyc-1", "nyc")).await;
    let got = fra.get("/say/hello").await;
    assert_eq!((got.status, got.cache().as_str()), (503, "fwd=uri-miss; detail=function"), "{got:?}");
    assert!(got.field("proxy-status").unwrap().contains("SW-FN-ABSENT"), "{got:?}");
    let [first, second] = guests::both_forms("usher");
    let one = fra.deploy("page", &first, json!({})).await;
    fra.activate("page", &one).await;
    for node in [&fra, &nyc] {
        assert_eq!(node.get("/say/hello").await.says(), (200, "hello"));
    }
    let two = fra.deploy("page", &second, json!({})).await;
    fra.activate("page", &two).await;
    assert_eq!(nyc.get("/say/later").await.says(), (200, "later"));
    let (status, answer) =
        nyc.order("POST", "/v1/functions/page/rollback?wait=all", &json!({ "purge": true })).await;
    assert_eq!((status, &answer["version"], &answer["purged"]), (200, &json!(one), &json!(1)), "{answer}");
    assert_eq!(nyc.get("/say/hello").await.cache(), "hit; ttl=60", "the first version's stays");
    assert_eq!(nyc.get("/say/later").await.cache(), "fwd=uri-miss; fwd-status=200; stored");
}

#[tokio::test]
async fn a_filter_is_no_handler_and_a_handler_no_filter() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").handler("page", None).deployed("front")).await;
    for (name, package, settings, part) in [
        ("page", "security-headers", json!({}), "name the function in a site's `functions`"),
        ("front", "usher", json!({}), "`[[origins]]` with `name` and `function`"),
        ("page", "usher", json!({ "on_error": { "on-request": "fail-open" } }), "a handler has no hooks"),
    ] {
        let mut order = settings;
        order["wasm"] = crate::deploy::encoded(package).into();
        let (status, answer) = node.order("PUT", &format!("/v1/functions/{name}"), &order).await;
        assert_eq!(status, 422, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(part), "{answer}");
    }
    let mut order = json!({});
    order["wasm"] = crate::deploy::encoded("usher").into();
    let (status, answer) = node.order("PUT", "/v1/functions/page", &order).await;
    assert_eq!((status, &answer["hooks"]), (200, &json!(["handle"])), "{answer}");
    let imports = answer["imports"].as_array().unwrap();
    assert!(
        imports.iter().any(|name| name.as_str().unwrap().starts_with("wasi:http/types@0.2.")),
        "{answer}"
    );
}

/// What guards a site must not vanish because an origin was given its name.
#[tokio::test]
async fn a_name_that_changes_its_kind_is_noticed_at_the_start() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").deployed("page")).await;
    let filter = node.deploy("page", &guests::module("puppet"), json!({})).await;
    node.activate("page", &filter).await;
    node.stop();
    let text = Plan::new("fra-1", "fra").handler("page", None).toml(&world);
    let file = world.folder.path().join("seawall.toml");
    let config = seawall_node::config::Config::from_toml(&text, &file).unwrap();
    let refused = seawall_node::Node::start(&config, &world.shared).map(drop).unwrap_err().to_string();
    assert!(refused.contains("name the function in a site's `functions`"), "{refused}");
}

/// A runtime with limits that a test can reach.
fn small(limits: &HandlerLimits) -> Runtime {
    let handlers = HandlerLimits { max_instances: 2, ..limits.clone() };
    let config = Config { max_instances: 2, handlers, ..Config::default() };
    Runtime::new(&config, Clock::system()).unwrap()
}

fn request(path: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(format!("https://shop.example{path}")).body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_handler_ends_at_its_limits() {
    let wasm = std::fs::read(guests::module("usher")).unwrap();
    let of =
        |limits: HandlerLimits| small(&limits).prepare("page", &wasm, FunctionSettings::default()).unwrap();
    let large = of(HandlerLimits { response_max_bytes: 10_000, ..HandlerLimits::default() });
    let answer = large.handle(request("/stream/3"), Asker::default()).await.unwrap();
    let error = answer.into_body().collect().await.unwrap_err();
    assert_eq!(error.kind, FunctionErrorKind::BadResponse, "{error}: {}", error.detail);
    let answer = large.handle(request("/stream/2"), Asker::default()).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), 8192);

    // Nobody reads, so that it waits.
    let wall = Duration::from_millis(100);
    let slow = of(HandlerLimits { cpu: wall, wall, slot_wait: Duration::ZERO, ..HandlerLimits::default() });
    let answers = [
        slow.handle(request("/stream/100"), Asker::default()).await.unwrap(),
        slow.handle(request("/stream/100"), Asker::default()).await.unwrap(),
    ];
    let busy = slow.handle(request("/say/x"), Asker::default()).await.unwrap_err();
    assert_eq!((busy.kind, busy.code()), (FunctionErrorKind::Busy, "SW-FN-BUSY"));
    drop(answers);
    let (first, end) = loop {
        let (ended, end) = tokio::sync::oneshot::channel();
        let asker = Asker { on_end: Box::new(|how| drop(ended.send(how))), fetch: None };
        match slow.handle(request("/stream/100"), asker).await {
            // The places of those that were given up are free again.
            Ok(first) => break (first, end),
            Err(error) => assert_eq!(error.kind, FunctionErrorKind::Busy),
        }
        tokio::task::yield_now().await;
    };
    let how = end.await.unwrap();
    assert_eq!(how.failure.map(|error| error.kind), Some(FunctionErrorKind::Wall));
    let error = first.into_body().collect().await.unwrap_err();
    assert_eq!(error.kind, FunctionErrorKind::Wall, "{error}: {}", error.detail);
}

/// Answers everything with so many bytes.
struct Large(usize);

impl Fetch for Large {
    fn fetch(&self, _: &OriginName, _: http::Request<Bytes>) -> BoxFuture<'static, Result<Fetched, Fault>> {
        let body = Full::new(Bytes::from(vec![b'x'; self.0])).map_err(|never| match never {});
        Box::pin(std::future::ready(Ok(http::Response::new(body.boxed_unsync()))))
    }
}

#[tokio::test]
async fn what_an_origin_answers_to_a_handler_is_bounded() {
    let wasm = std::fs::read(guests::module("usher")).unwrap();
    let settings = FunctionSettings {
        origins: [OriginName::new("shop").unwrap()].into(),
        ..FunctionSettings::default()
    };
    let function = small(&HandlerLimits::default()).prepare("page", &wasm, settings).unwrap();
    for (bytes, read) in [(10, 10), (FETCH_RESPONSE_MAX_BYTES + 1, 0)] {
        let asker = Asker { fetch: Some(Arc::new(Large(bytes))), ..Asker::default() };
        let answer = function.handle(request("/out/shop"), asker).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), "200 ".len() + read, "{bytes}");
    }
}
