//! Connections that leave HTTP (RFC 9110 §7.8), as WebSockets do: what either side sends, the other gets.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::harness::tls::Authority;
use crate::harness::wire::{Head, read_head};
use crate::harness::{Answer, Ask, Plan, World, bounded};

const OPEN: &str = "GET /chat HTTP/1.1\r\nhost: shop.example\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// An origin that switches to a protocol in which everything is said back in capitals. What it was asked comes out.
async fn shouting_origin() -> (SocketAddr, mpsc::UnboundedReceiver<Head>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, heads) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(shout(stream, asked.clone()));
        }
    });
    (address, heads)
}

async fn shout(stream: TcpStream, asked: mpsc::UnboundedSender<Head>) {
    let mut stream = BufReader::new(stream);
    let Ok(Some(head)) = read_head(&mut stream).await else { return };
    let _ = asked.send(head);
    let accept = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n\
        sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nHELLO ";
    stream.get_mut().write_all(accept.as_bytes()).await.unwrap();
    let mut bytes = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        let said = bytes[..read].to_ascii_uppercase();
        if stream.get_mut().write_all(&said).await.is_err() {
            return;
        }
    }
}

/// Opens a tunnel, and says something with the head; what came back up to the end of it.
async fn open(stream: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>, first: &str) -> Head {
    stream.get_mut().write_all(format!("{OPEN}{first}").as_bytes()).await.unwrap();
    stream.get_mut().flush().await.unwrap();
    bounded("a head", read_head(stream)).await.unwrap().expect("the connection goes on")
}

async fn hears(stream: &mut BufReader<impl AsyncRead + Unpin>, text: &str) {
    let mut heard = vec![0; text.len()];
    bounded("what the origin says", stream.read_exact(&mut heard)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

#[tokio::test]
async fn a_websocket_goes_both_ways_and_keeps_its_place() {
    let world = World::new();
    let (origin, mut asked) = shouting_origin().await;
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(origin)).await;
    let mut stream = BufReader::new(TcpStream::connect(node.http).await.unwrap());
    let head = open(&mut stream, "early ").await;
    assert!(head.start.starts_with("HTTP/1.1 101"), "{head:?}");
    assert_eq!(head.one("upgrade"), Some("WebSocket"));
    assert_eq!(head.one("connection"), Some("upgrade"));
    assert_eq!(head.one("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(head.one("content-length"), None);
    let got = asked.recv().await.unwrap();
    assert_eq!((got.one("upgrade"), got.one("connection")), (Some("websocket"), Some("upgrade")));
    assert_eq!(got.one("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    hears(&mut stream, "HELLO EARLY ").await;
    for nth in 0..100 {
        stream.get_mut().write_all(format!("word {nth};").as_bytes()).await.unwrap();
        hears(&mut stream, &format!("WORD {nth};")).await;
    }
    let open = "seawall_connections{listener=\"http\"}";
    assert_eq!(node.metric(open).await, 1, "it counts as long as it lasts");
    assert_eq!(node.metric("seawall_requests_total{way=\"pass\"}").await, 1);
    drop(stream);
    bounded("its place is free", async {
        while node.metric(open).await > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_websocket_goes_over_tls() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let (origin, _asked) = shouting_origin().await;
    let node = world.start(authority.plan(&["shop"]).in_front_of(origin)).await;
    let stream = authority.client(&["http/1.1"]).connect(node.https.unwrap(), "shop.example").await.unwrap();
    let mut stream = BufReader::new(stream);
    assert!(open(&mut stream, "").await.start.starts_with("HTTP/1.1 101"));
    let word = "x".repeat(100_000);
    stream.get_mut().write_all(word.as_bytes()).await.unwrap();
    stream.get_mut().flush().await.unwrap();
    hears(&mut stream, &format!("HELLO {}", word.to_ascii_uppercase())).await;
}

#[tokio::test]
async fn a_silent_tunnel_ends_and_so_do_all_at_a_drain() {
    let world = World::new();
    let (origin, _asked) = shouting_origin().await;
    let plan = Plan::new("fra-1", "fra").in_front_of(origin);
    let node = world.start(plan.clone().listen("tunnel_timeout = \"200ms\"")).await;
    let mut stream = BufReader::new(TcpStream::connect(node.http).await.unwrap());
    open(&mut stream, "").await;
    hears(&mut stream, "HELLO ").await;
    assert_eq!(bounded("the end", stream.read(&mut [0; 1])).await.unwrap(), 0, "nothing was said");
    node.stop();

    let node = world.start(plan).await;
    let mut stream = BufReader::new(TcpStream::connect(node.http).await.unwrap());
    open(&mut stream, "").await;
    hears(&mut stream, "HELLO ").await;
    let drained = tokio::task::spawn_blocking(move || node.stop());
    let end = bounded("the end", stream.read(&mut [0; 1])).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    bounded("the drain", drained).await.unwrap();
}

#[tokio::test]
async fn an_origin_that_does_not_agree_answers_as_ever() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/chat", Answer::cacheable("no, thank you"));
    for _ in 0..2 {
        let ask = Ask::get("/chat").field("connection", "upgrade").field("upgrade", "websocket");
        let got = node.send(&ask).await;
        assert_eq!(got.says(), (200, "no, thank you"));
        assert_eq!(got.cache(), "fwd=bypass; fwd-status=200; detail=upgrade");
    }
    assert_eq!(world.origin.count("/chat"), 2, "what such a request gets is not stored");
}

#[tokio::test]
async fn http2_in_clear_text_is_not_an_upgrade() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::uncacheable("hello"));
    for upgrade in ["h2c", "websocket, h2c", "HTTP/2.0"] {
        let ask = Ask::get("/page").field("connection", "upgrade, http2-settings").field("upgrade", upgrade);
        assert_eq!(node.send(&ask.field("http2-settings", "AAMAAABk")).await.status, 200, "{upgrade}");
    }
    for asked in world.origin.asked("/page") {
        assert_eq!(
            (asked.field("upgrade"), asked.field("connection"), asked.field("http2-settings")),
            ("", "", "")
        );
    }
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_a_fault() {
    let world = World::new();
    let node = world.node().await;
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: irc\r\n\r\n";
    world.origin.says("/page", Answer::bare(switch));
    assert_eq!(node.get("/page").await.status, 502);
    let ask = Ask::get("/page").field("connection", "upgrade").field("upgrade", "websocket");
    assert_eq!(node.send(&ask).await.status, 502, "it was offered something else");
}
