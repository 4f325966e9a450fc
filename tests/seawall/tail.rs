//! `functions tail`: what a function does, as it happens, through the operator's door.

use serde_json::Value;

use crate::harness::{Answer, Ask, Coming, Node, Plan, READER, World, bounded, guests};

async fn with_puppet(world: &World) -> Node {
    world.start(Plan::new("fra-1", "fra").function("guest", &guests::module("puppet"), "")).await
}

fn tail(path: &str) -> Ask {
    Ask::get(path).bearing(READER)
}

#[tokio::test]
async fn a_tail_shows_calls_as_they_happen_and_ends_with_the_node() {
    let world = World::new();
    let node = with_puppet(&world).await;
    world.origin.says("/say", Answer::cacheable("hello"));
    node.get("/say").await;
    let mut tail = node_tail(&node).await;
    for path in ["/say", "/panic"] {
        node.get(path).await;
    }
    let said = call(&mut tail, "/say", "on-request").await;
    assert_eq!(
        (&said["outcome"], &said["function"], &said["site"]),
        (&"next".into(), &"guest".into(), &"shop".into())
    );
    assert_eq!(said["log"][0]["text"], "said as it was told");
    let failed = call(&mut tail, "/panic", "on-request").await;
    assert_eq!((&failed["outcome"], &failed["code"]), (&"failed".into(), &"SW-FN-TRAP".into()));
    let detail = failed["detail"].as_str().unwrap();
    assert!(detail.contains("puppet::misfortune"), "the guest's own names, and readable: {detail}");
    node.stop();
    while let Some(line) = tail.line().await {
        assert!(line.is_empty() || line.contains("on-response"), "{line}");
    }
}

async fn node_tail(node: &Node) -> Coming {
    let tail = tail("/v1/functions/guest/tail?site=shop").open(node.admin).await;
    assert_eq!(tail.status, 200);
    tail
}

/// The next call of a hook for a path.
async fn call(tail: &mut Coming, path: &str, hook: &str) -> Value {
    loop {
        let line = tail.line().await.expect("the tail goes on");
        let Ok(json) = serde_json::from_str::<Value>(&line) else { continue };
        if json["hook"] == hook && json["target"] == format!("GET {path}") {
            return json;
        }
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_watched() {
    let world = World::new();
    let node = with_puppet(&world).await;
    for (path, status) in [
        ("/v1/functions/other/tail", 404),
        ("/v1/functions/guest/tail?site=other", 404),
        ("/v1/functions/guest/tail?sight=shop", 400),
    ] {
        assert_eq!(node.operate(tail(path)).await.0, status, "{path}");
    }
    assert_eq!(node.operate(Ask::get("/v1/functions/guest/tail")).await.0, 401);
}

/// Eight may watch. Who has left makes room, without a word of it.
#[tokio::test]
async fn there_is_room_again_when_a_watcher_leaves() {
    let world = World::new();
    let node = with_puppet(&world).await;
    let mut watching = Vec::new();
    for _ in 0..8 {
        watching.push(node_tail(&node).await);
    }
    assert_eq!(node.operate(tail("/v1/functions/guest/tail")).await.0, 503);
    watching.clear();
    bounded("room for one more", async {
        while tail("/v1/functions/guest/tail").open(node.admin).await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
