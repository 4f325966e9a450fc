//! HTTP/2 on the same ports: the same cache, the same origins.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request};
use tokio::net::TcpStream;

use crate::harness::tls::Authority;
use crate::harness::{Answer, Node, World, bounded};

/// A whole response over HTTP/2.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) trailers: Option<HeaderMap>,
}

impl Got {
    fn cache(&self) -> &str {
        self.headers["cache-status"].to_str().unwrap().split_once("; ").unwrap().1
    }
}

/// A connection with prior knowledge.
pub(super) async fn connect(node: &Node) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(node.http).await.unwrap();
    let (send, connection) = bounded("a handshake", h2::client::handshake(stream)).await.unwrap();
    tokio::spawn(connection);
    send
}

/// Sends a request with this body and these trailers, and reads the response.
pub(super) async fn ask(
    send: &SendRequest<Bytes>,
    request: Request<()>,
    body: Option<&str>,
    trailers: Option<HeaderMap>,
) -> Got {
    let mut send = bounded("a place for a request", send.clone().ready()).await.unwrap();
    let (response, mut stream) = send.send_request(request, body.is_none()).unwrap();
    if let Some(body) = body {
        stream.send_data(Bytes::copy_from_slice(body.as_bytes()), trailers.is_none()).unwrap();
    }
    if let Some(trailers) = trailers {
        stream.send_trailers(trailers).unwrap();
    }
    let (head, mut incoming) = bounded("a response", response).await.unwrap().into_parts();
    let mut body = Vec::new();
    while let Some(piece) = bounded("the body", incoming.data()).await {
        let piece = piece.unwrap();
        incoming.flow_control().release_capacity(piece.len()).unwrap();
        body.extend(piece);
    }
    let trailers = bounded("the trailers", incoming.trailers()).await.unwrap();
    let body = String::from_utf8(body).unwrap();
    Got { status: head.status.as_u16(), headers: head.headers, body, trailers }
}

pub(super) fn request(method: Method, uri: &str) -> Request<()> {
    Request::builder().method(method).uri(uri).body(()).unwrap()
}

#[tokio::test]
async fn a_miss_and_a_hit_over_tls_are_those_of_http1() {
    let world = World::new();
    let authority = Authority::new(world.folder.path());
    authority.write("shop", &["shop.example"]);
    let node = world.start(authority.plan(&["shop"])).await;
    let (https, client) = (node.https.unwrap(), authority.client(&["h2"]));
    world.origin.says("/page", Answer::cacheable("hello"));

    let stream = client.connect(https, "shop.example").await.unwrap();
    let (send, connection) = bounded("a handshake", h2::client::handshake(stream)).await.unwrap();
    tokio::spawn(connection);
    let get = || request(Method::GET, "https://shop.example/page");
    let miss = ask(&send, get(), None, None).await;
    assert_eq!((miss.status, miss.body.as_str()), (200, "hello"));
    assert_eq!(miss.cache(), "fwd=uri-miss; fwd-status=200; stored");
    node.is_idle().await;
    let hit = ask(&send, get(), None, None).await;
    assert_eq!((hit.body.as_str(), hit.cache()), ("hello", "hit; ttl=60"));
    let head = ask(&send, request(Method::HEAD, "https://shop.example/page"), None, None).await;
    assert_eq!((head.body.as_str(), &head.headers["content-length"]), ("", &"5".parse().unwrap()));
    let (heads, body) = authority.client(&["http/1.1"]).ask(https, "shop.example", "/page").await;
    assert!(heads[0].one("cache-status").unwrap().ends_with("hit; ttl=60"), "one cache: {heads:?}");
    assert_eq!(body, "hello");
    assert_eq!(world.origin.count("/page"), 1);
}

#[tokio::test]
async fn a_post_and_its_trailers_go_through() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/form", |asked| {
        Answer::new(200, &format!("{} of {}", asked.body, asked.field("host"))).trailer("x-sum", "7")
    });
    let send = connect(&node).await;
    let post = Request::builder().method(Method::POST).uri("http://shop.example/form");
    let got = ask(&send, post.header("te", "trailers").body(()).unwrap(), Some("a=1"), None).await;
    assert_eq!((got.status, got.body.as_str()), (200, "a=1 of shop.example"));
    assert_eq!(got.trailers.unwrap()["x-sum"], "7");
}

#[tokio::test]
async fn many_requests_share_a_connection_and_a_fill() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable(&"x".repeat(300_000)));
    let send = connect(&node).await;
    let asks = (0..100).map(|_| ask(&send, request(Method::GET, "http://shop.example/page"), None, None));
    for got in crate::harness::together(asks).await {
        assert_eq!((got.status, got.body.len()), (200, 300_000));
    }
    assert_eq!(world.origin.count("/page"), 1);
}
