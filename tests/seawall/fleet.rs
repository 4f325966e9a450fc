//! Many nodes and one control log: a purge reaches all of them, and neither a shield that is late nor a fill on its way
//! through two nodes brings anything back.

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Gate, OPERATOR, Plan, READER, World, purge, together, until};

/// The state of each node in a purge's answer, by name.
fn states(answer: &Value) -> Vec<(&str, &str)> {
    let nodes = answer["nodes"].as_array().unwrap().iter();
    let mut states: Vec<_> =
        nodes.map(|node| (node["name"].as_str().unwrap(), node["state"].as_str().unwrap())).collect();
    states.sort_unstable();
    states
}

fn tagged(body: &str) -> Answer {
    Answer::cacheable(body).field("surrogate-key", "product-7")
}

#[tokio::test]
async fn a_purge_is_applied_by_all_when_it_is_answered() {
    let world = World::new();
    let (fra, nyc, ams) = world.edges_and_shield().await;
    world.origin.answers("/page", |asked| tagged(&asked.nth.to_string()));
    for node in [&fra, &nyc, &ams] {
        assert_eq!(node.get("/page").await.body, "1");
    }
    let answer = nyc.purge(json!({ "tags": ["product-7"] })).await;
    assert_eq!(states(&answer), [("ams-1", "applied"), ("fra-1", "applied"), ("nyc-1", "applied")]);
    assert_eq!(answer["matched"], 3, "{answer}");
    for node in answer["nodes"].as_array().unwrap() {
        assert!(node["applied_after_us"].is_u64(), "{node}");
    }
    for node in [&fra, &nyc, &ams] {
        assert_eq!(node.get("/page").await.body, "2", "one purge is enough");
    }
    assert_eq!(world.origin.count("/page"), 2);
}

/// The edge's fill and the shield's have both begun when the purge comes. Who asks now gets the new page at once.
#[tokio::test]
async fn a_purge_is_not_undone_by_a_fill_on_its_way_through_the_shield() {
    let world = World::new();
    let (fra, nyc, ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    world.origin.says_in_turn("/page", &[tagged("old").at(&gate), tagged("new")]);

    let early = fra.get("/page");
    let director = async {
        gate.is_reached(1).await;
        nyc.purge(json!({ "urls": ["shop.example/page"] })).await;
        for node in [&nyc, &ams] {
            assert_eq!(node.get("/page").await.body, "new", "nobody joins the old fill");
        }
        gate.open();
    };
    let (early, ()) = tokio::join!(early, director);
    assert_eq!(early.body, "old");
    for node in [&fra, &nyc, &ams] {
        assert_eq!(node.get("/page").await.body, "new");
    }
    assert_eq!(world.origin.count("/page"), 2);
}

/// As before, by a tag that nobody knows the page to have until its head comes: who asks meanwhile waits for that head,
/// and is then released.
#[tokio::test]
async fn a_purge_by_a_tag_that_comes_late_is_not_undone_either() {
    let world = World::new();
    let (fra, nyc, ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    world.origin.says_in_turn("/page", &[tagged("old").at(&gate), tagged("new")]);

    let (early, late) = (fra.get("/page"), async {
        gate.is_reached(1).await;
        nyc.purge(json!({ "tags": ["product-7"] })).await;
        nyc.get("/page").await
    });
    let director = async {
        // The late edge follows the early one at the shield.
        ams.counts("seawall_cache_followed_total", 1).await;
        gate.open();
    };
    let (early, late, ()) = tokio::join!(early, late, director);
    assert_eq!((early.body.as_str(), late.body.as_str()), ("old", "new"));
    for node in [&fra, &nyc, &ams] {
        assert_eq!(node.get("/page").await.body, "new");
    }
    assert_eq!(world.origin.count("/page"), 2);
}

/// The shield has not heard of the purge, and holds what it takes. The edge has, and asks: the shield does not answer
/// from what it holds.
#[tokio::test]
async fn a_purge_is_not_undone_by_a_shield_that_has_not_heard_of_it() {
    let world = World::new();
    let gate = Gate::closed();
    let ams = world.start_deaf(Plan::shielded("ams-1", "ams"), &gate).await;
    let fra = world.start(Plan::shielded("fra-1", "fra")).await;
    world.origin.answers("/page", |asked| tagged(&asked.nth.to_string()));
    assert_eq!(fra.get("/page").await.body, "1");
    assert_eq!(ams.get("/page").await.cache(), "hit; ttl=60");

    let order = purge("?wait=all&timeout=50ms", &json!({ "tags": ["product-7"] }));
    let (status, answer) = fra.operate(order.bearing(OPERATOR)).await;
    assert_eq!(status, 202, "the answer names who is late: {answer}");
    assert_eq!(states(&answer), [("ams-1", "pending"), ("fra-1", "applied")]);

    assert_eq!(fra.get("/page").await.body, "2", "the shield's old copy is not taken");
    assert_eq!(ams.metric("seawall_shield_behind_total").await, 1);
    gate.open();
    until("the shield has heard", || ams.position() == fra.position()).await;
    assert_eq!(ams.get("/page").await.body, "3", "and it has dropped its old copy");
}

/// As before, and the shield hears of the purge while it has the edge's request in hand.
#[tokio::test]
async fn a_shield_that_catches_up_in_time_answers_from_its_own_fill() {
    let world = World::new();
    let gate = Gate::closed();
    let ams = world.start_deaf(Plan::shielded("ams-1", "ams"), &gate).await;
    let fra = world.start(Plan::shielded("fra-1", "fra")).await;
    world.origin.answers("/page", |asked| tagged(&asked.nth.to_string()));
    assert_eq!(fra.get("/page").await.body, "1");

    let order = purge("?wait=local", &json!({ "tags": ["product-7"] })).bearing(OPERATOR);
    assert_eq!(fra.operate(order).await.0, 200);
    gate.is_reached(1).await;
    let (got, ()) = tokio::join!(fra.get("/page"), async { gate.open() });
    assert_eq!(got.body, "2");
    assert_eq!(ams.get("/page").await.cache(), "hit; ttl=60", "what the shield fetched, it keeps");
    assert_eq!(world.origin.count("/page"), 2);
}

/// The edge is the late one: it takes new content from the shield, and then applies the purge that is older than that
/// content. What it has may go, but nothing old may stay.
#[tokio::test]
async fn an_edge_that_hears_late_ends_with_the_new_content() {
    let world = World::new();
    let gate = Gate::closed();
    let ams = world.start(Plan::shielded("ams-1", "ams")).await;
    let fra = world.start_deaf(Plan::shielded("fra-1", "fra"), &gate).await;
    world.origin.answers("/page", |asked| tagged(&asked.nth.to_string()));
    assert_eq!(fra.get("/page").await.body, "1");

    let order = purge("?wait=local", &json!({ "tags": ["product-7"] })).bearing(OPERATOR);
    assert_eq!(ams.operate(order).await.0, 200);
    assert_eq!(ams.get("/page").await.body, "2");
    assert_eq!(fra.get("/page").await.body, "1", "it has not heard");
    gate.open();
    until("the edge has heard", || ams.position() == fra.position()).await;
    assert_eq!(fra.get("/page").await.body, "2");
}

/// A node that joins later begins with nothing, and old purges are none of its business.
#[tokio::test]
async fn a_node_that_joins_after_a_purge_is_ready_and_counts_as_having_applied_it() {
    let world = World::new();
    let fra = world.start(Plan::shielded("fra-1", "fra")).await;
    let answer = fra.purge(json!({ "all": true })).await;
    let nyc = world.start(Plan::shielded("nyc-1", "nyc")).await;
    assert_eq!(nyc.position(), fra.position());
    assert_eq!(Ask::get("/readyz").send(nyc.admin).await.status, 200);
    let path = format!("/v1/purges/{}", answer["id"].as_str().unwrap());
    let (_, again) = fra.operate(Ask::get(&path).bearing(READER)).await;
    assert_eq!(states(&again), [("fra-1", "applied"), ("nyc-1", "applied")]);
}

/// A node that was away for so long that the log no longer reaches back to where it was has missed purges, and cannot
/// know which (promise 6).
#[tokio::test]
async fn a_node_that_missed_records_drops_all_that_it_holds() {
    let world = World::remembering(2);
    let gate = Gate::closed();
    let nyc = world.start_deaf(Plan::shielded("nyc-1", "nyc"), &gate).await;
    let fra = world.start(Plan::shielded("fra-1", "fra")).await;
    world.origin.says("/page", tagged("hello"));
    nyc.get("/page").await;
    let order = purge("?wait=local", &json!({ "tags": ["something-else"] })).bearing(OPERATOR);
    for _ in 0..5 {
        assert_eq!(fra.operate(order.clone()).await.0, 200);
    }
    assert_eq!(nyc.get("/page").await.cache(), "hit; ttl=60", "it has heard nothing yet");
    gate.open();
    until("the node has caught up", || nyc.position() == fra.position()).await;
    assert!(nyc.get("/page").await.cache().starts_with("fwd="), "nobody can say that it was not among them");
    assert!(nyc.get("/page").await.cache().starts_with("hit"), "and it goes on");
}

#[tokio::test]
async fn a_soft_purge_reaches_the_origin_through_the_shield() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    world.origin.answers("/page", |asked| {
        let version = format!("\"v{}\"", asked.nth.min(2));
        let known = asked.field("if-none-match") == version;
        let answer = if known { Answer::new(304, "") } else { Answer::new(200, &version) };
        answer
            .field("etag", &version)
            .field("cache-control", "max-age=60")
            .field("surrogate-key", "product-7")
    });
    assert_eq!(fra.get("/page").await.body, "\"v1\"");
    assert_eq!(nyc.get("/page").await.body, "\"v1\"");
    fra.purge(json!({ "tags": ["product-7"], "soft": true })).await;
    assert_eq!(fra.get("/page").await.body, "\"v2\"", "not the shield's stale copy");
    assert_eq!(nyc.get("/page").await.body, "\"v2\"");
    assert_eq!(world.origin.count("/page"), 2);
}

#[tokio::test]
async fn twenty_nodes_live_in_one_process() {
    let world = World::new();
    let plans =
        (0..20).map(|number| Plan::shielded(&format!("node-{number}"), &format!("region-{}", number % 10)));
    let nodes = together(plans.map(|plan| world.start(plan))).await;
    world.origin.answers("/page", |asked| tagged(&asked.nth.to_string()));

    for round in 1..=2 {
        let answers = together(nodes.iter().map(|node| node.get("/page"))).await;
        assert!(answers.iter().all(|got| got.status == 200));
        assert_eq!(world.origin.count("/page"), 20 * round, "each has a cache of its own");
        let answer = nodes[round].purge(json!({ "tags": ["product-7"] })).await;
        assert_eq!(answer["matched"], 20, "{answer}");
        assert!(states(&answer).iter().all(|(_, state)| *state == "applied"), "{answer}");
    }
    let (_, answer) = nodes[0].operate(Ask::get("/v1/nodes").bearing(READER)).await;
    assert_eq!(answer["nodes"].as_array().unwrap().len(), 20);
}
