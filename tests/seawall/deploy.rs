//! Functions that are deployed while nodes run: each request stays on one version, all nodes go together, and going back
//! takes what the bad version stored.

use serde_json::json;

use seawall_base::Clock;
use seawall_node::Shared;

use crate::harness::{Answer, Gate, Node, Plan, World, guests, lines, together};

const PATH: &str = "/at-origin/shape";

/// The puppet, which writes its setting `version` into the responses of [`PATH`].
async fn puppet(node: &Node, version: &str) -> String {
    node.deploy("guest", &guests::module("puppet"), json!({ "config": { "version": version } })).await
}

async fn guest_node(world: &World) -> Node {
    world.start(Plan::new("fra-1", "fra").deployed("guest")).await
}

#[tokio::test]
async fn a_site_whose_function_is_not_there_yet_fails_closed() {
    let world = World::new();
    let node = guest_node(&world).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    let got = node.get("/page").await;
    assert_eq!((got.status, got.cache().as_str()), (503, "detail=function"));
    assert_eq!(world.origin.count("/page"), 0, "what guards the site is not there");
    let line = lines::of_path("/page").pop().unwrap();
    assert!(line["function"].contains("SW-FN-ABSENT"), "{line:?}");
    let version = puppet(&node, "one").await;
    assert_eq!(node.get("/page").await.status, 503, "deployed is not active");
    node.activate("guest", &version).await;
    assert_eq!(node.get("/page").await.says(), (200, "hello"));
}

#[tokio::test]
async fn versions_follow_each_other_on_all_nodes_without_a_restart() {
    let world = World::new();
    let fra = guest_node(&world).await;
    let nyc = world.start(Plan::new("nyc-1", "nyc").deployed("guest")).await;
    world.origin.says(PATH, Answer::uncacheable("hello"));
    for version in ["one", "two", "one"] {
        let deployed = puppet(&fra, version).await;
        fra.activate("guest", &deployed[..12]).await;
        for node in [&fra, &nyc] {
            assert_eq!(node.get(PATH).await.field("x-shaped"), Some(version));
        }
    }
    // A node that comes later runs what is active, without a word of the log.
    let ams = world.start(Plan::new("ams-1", "ams").deployed("guest")).await;
    assert_eq!(ams.get(PATH).await.field("x-shaped"), Some("one"));
}

/// §11.6: activated while the origin is slow.
#[tokio::test]
async fn a_request_stays_on_the_version_that_it_began_with() {
    let world = World::new();
    let node = guest_node(&world).await;
    let one = puppet(&node, "one").await;
    node.activate("guest", &one).await;
    let two = puppet(&node, "two").await;
    let gate = Gate::closed();
    world.origin.says(PATH, Answer::cacheable("hello").at(&gate));
    let (got, ()) = tokio::join!(node.get(PATH), async {
        world.origin.is_asked(PATH, 1).await;
        node.activate("guest", &two).await;
        gate.open();
    });
    assert_eq!(got.field("x-shaped"), Some("one"), "{got:?}");
    assert!(
        got.cache().ends_with("detail=function-replaced"),
        "the old version stores nothing more: {got:?}"
    );
    assert_eq!(node.get(PATH).await.field("x-shaped"), Some("two"));
}

/// §11.7: exactly what the bad version stored.
#[tokio::test]
async fn going_back_purges_what_the_version_shaped_and_nothing_else() {
    let world = World::new();
    let fra = guest_node(&world).await;
    let nyc = world.start(Plan::new("nyc-1", "nyc").deployed("guest")).await;
    let paths = ["/at-origin/shape", "/at-origin/none"];
    for path in paths {
        world.origin.says(path, Answer::cacheable("hello"));
    }
    let good = puppet(&fra, "good").await;
    fra.activate("guest", &good).await;
    together([&fra, &nyc].map(|node| node.get(paths[1]))).await;
    let bad = puppet(&fra, "bad").await;
    fra.activate("guest", &bad).await;
    for node in [&fra, &nyc] {
        assert_eq!(node.get(paths[0]).await.field("x-shaped"), Some("bad"));
        assert_eq!(node.get(paths[1]).await.cache(), "hit; ttl=60", "activation alone purges nothing");
    }
    let path = "/v1/functions/guest/rollback?wait=all";
    let (status, answer) = fra.order("POST", path, &json!({ "purge": true })).await;
    assert_eq!((status, &answer["version"], &answer["purged"]), (200, &json!(good), &json!(2)), "{answer}");
    for node in [&fra, &nyc] {
        assert_eq!(node.get(paths[0]).await.field("x-shaped"), Some("good"));
        assert_eq!(node.get(paths[1]).await.cache(), "hit; ttl=60");
    }
    let (status, answer) = fra.order("POST", path, &json!({})).await;
    assert_eq!(status, 409, "there is nothing before the first: {answer}");
}

#[tokio::test]
async fn what_is_active_is_active_after_a_restart() {
    let mut world = World::new();
    let folder = world.folder.path().join("data");
    world.shared = Shared::open(&folder).unwrap();
    world.clock = Clock::system();
    world.origin.says(PATH, Answer::uncacheable("hello"));
    let node = guest_node(&world).await;
    for version in ["one", "two"] {
        let deployed = puppet(&node, version).await;
        node.activate("guest", &deployed).await;
    }
    node.stop();
    world.shared = Shared::in_memory(Clock::system());
    world.shared = Shared::open(&folder).unwrap();
    let node = guest_node(&world).await;
    assert_eq!(node.get(PATH).await.field("x-shaped"), Some("two"));
    let (status, _) = node.order("POST", "/v1/functions/guest/rollback?wait=all", &json!({})).await;
    assert_eq!((status, node.get(PATH).await.field("x-shaped")), (200, Some("one")));
}

#[tokio::test]
async fn a_deployment_shows_what_is_imported_against_what_was_granted() {
    let world = World::new();
    let node = guest_node(&world).await;
    let settings = json!({ "origins": ["shop"], "grants": ["store-private"] });
    let mut order = settings.clone();
    order["wasm"] = encoded("security-headers").into();
    let (status, answer) = node.order("PUT", "/v1/functions/guest", &order).await;
    assert_eq!((status, &answer["hooks"]), (200, &json!(["on-response"])), "{answer}");
    assert_eq!(answer["unused_grants"], json!(["origin shop", "store-private"]));
    for (key, value, part) in [
        ("origins", json!(["nowhere"]), "there is no origin `nowhere`; there are: shop"),
        ("grants", json!(["everything"]), "only `store-private` and `reuse` can"),
        ("on_error", json!({ "on-response": "deliver-only" }), "cannot be `deliver-only`"),
        ("wasm", json!("AAAA"), "not a WebAssembly binary"),
    ] {
        let mut wrong = order.clone();
        wrong[key] = value;
        let (status, answer) = node.order("PUT", "/v1/functions/guest", &wrong).await;
        assert_eq!(status, 422, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(part), "{answer}");
    }
    let (status, answer) = node.order("PUT", "/v1/functions/other", &order).await;
    assert_eq!(status, 404, "{answer}");
}

pub(crate) fn encoded(package: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(std::fs::read(guests::module(package)).unwrap())
}
