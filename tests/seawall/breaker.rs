//! A version that keeps failing is stopped before it is called, and, where its settings say so, the one before it comes
//! back by itself, on every node.

use serde_json::json;

use seawall_functions::breaker::{FAILURES_MAX, REST};

use crate::harness::{Answer, Node, Plan, World, guests, lines, until};

const STOPPED: &str = "seawall_function_calls_total{hook=\"on-request\",outcome=\"stopped\"}";

async fn panics(node: &Node, times: u64) {
    for _ in 0..times {
        assert_eq!(node.get("/panic").await.status, 503);
    }
}

#[tokio::test]
async fn what_keeps_trapping_is_stopped_and_tried_again() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra").function("guest", &guests::module("puppet"), "");
    let node = world.start(plan).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    assert_eq!(node.get("/page").await.says(), (200, "hello"));
    panics(&node, FAILURES_MAX).await;
    assert_eq!(node.metric("seawall_function_stops_total").await, 1);
    let got = node.get("/page").await;
    assert_eq!((got.status, got.cache().as_str()), (503, "detail=function"), "what guards a site guards it");
    assert!(got.field("proxy-status").unwrap().contains("SW-FN-STOPPED"), "{got:?}");
    assert_eq!(node.metric(STOPPED).await, 1);
    world.pass(REST.as_secs()).await;
    assert_eq!(node.get("/page").await.says(), (200, "hello"), "one call goes well, and it goes on");
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=30");
}

#[tokio::test]
async fn a_stopped_function_that_fails_open_is_passed_over() {
    let world = World::new();
    let open = "on_error = { on-request = \"fail-open\" }";
    let plan = Plan::new("fra-1", "fra").function_with("guest", &guests::module("puppet"), open);
    let node = world.start(plan).await;
    world.origin.says("/panic", Answer::cacheable("hello"));
    for _ in 0..FAILURES_MAX + 5 {
        assert_eq!(node.get("/panic").await.says(), (200, "hello"));
    }
    assert_eq!(node.metric(STOPPED).await, 5);
}

#[tokio::test]
async fn a_handler_that_keeps_trapping_is_stopped() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").handler("page", Some(&guests::module("usher")))).await;
    for _ in 0..FAILURES_MAX {
        assert_eq!(node.get("/panic").await.status, 502);
    }
    until("it is stopped", || lines::with("last", "SW-FN-TRAP").is_some()).await;
    let got = node.get("/say/x").await;
    assert!(got.status == 503 && got.field("proxy-status").unwrap().contains("SW-FN-STOPPED"), "{got:?}");
}

#[tokio::test]
async fn a_version_that_keeps_trapping_makes_way_for_the_one_before_it() {
    let world = World::new();
    let fra = world.start(Plan::new("fra-1", "fra").deployed("guest")).await;
    let nyc = world.start(Plan::new("nyc-1", "nyc").deployed("guest")).await;
    let good = fra.deploy("guest", &guests::module("security-headers"), json!({})).await;
    fra.activate("guest", &good).await;
    let bad = fra.deploy("guest", &guests::module("puppet"), json!({ "rollback_on_traps": true })).await;
    fra.activate("guest", &bad).await;
    assert_ne!(good, bad);
    world.origin.says("/page", Answer::cacheable("hello"));
    world.origin.says("/panic", Answer::cacheable("hello"));
    panics(&nyc, FAILURES_MAX).await;
    for node in [&nyc, &fra] {
        while node.get("/panic").await.status != 200 {
            tokio::task::yield_now().await;
        }
        assert_eq!(node.get("/page").await.says(), (200, "hello"));
    }
    let line = lines::with("actor", "breaker").unwrap();
    assert_eq!((line["from"].as_str(), line["version"].as_str()), (bad.as_str(), good.as_str()));
    let (_, view) = fra.order("GET", "/v1/functions/guest", &json!(null)).await;
    assert_eq!(view["active"], json!(good), "{view}");
}
