//! How large a request may be: each limit, met and passed by one.

use super::exchange;
use super::raw_origin::RawOrigin;
use crate::harness::{Ask, Got, Node, Plan, World, lines};

async fn start(world: &World, listen: &str, site: &str) -> Node {
    world.start(Plan::new("fra-1", "fra").listen(listen).site(site)).await
}

#[track_caller]
fn is_refused(got: &Got, status: u16, cause: &str) {
    assert_eq!(got.status, status, "{got:?}");
    assert_eq!(got.cache(), format!("detail={cause}"));
    assert_eq!(got.field("proxy-status"), Some("fra-1; error=http_request_error"));
    assert_eq!(got.field("connection"), Some("close"));
}

#[tokio::test]
async fn a_target_has_at_most_so_many_bytes() {
    let world = World::new();
    for (listen, most) in [("", 8192), ("max_uri = \"20B\"", 20)] {
        let node = start(&world, listen, "").await;
        let path = |bytes: usize| format!("/{}?x=1", "a".repeat(bytes - 5));
        assert_eq!(node.get(&path(most)).await.status, 404, "the origin was asked");
        is_refused(&node.get(&path(most + 1)).await, 414, "uri-too-long");
        node.stop();
    }
}

#[tokio::test]
async fn a_head_has_at_most_so_many_fields_and_bytes() {
    let world = World::new();
    world.origin.says("/", crate::harness::Answer::uncacheable("hello"));
    let node = start(&world, "", "").await;
    // `host: shop.example` is one of them.
    let with = |count: usize, value: usize| {
        let value = "v".repeat(value);
        (0..count).fold(Ask::get("/"), |ask, nth| ask.field(&format!("x-{nth:03}"), &value))
    };
    assert_eq!(node.send(&with(99, 1)).await.status, 200);
    assert_eq!(node.send(&with(100, 1)).await.status, 431);
    assert_eq!(node.send(&with(1, (16 << 10) - 5)).await.status, 200);
    is_refused(&node.send(&with(1, (16 << 10) - 4)).await, 431, "fields-too-large");
    // 16 for the host with its four, 9 for each of the others.
    let host = "host".len() + "shop.example".len() + 4;
    let three = (32 << 10) - host - 3 * 9;
    let ask = |last: usize| with(2, 10_000).field("x-002", &"v".repeat(last));
    assert_eq!(node.send(&ask(three - 20_000)).await.status, 200);
    is_refused(&node.send(&ask(three - 20_000 + 1)).await, 431, "fields-too-large");
    node.stop();

    let node =
        start(&world, "max_headers = 200\nmax_header_line = \"10B\"\nmax_header_bytes = \"100B\"", "").await;
    assert_eq!(node.send(&Ask::get("/").host("a.b")).await.status, 421, "eight bytes: it was read");
    is_refused(&node.get("/").await, 431, "fields-too-large");
}

/// Beyond all of that hyper answers itself.
#[tokio::test]
async fn a_head_that_does_not_end_is_refused_while_it_comes() {
    let world = World::new();
    let origin = RawOrigin::start().await;
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(origin.address)).await;
    let endless = format!("GET / HTTP/1.1\r\nhost: shop.example\r\nx: {}", "v".repeat(1 << 20));
    let (statuses, _) = exchange(node.http, endless.as_bytes(), false).await;
    assert_eq!(statuses, [431]);
    assert_eq!(origin.wire(|wire| wire.seen.len()), 0);
}

#[tokio::test]
async fn a_body_has_at_most_so_many_bytes() {
    let world = World::new();
    let node = start(&world, "", "max_body = \"1KiB\"").await;
    world.origin.answers("/form", |asked| crate::harness::Answer::new(200, &asked.body.len().to_string()));
    let post = Ask::new("POST", "/form");
    assert_eq!(node.send(&post.clone().body(&"x".repeat(1024))).await.says(), (200, "1024"));
    let chunked = |bytes: usize| {
        let body = format!("{bytes:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(bytes));
        post.clone().field("transfer-encoding", "chunked").raw_body(&body)
    };
    assert_eq!(node.send(&chunked(1024)).await.says(), (200, "1024"));
    assert_eq!(world.origin.count("/form"), 2);

    let got = node.send(&post.clone().field("content-length", "1025").field("expect", "100-continue")).await;
    is_refused(&got, 413, "body-too-large");
    let got = node.send(&chunked(1025)).await;
    assert_eq!((got.status, got.field("connection")), (413, Some("close")), "{got:?}");
    assert_eq!(got.cache(), "fwd=method; detail=body-too-large");
    assert_eq!(world.origin.count("/form"), 2, "the origin saw no whole request of either");
    let line = lines::of_path("/form").pop().unwrap();
    assert_eq!((line["cause"].as_str(), line["blame"].as_str()), ("body-too-large", "client"));
}
