//! Pools of servers that fail, each in its own way: who had an allowed alternative gets it, nobody gets a wrong or a cut
//! body for a whole one, and a server that is back is asked again.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

use crate::harness::{
    Answer, Ask, BrokenOff, Gate, Got, Node, Origin, Plan, World, bounded, lines, together,
};

mod caps;
mod outage;

/// A server that says `says` to everything that is asked of it at `/x`.
fn server(says: &str) -> Origin {
    answering(Answer::uncacheable(says))
}

fn answering(answer: Answer) -> Origin {
    let origin = Origin::start();
    origin.says("/x", answer);
    origin
}

/// As it stands in the list of servers.
fn url(origin: &Origin) -> String {
    format!("\"http://{}\"", origin.address())
}

fn plan(servers: &[String]) -> Plan {
    Plan::new("fra-1", "fra").servers(servers)
}

/// A port that is taken, and that nobody listens at.
fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Asks `/x` so many times, one after the other; every one must be answered, and by one of `says`.
async fn all_answered(node: &Node, times: usize, says: &[&str]) {
    for nth in 0..times {
        let got = node.get("/x").await;
        assert_eq!(got.status, 200, "{nth}: {got:?}");
        assert!(says.contains(&got.body.as_str()), "{nth}: {got:?}");
    }
}

fn metric(name: &str, origin: &Origin) -> String {
    format!("seawall_origin_{name}{{origin=\"shop\",server=\"http://{}\"}}", origin.address())
}

#[tokio::test]
async fn servers_take_turns_by_weight() {
    let world = World::new();
    let (a, b) = (server("a"), server("b"));
    let heavy = format!("{{ url = {}, weight = 3 }}", url(&a));
    let node = world.start(plan(&[heavy, url(&b)])).await;
    all_answered(&node, 8, &["a", "b"]).await;
    assert_eq!((a.count("/x"), b.count("/x")), (6, 2));
    assert_eq!(node.metric(&(metric("server_requests_total", &a))).await, 6);
    assert_eq!(node.metric(&metric("server_in_flight", &a)).await, 0, "every place is given back");
}

#[tokio::test]
async fn by_hash_a_url_stays_with_its_server() {
    let world = World::new();
    let (a, b) = (Origin::start(), Origin::start());
    let node = world.start(plan(&[url(&a), url(&b)]).origin("balance = \"hash\"")).await;
    for path in (0..40).map(|n| format!("/{n}")) {
        for server in [&a, &b] {
            server.says(&path, Answer::uncacheable(&path));
        }
        for _ in 0..3 {
            assert_eq!(node.get(&path).await.says(), (200, path.as_str()));
        }
        assert!([(3, 0), (0, 3)].contains(&(a.count(&path), b.count(&path))), "{path} went to both");
    }
    let used = |server: &Origin| server.connections() > 0;
    assert!(used(&a) && used(&b), "forty URLs all on one of two servers are no chance");
}

#[tokio::test]
async fn a_server_that_refuses_harms_nobody_and_is_soon_left_alone() {
    let world = World::new();
    let (socket, address) = nobody();
    let well = server("well");
    let node = world.start(plan(&[format!("\"http://{address}\""), url(&well)])).await;
    all_answered(&node, 20, &["well"]).await;
    // Nothing reached the first one: even what must not be repeated, and the body that came with it, goes to the other.
    well.answers("/basket", |asked| Answer::new(200, &asked.body));
    for _ in 0..4 {
        let got = node.send(&Ask::new("POST", "/basket").body("two pears")).await;
        assert_eq!(got.says(), (200, "two pears"));
    }
    let asked =
        format!("seawall_origin_server_requests_total{{origin=\"shop\",server=\"http://{address}\"}}");
    assert_eq!(node.metric(&asked).await, 5, "after five failures in a row");
    let circuit = format!("seawall_origin_server_circuit{{origin=\"shop\",server=\"http://{address}\"}}");
    assert_eq!(node.metric(&circuit).await, 2, "open");
    drop(socket);
}

/// Every way in which a server can fail before its body: an idempotent request is answered by the other server, and one
/// that may have had its effect is not repeated.
#[tokio::test]
async fn what_one_server_fails_another_answers_where_that_is_safe() {
    let half = "HTTP/1.1 200 OK\r\ncontent-le";
    for (name, bad) in [
        ("resets before a byte", Answer::bare("")),
        ("resets mid-header", Answer::bare(half)),
        ("closes mid-header", Answer::half_closed(half)),
        ("sends garbage", Answer::bare("SSH-2.0-what\r\n\r\n")),
        ("stalls", Answer::silence()),
        ("says that it is overloaded", Answer::new(503, "busy")),
        ("says that what is behind it is gone", Answer::new(502, "gone")),
    ] {
        let world = World::new();
        let (bad, well) = (answering(bad), server("well"));
        // Only where it is needed: a loaded machine may keep a good server from answering in time, too.
        let limit = if name == "stalls" { "try_timeout = \"1s\"" } else { "" };
        let node = world.start(plan(&[url(&bad), url(&well)]).origin(limit)).await;
        for _ in 0..4 {
            let got = node.get("/x").await;
            assert_eq!(got.says(), (200, "well"), "{name}");
        }
        assert!(bad.count("/x") > 0, "{name}: it was tried");
        let got = [post(&node).await, post(&node).await];
        assert!(got.iter().any(|got| got.status == 200), "{name}: one of two turns is the good server's");
        let posts =
            |server: &Origin| server.asked("/x").iter().filter(|asked| asked.method == "POST").count();
        assert_eq!(posts(&bad) + posts(&well), 2, "{name}: nothing is sent twice");
        // It hangs for as long as it is asked: let it go before the node drains.
        bad.cut();
    }
}

async fn post(node: &Node) -> Got {
    node.send(&Ask::new("POST", "/x")).await
}

#[tokio::test]
async fn a_body_that_breaks_off_is_neither_whole_nor_begun_again_elsewhere() {
    for chunked in [false, true] {
        let world = World::new();
        let gate = Gate::closed();
        let cut = Answer::cacheable("half").then_at(&gate, "ha").breaking_off();
        let bad = answering(if chunked { cut.chunked() } else { cut });
        let well = answering(Answer::cacheable("whole"));
        let node = world.start(plan(&[url(&bad), url(&well)])).await;
        let mut got = node.open(&Ask::get("/x")).await;
        got.reads("half").await;
        gate.open();
        assert_eq!(got.rest().await, Err(BrokenOff), "chunked: {chunked}");
        assert_eq!(well.count("/x"), 0, "the body had begun");
        assert_eq!(node.get("/x").await.says(), (200, "whole"), "and nothing of it was kept");
        assert_eq!(node.metric(&metric("server_failures_total", &bad)).await, 1);
    }
}

/// One that closes in good order after half of what it promised has not sent a whole body either.
#[tokio::test]
async fn a_body_that_ends_too_early_is_broken() {
    let world = World::new();
    let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 8\r\n\r\nhalf";
    let origin = Origin::start();
    origin.says_in_turn("/x", &[Answer::half_closed(head), Answer::cacheable("the whole")]);
    let node = world.start(plan(&[url(&origin)])).await;
    let mut got = node.open(&Ask::get("/x")).await;
    assert_eq!(got.rest().await, Err(BrokenOff));
    assert_eq!(node.get("/x").await.says(), (200, "the whole"));
}

/// A gateway error is an answer, and goes through where nobody has a better one.
#[tokio::test]
async fn where_all_servers_say_that_they_cannot_the_client_hears_it() {
    let world = World::new();
    let (a, b) = (answering(Answer::new(503, "busy")), answering(Answer::new(503, "busy")));
    let node = world.start(plan(&[url(&a), url(&b)])).await;
    assert_eq!(node.get("/x").await.says(), (503, "busy"));
    assert_eq!((a.count("/x"), b.count("/x")), (1, 1));
}

#[tokio::test]
async fn retries_have_a_budget_and_what_reached_nobody_is_free() {
    let world = World::new();
    let (bad, well) = (answering(Answer::bare("")), server("well"));
    let retry = "retry = { percent = 0, min_per_second = 0 }";
    let node = world.start(plan(&[url(&bad), url(&well)]).origin(retry)).await;
    let statuses = [node.get("/x").await.status, node.get("/x").await.status];
    assert!(statuses.contains(&502) && statuses.contains(&200), "{statuses:?}");
    assert_eq!(node.metric("seawall_origin_retries_refused_total{origin=\"shop\"}").await, 1);

    let (socket, address) = nobody();
    let world = World::new();
    let node = world.start(plan(&[format!("\"http://{address}\""), url(&well)]).origin(retry)).await;
    all_answered(&node, 4, &["well"]).await;
    drop(socket);
}

#[tokio::test]
async fn all_tries_together_have_a_deadline() {
    let world = World::new();
    let (a, b) = (answering(Answer::silence()), answering(Answer::silence()));
    let limits = "try_timeout = \"10s\"\ntimeout = \"500ms\"";
    let node = world.start(plan(&[url(&a), url(&b)]).origin(limits)).await;
    let got = node.get("/x").await;
    assert_eq!((got.status, got.field("proxy-status")), (504, Some("fra-1; error=http_response_timeout")));
    assert!(a.count("/x") + b.count("/x") < 2, "no time was left for the other");
    a.cut();
    b.cut();
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_not_used_again() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/x", Answer::uncacheable("x"));
    all_answered(&node, 3, &["x"]).await;
    let before = world.origin.connections();
    world.pass(200).await;
    // Each of the old ones carries one more request at most.
    for _ in 0..=before {
        all_answered(&node, 1, &["x"]).await;
    }
    assert!(world.origin.connections() > before, "the name may stand for something else by now");
}

/// A server may close an idle connection whenever it likes; a request without a body is not one that may be repeated
/// only for that.
#[tokio::test]
async fn a_post_does_not_go_to_a_connection_that_has_been_idle() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/x", Answer::uncacheable("x"));
    all_answered(&node, 1, &["x"]).await;
    let before = world.origin.connections();
    assert_eq!(node.send(&Ask::new("POST", "/x")).await.status, 200);
    assert_eq!(world.origin.connections(), before + 1, "it may have been about to end");
}
