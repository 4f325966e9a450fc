//! Clients that are slow on purpose, or send what costs more to read than to write. Each is ended by a limit with a name,
//! and an honest client is served meanwhile.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::tls::Authority;
use crate::harness::{Answer, Ask, Node, Plan, World, bounded};

/// Limits that pass while a test runs.
fn short() -> Plan {
    let plan = Plan::new("fra-1", "fra").listen("head_timeout = \"300ms\"");
    plan.listen("idle_timeout = \"500ms\"").listen("stall_timeout = \"400ms\"")
}

fn cut(why: &str) -> String {
    format!("seawall_connections_cut_total{{why=\"{why}\"}}")
}

fn refused(why: &str) -> String {
    format!("seawall_connections_refused_total{{why=\"{why}\"}}")
}

/// The bytes up to the end of the connection, which must come.
async fn to_the_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = bounded("the end of the connection", stream.read_to_end(&mut bytes)).await;
    bytes
}

async fn serves(node: &Node) {
    assert_eq!(node.get("/page").await.says(), (200, "hello"));
}

#[tokio::test]
async fn slowloris_is_cut_and_others_are_served() {
    let world = World::new();
    let node = world.start(short()).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(node.http).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: shop.example\r\n").await.unwrap();
        slow.push(stream);
    }
    let dripping = tokio::spawn(async move {
        let mut every = tokio::time::interval(std::time::Duration::from_millis(20));
        while !slow.is_empty() {
            every.tick().await;
            let mut left = Vec::new();
            for mut stream in slow {
                if stream.write_all(b"x: y\r\n").await.is_ok() {
                    left.push(stream);
                }
            }
            slow = left;
        }
    });
    serves(&node).await;
    bounded("every one is cut", dripping).await.unwrap();
    assert_eq!(node.metric(&cut("head-timeout")).await, 200);
    serves(&node).await;
}

#[tokio::test]
async fn idle_connections_end_and_a_used_one_later_than_a_silent_one() {
    let world = World::new();
    let node = world.start(short()).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    let mut silent = TcpStream::connect(node.http).await.unwrap();
    assert_eq!(to_the_end(&mut silent).await, b"");
    assert_eq!(node.metric(&cut("head-timeout")).await, 1);
    let mut used = TcpStream::connect(node.http).await.unwrap();
    used.write_all(b"GET /page HTTP/1.1\r\nhost: shop.example\r\n\r\n").await.unwrap();
    assert!(to_the_end(&mut used).await.ends_with(b"hello"));
    assert_eq!(node.metric(&cut("idle-timeout")).await, 1);
}

#[tokio::test]
async fn who_does_not_read_is_cut() {
    let world = World::new();
    let node = world.start(short()).await;
    // More than the kernel holds for both sides.
    world.origin.says("/large", Answer::cacheable(&"x".repeat(24 << 20)));
    world.origin.says("/page", Answer::cacheable("hello"));
    let mut stream = TcpStream::connect(node.http).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: shop.example\r\n\r\n").await.unwrap();
    node.counts(&cut("stall-timeout"), 1).await;
    serves(&node).await;
    assert!(to_the_end(&mut stream).await.len() < 24 << 20, "it was not sent to the end");
}

#[tokio::test]
async fn a_request_that_takes_too_long_altogether_is_cut() {
    let world = World::new();
    let node = world.start(short().listen("total_timeout = \"600ms\"")).await;
    world.origin.says("/never", Answer::silence());
    let mut stream = TcpStream::connect(node.http).await.unwrap();
    stream.write_all(b"GET /never HTTP/1.1\r\nhost: shop.example\r\n\r\n").await.unwrap();
    assert_eq!(to_the_end(&mut stream).await, b"");
    assert_eq!(node.metric(&cut("total-timeout")).await, 1);
}

#[tokio::test]
async fn there_are_so_many_connections_and_so_many_of_one_client() {
    let world = World::new();
    world.origin.says("/page", Answer::cacheable("hello"));
    for (key, why) in
        [("max_connections", "max-connections"), ("max_connections_per_client", "max-connections-per-client")]
    {
        let node = world.start(Plan::new("fra-1", "fra").listen(&format!("{key} = 3"))).await;
        let get = b"GET /page HTTP/1.1\r\nhost: shop.example\r\n\r\n";
        let mut kept = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(node.http).await.unwrap();
            stream.write_all(get).await.unwrap();
            bounded("a response", stream.readable()).await.unwrap();
            kept.push(stream);
        }
        let mut one_more = TcpStream::connect(node.http).await.unwrap();
        let _ = one_more.write_all(get).await;
        assert_eq!(to_the_end(&mut one_more).await, b"", "{key}");
        assert_eq!(node.metric(&refused(why)).await, 1);
        assert_eq!(node.metric("seawall_connections{listener=\"http\"}").await, 3);
        drop(kept);
        bounded("there is room again", async {
            while node.metric("seawall_connections{listener=\"http\"}").await > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(Ask::get("/page").send(node.http).await.says(), (200, "hello"));
        node.stop();
    }
}

#[tokio::test]
async fn a_thousand_half_open_handshakes_keep_nobody_out() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let plan = authority.plan(&["shop"]).listen("max_handshakes = 100");
    let node = world.start(plan.listen("max_connections_per_client = 5000")).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    let https = node.https.unwrap();
    let mut half_open = Vec::new();
    for nth in 0..1000 {
        let mut stream = TcpStream::connect(https).await.unwrap();
        // The first bytes of a ClientHello, or none.
        if nth % 2 == 0 {
            stream.write_all(&[22, 3, 1, 2, 0, 1, 0]).await.unwrap();
        }
        half_open.push(stream);
    }
    let (_, body) = authority.client(&["http/1.1"]).ask(https, "shop.example", "/page").await;
    assert_eq!(body, "hello");
    node.counts("seawall_tls_handshakes_total{outcome=\"cut\"}", 900).await;
    assert!(node.metric("seawall_connections{listener=\"https\"}").await <= 101);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = world.start(authority.plan(&["shop"]).listen("handshake_timeout = \"200ms\"")).await;
    let mut stream = TcpStream::connect(node.https.unwrap()).await.unwrap();
    assert_eq!(to_the_end(&mut stream).await, b"");
    node.counts("seawall_tls_handshakes_total{outcome=\"timed-out\"}", 1).await;
}

/// HTTP/2 frame by frame (RFC 9113 §4.1).
struct Frames(TcpStream);

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

impl Frames {
    async fn open(to: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut frames = Self(stream);
        assert!(frames.send(4, 0, 0, &[]).await);
        frames
    }

    /// `false` where the connection takes no more.
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame).await.is_ok()
    }

    /// The error of the `GOAWAY` before the end, where there was one.
    async fn error(&mut self) -> Option<u32> {
        let bytes = to_the_end(&mut self.0).await;
        let mut rest = bytes.as_slice();
        let mut error = None;
        while let [a, b, c, kind, _, _, _, _, _, tail @ ..] = rest {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            if tail.len() < length {
                break;
            }
            if let (GOAWAY, [_, _, _, _, e @ ..]) = (*kind, &tail[..length]) {
                error = Some(u32::from_be_bytes([e[0], e[1], e[2], e[3]]));
            }
            rest = &tail[length..];
        }
        error
    }
}

/// `GET path` of the shop, in HPACK without its table (RFC 7541 §6.2.2).
fn get(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.as_bytes());
    block.extend([0x01, 12]);
    block.extend(b"shop.example");
    block
}

/// CVE-2023-44487: streams opened and reset at once.
#[tokio::test]
async fn rapid_reset_ends_the_connection() {
    let world = World::new();
    let node = world.start(short()).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    world.origin.says("/slow", Answer::silence());
    let mut frames = Frames::open(node.http).await;
    let block = get("/slow");
    let mut stream = 1;
    while stream < 40_000
        && frames.send(HEADERS, 0x5, stream, &block).await
        && frames.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await
    {
        stream += 2;
    }
    assert!(stream < 40_000 || frames.error().await == Some(ENHANCE_YOUR_CALM), "it was let go on");
    serves(&node).await;
    assert!(world.origin.count("/slow") <= 400, "{}", world.origin.count("/slow"));
}

/// The same, but each reset only after the request has been looked at: what hyper does not count.
#[tokio::test]
async fn resets_of_requests_under_way_end_the_connection() {
    let world = World::new();
    let node = world.start(short()).await;
    world.origin.says("/slow", Answer::silence());
    let mut frames = Frames::open(node.http).await;
    for nth in 0..257u32 {
        let stream = nth * 2 + 1;
        let path = format!("/slow?{nth}");
        world.origin.says(&path, Answer::silence());
        if !frames.send(HEADERS, 0x5, stream, &get(&path)).await {
            break;
        }
        world.origin.is_asked(&path, 1).await;
        if !frames.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await {
            break;
        }
    }
    node.counts(&cut("resets"), 1).await;
    to_the_end(&mut frames.0).await;
}

/// CVE-2024-27316: a head that never ends.
#[tokio::test]
async fn a_flood_of_continuations_ends_the_connection() {
    let world = World::new();
    let node = world.start(short()).await;
    let mut frames = Frames::open(node.http).await;
    assert!(frames.send(HEADERS, 0x1, 1, &get("/page")).await);
    // A literal field that is not indexed: `x: y`.
    let block = [0, 1, b'x', 1, b'y'].repeat(1000);
    let mut sent = 0;
    while sent < 10_000 && frames.send(CONTINUATION, 0, 1, &block).await {
        sent += 1;
    }
    assert!(sent < 10_000, "50 MB of fields were taken");
    serves_nothing_of(&world);
}

fn serves_nothing_of(world: &World) {
    assert_eq!(world.origin.count("/page"), 0);
}

/// A flood of fields over HTTP/1.1, line by line, past what is held for a head.
#[tokio::test]
async fn a_flood_of_fields_is_refused() {
    let world = World::new();
    let node = world.start(short()).await;
    let mut stream = TcpStream::connect(node.http).await.unwrap();
    stream.write_all(b"GET /page HTTP/1.1\r\nhost: shop.example\r\n").await.unwrap();
    let line = [b"x: ".as_slice(), &[b'y'; 1000], b"\r\n"].concat();
    let mut sent = 0;
    while sent < 50_000 && stream.write_all(&line).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 50_000, "50 MB of fields were taken");
    serves_nothing_of(&world);
}
