//! Interim responses (RFC 9110 §15.2): forwarded as they come, in their place, and never stored.

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::harness::wire::{Body, Head, read_head, read_piece};
use crate::harness::{Answer, Ask, Gate, Node, Plan, World, bounded, together};

const HINT: &str = "link: </a.css>; rel=preload\r\n";

/// A client that sees every head.
struct Talk(BufReader<TcpStream>);

impl Talk {
    async fn with(node: &Node) -> Self {
        Self(BufReader::new(TcpStream::connect(node.http).await.unwrap()))
    }

    async fn says(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    async fn gets(&mut self, path: &str) {
        self.says(&format!("GET {path} HTTP/1.1\r\nhost: shop.example\r\n\r\n")).await;
    }

    /// The next head, whatever it is.
    async fn head(&mut self) -> Head {
        bounded("a head", read_head(&mut self.0)).await.unwrap().expect("the connection goes on")
    }

    /// All heads up to the final one, and its body.
    async fn response(&mut self) -> (Vec<Head>, String) {
        let mut heads = Vec::new();
        loop {
            let head = self.head().await;
            let mut framing = if status(&head) < 200 { Body::Done } else { head.body(Body::Close) };
            heads.push(head);
            if status(&heads[heads.len() - 1]) < 200 {
                continue;
            }
            let mut body = Vec::new();
            while framing != Body::Done {
                body.extend(bounded("the body", read_piece(&mut self.0, &mut framing)).await.unwrap());
            }
            return (heads, String::from_utf8(body).unwrap());
        }
    }
}

fn status(head: &Head) -> u16 {
    head.start.split(' ').nth(1).unwrap().parse().unwrap()
}

fn statuses(heads: &[Head]) -> Vec<u16> {
    heads.iter().map(status).collect()
}

/// The gate holds the final response back until the hint has been read.
#[tokio::test]
async fn a_hint_arrives_before_the_origin_has_answered() {
    let world = World::new();
    let node = world.node().await;
    for (path, answer, method) in [
        ("/stored", Answer::cacheable("at last"), "GET"),
        ("/not-stored", Answer::uncacheable("at last"), "GET"),
        ("/passed", Answer::new(200, "at last"), "DELETE"),
    ] {
        let gate = Gate::closed();
        world.origin.says(path, answer.interim(103, HINT).at(&gate));
        let mut client = Talk::with(&node).await;
        client.says(&format!("{method} {path} HTTP/1.1\r\nhost: shop.example\r\n\r\n")).await;
        let hint = client.head().await;
        assert_eq!(status(&hint), 103, "{path}");
        assert_eq!(hint.fields, [("link".to_owned(), "</a.css>; rel=preload".to_owned())], "{path}");
        gate.open();
        let (heads, body) = client.response().await;
        assert_eq!((statuses(&heads), body.as_str()), (vec![200], "at last"), "{path}");
        assert_eq!(heads[0].one("link"), None, "{path}: it is a response of its own");
    }
}

#[tokio::test]
async fn a_hit_has_no_hint() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("hello").interim(103, HINT));
    let mut client = Talk::with(&node).await;
    client.gets("/page").await;
    assert_eq!(statuses(&client.response().await.0), [103, 200]);
    node.counts("seawall_cache_stored_total", 1).await;
    client.gets("/page").await;
    let (heads, body) = client.response().await;
    assert_eq!((statuses(&heads), body.as_str()), (vec![200], "hello"));
    assert_eq!(world.origin.count("/page"), 1);
}

/// Hint and answer in one packet, many times on one connection: the answer never overtakes.
#[tokio::test]
async fn each_keeps_its_place() {
    let world = World::new();
    let node = world.node().await;
    let answer = Answer::uncacheable("hello").interim(102, "").interim(103, HINT).interim(103, "x: 1\r\n");
    world.origin.says("/page", answer.interim(100, "").interim(199, ""));
    let mut client = Talk::with(&node).await;
    for _ in 0..100 {
        client.gets("/page").await;
        let (heads, body) = client.response().await;
        assert_eq!(statuses(&heads), [102, 103, 103, 199, 200], "a 100 is for the one who sent the body");
        assert_eq!(heads[2].one("x"), Some("1"));
        assert_eq!(body, "hello");
    }
}

/// Three requests at once, and a client that reads late: the hint of the second waits for the whole first response.
#[tokio::test]
async fn a_hint_waits_for_the_responses_before_its_own() {
    let world = World::new();
    let node = world.node().await;
    let large = "x".repeat(8 << 20);
    world.origin.says("/large", Answer::cacheable(&large));
    world.origin.says("/page", Answer::cacheable("hello").interim(103, HINT));
    world.origin.says("/last", Answer::cacheable("bye").interim(103, HINT));
    node.get("/large").await;

    let mut client = Talk::with(&node).await;
    let ask = |path| format!("GET {path} HTTP/1.1\r\nhost: shop.example\r\n\r\n");
    client.says(&(ask("/large") + &ask("/page") + &ask("/last"))).await;
    for (statuses_expected, length) in [(vec![200], large.len()), (vec![103, 200], 5), (vec![103, 200], 3)] {
        let (heads, body) = client.response().await;
        assert_eq!((statuses(&heads), body.len()), (statuses_expected, length));
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_none() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::uncacheable("hello").interim(103, HINT));
    let mut client = Talk::with(&node).await;
    client.says("GET /page HTTP/1.0\r\nhost: shop.example\r\n\r\n").await;
    let (heads, body) = client.response().await;
    assert_eq!((statuses(&heads), body.as_str()), (vec![200], "hello"));
}

#[tokio::test]
async fn what_is_the_connections_or_the_systems_own_is_not_forwarded() {
    let world = World::new();
    let node = world.node().await;
    let fields = "connection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\ncontent-length: 7\r\n\
        seawall-position: 7\r\nx-end-to-end: 2\r\n";
    world.origin.says("/page", Answer::cacheable("hello").interim(103, fields));
    let mut client = Talk::with(&node).await;
    client.gets("/page").await;
    let (heads, body) = client.response().await;
    assert_eq!(statuses(&heads), [103, 200]);
    assert_eq!(heads[0].fields, [("x-end-to-end".to_owned(), "2".to_owned())]);
    assert_eq!(body, "hello");
}

/// The first is bounded by count; the second never ends, and the first-byte limit, which interim responses do not touch,
/// ends it.
#[tokio::test]
async fn a_flood_is_bounded() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").origin("first_byte_timeout = \"100ms\"")).await;
    let flood = |answer: Answer| (0..2000).fold(answer, |answer, _| answer.interim(103, HINT));
    world.origin.says("/flood", flood(Answer::cacheable("hello")));
    world.origin.says("/endless", flood(Answer::silence()));
    let mut client = Talk::with(&node).await;
    for (path, last) in [("/flood", 200), ("/endless", 504)] {
        client.gets(path).await;
        let heads = statuses(&client.response().await.0);
        assert_eq!(heads.len(), 17, "{path}: 16 and the final one");
        assert_eq!(heads.last(), Some(&last), "{path}");
    }
}

#[tokio::test]
async fn those_who_follow_get_the_final_response_alone() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/page", Answer::cacheable("hello").interim(103, HINT).at(&gate));
    let mut leader = Talk::with(&node).await;
    leader.gets("/page").await;
    assert_eq!(status(&leader.head().await), 103);
    let followers = together((0..10).map(|_| async {
        let mut follower = Talk::with(&node).await;
        follower.gets("/page").await;
        follower.response().await
    }));
    let director = async {
        node.counts("seawall_cache_followed_total", 10).await;
        gate.open();
    };
    let (followers, ()) = tokio::join!(followers, director);
    for (heads, body) in followers.into_iter().chain([leader.response().await]) {
        assert_eq!((statuses(&heads), body.as_str()), (vec![200], "hello"));
    }
    assert_eq!(world.origin.count("/page"), 1);
}

/// The hint comes when its client is gone.
#[tokio::test]
async fn a_leader_that_left_is_not_told_and_the_others_are_served() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let hint = format!("HTTP/1.1 103 Early\r\n{HINT}\r\n");
    let whole =
        format!("{hint}HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\nhello");
    world.origin.says("/page", Answer::bare(&whole).at(&gate));
    let mut leader = Talk::with(&node).await;
    leader.gets("/page").await;
    gate.is_reached(1).await;
    let follower = async {
        let mut follower = Talk::with(&node).await;
        follower.gets("/page").await;
        follower.response().await
    };
    let director = async {
        node.counts("seawall_cache_followed_total", 1).await;
        // The node closes its end once it knows.
        leader.0.get_mut().shutdown().await.unwrap();
        let mut end = Vec::new();
        let _ = bounded("the leader's end", leader.0.read_to_end(&mut end)).await;
        gate.open();
        end
    };
    let ((heads, body), end) = tokio::join!(follower, director);
    assert_eq!((statuses(&heads), body.as_str()), (vec![200], "hello"));
    assert!(end.is_empty(), "{}", String::from_utf8_lossy(&end));
}

#[tokio::test]
async fn a_hint_comes_through_the_shield() {
    let world = World::new();
    let (fra, _nyc, ams) = world.edges_and_shield().await;
    let gate = Gate::closed();
    world.origin.says("/page", Answer::cacheable("hello").interim(103, HINT).at(&gate));
    let mut client = Talk::with(&fra).await;
    client.gets("/page").await;
    let hint = client.head().await;
    assert_eq!((status(&hint), hint.fields.len()), (103, 1), "{hint:?}");
    gate.open();
    let (heads, body) = client.response().await;
    assert_eq!((statuses(&heads), body.as_str()), (vec![200], "hello"));
    ams.counts("seawall_cache_stored_total", 1).await;
    assert_eq!(ams.send(&Ask::get("/page")).await.cache(), "hit; ttl=60");
}
