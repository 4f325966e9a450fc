//! What a request and a response carry through the node, what the node adds, and what it takes away.

use crate::harness::{Answer, Ask, World};

#[tokio::test]
async fn the_origin_sees_via_and_cdn_loop_and_nothing_of_the_connection() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/", Answer::cacheable("hello"));
    let ask = Ask::get("/")
        .field("connection", "x-of-this-connection, keep-alive")
        .field("x-of-this-connection", "1")
        .field("keep-alive", "timeout=5")
        .field("te", "gzip")
        .field("x-of-the-client", "2")
        .field("cdn-loop", "another-cdn")
        .field("if-none-match", "\"of-the-client\"")
        .field("range", "bytes=0-1");
    node.send(&ask).await;

    let asked = &world.origin.asked("/")[0];
    assert_eq!(asked.field("x-of-the-client"), "2");
    assert!(asked.field("via").contains("fra-1"), "{asked:?}");
    assert_eq!(asked.head.all("cdn-loop").join(", "), "another-cdn, seawall-fra-1");
    for gone in ["x-of-this-connection", "keep-alive", "te", "if-none-match", "range"] {
        assert_eq!(asked.head.one(gone), None, "a fill is for everybody: {asked:?}");
    }
}

#[tokio::test]
async fn the_client_sees_what_the_origin_said_and_nothing_of_the_connection() {
    let world = World::new();
    let node = world.node().await;
    let answer = Answer::cacheable("hello")
        .field("x-of-the-origin", "1")
        .field("connection", "x-of-this-connection")
        .field("x-of-this-connection", "2")
        .field("keep-alive", "timeout=5")
        .field("surrogate-key", "a b");
    world.origin.says("/", answer);

    for words in ["fwd=uri-miss; fwd-status=200; stored", "hit; ttl=60"] {
        let got = node.get("/").await;
        assert_eq!(got.cache(), words);
        assert_eq!(got.field("x-of-the-origin"), Some("1"));
        assert_eq!(got.field("cache-control"), Some("max-age=60"));
        assert!(got.field("via").is_some_and(|via| via.contains("fra-1")), "{got:?}");
        for gone in ["x-of-this-connection", "keep-alive"] {
            assert_eq!(got.field(gone), None, "{got:?}");
        }
    }
}

#[tokio::test]
async fn a_host_that_no_site_takes_is_misdirected() {
    let world = World::new();
    let node = world.node().await;
    let got = node.send(&Ask::get("/").host("nobody.example")).await;
    assert_eq!(got.status, 421);
    assert_eq!(got.cache(), "detail=no-site");
    assert_eq!(got.field("cache-control"), Some("no-store"));
    assert_eq!(world.origin.count("/"), 0);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let world = World::new();
    let node = world.node().await;
    for ask in [
        Ask::get("/").hostless(),
        Ask::get("/").field("host", "other.example"),
        Ask::get("/").host("not a host"),
        Ask::get("/").host("user@shop.example"),
    ] {
        let got = node.send(&ask).await;
        assert_eq!(got.status, 400, "{ask:?}");
    }
    assert_eq!(world.origin.count("/"), 0);
}

#[tokio::test]
async fn a_request_that_has_been_here_is_a_loop() {
    let world = World::new();
    let node = world.node().await;
    let ask = Ask::get("/").field("cdn-loop", "another-cdn, seawall-fra-1; hop=1");
    let got = node.send(&ask).await;
    assert_eq!(got.status, 508);
    assert_eq!(got.field("proxy-status"), Some("fra-1; error=proxy_loop_detected"));
    assert_eq!(world.origin.count("/"), 0);
}

#[tokio::test]
async fn what_only_peers_may_say_is_taken_from_clients_and_origins() {
    let world = World::new();
    let node = world.node().await;
    let answer = Answer::cacheable("hello").field("seawall-position", "99");
    world.origin.says("/", answer);
    let ask = Ask::get("/")
        .field("seawall-peer", "ams-1")
        .field("seawall-peer-auth", "00")
        .field("seawall-position", "99")
        .field("seawall-hops", "3")
        .field("seawall-key", "a=b");

    let got = node.send(&ask).await;
    assert_eq!(got.says(), (200, "hello"));
    let from_us = |fields: &[(String, String)]| fields.iter().any(|(name, _)| name.starts_with("seawall-"));
    assert!(!from_us(&got.head.fields), "{got:?}");
    let asked = &world.origin.asked("/")[0];
    assert!(!from_us(&asked.head.fields), "{asked:?}");
}

#[tokio::test]
async fn a_connection_carries_request_after_request() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("hello").field("etag", "\"v1\"").chunked());
    let again = Ask::get("/page").field("if-none-match", "\"v1\"");
    let mut coming = node.open(&Ask::get("/page")).await;
    for (ask, status) in [
        (Ask::get("/page"), 200),
        (Ask::new("HEAD", "/page"), 200),
        (again, 304),
        (Ask::get("/page").field("range", "bytes=1-2"), 206),
        (Ask::get("/not-in-the-script"), 404),
        (Ask::get("/").host("nobody.example"), 421),
        (Ask::new("POST", "/page").body("x"), 200),
        (Ask::get("/page"), 200),
    ] {
        coming = coming.then(&ask).await;
        assert_eq!(coming.status, status, "{ask:?}");
    }
    assert_eq!(coming.whole().await.says(), (200, "hello"));
}

#[tokio::test]
async fn a_body_goes_to_the_origin_whatever_its_framing() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/form", |asked| Answer::new(200, &asked.body));
    let large = "x".repeat(1 << 20);
    let post = Ask::new("POST", "/form");
    assert!(node.send(&post.clone().body(&large)).await.body == large);
    let chunked = post.field("transfer-encoding", "chunked").raw_body("3\r\none\r\n4\r\n,two\r\n0\r\n\r\n");
    assert_eq!(node.send(&chunked).await.says(), (200, "one,two"));
    let asked = world.origin.asked("/form");
    assert!(asked.iter().all(|asked| asked.method == "POST"), "{}", asked.len());
}

/// What `Connection` names is not sent on, so the origin's answer is not for those who send it on (RFC 9110 §7.6.1).
#[tokio::test]
async fn what_the_origin_never_saw_does_not_select() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", |asked| {
        let device = asked.head.one("x-device").unwrap_or("any");
        Answer::cacheable(device).field("vary", "X-Device")
    });
    let mobile = Ask::get("/page").field("x-device", "mobile");
    let hidden = mobile.clone().field("connection", "x-device");

    for (ask, body, words) in [
        (&hidden, "any", "fwd=uri-miss; fwd-status=200; stored"),
        (&mobile, "mobile", "fwd=vary-miss; fwd-status=200; stored"),
        (&hidden, "any", "hit; ttl=60"),
        (&Ask::get("/page"), "any", "hit; ttl=60"),
        (&mobile, "mobile", "hit; ttl=60"),
    ] {
        let got = node.send(ask).await;
        assert_eq!(got.says(), (200, body), "{ask:?}");
        assert_eq!(got.cache(), words, "{ask:?}");
    }
    assert_eq!(world.origin.count("/page"), 2);
}

#[tokio::test]
async fn the_body_of_a_get_goes_to_the_origin_whatever_its_framing() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/search", |asked| Answer::cacheable(&format!("{} {}", asked.method, asked.body)));
    let get = Ask::get("/search");
    let chunks = "3\r\none\r\n4\r\n,two\r\n0\r\n\r\n";
    let chunked = get.clone().field("transfer-encoding", "chunked").raw_body(chunks);
    for ask in [chunked, get.body("one,two")] {
        let got = node.send(&ask).await;
        assert_eq!(got.says(), (200, "GET one,two"), "{ask:?}");
        assert_eq!(got.cache(), "fwd=bypass; fwd-status=200; detail=request-body");
    }
    assert_eq!(node.get("/search").await.says(), (200, "GET "), "nothing of it was stored");
}
