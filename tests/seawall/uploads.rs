//! What clients send: streamed, at the origin's pace, within limits of its own, with its trailers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::harness::wire::{Head, read_head};
use crate::harness::{Answer, Ask, Gate, Node, Plan, World, bounded, lines, until};

/// A connection with small buffers of its own, so that what is under way is somebody else's.
async fn connect(node: &Node) -> BufReader<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(16 << 10).unwrap();
    BufReader::new(bounded("a connection", socket.connect(node.http)).await.unwrap())
}

async fn head(stream: &mut BufReader<TcpStream>) -> Head {
    bounded("a head", read_head(stream)).await.unwrap().expect("the connection goes on")
}

/// The client's fault, not the origin's, whatever the origin's limits are (RFC 9110 §15.5.9).
#[tokio::test]
async fn an_upload_that_stalls_is_the_clients_fault() {
    let world = World::new();
    for (path, first_byte) in [("/quick-origin", "20ms"), ("/slow-origin", "10s")] {
        let plan = Plan::new("fra-1", "fra").listen("body_timeout = \"100ms\"");
        let node = world.start(plan.origin(&format!("first_byte_timeout = \"{first_byte}\""))).await;
        let ask = Ask::new("POST", path).field("content-length", "10").raw_body("half");
        let got = node.send(&ask).await;
        assert_eq!(got.status, 408, "{got:?}");
        assert_eq!(got.field("connection"), Some("close"));
        assert_eq!(got.field("proxy-status"), Some("fra-1; error=http_request_error"));
        assert_eq!(got.cache(), "fwd=method; detail=request-timeout");
        let line = lines::of_path(path).pop().unwrap();
        assert_eq!((line["cause"].as_str(), line["blame"].as_str()), ("request-timeout", "client"));
        node.stop();
    }
}

/// The whole body is there: from then on the time is the origin's.
#[tokio::test]
async fn an_origin_that_does_not_answer_an_upload_is_at_fault() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").origin("first_byte_timeout = \"50ms\"")).await;
    world.origin.says("/form", Answer::silence());
    let got = node.send(&Ask::new("POST", "/form").body("all of it")).await;
    assert_eq!((got.status, got.cache().as_str()), (504, "fwd=method; detail=response-timeout"));
    assert_eq!(world.origin.asked("/form")[0].body, "all of it");
}

/// An origin that takes nothing is late, however much the client still has to send.
#[tokio::test]
async fn an_origin_that_takes_no_more_of_an_upload_is_at_fault() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plan = Plan::new("fra-1", "fra").in_front_of(listener.local_addr().unwrap());
    let node = world.start(plan.origin("first_byte_timeout = \"100ms\"")).await;
    let mut client = connect(&node).await;
    let upload = async {
        let head = "POST /stuck HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 1000000000\r\n\r\n";
        client.get_mut().write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b'x'; 64 << 10];
        while client.get_mut().write_all(&piece).await.is_ok() {}
    };
    let (accepted, ()) = bounded("the end of it", async { tokio::join!(listener.accept(), upload) }).await;
    drop(accepted);
    until("a line in the log", || !lines::of_path("/stuck").is_empty()).await;
    let line = lines::of_path("/stuck").pop().unwrap();
    assert_eq!((line["cause"].as_str(), line["blame"].as_str()), ("response-timeout", "origin"));
}

/// Most that may be between a client and an origin: four socket buffers at the size to which Linux lets them grow.
const UNDER_WAY_MAX_BYTES: u64 = 20 << 20;

/// The origin reads a piece at a time: the client never gets further ahead than what sockets hold.
#[tokio::test]
async fn an_upload_goes_at_the_origins_pace() {
    const TOTAL: u64 = 96 << 20;
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(listener.local_addr().unwrap())).await;
    let sent = Arc::new(AtomicU64::new(0));
    let mut client = connect(&node).await;
    let uploading = {
        let sent = Arc::clone(&sent);
        tokio::spawn(async move {
            let head = format!("PUT /film HTTP/1.1\r\nhost: shop.example\r\ncontent-length: {TOTAL}\r\n\r\n");
            client.get_mut().write_all(head.as_bytes()).await.unwrap();
            let piece = vec![b'x'; 64 << 10];
            while sent.load(Ordering::Relaxed) < TOTAL {
                client.get_mut().write_all(&piece).await.unwrap();
                sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
            read_head(&mut client).await.unwrap().unwrap().start
        })
    };
    let (stream, _) = bounded("the node asks", listener.accept()).await.unwrap();
    let mut origin = BufReader::new(stream);
    assert!(head(&mut origin).await.start.starts_with("PUT /film "));
    let mut piece = vec![0; 64 << 10];
    let mut read = 0;
    while read < TOTAL {
        read += bounded("more of the body", origin.read(&mut piece)).await.unwrap() as u64;
        let ahead = sent.load(Ordering::Relaxed).saturating_sub(read);
        assert!(ahead < UNDER_WAY_MAX_BYTES, "{ahead} bytes are held between client and origin");
    }
    origin.get_mut().write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(bounded("the answer", uploading).await.unwrap(), "HTTP/1.1 201 Created");
}

/// The client waits for a word before it sends its body (RFC 9110 §10.1.1), and gets it when there is an origin to send
/// it to; where the answer is known without the body, it gets that.
#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it() {
    let world = World::new();
    let node = world.node().await;
    world
        .origin
        .answers("/form", |asked| Answer::new(200, &asked.body).field("x-expect", asked.field("expect")));
    let mut client = connect(&node).await;
    let ask = |host: &str| {
        format!("POST /form HTTP/1.1\r\nhost: {host}\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n")
    };
    client.get_mut().write_all(ask("shop.example").as_bytes()).await.unwrap();
    assert_eq!(head(&mut client).await.start, "HTTP/1.1 100 Continue");
    assert_eq!(world.origin.count("/form"), 0, "its body has not been sent");
    client.get_mut().write_all(b"hello").await.unwrap();
    let last = head(&mut client).await;
    assert_eq!((last.start.as_str(), last.one("x-expect")), ("HTTP/1.1 200 OK", Some("")));

    let mut other = connect(&node).await;
    other.get_mut().write_all(ask("nobody.example").as_bytes()).await.unwrap();
    assert!(head(&mut other).await.start.starts_with("HTTP/1.1 421 "));
}

/// Trailers of a request reach the origin (RFC 9110 §6.5).
#[tokio::test]
async fn trailers_of_a_request_reach_the_origin() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(listener.local_addr().unwrap())).await;
    let ask = Ask::new("POST", "/form")
        .field("transfer-encoding", "chunked")
        .field("trailer", "x-sum")
        .raw_body("5\r\nhello\r\n0\r\nx-sum: 532\r\n\r\n");
    let origin = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut origin = BufReader::new(stream);
        let head = head(&mut origin).await;
        let mut body = String::new();
        while !body.ends_with("\r\n\r\n") {
            assert!(origin.read_line(&mut body).await.unwrap() > 0, "{body}");
        }
        origin.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        (head, body)
    };
    let (got, (head, body)) = bounded("the exchange", async { tokio::join!(node.send(&ask), origin) }).await;
    assert_eq!(got.status, 204);
    assert_eq!(head.one("trailer"), Some("x-sum"));
    assert_eq!(body, "5\r\nhello\r\n0\r\nx-sum: 532\r\n\r\n");
}

/// A client that leaves in the middle of its upload ends it at the origin as well, and there as something broken.
#[tokio::test]
async fn an_upload_whose_client_leaves_breaks_off_at_the_origin() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(listener.local_addr().unwrap())).await;
    let (half, gate) = (Gate::closed(), Gate::closed());
    let mut client = connect(&node).await;
    let ask = "POST /form HTTP/1.1\r\nhost: shop.example\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    client.get_mut().write_all(ask.as_bytes()).await.unwrap();
    let leaves = async {
        half.pass().await;
        drop(client);
        gate.open();
    };
    let origin = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut origin = BufReader::new(stream);
        head(&mut origin).await;
        let mut body = vec![0; 9];
        origin.read_exact(&mut body).await.unwrap();
        half.open();
        gate.pass().await;
        let mut rest = Vec::new();
        let _ = origin.read_to_end(&mut rest).await;
        (body, rest)
    };
    let ((body, rest), ()) = bounded("the end of it", async { tokio::join!(origin, leaves) }).await;
    assert_eq!(body, b"4\r\nhalf\r\n");
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it must not look whole: {rest:?}");
}

/// The origin has answered without waiting for the body (RFC 9112 §9.3), and the client stalls: nobody waits for it.
#[tokio::test]
async fn an_answer_before_the_end_of_an_upload_reaches_a_client_that_stalls() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plan = Plan::new("fra-1", "fra").listen("body_timeout = \"50ms\"");
    let node = world.start(plan.in_front_of(listener.local_addr().unwrap())).await;
    let mut client = connect(&node).await;
    let ask = "POST /form HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 10\r\n\r\nhalf";
    client.get_mut().write_all(ask.as_bytes()).await.unwrap();
    let (stream, _) = bounded("the node asks", listener.accept()).await.unwrap();
    let mut origin = BufReader::new(stream);
    head(&mut origin).await;
    origin.get_mut().write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
    assert_eq!(head(&mut client).await.start, "HTTP/1.1 403 Forbidden");
    let (mut rest, mut body) = (Vec::new(), Vec::new());
    bounded("the end of both connections", async {
        let _ = tokio::join!(client.read_to_end(&mut rest), origin.read_to_end(&mut body));
    })
    .await;
    assert_eq!(rest, b"no");
}
