//! The shortest way through: a miss, a hit, and what the node says about both.

use crate::harness::{Answer, Ask, Plan, World, lines};

#[tokio::test]
async fn a_miss_is_stored_and_the_next_request_hits() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("hello"));

    let miss = node.get("/page").await;
    assert_eq!(miss.says(), (200, "hello"));
    assert_eq!(miss.cache(), "fwd=uri-miss; fwd-status=200; stored");
    assert_eq!(miss.field("age"), None, "the origin was asked for this request");

    world.pass(7).await;
    let hit = node.get("/page").await;
    assert_eq!(hit.says(), (200, "hello"));
    assert_eq!(hit.cache(), "hit; ttl=53");
    assert_eq!(hit.field("age"), Some("7"));
    assert_eq!(hit.field("date"), miss.field("date"), "a hit is as old as its fill");
    assert_eq!(world.origin.count("/page"), 1);
}

#[tokio::test]
async fn the_end_of_its_lifetime_ends_the_hits() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says_in_turn("/page", &[Answer::cacheable("one"), Answer::cacheable("two")]);

    assert_eq!(node.get("/page").await.body, "one");
    world.pass(59).await;
    assert_eq!(node.get("/page").await.body, "one");
    world.pass(1).await;
    let stale = node.get("/page").await;
    assert_eq!(stale.body, "two");
    assert_eq!(stale.cache(), "fwd=stale; fwd-status=200; stored");
}

#[tokio::test]
async fn host_path_and_query_tell_pages_apart() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/a", |asked| Answer::cacheable(asked.field("host")));
    world.origin.says("/a?x=1", Answer::cacheable("query"));

    assert_eq!(node.get("/a").await.body, "shop.example");
    assert_eq!(node.get("/a?x=1").await.body, "query");
    let other = node.send(&Ask::get("/a").host("other.example")).await;
    assert_eq!(other.body, "other.example", "one site, two hosts, two entries");
    let shouted = node.send(&Ask::get("/a").host("SHOP.example:80")).await;
    assert_eq!(shouted.cache(), "hit; ttl=60", "case and default port are no difference");
}

#[tokio::test]
async fn the_host_of_an_absolute_uri_is_the_host() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/a", |asked| Answer::cacheable(asked.field("host")));
    let got = node.send(&Ask::get("http://other.example/a")).await;
    assert_eq!(got.body, "other.example", "RFC 9112 §3.2.2");
    assert_eq!(node.get("/a").await.body, "shop.example");
}

#[tokio::test]
async fn what_was_asked_with_credentials_is_for_nobody_else() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/mine", |asked| Answer::cacheable(asked.field("authorization")));
    let ask = |who| Ask::get("/mine").field("authorization", who);
    for who in ["Basic anna", "Basic bert"] {
        let got = node.send(&ask(who)).await;
        assert_eq!(got.body, who);
        assert!(!got.cache().contains("stored"), "{got:?}");
    }
    assert_eq!(node.get("/mine").await.body, "");
}

#[tokio::test]
async fn each_request_is_one_line_and_one_count_with_the_same_word() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/told-once", Answer::cacheable("hello"));
    node.get("/told-once").await;
    node.get("/told-once").await;
    node.send(&Ask::new("POST", "/told-once").body("x")).await;
    let told = lines::of_path("/told-once");
    let ways: Vec<_> = told.iter().map(|line| line["way"].as_str()).collect();
    assert_eq!(ways, ["miss", "hit", "pass"]);
    for (line, way) in told.iter().zip(&ways) {
        assert_eq!((line["node"].as_str(), line["site"].as_str()), ("fra-1", "shop"));
        assert_eq!((line["status"].as_str(), line["target"].as_str()), ("200", "access"));
        assert_eq!(node.metric(&format!("seawall_requests_total{{way=\"{way}\"}}")).await, 1);
    }
}

/// Past the limit for one object a body goes through, whole and to everybody who follows, and is not kept.
#[tokio::test]
async fn what_is_too_large_goes_through_and_is_not_kept() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").cache("max_object = \"16KiB\"")).await;
    let (small, large) = ("s".repeat(16 << 10), "l".repeat(4 << 20));
    world.origin.says("/small", Answer::cacheable(&small));
    world.origin.says("/by-length", Answer::cacheable(&large));
    world.origin.says("/by-chunks", Answer::cacheable(&large).chunked());
    for path in ["/by-length", "/by-chunks"] {
        for nth in 1..=2 {
            let got = node.get(path).await;
            assert!(got.body == large, "{path}: {} bytes", got.body.len());
            assert_eq!(world.origin.count(path), nth, "{path}");
        }
    }
    node.get("/small").await;
    assert_eq!(node.get("/small").await.cache(), "hit; ttl=60");
}
