//! TLS: which certificate, which protocol, which version; sessions that are resumed; files that change.

use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::tls::{Authority, Client};
use crate::harness::{Answer, Ask, Node, World, bounded};

async fn node(world: &World, authority: &Authority, files: &[&str]) -> Node {
    world.start(authority.plan(files)).await
}

#[tokio::test]
async fn clients_are_shown_the_certificate_for_the_name_that_they_ask_for() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    let shop = authority.write("shop", &["shop.example"]);
    let wild = authority.write("wild", &["*.shop.example"]);
    let www = authority.write("www", &["www.shop.example"]);
    let node = node(&world, &authority, &["shop", "wild", "www"]).await;
    let https = node.https.unwrap();
    let client = authority.client(&[]);
    assert_eq!(client.is_shown(https, "shop.example").await, Some(shop));
    assert_eq!(client.is_shown(https, "www.shop.example").await, Some(www), "exact before wildcard");
    assert_eq!(client.is_shown(https, "img.shop.example").await, Some(wild));
    // The first is shown, and the client does not believe that it is for this name.
    assert_eq!(client.is_shown(https, "a.b.shop.example").await, None);
    assert_eq!(client.is_shown(https, "other.example").await, None);
    let nameless = client.nameless();
    assert!(nameless.is_shown(https, "shop.example").await.is_some(), "the first");
}

#[tokio::test]
async fn a_strict_node_refuses_names_that_no_certificate_has() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = world.start(authority.plan(&["shop"]).listen("strict_sni = true")).await;
    let https = node.https.unwrap();
    let client = authority.client(&[]);
    assert!(client.is_shown(https, "shop.example").await.is_some());
    assert_eq!(client.nameless().is_shown(https, "shop.example").await, None);
    node.counts("seawall_tls_handshakes_total{outcome=\"failed\"}", 1).await;
}

#[tokio::test]
async fn the_scheme_is_part_of_the_key_and_known_to_the_default_port() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = node(&world, &authority, &["shop"]).await;
    let https = node.https.unwrap();
    world.origin.answers("/page", |asked| Answer::cacheable(&format!("page {}", asked.nth)));
    let client = authority.client(&["http/1.1"]);
    let cache = |heads: &[crate::harness::wire::Head]| {
        heads[0].one("cache-status").unwrap().split_once("; ").unwrap().1.to_owned()
    };
    let (heads, body) = client.ask(https, "shop.example", "/page").await;
    assert_eq!((cache(&heads).as_str(), body.as_str()), ("fwd=uri-miss; fwd-status=200; stored", "page 1"));
    node.is_idle().await;
    let (heads, body) = client.ask(https, "shop.example:443", "/page").await;
    assert_eq!((cache(&heads).as_str(), body.as_str()), ("hit; ttl=60", "page 1"));
    assert_eq!(node.get("/page").await.body, "page 2", "over plain HTTP it is another page");
    assert_eq!(client.ask(https, "shop.example", "/page").await.1, "page 1");
}

#[tokio::test]
async fn interim_responses_go_over_tls_as_well() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = node(&world, &authority, &["shop"]).await;
    world.origin.says("/page", Answer::uncacheable("hello").interim(103, "link: </a.css>\r\n"));
    let (heads, body) =
        authority.client(&["http/1.1"]).ask(node.https.unwrap(), "shop.example", "/page").await;
    let starts: Vec<_> = heads.iter().map(|head| head.start.split(' ').nth(1).unwrap()).collect();
    assert_eq!((starts, body.as_str()), (vec!["103", "200"], "hello"));
}

#[tokio::test]
async fn protocols_are_agreed_upon() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = node(&world, &authority, &["shop"]).await;
    let https = node.https.unwrap();
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = authority.client(offered).connect(https, "shop.example").await.unwrap();
        let protocol = stream.get_ref().1.alpn_protocol().map(String::from_utf8_lossy);
        assert_eq!(protocol.as_deref(), agreed, "{offered:?}");
    }
    assert!(authority.client(&["spdy/3"]).connect(https, "shop.example").await.is_none(), "RFC 7301 §3.2");
}

#[tokio::test]
async fn sessions_are_resumed_in_both_versions_and_old_versions_can_be_refused() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = node(&world, &authority, &["shop"]).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = authority.client_of(&[version], &["http/1.1"]);
        assert_eq!(kind(&client, &node).await, HandshakeKind::Full, "{version:?}");
        assert_eq!(kind(&client, &node).await, HandshakeKind::Resumed, "{version:?}");
    }
    assert_eq!(node.metric("seawall_tls_handshakes_total{outcome=\"resumed\"}").await, 2);

    node.stop();
    let strict = world.start(authority.plan(&["shop"]).listen("tls_min = \"1.3\"")).await;
    let https = strict.https.unwrap();
    let old = authority.client_of(&[&rustls::version::TLS12], &[]);
    assert!(old.connect(https, "shop.example").await.is_none());
    assert!(authority.client(&[]).connect(https, "shop.example").await.is_some());
}

/// How the handshake of one more connection goes. Tickets of TLS 1.3 come after it, so something is asked.
async fn kind(client: &Client, node: &Node) -> HandshakeKind {
    let stream = client.connect(node.https.unwrap(), "shop.example").await.unwrap();
    let mut stream = tokio::io::BufReader::new(stream);
    let text = "GET /page HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    let (_, body) = crate::harness::tls::converse(&mut stream, text).await;
    assert_eq!(body, "hello");
    stream.get_ref().get_ref().1.handshake_kind().unwrap()
}

#[tokio::test]
async fn a_changed_pair_is_shown_and_one_that_does_not_fit_is_not() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    let old = authority.write("shop", &["shop.example"]);
    let node = node(&world, &authority, &["shop"]).await;
    let (https, client) = (node.https.unwrap(), authority.client(&[]));
    assert_eq!(client.is_shown(https, "shop.example").await, Some(old));
    let stays = client.connect(https, "shop.example").await.unwrap();

    let new = authority.write("shop", &["shop.example", "new.example"]);
    node.counts("seawall_tls_certificate_reloads_total", 1).await;
    assert_eq!(client.is_shown(https, "shop.example").await, Some(new.clone()));
    assert_eq!(
        client.is_shown(https, "new.example").await,
        Some(new.clone()),
        "its names are read again too"
    );

    std::fs::write(world.folder.path().join("shop.key"), "no key").unwrap();
    node.counts("seawall_tls_certificate_reload_failures_total", 1).await;
    assert_eq!(client.is_shown(https, "shop.example").await, Some(new));
    let last = authority.write("shop", &["shop.example"]);
    node.counts("seawall_tls_certificate_reloads_total", 2).await;
    assert_eq!(client.is_shown(https, "shop.example").await, Some(last));

    world.origin.says("/page", Answer::cacheable("hello"));
    let mut stays = tokio::io::BufReader::new(stays);
    let text = "GET /page HTTP/1.1\r\nhost: shop.example\r\n\r\n";
    assert_eq!(crate::harness::tls::converse(&mut stays, text).await.1, "hello", "open connections go on");
    let file = world.folder.path().join("shop.pem");
    let gauge = format!("seawall_tls_certificate_not_after_seconds{{file=\"{}\"}}", file.display());
    assert!(node.metric(&gauge).await > 1_780_000_000);
}

#[tokio::test]
async fn plain_http_on_the_port_for_tls_is_not_answered() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = node(&world, &authority, &["shop"]).await;
    let mut stream = TcpStream::connect(node.https.unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = bounded("the end of the connection", stream.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "at most an alert: {answer:?}");
    assert_eq!(Ask::get("/").send(node.http).await.status, 404, "the other port goes on");
}
