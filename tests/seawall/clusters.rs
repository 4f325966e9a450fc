//! A cluster as operators run it: `seawall` processes, a real NATS server, and what becomes of purges and of what is held
//! when one of them goes.

use std::path::Path;

use seawall_nats_server::NatsServer;
use seawall_node::config::Config;
use serde_json::{Value, json};

use crate::harness::{Answer, Plan, Process, World, purge};

const SHOP: &str = "shop.example";

fn plan(name: &str, region: &str, nats: &NatsServer) -> Plan {
    Plan::shielded(name, region).cluster(&format!("nats = [\"{}\"]", nats.url()))
}

/// `name: state` of every node in the answer to a purge.
fn states(answer: &Value) -> Vec<String> {
    let nodes = answer["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    nodes.iter().map(|node| format!("{}: {}", text(&node["name"]), text(&node["state"]))).collect()
}

#[tokio::test]
async fn a_purge_at_one_process_is_applied_at_all_and_misses_go_through_the_shield() {
    let (world, nats) = (World::new(), NatsServer::start());
    let ams = Process::ready(&plan("ams-1", "ams", &nats), &world).await;
    let fra = Process::ready(&plan("fra-1", "fra", &nats), &world).await;
    let page = |body| Answer::cacheable(body).field("cache-tag", "product-7");
    world.origin.says_in_turn("/page", &[page("old"), page("new")]);

    assert_eq!(fra.get(SHOP, "/page").await.says(), (200, "old"));
    let again = ams.get(SHOP, "/page").await;
    assert_eq!(again.says(), (200, "old"));
    assert!(again.cache().starts_with("hit"), "the edge's miss went through the shield: {again:?}");
    assert_eq!(world.origin.count("/page"), 1);

    let order = purge("?wait=all", &json!({ "tags": ["product-7"] }));
    let (status, answer) = fra.operate(order.clone()).await;
    assert_eq!(
        (status, states(&answer)),
        (200, vec!["ams-1: applied".to_owned(), "fra-1: applied".to_owned()])
    );
    assert!(answer["nodes"].as_array().unwrap().iter().all(|node| node["matched"] == 1), "{answer}");
    for node in [&fra, &ams] {
        assert_eq!(node.get(SHOP, "/page").await.says(), (200, "new"));
    }
    assert_eq!(world.origin.count("/page"), 2);
    let (_, answer) = ams.operate(order).await;
    assert_eq!(answer["position"], 2);
    fra.stop();
    let (_, nodes) = ams.operate(crate::harness::Ask::get("/v1/nodes")).await;
    assert!(!nodes.to_string().contains("fra-1"), "it took its leave: {nodes}");
}

#[tokio::test]
async fn every_process_counts_tells_of_orders_and_knows_their_keys() {
    let (world, nats) = (World::new(), NatsServer::start());
    let ams = Process::ready(&plan("ams-1", "ams", &nats), &world).await;
    let fra = Process::ready(&plan("fra-1", "fra", &nats), &world).await;
    world.origin.says("/page", Answer::cacheable("page").field("cache-tag", "product-7"));
    fra.get(SHOP, "/page").await;
    fra.get(SHOP, "/page").await;

    let order = json!({ "tags": ["product-7"], "dry_run": true });
    let (status, counted) = ams.operate(purge("", &order)).await;
    assert_eq!(
        (status, states(&counted)),
        (200, vec!["ams-1: counted".to_owned(), "fra-1: counted".to_owned()])
    );
    assert_eq!(
        (&counted["matched"], &counted["nodes"][1]["recent_hits_percent"]),
        (&json!(2), &json!(100.0))
    );

    let order = purge("?wait=all", &json!({ "tags": ["product-7"] })).field("idempotency-key", "deploy-7");
    let (_, first) = fra.operate(order.clone()).await;
    assert_eq!((&first["matched"], &first["repeated"]), (&json!(2), &Value::Null), "{first}");
    let (status, again) = ams.operate(order).await;
    assert_eq!((status, &again["id"], &again["repeated"]), (200, &first["id"], &json!(true)), "{again}");

    let path = format!("/v1/purges/{}", first["id"].as_str().unwrap());
    let (_, told) = fra.operate(crate::harness::Ask::get(&path)).await;
    let (_, elsewhere) = ams.operate(crate::harness::Ask::get(&path)).await;
    assert_eq!(told, elsewhere, "every node tells the same");
    assert_eq!((&told["accepted_by"], &told["nodes"]), (&json!("fra-1"), &first["nodes"]));
    let (_, trail) = ams.operate(crate::harness::Ask::get("/v1/purges")).await;
    assert_eq!((trail["orders"].as_array().unwrap().len(), &trail["head"]), (1, &json!(1)), "{trail}");
}

/// The region's nodes name only their leaf.
#[tokio::test]
async fn a_region_behind_a_leaf_node_hears_of_purges_and_takes_them() {
    let (world, (hub, leaf)) = (World::new(), NatsServer::start_with_leaf());
    let ams = Process::ready(&plan("ams-1", "ams", &hub).cluster("domain = \"hub\""), &world).await;
    let nyc = Process::ready(&plan("nyc-1", "nyc", &leaf).cluster("domain = \"hub\""), &world).await;
    for node in [&nyc, &ams] {
        let (status, answer) = node.operate(purge("?wait=all", &json!({ "all": true }))).await;
        assert_eq!(
            (status, states(&answer)),
            (200, vec!["ams-1: applied".to_owned(), "nyc-1: applied".to_owned()])
        );
    }
}

#[test]
fn the_samples_are_taken() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples");
    let read = |name: &str| std::fs::read_to_string(samples.join(name)).unwrap();
    for name in ["nats-single.conf", "nats-cluster.conf", "nats-leaf.conf"] {
        seawall_nats_server::check_config(&samples.join(name));
    }
    let text = read("seawall-cluster.toml");
    let commented = text
        .replace("# replicas", "replicas")
        .replace("# advertise", "advertise")
        .replace("# domain", "domain");
    for text in [text, commented] {
        Config::from_toml(&text, &samples.join("seawall-cluster.toml"))
            .unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[tokio::test]
async fn a_node_that_is_killed_is_named_and_catches_up_before_it_is_ready() {
    let (world, nats) = (World::new(), NatsServer::start());
    let ams = Process::ready(&plan("ams-1", "ams", &nats), &world).await;
    let mut fra = Process::ready(&plan("fra-1", "fra", &nats), &world).await;
    let order = |query| purge(query, &json!({ "all": true }));
    assert_eq!(ams.operate(order("?wait=all")).await.0, 200);
    fra.kill();
    let (status, answer) = ams.operate(order("?wait=all&timeout=15s")).await;
    assert_eq!(
        (status, states(&answer)),
        (202, vec!["ams-1: applied".to_owned(), "fra-1: unreachable".to_owned()])
    );

    let fra = Process::ready(&plan("fra-1", "fra", &nats), &world).await;
    let (status, answer) = fra.operate(order("?wait=all")).await;
    assert_eq!(
        (status, states(&answer)),
        (200, vec!["ams-1: applied".to_owned(), "fra-1: applied".to_owned()])
    );
    assert_eq!(answer["position"], 3, "{answer}");
}

#[tokio::test]
async fn without_nats_purges_are_refused_and_sites_do_what_they_were_told_until_it_is_back() {
    let (world, mut nats) = (World::new(), NatsServer::start());
    let plan = Plan::new("fra-1", "fra")
        .cluster(&format!("nats = [\"{}\"]\nmax_lag = \"4s\"", nats.url()))
        .another_site("bold", "when_cut_off = \"serve\"")
        .another_site("strict", "when_cut_off = \"refuse\"");
    let node = Process::ready(&plan, &world).await;
    let tagged = Answer::cacheable("page").field("etag", "\"1\"");
    world.origin.answers("/page", move |asked| {
        if asked.field("if-none-match").is_empty() { tagged.clone() } else { Answer::new(304, "") }
    });
    let hosts = [SHOP, "bold.example", "strict.example"];
    for host in hosts {
        assert_eq!(node.get(host, "/page").await.says(), (200, "page"));
        let hit = node.get(host, "/page").await.cache();
        assert!(hit.starts_with("hit; ttl=") && !hit.contains("detail"), "{hit}");
    }
    assert_eq!(world.origin.count("/page"), 3);

    nats.kill();
    // It may yet be written when the server is back, and the answer says so; of what is held here it matches nothing.
    let (status, problem) = node.operate(purge("", &json!({ "tags": ["unused"] }))).await;
    assert_eq!((status, &problem["type"]), (503, &json!("urn:seawall:problem:log-unavailable")), "{problem}");
    let why = problem["detail"].as_str().unwrap();
    assert!(why.contains("nothing was written") || why.contains("Give the order again"), "{why}");
    node.shows("seawall_control_log_cut_off", 1).await;
    assert!(node.says_ready().await, "what to do then is for its sites to say, not for a load balancer");

    let careful = node.get(SHOP, "/page").await;
    assert_eq!(careful.says(), (200, "page"));
    assert_eq!(careful.cache(), "fwd=request; fwd-status=304; stored; detail=cut-off");
    assert_eq!(world.origin.count("/page"), 4, "it asked before it answered");
    let bold = node.get("bold.example", "/page").await;
    assert!(bold.cache().starts_with("hit; ttl=") && bold.cache().ends_with("; detail=cut-off"), "{bold:?}");
    let strict = node.get("strict.example", "/page").await;
    assert_eq!(strict.status, 503);
    assert!(strict.cache().contains("detail=cut-off"), "{strict:?}");
    assert_eq!(world.origin.count("/page"), 4);

    nats.start_again();
    node.shows("seawall_control_log_cut_off", 0).await;
    for host in hosts {
        let got = node.get(host, "/page").await;
        assert!(got.cache().starts_with("hit; ttl=") && !got.cache().contains("detail"), "{got:?}");
    }
    node.shows("seawall_cut_off_requests_total{does=\"refuse\"}", 1).await;
    assert_eq!(node.operate(purge("?wait=all", &json!({ "all": true }))).await.0, 200);
}
