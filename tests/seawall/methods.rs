//! What responses to other methods than GET do to what is stored: HEAD (RFC 9111 §4.3.5), and groups that the response
//! to an unsafe method invalidates (RFC 9875 §3).

use crate::harness::{Answer, Ask, World, until};

fn head(path: &str) -> Ask {
    Ask::new("HEAD", path)
}

#[tokio::test]
async fn a_head_that_agrees_freshens_what_is_stored() {
    let world = World::new();
    let node = world.node().await;
    let page = Answer::cacheable("hello").field("etag", "\"a\"");
    let newer = Answer::new(200, "hello").field("cache-control", "max-age=600").field("etag", "\"a\"");
    world.origin.says_in_turn("/page", &[page, newer.field("x-seen", "later")]);
    node.get("/page").await;
    world.pass(61).await;
    assert_eq!(node.send(&head("/page")).await.status, 200);
    let got = node.get("/page").await;
    assert_eq!((got.says(), got.cache().as_str()), ((200, "hello"), "hit; ttl=600"));
    assert_eq!(got.field("x-seen"), Some("later"));
    assert_eq!(world.origin.count("/page"), 2);
}

#[tokio::test]
async fn a_head_that_disagrees_makes_it_stale() {
    let world = World::new();
    let node = world.node().await;
    let page = |etag: &str| {
        Answer::new(200, etag)
            .field("cache-control", "max-age=60, stale-while-revalidate=600")
            .field("etag", etag)
    };
    world.origin.says_in_turn("/page", &[page("\"a\""), page("\"b\""), page("\"b\"")]);
    node.get("/page").await;
    world.pass(661).await;
    node.send(&head("/page")).await;
    assert_eq!(node.get("/page").await.body, "\"b\"");
    assert_eq!(world.origin.asked("/page")[2].field("if-none-match"), "\"a\"", "it was asked about");
}

#[tokio::test]
async fn a_head_that_fails_says_nothing() {
    let world = World::new();
    let node = world.node().await;
    let page = Answer::cacheable("hello").field("etag", "\"a\"");
    world.origin.says_in_turn("/page", &[page, Answer::new(404, ""), Answer::new(304, "")]);
    node.get("/page").await;
    world.pass(61).await;
    assert_eq!(node.send(&head("/page")).await.status, 404);
    assert_eq!(node.get("/page").await.says(), (200, "hello"));
}

#[tokio::test]
async fn a_group_is_purged_on_every_node_by_the_response_to_an_unsafe_request() {
    let world = World::new();
    let (fra, nyc, ams) = world.edges_and_shield().await;
    for (path, groups) in [("/a", "\"cart\", \"shop\""), ("/b", "\"cart\""), ("/c", "\"other\"")] {
        world.origin.says(path, Answer::cacheable(path).field("cache-groups", groups));
        nyc.get(path).await;
    }
    world.origin.says("/buy", Answer::new(200, "").field("cache-group-invalidation", "\"cart\""));
    let position = fra.position();
    fra.send(&Ask::new("POST", "/buy").body("one")).await;
    assert_eq!(fra.position(), position + 1, "the client's own node has applied it");
    until("the others apply it", || nyc.position() > position && ams.position() > position).await;
    for (path, times) in [("/a", 2), ("/b", 2), ("/c", 1)] {
        nyc.get(path).await;
        assert_eq!(world.origin.count(path), times, "{path}");
    }
    assert_eq!(fra.metric("seawall_group_purges_total").await, 1);
}

#[tokio::test]
async fn a_group_is_its_own_origins() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/a", Answer::cacheable("a").field("cache-groups", "\"cart\""));
    world.origin.says("/buy", Answer::new(200, "").field("cache-group-invalidation", "\"cart\""));
    node.get("/a").await;
    node.send(&Ask::new("POST", "/buy").host("other.example").body("x")).await;
    assert_eq!(node.get("/a").await.cache(), "hit; ttl=60", "another host of the same site (RFC 9875 §1)");
    node.purge(serde_json::json!({ "site": "shop", "tags": ["cart"] })).await;
    assert!(node.get("/a").await.cache().starts_with("fwd=uri-miss"), "an operator names it bare");
}

#[tokio::test]
async fn neither_a_safe_request_nor_a_failed_one_invalidates_a_group() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/a", Answer::cacheable("a").field("cache-groups", "\"cart\""));
    let says = |status| Answer::new(status, "").field("cache-group-invalidation", "\"cart\"");
    world.origin.answers("/buy", move |asked| says(if asked.method == "POST" { 500 } else { 200 }));
    node.get("/a").await;
    let position = node.position();
    node.get("/buy").await;
    node.send(&Ask::new("OPTIONS", "/buy")).await;
    node.send(&Ask::new("POST", "/buy").body("x")).await;
    assert_eq!(node.position(), position);
    assert_eq!(node.get("/a").await.cache(), "hit; ttl=60");
}

/// QUERY is safe and is not cached here; what nobody knows may be neither.
#[tokio::test]
async fn other_methods_are_forwarded_and_never_stored() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", |asked| Answer::cacheable(&format!("{} {}", asked.method, asked.body)));
    for (method, body) in [("QUERY", "select"), ("BREW", "pot"), ("PROPFIND", ""), ("M-SEARCH", "")] {
        for _ in 0..2 {
            let got = node.send(&Ask::new(method, "/page").body(body)).await;
            assert_eq!(got.says(), (200, format!("{method} {body}").as_str()));
            assert_eq!(got.cache(), "fwd=method; fwd-status=200");
        }
    }
    assert_eq!(node.get("/page").await.body, "GET ");
}
