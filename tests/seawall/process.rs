//! A node's life: it starts from a file or from flags, ends what it has begun, and finds its log again.

use seawall_node::Shared;
use seawall_node::config::{Config, RunFlags};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Answer, Ask, Gate, Node, OPERATOR, Plan, World, purge};

#[tokio::test]
async fn a_node_needs_no_config_but_an_origin() {
    let world = World::new();
    let any = "127.0.0.1:0".parse().unwrap();
    let data_dir = world.folder.path().join("data");
    let flags = RunFlags {
        origin: Some(format!("http://{}", world.origin.address()).parse().unwrap()),
        listen: vec![any],
        admin: Some(any),
        data_dir: Some(data_dir.clone()),
        ..RunFlags::default()
    };
    let config = Config::for_origin(flags).unwrap();
    let node = Node::from_config(config, &world, &world.shared).await;
    world.origin.answers("/page", |asked| Answer::cacheable(asked.field("host")));

    for host in ["shop.example", "any.host.at.all"] {
        let got = node.send(&Ask::get("/page").host(host)).await;
        assert_eq!(got.says(), (200, host));
    }
    let token = data_dir.join("admin-token");
    let mode = std::fs::metadata(&token).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may read it");
    let token = std::fs::read_to_string(token).unwrap();
    let order = purge("", &json!({ "all": true }));
    assert_eq!(node.operate(order.clone()).await.0, 401, "no write is anonymous");
    assert_eq!(node.operate(order.bearing(token.trim())).await.0, 200);
}

#[tokio::test]
async fn a_node_that_is_told_to_stop_ends_what_it_has_begun() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/film", Answer::cacheable("first,").then_at(&gate, "second"));
    let mut viewer = node.open(&Ask::get("/film")).await;
    viewer.reads("first,").await;
    let (http, admin) = (node.http, node.admin);

    let stopping = tokio::task::spawn_blocking(move || node.stop());
    // It takes nobody new from here on, and says so to whoever asks.
    while tokio::net::TcpStream::connect(http).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.open();
    assert_eq!(viewer.rest().await.as_deref(), Ok("second"));
    drop(viewer);
    stopping.await.unwrap();
    assert!(tokio::net::TcpStream::connect(admin).await.is_err());
    assert!(world.shared.members.list().iter().all(|node| node.state.as_str() != "ready"));
}

/// A purge that was acknowledged is in the log, whatever becomes of the process (promise 1).
#[tokio::test]
async fn a_purge_outlives_its_process() {
    let world = World::new();
    let folder = world.folder.path().join("log");
    let plan = Plan::new("fra-1", "fra");
    let order = purge("?wait=none", &json!({ "tags": ["product-7"] })).bearing(OPERATOR);
    for position in 1..=3_u64 {
        let shared = Shared::open(&folder).unwrap();
        let node = Node::start(plan.clone(), &world, &shared).await;
        assert_eq!(node.position(), position - 1, "it is ready, and so has applied all that there was");
        let (status, answer) = node.operate(order.clone()).await;
        assert!(status == 200 || status == 202, "{answer}");
        assert_eq!(answer["position"], position);
        node.stop();
    }
}

#[tokio::test]
async fn two_nodes_of_one_name_are_refused() {
    let world = World::new();
    let _node = world.node().await;
    let text = Plan::new("fra-1", "nyc").toml(&world);
    let config = Config::from_toml(&text, &world.folder.path().join("seawall.toml")).unwrap();
    let error = seawall_node::Node::start(&config, &world.shared).err().expect("the name is taken");
    assert!(error.to_string().contains("fra-1"), "{error}");
}
