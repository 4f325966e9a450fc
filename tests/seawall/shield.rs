//! Edges, and the shield between them and the origin: how requests go, and what happens when it is not there.

use std::net::SocketAddr;

use http::HeaderMap;
use seawall_base::{NodeName, Position, Region, SiteName};
use seawall_cluster::peer::Asks;
use seawall_cluster::{NodeInfo, PeerRequest, PeerSecret, PeerTarget};
use serde_json::json;
use tokio::net::TcpSocket;

use crate::harness::{Answer, Ask, BrokenOff, CLUSTER_SECRET, Gate, Plan, World, together};

const STORED: &str = "fwd=uri-miss; fwd-status=200; stored";

#[tokio::test]
async fn a_miss_goes_through_the_shield_and_fills_both() {
    let world = World::new();
    let (fra, nyc, ams) = world.edges_and_shield().await;
    world.origin.says("/page", Answer::cacheable("hello"));

    let miss = fra.get("/page").await;
    assert_eq!(miss.says(), (200, "hello"));
    let told = miss.head.all("cache-status").join(", ");
    assert_eq!(told, format!("ams-1; {STORED}, fra-1; {STORED}"));
    let asked = &world.origin.asked("/page")[0];
    let way = asked.head.all("cdn-loop").join(", ");
    assert_eq!(way, "seawall-fra-1, seawall-ams-1");
    assert!(!asked.head.fields.iter().any(|(name, _)| name.starts_with("seawall-")), "{asked:?}");
    assert!(!miss.head.fields.iter().any(|(name, _)| name.starts_with("seawall-")), "{miss:?}");

    world.pass(10).await;
    let other = nyc.get("/page").await;
    let told = other.head.all("cache-status").join(", ");
    assert_eq!(told, format!("ams-1; hit; ttl=50, nyc-1; {STORED}"));
    assert_eq!(other.field("age"), Some("10"), "the shield's copy is not new");
    for node in [&fra, &nyc, &ams] {
        assert_eq!(node.get("/page").await.cache(), "hit; ttl=50");
    }
    assert_eq!(world.origin.count("/page"), 1);
    assert_eq!(nyc.metric("seawall_shield_answers_total").await, 1);
}

#[tokio::test]
async fn two_regions_at_once_are_one_request_of_the_origin() {
    let world = World::new();
    let (fra, nyc, ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    world.origin.says("/slow", Answer::cacheable("first,").at(&gate).then_at(&gate, "second"));

    let nodes = [&fra, &nyc, &ams];
    let everybody = together((0..90).map(|number| nodes[number % 3].get("/slow")));
    let director = async {
        for node in [&fra, &nyc] {
            node.counts("seawall_cache_followed_total", 29).await;
        }
        // Its own thirty, and the two edges, but for the one that leads.
        ams.counts("seawall_cache_followed_total", 31).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    assert!(answers.iter().all(|got| got.says() == (200, "first,second")));
    assert_eq!(world.origin.count("/slow"), 1);
}

#[tokio::test]
async fn a_body_flows_through_both_while_it_is_written() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    world.origin.says("/film", Answer::cacheable("first,").then_at(&gate, "second").chunked());
    let mut near = fra.open(&Ask::get("/film")).await;
    near.reads("first,").await;
    let mut far = nyc.open(&Ask::get("/film")).await;
    far.reads("first,").await;
    gate.open();
    assert_eq!(near.rest().await.as_deref(), Ok("second"));
    assert_eq!(far.rest().await.as_deref(), Ok("second"));
    assert_eq!(world.origin.count("/film"), 1);
}

#[tokio::test]
async fn variants_and_versions_go_through_the_shield_as_well() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    world.origin.answers("/page", |asked| {
        let language = asked.field("accept-language");
        let known = asked.field("if-none-match") == format!("\"{language}\"");
        let answer = if known { Answer::new(304, "") } else { Answer::new(200, language) };
        answer
            .field("vary", "accept-language")
            .field("etag", &format!("\"{language}\""))
            .field("cache-control", "max-age=60")
    });
    let ask = |language| Ask::get("/page").field("accept-language", language);
    for language in ["de", "fr"] {
        for node in [&fra, &nyc] {
            assert_eq!(node.send(&ask(language)).await.says(), (200, language));
        }
    }
    assert_eq!(world.origin.count("/page"), 2);

    world.pass(61).await;
    let refreshed = fra.send(&ask("de")).await;
    assert_eq!(refreshed.says(), (200, "de"));
    assert_eq!(refreshed.cache(), "fwd=stale; fwd-status=304; stored");
    assert_eq!(world.origin.count("/page"), 3, "the shield asked for both of them");
    assert_eq!(nyc.send(&ask("de")).await.says(), (200, "de"));
    assert_eq!(world.origin.count("/page"), 3);
}

#[tokio::test]
async fn a_post_goes_to_the_origin_once_and_with_its_body() {
    let world = World::new();
    let (fra, _nyc, _ams) = world.edges_and_shield().await;
    world.origin.answers("/basket", |asked| Answer::new(200, &format!("{} {}", asked.method, asked.body)));
    let got = fra.send(&Ask::new("POST", "/basket").body("two shoes")).await;
    assert_eq!(got.says(), (200, "POST two shoes"));
    assert_eq!(world.origin.count("/basket"), 1);
}

#[tokio::test]
async fn what_cannot_be_stored_is_fetched_once_for_each_request() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    world.origin.answers("/basket", |asked| Answer::uncacheable(&asked.nth.to_string()));
    assert_eq!(fra.get("/basket").await.body, "1");
    assert_eq!(nyc.get("/basket").await.body, "2");
    assert_eq!(fra.get("/basket").await.body, "3");
}

#[tokio::test]
async fn a_failing_origin_is_a_502_through_the_shield_and_is_not_kept() {
    let world = World::new();
    let (fra, _nyc, _ams) = world.edges_and_shield().await;
    world.origin.says_in_turn("/page", &[Answer::bare("not HTTP\r\n\r\n"), Answer::cacheable("well again")]);
    assert_eq!(fra.get("/page").await.status, 502);
    assert_eq!(fra.get("/page").await.says(), (200, "well again"));
    assert_eq!(world.origin.count("/page"), 2, "the shield's word is taken: nobody asks twice");
}

#[tokio::test]
async fn without_its_shield_an_edge_asks_the_origin() {
    let world = World::new();
    let (fra, _nyc, ams) = world.edges_and_shield().await;
    world.origin.says("/page", Answer::cacheable("hello"));
    world.origin.says("/other", Answer::cacheable("hello"));
    assert_eq!(fra.get("/page").await.status, 200);
    ams.stop();
    let got = fra.get("/other").await;
    assert_eq!(got.says(), (200, "hello"));
    assert_eq!(got.head.all("cache-status"), [format!("fra-1; {STORED}")]);
    assert_eq!(fra.get("/page").await.cache(), "hit; ttl=60", "what it has, it has");
}

/// A shield that is still on the list and no longer there: its machine lost power a second ago.
#[tokio::test]
async fn a_shield_that_died_without_a_word_is_passed_over() {
    let world = World::new();
    // A port that is taken, and that nobody listens at.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let seat = world.shared.members.join(NodeInfo {
        name: NodeName::new("ams-1").unwrap(),
        region: Region::new("ams").unwrap(),
        version: "0".to_owned(),
        peer_addr: Some(socket.local_addr().unwrap()),
        started_unix_ms: 0,
    });
    let seat = seat.unwrap();
    seat.ready();
    let fra = world.start(Plan::shielded("fra-1", "fra")).await;
    world.origin.says("/page", Answer::cacheable("hello"));

    let got = fra.get("/page").await;
    assert_eq!(got.says(), (200, "hello"));
    assert_eq!(got.cache(), STORED);
    assert_eq!(fra.metric("seawall_shield_fallbacks_total").await, 1);
    assert_eq!(fra.get("/page").await.cache(), "hit; ttl=60");
}

/// A request as one node sends it to another, proven with `secret`.
fn as_peer(secret: &str, path: &str, asks: Asks) -> Ask {
    let asked = PeerRequest {
        node: NodeName::new("fra-9").unwrap(),
        site: SiteName::new("shop").unwrap(),
        position: Position::START,
        scheme: "http".to_owned(),
        key_parts: Vec::new(),
        origin: None,
        origin_host: None,
        asks,
        hops: 1,
    };
    let target = PeerTarget { method: "GET", authority: "shop.example", path_and_query: path };
    let mut headers = HeaderMap::new();
    asked.encode(&PeerSecret::new(secret).unwrap(), &target, &mut headers).unwrap();
    headers
        .iter()
        .fold(Ask::get(path), |ask, (name, value)| ask.field(name.as_str(), value.to_str().unwrap()))
}

#[tokio::test]
async fn a_peer_without_the_secret_is_refused() {
    let world = World::new();
    let ams = world.start(Plan::shielded("ams-1", "ams")).await;
    let door = ams.peers.unwrap();
    world.origin.says("/page", Answer::cacheable("hello"));

    let wrong = as_peer("the-secret-of-somebody-else-altogether", "/page", Asks::Fetch);
    for ask in [Ask::get("/page"), wrong] {
        let got = ask.send(door).await;
        assert_eq!(got.status, 403, "{got:?}");
    }
    assert_eq!(world.origin.count("/page"), 0);
    let right = as_peer(CLUSTER_SECRET, "/page", Asks::Fetch).send(door).await;
    assert_eq!(right.says(), (200, "hello"));
}

/// Every edge asks the same node of the shield's region for the same page, and each of them has some.
#[tokio::test]
async fn the_nodes_of_a_shield_share_the_pages_out() {
    let world = World::new();
    let one = world.start(Plan::shielded("ams-1", "ams")).await;
    let two = world.start(Plan::shielded("ams-2", "ams")).await;
    let fra = world.start(Plan::shielded("fra-1", "fra")).await;
    let nyc = world.start(Plan::shielded("nyc-1", "nyc")).await;
    let paths: Vec<_> = (0..20).map(|number| format!("/page/{number}")).collect();
    for path in &paths {
        world.origin.says(path, Answer::cacheable(path));
        for node in [&fra, &nyc] {
            assert_eq!(node.get(path).await.says(), (200, path.as_str()));
        }
        assert_eq!(world.origin.count(path), 1, "{path}");
    }
    let stored = "seawall_cache_stored_total";
    let shares = [one.metric(stored).await, two.metric(stored).await];
    assert_eq!(shares[0] + shares[1], 20);
    assert!(shares.iter().all(|share| *share > 2), "{shares:?}");
}

#[tokio::test]
async fn a_vary_that_is_learned_late_costs_one_request_a_variant_through_the_shield_too() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    let head = gate.clone();
    world.origin.answers("/page", move |asked| {
        let answer = Answer::cacheable(asked.field("accept-language"));
        answer.field("vary", "accept-language").at(&head)
    });
    let (languages, nodes) = (["de", "fr"], [&fra, &nyc]);
    let everybody = together((0..40).map(|number| {
        let (language, node) = (languages[number % 2], nodes[number / 2 % 2]);
        let ask = Ask::get("/page").field("accept-language", language);
        async move { (language, node.send(&ask).await) }
    }));
    let director = async {
        for node in nodes {
            node.counts("seawall_cache_followed_total", 19).await;
        }
        gate.is_reached(1).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    for (language, got) in answers {
        assert_eq!(got.says(), (200, language));
    }
    assert_eq!(world.origin.count("/page"), 2);
}

/// What a client changed through one edge, it must not find unchanged there: neither the edge's copy nor the shield's
/// may answer (RFC 9111 §4.4).
#[tokio::test]
async fn an_unsafe_request_ends_what_the_edge_and_its_shield_have() {
    for ask in [Ask::new("DELETE", "/basket"), Ask::new("POST", "/basket").body("two shoes")] {
        let world = World::new();
        let (fra, _nyc, _ams) = world.edges_and_shield().await;
        world.origin.answers("/basket", |asked| match asked.method.as_str() {
            "GET" => Answer::cacheable(&format!("seen {}", asked.nth)),
            _ => Answer::new(200, "done"),
        });
        assert_eq!(fra.get("/basket").await.body, "seen 1");
        assert_eq!(fra.send(&ask).await.body, "done");
        assert_eq!(fra.get("/basket").await.body, "seen 3", "{ask:?}");
    }
}

/// A word that makes a node drop things is taken from nobody but a peer.
#[tokio::test]
async fn nobody_but_a_peer_tells_a_shield_to_drop_things() {
    let world = World::new();
    let ams = world.start(Plan::shielded("ams-1", "ams")).await;
    let door = ams.peers.unwrap();
    world.origin.says("/page", Answer::cacheable("hello"));
    ams.get("/page").await;
    let drop_it = as_peer("the-secret-of-somebody-else-altogether", "/page", Asks::Invalidate);
    assert_eq!(drop_it.send(door).await.status, 403);
    drop_it.send(ams.http).await;
    assert_eq!(ams.get("/page").await.cache(), "hit; ttl=60");
    as_peer(CLUSTER_SECRET, "/page", Asks::Invalidate).send(door).await;
    assert!(ams.get("/page").await.cache().starts_with("fwd="));
}

#[tokio::test]
async fn a_body_that_breaks_off_behind_the_shield_is_kept_by_neither() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    let broken = Answer::cacheable("half").breaking_off().then_at(&gate, "ha");
    world.origin.says_in_turn("/film", &[broken, Answer::cacheable("whole")]);
    let mut viewers = together([&fra, &nyc].map(async |node| {
        let mut viewer = node.open(&Ask::get("/film")).await;
        viewer.reads("half").await;
        viewer
    }))
    .await;
    gate.open();
    for viewer in &mut viewers {
        assert_eq!(viewer.rest().await, Err(BrokenOff));
    }
    for node in [&fra, &nyc] {
        assert_eq!(node.get("/film").await.says(), (200, "whole"));
    }
    assert_eq!(world.origin.count("/film"), 2);
}

/// A shield that takes peers and does not know this site, since its config file is an older one.
#[tokio::test]
async fn a_shield_that_refuses_is_passed_over() {
    let world = World::new();
    let ams = world.start(Plan::shielded("ams-1", "ams").site_named("another")).await;
    let fra = world.start(Plan::shielded("fra-1", "fra")).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    world.origin.answers("/basket", |asked| Answer::new(200, &asked.body));

    let got = fra.get("/page").await;
    assert_eq!(got.says(), (200, "hello"));
    assert_eq!(got.head.all("cache-status"), [format!("fra-1; {STORED}")]);
    assert_eq!(fra.metric("seawall_shield_fallbacks_total").await, 1);
    assert_eq!(fra.get("/page").await.cache(), "hit; ttl=60");
    assert_eq!(ams.metric(r#"seawall_faults_total{cause="peer-refused",blame="peer"}"#).await, 1);
    assert_eq!(world.origin.count("/page"), 1);
}

/// What stands in at the shield for a failing origin looks fresh by its own fields. It is for those who ask now, and not
/// for an edge to keep.
#[tokio::test]
async fn a_stale_answer_of_the_shield_is_handed_on_and_not_kept() {
    for etag in [None, Some("\"v1\"")] {
        let world = World::new();
        let (fra, nyc, ams) = world.edges_and_shield().await;
        let gate = Gate::closed();
        let old = Answer::new(200, "old").field("cache-control", "max-age=60, stale-if-error=600");
        let old = etag.map_or(old.clone(), |etag| old.field("etag", etag));
        let down = Answer::new(503, "down");
        world.origin.says_in_turn("/page", &[old, down.clone().at(&gate), down]);
        assert_eq!(fra.get("/page").await.says(), (200, "old"));
        ams.purge(json!({ "urls": ["shop.example/page"], "soft": true })).await;

        // Both at once: one of them leads at the shield, and the other follows there.
        let both = together([&fra, &nyc].map(|node| node.get("/page")));
        let director = async {
            ams.counts("seawall_cache_followed_total", 1).await;
            gate.open();
        };
        let (answers, ()) = tokio::join!(both, director);
        for got in answers {
            assert_eq!(got.says(), (200, "old"));
            assert!(got.cache().ends_with("detail=stale-at-shield"), "{got:?}");
        }
        assert_eq!(world.origin.count("/page"), 2);
        for (asked, node) in [(3, &fra), (4, &nyc)] {
            let got = node.get("/page").await;
            assert_eq!(got.says(), (200, "old"));
            assert!(got.cache().ends_with("detail=stale-at-shield"), "{got:?}");
            assert_eq!(world.origin.count("/page"), asked, "the shield was asked, and it the origin");
        }
    }
}

/// The shield is fetching when a soft purge comes. What it gets is for the edge that asked before; one that asks after it
/// would keep the old page as fresh.
#[tokio::test]
async fn a_soft_purge_is_not_undone_by_a_fill_in_flight_at_the_shield() {
    let world = World::new();
    let (fra, nyc, _ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    world.origin.says_in_turn("/page", &[Answer::cacheable("old").at(&gate), Answer::cacheable("new")]);
    let early = fra.get("/page");
    let director = async {
        gate.is_reached(1).await;
        fra.purge(json!({ "urls": ["shop.example/page"], "soft": true })).await;
        assert_eq!(nyc.get("/page").await.says(), (200, "new"));
        gate.open();
    };
    let (early, ()) = tokio::join!(early, director);
    assert_eq!(early.says(), (200, "old"), "it asked before");
    for node in [&fra, &nyc] {
        assert_eq!(node.get("/page").await.says(), (200, "new"));
    }
}

/// The origin gives the page another tag when it says that it is still good. A purge of the old tag overtakes that answer:
/// the shield keeps nothing, and neither may the edge, which has only heard of the new tag.
#[tokio::test]
async fn a_purge_of_a_tag_that_a_refresh_drops_is_not_undone_by_the_edge() {
    let world = World::new();
    let (fra, _nyc, ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    let page = |status, body, tag| {
        let answer = Answer::new(status, body).field("etag", "\"v1\"").field("cache-control", "max-age=60");
        answer.field("surrogate-key", tag)
    };
    let confirmed = page(304, "", "winter").at(&gate);
    world.origin.says_in_turn("/page", &[page(200, "old", "autumn"), confirmed, Answer::cacheable("new")]);
    ams.get("/page").await;
    world.pass(61).await;
    world.everybody_lives().await;
    let early = fra.get("/page");
    let director = async {
        gate.is_reached(1).await;
        ams.purge(json!({ "tags": ["autumn"] })).await;
        gate.open();
    };
    let (early, ()) = tokio::join!(early, director);
    assert_eq!(early.says(), (200, "old"), "it asked before");
    assert!(early.cache().ends_with("detail=stale-at-shield"), "{early:?}");
    assert_eq!(fra.get("/page").await.says(), (200, "new"));
}
