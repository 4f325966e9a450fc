//! Watching functions through the door, and stepping a clock that may be stepped.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::*;
use crate::functions::{TailCall, TailLine};

/// A call, the news that some were missed, and the end.
#[derive(Default)]
pub(super) struct ThreeLines(u32);

impl Stream for ThreeLines {
    type Item = TailLine;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<TailLine>> {
        self.0 += 1;
        Poll::Ready(match self.0 {
            1 => {
                Some(TailLine::Call(Box::new(TailCall { outcome: "next".to_owned(), ..TailCall::default() })))
            }
            2 => Some(TailLine::Missed { calls: 7 }),
            _ => None,
        })
    }
}

fn get(path: &str, token: &str) -> Request<Body> {
    let request = Request::builder().uri(path).header(AUTHORIZATION, format!("Bearer {token}"));
    request.body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_tail_is_a_line_of_json_for_each_call() {
    let scene = Scene::with_laggard().await;
    let answer = scene.send(get("/v1/functions/front/tail?site=shop", READ)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/x-ndjson");
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let lines: Vec<Value> =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!((&lines[0]["kind"], &lines[0]["outcome"]), (&json!("call"), &json!("next")));
    assert_eq!(lines[1], json!({ "kind": "missed", "calls": 7 }));
}

#[tokio::test(start_paused = true)]
async fn nobody_watches_without_a_token_nor_what_is_not_there_nor_in_a_crowd() {
    let scene = Scene::with_laggard().await;
    for (path, token, kind, status) in [
        ("/v1/functions/front/tail", "nobody-has-this-token", "unauthorized", StatusCode::UNAUTHORIZED),
        ("/v1/functions/other/tail", READ, "unknown-function", StatusCode::NOT_FOUND),
        ("/v1/functions/front/tail?site=nowhere", READ, "not-found", StatusCode::NOT_FOUND),
        ("/v1/functions/front/tail?sight=shop", READ, "invalid-query", StatusCode::BAD_REQUEST),
        ("/v1/functions/crowded/tail", READ, "busy", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let answer = scene.send(get(path, token)).await;
        assert_eq!(problem_of(answer, kind).await.0, status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_a_node_in_service_cannot_be_stepped() {
    let scene = Scene::with_laggard().await;
    let step = Request::builder()
        .method(Method::POST)
        .uri("/v1/dev/clock")
        .header(AUTHORIZATION, format!("Bearer {WRITE}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"step_ms": 1000}"#))
        .unwrap();
    assert_eq!(problem_of(scene.send(step).await, "not-found").await.0, StatusCode::NOT_FOUND);
}
