//! A POST whose response is the page itself (RFC 9110 §9.3.3): it takes the place of what it made unusable.

use serde_json::json;

use crate::harness::{Answer, Ask, Gate, World};

/// What a POST answers that says: this is the page now, and good for a minute.
fn page(body: &str) -> Answer {
    Answer::cacheable(body).field("content-location", "/page")
}

fn post() -> Ask {
    Ask::new("POST", "/page").body("x")
}

#[tokio::test]
async fn what_a_post_says_of_its_own_url_answers_later_gets() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", |asked| match asked.method.as_str() {
        "POST" => page("new"),
        _ => Answer::cacheable("old"),
    });
    assert_eq!(node.get("/page").await.body, "old");
    let written = node.send(&post()).await;
    assert_eq!(written.says(), (200, "new"));
    assert_eq!(written.cache(), "fwd=method; fwd-status=200; stored");
    assert_eq!(written.field("content-location"), Some("/page"));

    world.pass(7).await;
    let read = node.get("/page").await;
    assert_eq!(read.says(), (200, "new"));
    assert_eq!(read.cache(), "hit; ttl=53");
    assert_eq!(read.field("age"), Some("7"));
    let again = node.send(&post()).await;
    assert_eq!(
        again.cache(),
        "fwd=method; fwd-status=200; stored",
        "a POST is never answered from the cache"
    );
    assert_eq!(world.origin.count("/page"), 3);
}

#[tokio::test]
async fn what_a_post_says_of_anything_else_is_for_its_client_alone() {
    let world = World::new();
    let node = world.node().await;
    for (what, answer) in [
        ("another URL", Answer::cacheable("new").field("content-location", "/other")),
        ("no URL", Answer::cacheable("new")),
        ("no lifetime", Answer::new(200, "new").field("content-location", "/page")),
        ("not the page, but what became of the POST", {
            Answer::new(201, "new").field("cache-control", "max-age=60").field("content-location", "/page")
        }),
        ("no-store", Answer::uncacheable("new").field("content-location", "/page")),
    ] {
        world.origin.answers("/page", move |asked| match asked.method.as_str() {
            "POST" => answer.clone(),
            _ => Answer::uncacheable("read"),
        });
        let written = node.send(&post()).await;
        assert_eq!(written.body, "new", "{what}");
        assert!(!written.cache().contains("stored"), "{what}: {written:?}");
        assert_eq!(node.get("/page").await.body, "read", "{what}");
    }
    world.origin.answers("/page", |asked| match asked.method.as_str() {
        "POST" => page("mine"),
        _ => Answer::uncacheable("read"),
    });
    for (name, value) in [("authorization", "Basic anna"), ("cache-control", "no-store")] {
        assert_eq!(node.send(&post().field(name, value)).await.body, "mine");
        assert_eq!(node.get("/page").await.body, "read", "{name}");
    }
}

/// The POST was answered, but its head came after another write, or a purge, had made it old.
#[tokio::test]
async fn what_came_between_keeps_a_post_from_the_store() {
    for purged in [false, true] {
        let world = World::new();
        let node = world.node().await;
        let gate = Gate::closed();
        let head = gate.clone();
        world.origin.answers("/page", move |asked| match asked.method.as_str() {
            "POST" => page("first").at(&head),
            "PUT" => Answer::new(200, "done"),
            _ => Answer::cacheable("read"),
        });
        let ask = post();
        let director = async {
            gate.is_reached(1).await;
            if purged {
                node.purge(json!({ "urls": ["http://shop.example/page"] })).await;
            } else {
                assert_eq!(node.send(&Ask::new("PUT", "/page").body("x")).await.status, 200);
            }
            gate.open();
        };
        let (first, ()) = tokio::join!(node.send(&ask), director);
        assert_eq!(first.body, "first", "it is still the answer to its client");
        assert_eq!(node.get("/page").await.body, "read", "purged: {purged}");
    }
}

/// A GET that began before the POST was answered may have read the page as it was before.
#[tokio::test]
async fn a_get_in_flight_does_not_undo_it() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let head = gate.clone();
    world.origin.answers("/page", move |asked| match asked.method.as_str() {
        "POST" => page("new"),
        _ => Answer::cacheable("old").at(&head),
    });
    let get = Ask::get("/page");
    let early = node.open(&get);
    let director = async {
        gate.is_reached(1).await;
        assert_eq!(node.send(&post()).await.body, "new");
        gate.open();
    };
    let (early, ()) = tokio::join!(early, director);
    assert_eq!(early.whole().await.body, "old");
    assert_eq!(node.get("/page").await.body, "new");
}

/// The client is gone before the body is whole; it is stored all the same, as any fill is.
#[tokio::test]
async fn a_post_whose_client_left_is_stored_whole() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let rest = gate.clone();
    world.origin.answers("/page", move |asked| match asked.method.as_str() {
        "POST" => page("one ").then_at(&rest, "two"),
        _ => Answer::cacheable("read"),
    });
    let mut client = node.open(&post()).await;
    client.reads("one ").await;
    drop(client);
    gate.is_reached(1).await;
    gate.open();
    node.counts("seawall_cache_stored_total", 1).await;
    let read = node.get("/page").await;
    assert_eq!(read.says(), (200, "one two"));
    assert_eq!(read.cache(), "hit; ttl=60");
}
