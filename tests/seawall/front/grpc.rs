//! gRPC over HTTP/2 on both sides: streams in both directions at once, and trailers at the end.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use tokio::net::TcpListener;

use super::http2;
use crate::harness::{Plan, World, bounded};

/// An origin that says each message back as it comes, and its status in trailers.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::spawn(answer(request, respond));
                }
            });
        }
    });
    address
}

async fn answer(request: Request<h2::RecvStream>, mut respond: h2::server::SendResponse<Bytes>) {
    let takes_trailers = request.headers().get("te").is_some_and(|te| te == "trailers");
    let mut body = request.into_body();
    let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let mut send = respond.send_response(head, false).unwrap();
    let mut count = 0;
    while let Some(Ok(message)) = body.data().await {
        let _ = body.flow_control().release_capacity(message.len());
        count += 1;
        send.send_data(message, false).unwrap();
    }
    let sent = body.trailers().await.ok().flatten().is_some();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    trailers.insert("x-seen", format!("{count} {takes_trailers} {sent}").parse().unwrap());
    send.send_trailers(trailers).unwrap();
}

#[tokio::test]
async fn messages_go_both_ways_before_either_side_has_ended() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra").in_front_of(echo().await).origin("http2 = true");
    let node = world.start(plan).await;
    let mut send = bounded("a place", http2::connect(&node).await.ready()).await.unwrap();
    let request = Request::builder().method(Method::POST).uri("http://shop.example/chat.Room/Talk");
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    let (response, mut talk) = send.send_request(request.body(()).unwrap(), false).unwrap();
    let response = bounded("a head before the first message", response).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let mut heard = response.into_body();
    for nth in 0..20 {
        let message = format!("message {nth}");
        talk.send_data(Bytes::from(message.clone()), false).unwrap();
        let echo = bounded("an echo", heard.data()).await.unwrap().unwrap();
        heard.flow_control().release_capacity(echo.len()).unwrap();
        assert_eq!(echo, message.as_bytes());
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "20".parse().unwrap());
    talk.send_trailers(trailers).unwrap();
    assert!(bounded("the end", heard.data()).await.is_none());
    let trailers = bounded("trailers", heard.trailers()).await.unwrap().unwrap();
    assert_eq!(
        (trailers["grpc-status"].as_bytes(), &trailers["x-seen"]),
        (&b"0"[..], &"20 true true".parse().unwrap())
    );
}

#[tokio::test]
async fn a_call_that_its_client_gives_up_ends_at_the_origin_and_others_go_on() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra").in_front_of(echo().await).origin("http2 = true");
    let node = world.start(plan).await;
    let send = http2::connect(&node).await;
    for _ in 0..50 {
        let mut send = bounded("a place", send.clone().ready()).await.unwrap();
        let request = http2::request(Method::POST, "http://shop.example/chat.Room/Talk");
        let (response, mut talk) = send.send_request(request, false).unwrap();
        talk.send_data(Bytes::from_static(b"x"), false).unwrap();
        drop((bounded("a head", response).await.unwrap(), talk));
    }
    let request = http2::request(Method::POST, "http://shop.example/chat.Room/Talk");
    let got = http2::ask(&send, request, Some("last"), None).await;
    assert_eq!((got.body.as_str(), got.trailers.unwrap()["grpc-status"].as_bytes()), ("last", &b"0"[..]));
}
