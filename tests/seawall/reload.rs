//! Reloads: what changes and what stays, and that a request sees one configuration from its head to its last byte.

use serde_json::json;

use crate::harness::{Answer, Ask, Gate, Node, OPERATOR, Plan, Process, READER, World};

/// A node whose config file is there to be written anew.
async fn node(world: &World, plan: Plan) -> Node {
    Node::from_file(plan, world).await
}

#[tokio::test]
async fn a_reload_brings_new_settings_and_leaves_what_is_stored() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra");
    let node = node(&world, plan.clone()).await;
    world.origin.answers("/page", |_| Answer::cacheable("page"));
    world.origin.answers("/plain", |_| Answer::new(200, "plain"));
    assert_eq!(node.get("/page").await.says(), (200, "page"));
    let before = node.config().await;

    let with_ttl = plan.clone().site("default_ttl = \"1h\"").another_site("blog", "");
    let (status, answer) = node.reload_as(&with_ttl, &world).await;
    assert_eq!((status, &answer["sites_dropped"]), (200, &json!([])), "{answer}");
    assert_eq!(answer["origins_kept"], json!(["shop"]));
    assert_eq!(answer["previous_digest"], before["digest"]);

    assert!(node.get("/page").await.cache().starts_with("hit"), "a reload empties nothing");
    node.get("/plain").await;
    assert!(node.get("/plain").await.cache().starts_with("hit"), "the new rule is in force");
    let blog = node.send(&Ask::get("/page").host("blog.example")).await;
    assert_eq!(blog.says(), (200, "page"), "a new site is there");

    let now = node.config().await;
    assert_eq!(now["digest"], answer["digest"]);
    assert_eq!(now["config"]["sites"][0]["default_ttl"], "1h");
    assert!(!now.to_string().contains(OPERATOR), "a secret is never shown");

    let (_, gone) = node.reload_as(&plan, &world).await;
    assert_eq!(gone["sites_dropped"], json!(["blog"]), "and what was stored of it");
    assert_eq!(node.send(&Ask::get("/page").host("blog.example")).await.status, 421);
}

#[tokio::test]
async fn a_file_that_is_wrong_is_refused_whole_with_everything_that_is_wrong() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra");
    let node = node(&world, plan.clone()).await;
    world.origin.answers("/page", |_| Answer::cacheable("page"));
    let before = node.config().await;

    let wrong = plan.clone().site("default_ttl = \"soon\"").site("nonsense = 1").another_site("blog", "");
    let (status, problem) = node.reload_as(&wrong, &world).await;
    assert_eq!((status, problem["type"].as_str()), (422, Some("urn:seawall:problem:config-refused")));
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{problem}");
    assert!(
        errors.iter().all(|error| error["pointer"].as_str().unwrap().contains("fra-1.toml:")),
        "{problem}"
    );

    let renamed = Plan::new("fra-2", "fra").origin("queue = 7");
    let (status, problem) = node.reload_text(&renamed.toml(&world), &world).await;
    assert_eq!(status, 422);
    let told: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|error| error["detail"].as_str()).collect();
    assert!(told.iter().any(|told| told.contains("[node] `name` changes only with a restart")), "{told:?}");

    // What a check cannot see: the file is there, and is no function.
    let file = world.folder.path().join("broken.wasm");
    std::fs::write(&file, "not WebAssembly").unwrap();
    let (status, problem) = node.reload_as(&plan.clone().function("broken", &file, ""), &world).await;
    assert_eq!(status, 422, "{problem}");

    assert_eq!(node.config().await, before, "nothing of it is in force");
    assert_eq!(node.get("/page").await.says(), (200, "page"));
    assert_eq!(node.send(&Ask::get("/").host("blog.example")).await.status, 421);
    assert_eq!(node.metric("seawall_config_loads_total{outcome=\"refused\"}").await, 3);
    assert_eq!(node.metric("seawall_config_last_load_ok").await, 0);

    assert_eq!(node.reload_as(&plan, &world).await.0, 200);
    assert_eq!(node.metric("seawall_config_last_load_ok").await, 1);
    let digest = node.config().await["digest"].as_str().unwrap().to_owned();
    assert_eq!(node.metric(&format!("seawall_config_in_force{{digest=\"{digest}\"}}")).await, 1);
    assert_eq!(node.operate(reload().bearing(READER)).await.0, 403, "who may look may not change");
}

/// The key has the site's settings in it, in effect: what was stored or begun under others is found no more.
#[tokio::test]
async fn what_was_stored_under_other_key_settings_is_found_no_more() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra").another_site("blog", "");
    let narrow = plan.clone().site("query = { ignore = [\"v\"] }");
    let node = node(&world, narrow.clone()).await;
    for path in ["/page", "/page?v=1", "/page?v=3"] {
        world.origin.answers(path, |asked| Answer::cacheable(&asked.path));
    }
    let gate = Gate::closed();
    world.origin.says("/slow?v=1", Answer::cacheable("begun ").then_at(&gate, "before"));
    assert_eq!(node.get("/page?v=1").await.body, "/page?v=1");
    assert_eq!(node.get("/page?v=2").await.body, "/page?v=1", "one key");
    node.send(&Ask::get("/page").host("blog.example")).await;
    let mut slow = node.open(&Ask::get("/slow?v=1")).await;
    slow.reads("begun ").await;

    let (_, answer) = node.reload_as(&plan, &world).await;
    assert_eq!(answer["sites_dropped"], json!(["shop"]));
    assert_eq!(node.get("/page").await.body, "/page", "not what the other settings stored under this key");
    assert!(
        node.send(&Ask::get("/page").host("blog.example")).await.cache().starts_with("hit"),
        "not its site"
    );

    // What was begun goes on to its end, and is nobody's later.
    gate.open();
    assert_eq!(slow.rest().await.as_deref(), Ok("before"));
    world.origin.says("/slow", Answer::cacheable("after"));
    assert_eq!(node.get("/slow").await.body, "after");

    // Nor is it when the first settings come back: a purge could not have reached it meanwhile.
    node.purge(json!({ "urls": ["http://shop.example/page"] })).await;
    node.reload_as(&narrow, &world).await;
    assert_eq!(node.get("/page?v=3").await.body, "/page?v=3");
}

#[tokio::test]
async fn a_request_that_is_under_way_keeps_the_configuration_it_began_with() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra");
    let node = node(&world, plan.clone().site("default_ttl = \"1h\"").site("store_set_cookie = false")).await;
    let gate = Gate::closed();
    world.origin.says("/page", Answer::new(200, "page").field("set-cookie", "a=1").at(&gate));
    let asking = Ask::get("/page");
    let asking = tokio::spawn({
        let (http, asking) = (node.http, asking.clone());
        async move { asking.send(http).await }
    });
    world.origin.is_asked("/page", 1).await;
    assert_eq!(node.reload_as(&plan.site("default_ttl = \"1h\""), &world).await.0, 200);
    gate.open();
    let got = asking.await.unwrap();
    assert!(!got.cache().contains("stored"), "its configuration stores no cookies: {got:?}");
}

#[tokio::test]
async fn an_origin_that_stays_the_same_keeps_its_connections_and_circuits() {
    let world = World::new();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let servers = [format!("\"http://{}\"", world.origin.address()), format!("\"http://{gone}\"")];
    let plan = Plan::new("fra-1", "fra")
        .servers(&servers)
        .origin("eject = { failures = 1, base = \"1h\", max = \"1h\" }");
    let node = node(&world, plan.clone()).await;
    for nth in 0..5 {
        world.origin.says(&format!("/?{nth}"), Answer::uncacheable("ok"));
    }
    for nth in 0..4 {
        assert_eq!(node.get(&format!("/?{nth}")).await.status, 200);
    }
    let circuit = format!("seawall_origin_server_circuit{{origin=\"shop\",server=\"http://{gone}\"}}");
    assert_eq!(node.metric(&circuit).await, 2, "open");
    let connections = world.origin.connections();

    node.reload_as(&plan.clone().site("debug_key = true"), &world).await;
    assert_eq!(node.metric(&circuit).await, 2, "a reload forgets nothing of it");
    node.get("/?4").await;
    assert_eq!(world.origin.connections(), connections, "on a connection that was open");

    let (_, answer) = node.reload_as(&plan.clone().origin("queue = 7"), &world).await;
    assert_eq!(answer["origins_kept"], json!([]), "it is another one now");
    assert_eq!(node.metric(&circuit).await, 0);
    let alone = Plan::new("fra-1", "fra");
    node.reload_as(&alone, &world).await;
    let text = Ask::get("/metrics").send(node.admin).await.body;
    assert!(!text.contains(&gone.to_string()), "no series of a server that is gone");
}

#[tokio::test]
async fn tokens_change_with_a_reload() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra");
    let node = node(&world, plan.clone()).await;
    let other = "another-token-of-the-operator-of-this-play";
    let text = plan.toml(&world).replace(OPERATOR, other);
    assert_eq!(node.reload_text(&text, &world).await.0, 200);
    assert_eq!(node.operate(reload().bearing(OPERATOR)).await.0, 401);
    assert_eq!(node.operate(reload().bearing(other)).await.0, 200);
}

#[tokio::test]
async fn a_node_without_a_file_has_nothing_to_reload() {
    let world = World::new();
    let node = world.node().await;
    let (status, problem) = node.operate(reload().bearing(OPERATOR)).await;
    assert_eq!((status, problem["type"].as_str()), (409, Some("urn:seawall:problem:no-config-file")));
}

/// Over a process: by SIGHUP, and by the file alone.
#[tokio::test]
async fn a_signal_reloads_and_so_does_a_file_that_is_watched() {
    let world = World::new();
    world.origin.answers("/page", |_| Answer::cacheable("page"));
    let plan = Plan::new("fra-1", "fra");
    let node = Process::ready(&plan, &world).await;
    let loads = "seawall_config_loads_total{outcome=\"applied\"}";
    let refused = "seawall_config_loads_total{outcome=\"refused\"}";
    node.shows(loads, 1).await;

    node.writes(&plan.clone().node("watch_config = true").another_site("blog", ""), &world);
    node.signal("HUP");
    node.shows(loads, 2).await;
    assert_eq!(node.get("blog.example", "/page").await.says(), (200, "page"));

    node.writes(&plan.clone().node("watch_config = maybe"), &world);
    node.shows(refused, 1).await;
    assert_eq!(node.get("blog.example", "/page").await.says(), (200, "page"), "the old one is in force");

    node.writes(&plan.clone().node("watch_config = true").another_site("news", ""), &world);
    node.shows(loads, 3).await;
    assert_eq!(node.get("news.example", "/page").await.says(), (200, "page"));
    node.stop();
}

fn reload() -> Ask {
    Ask::new("POST", "/v1/config/reload")
}
