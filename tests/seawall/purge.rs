//! Purges on one node: what each selector takes, and that nothing comes back.

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Gate, Node, OPERATOR, READER, World, purge, together};

/// Asks for all pages and says which of them the origin had to be asked for.
async fn missing<'a>(node: &Node, pages: &[&'a str]) -> Vec<&'a str> {
    let mut missing = Vec::new();
    for page in pages {
        if !node.get(page).await.cache().starts_with("hit") {
            missing.push(*page);
        }
    }
    missing
}

const PAGES: [&str; 4] = ["/shoes/1", "/shoes/2", "/hats/1", "/hats/2"];

async fn shop(world: &World) -> Node {
    let node = world.node().await;
    for (page, tags) in PAGES.iter().zip(["shoes one", "shoes", "hats one", "hats"]) {
        world.origin.says(page, Answer::cacheable(page).field("surrogate-key", tags));
    }
    assert_eq!(missing(&node, &PAGES).await, PAGES);
    assert!(missing(&node, &PAGES).await.is_empty());
    node
}

#[tokio::test]
async fn each_selector_takes_what_it_names_and_nothing_else() {
    let world = World::new();
    let node = shop(&world).await;
    for (order, gone) in [
        (json!({ "urls": ["http://shop.example/shoes/1"] }), &["/shoes/1"][..]),
        (json!({ "urls": ["shop.example/hats/1"], "site": "shop" }), &["/hats/1"]),
        (json!({ "tags": ["one"] }), &["/shoes/1", "/hats/1"]),
        (json!({ "tags": ["shoes", "no-such"] }), &["/shoes/1", "/shoes/2"]),
        (json!({ "prefixes": ["shop.example/hats/"] }), &["/hats/1", "/hats/2"]),
        (json!({ "hosts": ["other.example"] }), &[]),
        (json!({ "hosts": ["shop.example"] }), &PAGES),
        (json!({ "all": true }), &PAGES),
    ] {
        let answer = node.purge(order.clone()).await;
        assert_eq!(answer["matched"], gone.len(), "{order}: {answer}");
        assert_eq!(missing(&node, &PAGES).await, gone, "{order}");
    }
}

#[tokio::test]
async fn a_url_goes_with_all_its_variants() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", |asked| {
        Answer::cacheable(asked.field("accept-language")).field("vary", "accept-language")
    });
    let ask = |language| Ask::get("/page").field("accept-language", language);
    for language in ["de", "fr"] {
        node.send(&ask(language)).await;
    }
    node.purge(json!({ "urls": ["shop.example/page"] })).await;
    for language in ["de", "fr"] {
        assert!(node.send(&ask(language)).await.cache().starts_with("fwd="), "{language}");
    }
    assert_eq!(world.origin.count("/page"), 4);
}

#[tokio::test]
async fn a_soft_purge_makes_stale_and_the_next_request_revalidates() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", |asked| {
        let known = asked.field("if-none-match") == "\"v1\"";
        let answer = if known { Answer::new(304, "") } else { Answer::new(200, "hello") };
        answer.field("etag", "\"v1\"").field("cache-control", "max-age=60")
    });
    node.get("/page").await;
    node.purge(json!({ "urls": ["shop.example/page"], "soft": true })).await;
    let got = node.get("/page").await;
    assert_eq!(got.says(), (200, "hello"));
    assert_eq!(got.cache(), "fwd=stale; fwd-status=304; stored");
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60");
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let world = World::new();
    let node = shop(&world).await;
    let answer = node.purge(json!({ "tags": ["shoes"], "dry_run": true })).await;
    assert_eq!(answer["matched"], 2, "{answer}");
    assert_eq!(answer.get("position"), None);
    assert!(missing(&node, &PAGES).await.is_empty());
    // Since they were stored, every page was asked for twice.
    let share =
        |answer: &Value| (answer["nodes"][0]["recent_hits"].clone(), answer["nodes"][0]["matched"].clone());
    let one = node.purge(json!({ "urls": ["shop.example/shoes/1"], "dry_run": true })).await;
    let all = node.purge(json!({ "all": true, "dry_run": true })).await;
    assert_eq!(share(&one), (json!(2), json!(1)), "{one}");
    assert_eq!(share(&all), (json!(2 * PAGES.len()), json!(PAGES.len())), "{all}");
    let twice = json!({ "urls": ["shop.example/shoes/1"], "tags": ["shoes"], "hosts": ["shop.example"], "dry_run": true });
    assert_eq!(node.purge(twice).await["matched"], PAGES.len(), "what two selectors name counts once");
}

#[tokio::test]
async fn a_response_with_more_tags_than_an_index_should_hold_is_handed_on_and_not_stored() {
    let world = World::new();
    let node = world.node().await;
    let many = (0..=1000).map(|number| format!("t{number}")).collect::<Vec<_>>().join(" ");
    world.origin.says("/many", Answer::cacheable("many").field("surrogate-key", &many));
    world.origin.says("/long", Answer::cacheable("long").field("cache-tag", &"t".repeat(1025)));
    for (path, why) in [("/many", "too-many-tags"), ("/long", "tag-too-long")] {
        for _ in 0..2 {
            let got = node.get(path).await;
            assert_eq!(got.status, 200);
            assert!(got.cache().contains(why), "{path}: {}", got.cache());
        }
        let metric = format!("seawall_not_stored_total{{reason=\"{why}\"}}");
        assert_eq!(node.metric(&metric).await, 2, "{path}");
    }
    let (status, problem) =
        node.operate(purge("", &json!({ "tags": ["t".repeat(1025)] })).bearing(OPERATOR)).await;
    assert_eq!(status, 422);
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("matches nothing"), "{problem}");
}

#[tokio::test]
async fn nobody_purges_without_a_token_that_may() {
    let world = World::new();
    let node = shop(&world).await;
    let order = purge("?wait=all", &json!({ "all": true }));
    for (ask, status) in [
        (order.clone(), 401),
        (order.clone().bearing("a-token-that-nobody-was-given"), 401),
        (order.clone().bearing(READER), 403),
    ] {
        let (got, problem) = node.operate(ask).await;
        assert_eq!(got, status, "{problem}");
        assert_eq!(problem["status"], status, "a problem document: {problem}");
    }
    assert!(missing(&node, &PAGES).await.is_empty());
    assert_eq!(node.operate(order.bearing(OPERATOR)).await.0, 200);
    assert_eq!(missing(&node, &PAGES).await, PAGES);
}

#[tokio::test]
async fn a_purge_can_be_looked_up_by_its_name() {
    let world = World::new();
    let node = world.node().await;
    let answer = node.purge(json!({ "all": true })).await;
    let path = format!("/v1/purges/{}", answer["id"].as_str().unwrap());
    let (status, again) = node.operate(Ask::get(&path).bearing(READER)).await;
    assert_eq!(status, 200);
    assert_eq!(again["position"], answer["position"]);
    assert_eq!(again["nodes"][0]["state"], "applied");
}

/// The fill started before the purge and ends after it: those who followed finish, nothing of it is kept.
async fn is_not_undone_by_a_fill_in_flight(order: Value) {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let answer = |body| Answer::cacheable(body).field("surrogate-key", "product");
    world.origin.says_in_turn("/page", &[answer("old").at(&gate), answer("new")]);

    let followers = together((0..3).map(|_| node.get("/page")));
    let director = async {
        node.counts("seawall_cache_followed_total", 2).await;
        node.purge(order.clone()).await;
        gate.open();
    };
    let (followers, ()) = tokio::join!(followers, director);
    for got in followers {
        assert_eq!(got.says(), (200, "old"), "those who asked before may have it: {order}");
    }
    let next = node.get("/page").await;
    assert_eq!(next.body, "new", "those who ask later may not: {order}");
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60");
    assert_eq!(world.origin.count("/page"), 2);
}

#[tokio::test]
async fn a_purge_is_not_undone_by_a_fill_in_flight() {
    for order in [
        json!({ "urls": ["shop.example/page"] }),
        // Nobody knows yet that the page will carry this tag.
        json!({ "tags": ["product"] }),
        json!({ "prefixes": ["shop.example/p"] }),
        json!({ "hosts": ["shop.example"] }),
        json!({ "all": true }),
    ] {
        is_not_undone_by_a_fill_in_flight(order).await;
    }
}

/// As before, and the purge comes between two pieces of the body; who asks then does not join the old fill.
#[tokio::test]
async fn a_purge_in_the_middle_of_a_body_lets_nobody_join_it_any_more() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let old = Answer::cacheable("old,").then_at(&gate, "old");
    world.origin.says_in_turn("/film", &[old, Answer::cacheable("new")]);

    let mut early = node.open(&Ask::get("/film")).await;
    early.reads("old,").await;
    node.purge(json!({ "urls": ["shop.example/film"] })).await;
    let late = node.get("/film").await;
    assert_eq!(late.body, "new", "while the old body is still on its way");
    gate.open();
    assert_eq!(early.rest().await.as_deref(), Ok("old"), "and its reader has all of it");
    let after = node.get("/film").await;
    assert_eq!((after.body.as_str(), after.cache().as_str()), ("new", "hit; ttl=60"));
}

/// A purge of something else is none of this fill's business.
#[tokio::test]
async fn a_purge_of_something_else_leaves_a_fill_alone() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/page", Answer::cacheable("hello").field("surrogate-key", "a").at(&gate));
    let got = node.get("/page");
    let director = async {
        gate.is_reached(1).await;
        node.purge(json!({ "tags": ["b"], "urls": ["shop.example/other"] })).await;
        gate.open();
    };
    tokio::join!(got, director);
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60");
}

/// The origin is being asked whether the old page is still good when the purge comes. Whatever it says, the old page does
/// not come back: not by a 304, not as a stand-in for an error.
#[tokio::test]
async fn a_purge_is_not_undone_by_a_revalidation_in_flight() {
    for (late, waited_for) in [(304, true), (304, false), (500, true)] {
        let world = World::new();
        let node = world.node().await;
        let gate = Gate::closed();
        let swr = if waited_for { "" } else { ", stale-while-revalidate=600" };
        let life = format!("max-age=60, stale-if-error=600{swr}");
        let old = Answer::new(200, "old").field("etag", "\"v1\"").field("cache-control", &life);
        let confirmed = Answer::new(late, "").field("etag", "\"v1\"").field("cache-control", &life);
        world.origin.says_in_turn("/page", &[old, confirmed.at(&gate), Answer::cacheable("new")]);
        node.get("/page").await;
        world.pass(61).await;
        world.everybody_lives().await;

        let early = node.get("/page");
        let director = async {
            gate.is_reached(1).await;
            node.purge(json!({ "urls": ["shop.example/page"] })).await;
            gate.open();
            node.counts("seawall_cache_fills_in_flight", 0).await;
        };
        let (early, ()) = tokio::join!(early, director);
        assert_eq!(early.body, "old", "it was asked for before: {late}, {waited_for}");
        let next = node.get("/page").await;
        assert_eq!(next.body, "new", "{late}, {waited_for}");
        let asked = &world.origin.asked("/page")[2];
        assert_eq!(asked.head.one("if-none-match"), None, "nobody asks about what is gone");
    }
}

#[tokio::test]
async fn a_purge_of_another_site_is_refused_by_name() {
    let world = World::new();
    let node = shop(&world).await;
    let order = purge("", &json!({ "all": true, "site": "no-such" })).bearing(OPERATOR);
    let (status, problem) = node.operate(order).await;
    assert_eq!(status, 422, "{problem}");
    assert!(missing(&node, &PAGES).await.is_empty());
}
