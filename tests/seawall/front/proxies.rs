//! Who a request is from, where others stand in front: the PROXY protocol, `Forwarded` and `X-Forwarded-*`; and what is
//! done to those that come without TLS.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::tls::Authority;
use crate::harness::{Answer, Ask, Asked, Node, Plan, World, bounded};

/// What the origin was told about a client.
fn told(asked: &Asked) -> [&str; 3] {
    [asked.field("x-forwarded-for"), asked.field("x-forwarded-proto"), asked.field("x-forwarded-host")]
}

fn plan(line: &str) -> Plan {
    Plan::new("fra-1", "fra").listen(line)
}

/// Writes these bytes and reads up to the end of the connection.
async fn exchange(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = bounded("the end of the connection", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn nobody_is_believed_where_nobody_is_trusted() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("hello"));
    let ask = Ask::get("/page").field("x-forwarded-for", "192.0.2.1").field("x-forwarded-proto", "https");
    let ask =
        ask.field("x-forwarded-host", "evil.example").field("forwarded", "for=192.0.2.1;host=evil.example");
    assert_eq!(node.send(&ask.field("x-real-ip", "192.0.2.1")).await.status, 200);
    let asked = &world.origin.asked("/page")[0];
    assert_eq!(told(asked), ["127.0.0.1", "http", "shop.example"]);
    assert_eq!(asked.field("forwarded"), "for=127.0.0.1;proto=http;host=\"shop.example\"");
    assert_eq!(asked.field("x-real-ip"), "");
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60", "and it makes no other page");
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is_and_what_it_used() {
    let world = World::new();
    let node = world.start(plan("trusted = [\"127.0.0.0/8\", \"10.0.0.0/8\"]")).await;
    for path in ["/a", "/b"] {
        world.origin.says(path, Answer::cacheable(path));
    }
    let ask = |path| Ask::get(path).field("x-forwarded-for", "203.0.113.9, 192.0.2.1, 10.0.0.7");
    assert_eq!(node.send(&ask("/a").field("x-forwarded-proto", "https")).await.status, 200);
    let asked = &world.origin.asked("/a")[0];
    assert_eq!(told(asked), ["192.0.2.1, 10.0.0.7, 127.0.0.1", "https", "shop.example"]);
    assert_eq!(
        asked.field("forwarded"),
        "for=192.0.2.1, for=10.0.0.7, for=127.0.0.1;proto=https;host=\"shop.example\""
    );
    assert_eq!(node.get("/a").await.cache(), "fwd=uri-miss; fwd-status=200; stored", "http is another page");
    let https = Ask::get("/a").host("shop.example:443").field("x-forwarded-proto", "https");
    assert_eq!(node.send(&https).await.cache(), "hit; ttl=60", "and 443 the port of https");
    // The dialect that the proxy does not write may be the client's.
    assert_eq!(node.send(&Ask::get("/b").field("forwarded", "for=192.0.2.1;proto=https")).await.status, 200);
    assert_eq!(told(&world.origin.asked("/b")[0]), ["127.0.0.1", "http", "shop.example"]);
}

#[tokio::test]
async fn a_trusted_proxy_may_speak_rfc_7239() {
    let world = World::new();
    let node = world.start(plan("trusted = [\"127.0.0.1\"]\nforwarded_by = \"forwarded\"")).await;
    world.origin.says("/a", Answer::uncacheable("a"));
    let ask = Ask::get("/a").field("x-forwarded-for", "203.0.113.9");
    node.send(&ask.field("forwarded", "for=\"[2001:db8::1]:4711\";proto=https")).await;
    assert_eq!(told(&world.origin.asked("/a")[0]), ["2001:db8::1, 127.0.0.1", "https", "shop.example"]);
}

#[tokio::test]
async fn what_varies_by_client_is_not_stored() {
    let world = World::new();
    let node = world.node().await;
    for (path, vary, cache) in [
        ("/for", "X-Forwarded-For", "fwd=uri-miss; fwd-status=200; detail=vary-any"),
        ("/rfc", "Forwarded", "fwd=uri-miss; fwd-status=200; detail=vary-any"),
        ("/proto", "X-Forwarded-Proto", "fwd=uri-miss; fwd-status=200; stored"),
    ] {
        world.origin.says(path, Answer::cacheable("x").field("vary", vary));
        assert_eq!(node.get(path).await.cache(), cache, "{path}");
    }
}

#[tokio::test]
async fn a_shield_hands_on_what_the_edge_has_said() {
    let world = World::new();
    let _ams = world.start(Plan::shielded("ams-1", "ams")).await;
    let fra = world.start(Plan::shielded("fra-1", "fra").listen("trusted = [\"127.0.0.1\"]")).await;
    world.everybody_lives().await;
    world.origin.says("/a", Answer::cacheable("a"));
    let ask = Ask::get("/a").field("x-forwarded-for", "192.0.2.1").field("x-forwarded-proto", "https");
    assert_eq!(fra.send(&ask).await.status, 200);
    assert_eq!(told(&world.origin.asked("/a")[0]), ["192.0.2.1, 127.0.0.1", "https", "shop.example"]);
}

#[tokio::test]
async fn a_load_balancer_introduces_its_connections() {
    let world = World::new();
    let node = world.start(plan("proxy_protocol = [\"127.0.0.0/8\"]\nhead_timeout = \"300ms\"")).await;
    let v2 = |command: u8, rest: &[u8]| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        header.extend([command, 0x11, 0, u8::try_from(rest.len()).unwrap()]);
        header.extend(rest);
        header
    };
    let addresses = [192, 0, 2, 2, 198, 51, 100, 1, 0xdc, 4, 1, 187, 4, 0, 1, 0];
    for (path, header, client) in [
        ("/v1", b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".to_vec(), "192.0.2.1"),
        ("/v6", b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n".to_vec(), "2001:db8::1"),
        ("/unknown", b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        ("/v2", v2(0x21, &addresses), "192.0.2.2"),
        ("/local", v2(0x20, &[]), "127.0.0.1"),
    ] {
        world.origin.says(path, Answer::uncacheable("hello"));
        let answer = exchange(node.http, &[&header, get(path).as_bytes()].concat()).await;
        assert!(answer.ends_with("hello"), "{path}: {answer}");
        assert_eq!(told(&world.origin.asked(path)[0])[0], client, "{path}");
    }
    for (what, bytes) in [
        ("none", get("/bad")),
        ("garbage", format!("PROXY TCP4 nonsense\r\n{}", get("/bad"))),
        ("endless", "PROXY UNKNOWN ".to_owned() + &"x".repeat(200)),
        ("half", "PROXY TC".to_owned()),
    ] {
        assert_eq!(exchange(node.http, bytes.as_bytes()).await, "", "{what}");
    }
    node_refused(&node, 4).await;
    assert_eq!(world.origin.count("/bad"), 0);
}

async fn node_refused(node: &Node, times: u64) {
    node.counts("seawall_connections_refused_total{why=\"proxy-header\"}", times).await;
}

#[tokio::test]
async fn who_is_not_a_load_balancer_cannot_introduce_anybody() {
    let world = World::new();
    let node = world.start(plan("proxy_protocol = [\"10.0.0.5\"]")).await;
    world.origin.says("/page", Answer::uncacheable("hello"));
    let header = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
    let answer = exchange(node.http, format!("{header}{}", get("/page")).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(world.origin.count("/page"), 0);
    assert!(exchange(node.http, get("/page").as_bytes()).await.ends_with("hello"), "and needs no header");
}

#[tokio::test]
async fn a_balancers_header_comes_before_tls() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = world.start(authority.plan(&["shop"]).listen("proxy_protocol = [\"127.0.0.1\"]")).await;
    world.origin.says("/page", Answer::uncacheable("hello"));
    let mut tcp = TcpStream::connect(node.https.unwrap()).await.unwrap();
    tcp.write_all(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n").await.unwrap();
    let stream = authority.client(&["http/1.1"]).secure(tcp, "shop.example").await.unwrap();
    let text = "GET /page HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    let (_, body) = crate::harness::tls::converse(&mut tokio::io::BufReader::new(stream), text).await;
    assert_eq!(body, "hello");
    assert_eq!(told(&world.origin.asked("/page")[0]), ["192.0.2.1", "https", "shop.example"]);
}

#[tokio::test]
async fn clients_without_tls_are_sent_there() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let plan = authority.plan(&["shop"]).listen("redirect_to_https = true\ntrusted = [\"127.0.0.1\"]");
    let node = world.start(plan.another_site("plain", "redirect_to_https = false")).await;
    let https = node.https.unwrap();
    for path in ["/page?a=1&b=%20", "/.well-known/acme-challenge/x", "/plain"] {
        world.origin.says(path, Answer::uncacheable("hello"));
    }
    let place = format!("https://shop.example:{}/page?a=1&b=%20", https.port());
    for ask in [Ask::get("/page?a=1&b=%20"), Ask::new("POST", "/page?a=1&b=%20").body("x")] {
        let got = ask.host("shop.example:8080").send(node.http).await;
        assert_eq!((got.status, got.field("location")), (308, Some(place.as_str())));
    }
    assert_eq!(world.origin.count("/page?a=1&b=%20"), 0);
    assert_eq!(node.get("/.well-known/acme-challenge/x").await.status, 200, "a certificate is asked for");
    assert_eq!(node.send(&Ask::get("/plain").host("plain.example")).await.status, 200, "its own choice");
    let behind = Ask::get("/page?a=1&b=%20").field("x-forwarded-proto", "https");
    assert_eq!(node.send(&behind).await.status, 200, "it came over TLS, by the proxy's word");
    let (_, body) = authority.client(&["http/1.1"]).ask(https, "shop.example", "/page?a=1&b=%20").await;
    assert_eq!(body, "hello");
}
