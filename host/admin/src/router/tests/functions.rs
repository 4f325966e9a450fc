//! Functions: deploying, activating, going back.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::functions::DEPLOY_BODY_MAX_BYTES;

use super::*;

fn write(method: Method, path: &str, body: &Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(AUTHORIZATION, format!("Bearer {WRITE}"))
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string().into())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_version_is_deployed_and_listed() {
    let scene = Scene::with_laggard().await;
    let order = json!({ "wasm": BASE64_STANDARD.encode(b"\0asm"), "grants": ["store-private"] });
    let (status, answer) = json_of(scene.send(write(Method::PUT, "/v1/functions/front", &order)).await).await;
    assert_eq!((status, &answer["version"]), (StatusCode::OK, &json!("three")));
    assert_eq!((&answer["grants"], &answer["size_bytes"]), (&json!(["store-private"]), &json!(4)));
    let (status, list) = scene.get("/v1/functions").await;
    assert_eq!((status, &list["functions"][0]["active"]), (StatusCode::OK, &json!("two")));
    let (_, one) = scene.get("/v1/functions/front").await;
    assert_eq!(one, list["functions"][0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_an_upload_is_said() {
    let scene = Scene::with_laggard().await;
    for (order, kind, status) in [
        (json!({ "wasm": "no base64!" }), "invalid-function", StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "wasm": "AAAA" }), "invalid-function", StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "wsam": "" }), "invalid-function", StatusCode::UNPROCESSABLE_ENTITY),
        (
            json!({ "wasm": "A".repeat(DEPLOY_BODY_MAX_BYTES) }),
            "body-too-large",
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let answer = scene.send(write(Method::PUT, "/v1/functions/front", &order)).await;
        assert_eq!(problem_of(answer, kind).await.0, status);
    }
    let missing = scene.get("/v1/functions/other").await;
    assert_eq!(
        (missing.0, &missing.1["type"]),
        (StatusCode::NOT_FOUND, &json!("urn:seawall:problem:unknown-function"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_activation_is_a_record_of_the_log_that_every_node_applies() {
    let scene = Scene::whole().await;
    let order = json!({ "version": "one" });
    let request = write(Method::POST, "/v1/functions/front/activate?wait=all", &order);
    let (status, answer) = json_of(scene.send(request).await).await;
    assert_eq!((status, &answer["position"], &answer["version"]), (StatusCode::OK, &json!(1), &json!("one")));
    let nodes = answer["nodes"].as_array().unwrap();
    assert!(nodes.len() == 2 && nodes.iter().all(|node| node["state"] == "applied"), "{answer}");
    assert_eq!(answer.get("purged"), None);

    let unknown = write(Method::POST, "/v1/functions/front/activate", &json!({ "version": "nine" }));
    problem_of(scene.send(unknown).await, "unknown-function").await;
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position(1), "nothing was ordered");
}

#[tokio::test(start_paused = true)]
async fn going_back_may_purge_what_the_version_shaped() {
    let scene = Scene::whole().await;
    let request = |body| write(Method::POST, "/v1/functions/front/rollback?wait=all", &body);
    let (status, answer) = json_of(scene.send(request(json!({ "purge": true }))).await).await;
    assert_eq!((status, &answer["version"], &answer["position"]), (StatusCode::OK, &json!("one"), &json!(1)));
    assert_eq!(answer["purged"], 6, "three on each of two nodes: {answer}");
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position(2));
    let other = write(Method::POST, "/v1/functions/other/rollback", &json!({}));
    problem_of(scene.send(other).await, "function-conflict").await;
}

#[tokio::test(start_paused = true)]
async fn only_what_is_not_active_is_removed_and_only_by_who_may_write() {
    let scene = Scene::with_laggard().await;
    let remove = |version: &str| {
        write(Method::DELETE, &format!("/v1/functions/front/versions/{version}"), &Value::Null)
    };
    assert_eq!(scene.send(remove("old")).await.status(), StatusCode::NO_CONTENT);
    problem_of(scene.send(remove("two")).await, "function-conflict").await;
    let mut request = remove("old");
    request.headers_mut().insert(AUTHORIZATION, format!("Bearer {READ}").parse().unwrap());
    problem_of(scene.send(request).await, "forbidden").await;
}
