//! What origins send: handed on as it comes, at the client's pace, kept only where it is whole and not too large.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::harness::wire::read_head;
use crate::harness::{Answer, Ask, BrokenOff, Gate, Plan, World, bounded, together};

#[tokio::test]
async fn a_body_over_the_limit_passes_through_and_is_not_kept() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").cache("max_object = \"64KiB\"")).await;
    let (fits, large) = ("x".repeat(64 << 10), "x".repeat((64 << 10) + 1));
    for (path, answer) in
        [("/large", Answer::cacheable(&large)), ("/large-in-chunks", Answer::cacheable(&large).chunked())]
    {
        world.origin.says(path, answer);
        for _ in 0..2 {
            assert_eq!(node.get(path).await.body.len(), large.len(), "{path}");
        }
        assert_eq!(world.origin.count(path), 2, "{path}");
    }
    assert_eq!(node.metric("seawall_cache_too_large_total").await, 4);
    world.origin.says("/fits", Answer::cacheable(&fits).chunked());
    node.get("/fits").await;
    assert!(node.get("/fits").await.cache().starts_with("hit"));
}

/// Those who joined before its size was known read it to its end; nobody joins afterwards.
#[tokio::test]
async fn a_body_that_proves_too_large_is_read_whole_by_those_who_joined() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").cache("max_object = \"64KiB\"")).await;
    let (first, second) = ("x".repeat(32 << 10), "y".repeat(4 << 20));
    let gate = Gate::closed();
    world.origin.says("/film", Answer::cacheable(&first).then_at(&gate, &second).chunked());
    let asks = vec![Ask::get("/film"); 5];
    let mut viewers = together(asks.iter().map(|ask| node.open(ask))).await;
    for viewer in &mut viewers {
        viewer.reads(&first).await;
    }
    gate.open();
    let rests = together(viewers.iter_mut().map(|viewer| viewer.rest())).await;
    assert!(rests.into_iter().all(|rest| rest.is_ok_and(|rest| rest == second)));
    assert_eq!(world.origin.count("/film"), 1);
    assert_eq!(node.get("/film").await.body.len(), first.len() + second.len());
    assert_eq!(world.origin.count("/film"), 2);
}

/// The connection ends as if all were said, and it is not; `faults.rs` has those that end with a reset.
#[tokio::test]
async fn a_body_that_ends_early_is_broken_for_the_client_and_not_kept() {
    let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n";
    for (path, start) in [
        ("/shorter-than-it-says", format!("{head}content-length: 8\r\n\r\nhalf")),
        ("/within-a-chunk", format!("{head}transfer-encoding: chunked\r\n\r\n8\r\nhalf")),
        ("/before-the-last-chunk", format!("{head}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n")),
        ("/within-its-trailers", format!("{head}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nx: ")),
    ] {
        let world = World::new();
        let node = world.node().await;
        world.origin.says_in_turn(path, &[Answer::bare(&start).hanging_up(), Answer::cacheable("whole")]);
        let mut got = node.open(&Ask::get(path)).await;
        assert_eq!(got.status, 200);
        got.reads("half").await;
        assert_eq!(got.rest().await, Err(BrokenOff), "{path}");
        node.is_idle().await;
        assert_eq!(node.metric("seawall_cache_stored_total").await, 0, "{path}");
        assert_eq!(node.get(path).await.says(), (200, "whole"), "{path}");
    }
}

/// Without a length, the end of the connection is the end of the body (RFC 9112 §6.3), and a reset is none.
#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_kept_only_if_that_ends_well() {
    let world = World::new();
    let node = world.node().await;
    let bytes = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n\r\nall of it";
    world.origin.says("/closed", Answer::bare(bytes).hanging_up());
    for cache in ["fwd=uri-miss; fwd-status=200; stored", "hit; ttl=60"] {
        let got = node.get("/closed").await;
        assert_eq!((got.body.as_str(), got.cache().as_str()), ("all of it", cache));
    }
    let gate = Gate::closed();
    world.origin.says("/reset", Answer::bare(bytes).then_at(&gate, ""));
    let mut got = node.open(&Ask::get("/reset")).await;
    got.reads("all of it").await;
    gate.open();
    assert_eq!(got.rest().await, Err(BrokenOff));
    node.is_idle().await;
    assert_eq!(node.metric("seawall_cache_stored_total").await, 1);
}

/// An origin that writes one large body as fast as it is taken, and counts.
async fn large_body(head: String, total: u64) -> (std::net::SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        read_head(&mut stream).await.unwrap();
        stream.get_mut().write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b'x'; 64 << 10];
        while counted.load(Ordering::Relaxed) < total && stream.get_mut().write_all(&piece).await.is_ok() {
            counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        // The client must see the end of the body, not of the connection.
        let _ = stream.read(&mut [0]).await;
    });
    (address, sent)
}

/// Most that may be between an origin and a client: socket buffers at the size to which Linux lets them grow, and the
/// window of a body that is not kept.
const UNDER_WAY_MAX_BYTES: u64 = 20 << 20;

/// A body that is not kept comes no faster than its slowest reader reads, and nobody holds the rest.
#[tokio::test]
async fn what_is_not_kept_comes_at_the_clients_pace() {
    const TOTAL: u64 = 96 << 20;
    for fields in ["cache-control: no-store", "cache-control: max-age=60"] {
        let world = World::new();
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\ncontent-length: {TOTAL}\r\n\r\n");
        let (origin, sent) = large_body(head, TOTAL).await;
        let plan = Plan::new("fra-1", "fra").cache("max_object = \"1MiB\"").in_front_of(origin);
        let node = world.start(plan).await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        let mut client = BufReader::new(socket.connect(node.http).await.unwrap());
        let ask = "GET /film HTTP/1.1\r\nhost: shop.example\r\n\r\n";
        client.get_mut().write_all(ask.as_bytes()).await.unwrap();
        bounded("a head", read_head(&mut client)).await.unwrap().unwrap();
        let mut piece = vec![0; 64 << 10];
        let mut read = 0;
        while read < TOTAL {
            let bytes = bounded("more of the body", client.read(&mut piece)).await.unwrap();
            assert!(bytes > 0, "{fields}: it ended after {read} bytes");
            read += bytes as u64;
            let ahead = sent.load(Ordering::Relaxed).saturating_sub(read);
            assert!(
                ahead < UNDER_WAY_MAX_BYTES,
                "{fields}: {ahead} bytes are held between origin and client"
            );
        }
    }
}

/// The whole response as bytes, over a connection of its own.
async fn raw(to: std::net::SocketAddr, path: &str, fields: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nhost: shop.example\r\nconnection: te, close\r\n{fields}\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut text = String::new();
    bounded("the response", stream.read_to_string(&mut text)).await.unwrap();
    text
}

/// They go to those who say that they take them; what is stored is stored without them, and without their announcement
/// (RFC 9110 §6.5, RFC 9111 §3.1).
#[tokio::test]
async fn trailers_of_a_response_reach_clients_and_not_the_store() {
    let world = World::new();
    let node = world.node().await;
    let with_trailers = |answer: Answer| answer.field("trailer", "x-sum").trailer("x-sum", "532");
    world.origin.says("/kept", with_trailers(Answer::cacheable("hello")));
    world.origin.says("/not-kept", with_trailers(Answer::uncacheable("hello")));
    world.origin.says("/passed", with_trailers(Answer::new(200, "hello")));

    for path in ["/not-kept", "/kept"] {
        let text = raw(node.http, path, "te: trailers\r\n").await;
        assert!(text.contains("\r\ntrailer: x-sum\r\n"), "{path}: {text}");
        assert!(text.ends_with("\r\n0\r\nx-sum: 532\r\n\r\n"), "{path}: {text}");
    }
    let text = raw(node.http, "/not-kept", "").await;
    assert!(text.ends_with("\r\n0\r\n\r\n"), "not to those who do not say so: {text}");
    let asked = world.origin.asked("/not-kept");
    assert!(asked.iter().all(|asked| asked.head.one("te").is_none()), "a fill asks for none");

    node.is_idle().await;
    let hit = raw(node.http, "/kept", "te: trailers\r\n").await;
    assert!(hit.contains("fra-1; hit") && hit.ends_with("\r\n\r\nhello"), "{hit}");
    assert!(!hit.contains("x-sum"), "{hit}");

    let delete = Ask::new("DELETE", "/passed").field("te", "trailers").field("connection", "te");
    assert_eq!(node.send(&delete).await.field("trailer"), Some("x-sum"));
    let asked = &world.origin.asked("/passed")[0];
    assert_eq!((asked.field("te"), asked.field("connection")), ("trailers", "te"));
}
