//! How much may be under way at a pool: who waits, how many, and how long.

use super::{Answer, Ask, Gate, Node, Origin, World, answering, bounded, lines, plan, server, url};

/// Waits until so many requests wait for a free server.
async fn waiting(node: &Node, count: u64) {
    bounded("they wait", async {
        while node.metric("seawall_origin_queue{origin=\"shop\"}").await != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A pool of one server that is busy until the gate opens.
async fn busy(world: &World, gate: &Gate, settings: &str) -> (Origin, Node) {
    let origin = answering(Answer::uncacheable("served").at(gate));
    for path in ["/second", "/third"] {
        origin.says(path, Answer::uncacheable("served"));
    }
    let node = world.start(plan(&[url(&origin)]).origin(settings)).await;
    (origin, node)
}

#[tokio::test]
async fn past_the_cap_a_request_waits_and_past_the_queue_it_is_told_to_come_back() {
    for cap in ["max_connections = 1", "max_fetches = 1"] {
        let world = World::new();
        let gate = Gate::closed();
        let settings = format!("{cap}\nqueue = 1\nqueue_timeout = \"20s\"");
        let (origin, node) = busy(&world, &gate, &settings).await;
        let (first, second) = (Ask::get("/x"), Ask::get("/second"));
        let director = async {
            gate.is_reached(1).await;
            let later = async {
                waiting(&node, 1).await;
                let third = node.get("/third").await;
                assert_eq!((third.status, third.field("retry-after")), (503, Some("1")), "{cap}");
                assert_eq!(third.field("proxy-status"), Some("fra-1; error=connection_limit_reached"));
                assert_eq!(third.cache(), "fwd=uri-miss; detail=queue-full");
                assert_eq!(lines::of_path("/third").last().unwrap()["cause"], "queue-full");
                assert_eq!(origin.count("/second"), 0, "it waits");
                gate.open();
            };
            tokio::join!(node.send(&second), later).0
        };
        let (first, second) = tokio::join!(node.send(&first), director);
        assert_eq!((first.says(), second.says()), ((200, "served"), (200, "served")), "{cap}");
        assert_eq!(node.get("/third").await.status, 200, "there is room again");
        let refused = "seawall_origin_refused_total{origin=\"shop\",why=\"queue-full\"}";
        assert_eq!(node.metric(refused).await, 1);
    }
}

#[tokio::test]
async fn nobody_waits_for_longer_than_the_limit() {
    let world = World::new();
    let gate = Gate::closed();
    let (_origin, node) = busy(&world, &gate, "max_connections = 1\nqueue_timeout = \"30ms\"").await;
    let first = Ask::get("/x");
    let director = async {
        gate.is_reached(1).await;
        let second = node.get("/second").await;
        assert_eq!((second.status, second.cache()), (503, "fwd=uri-miss; detail=queue-timeout".to_owned()));
        gate.open();
    };
    let (first, ()) = tokio::join!(node.send(&first), director);
    assert_eq!(first.status, 200);
}

/// A client that leaves the queue leaves no hole in it.
#[tokio::test]
async fn a_client_that_stops_waiting_takes_nobodys_place() {
    let world = World::new();
    let gate = Gate::closed();
    let (origin, node) = busy(&world, &gate, "max_connections = 1\nqueue = 2\nqueue_timeout = \"20s\"").await;
    let post = |path: &str| Ask::new("POST", path);
    let (first, second, third) = (post("/x"), post("/second"), post("/third"));
    let director = async {
        gate.is_reached(1).await;
        let leaver = async {
            tokio::select! {
                _ = node.send(&second) => panic!("it was to wait"),
                () = waiting(&node, 1) => {}
            }
        };
        leaver.await;
        waiting(&node, 0).await;
        let last = async {
            waiting(&node, 1).await;
            gate.open();
        };
        tokio::join!(node.send(&third), last).0
    };
    let (first, third) = tokio::join!(node.send(&first), director);
    assert_eq!((first.status, third.status), (200, 200));
    assert_eq!(origin.count("/second"), 0);
}

/// A full server is passed over where another is free.
#[tokio::test]
async fn a_cap_is_each_servers_own() {
    let world = World::new();
    let gate = Gate::closed();
    let (held, free) = (answering(Answer::uncacheable("held").at(&gate)), server("free"));
    let settings = "max_connections = 1\nqueue = 0";
    let node = world.start(plan(&[url(&held), url(&free)]).origin(settings)).await;
    let first = Ask::new("POST", "/x");
    let director = async {
        gate.is_reached(1).await;
        for _ in 0..4 {
            assert_eq!(node.send(&Ask::new("POST", "/x")).await.says(), (200, "free"));
        }
        gate.open();
    };
    let (first, ()) = tokio::join!(node.send(&first), director);
    assert_eq!(first.says(), (200, "held"));
}
