//! Purges, from the order to the answer.

use super::*;

fn text<'a>(node: &'a Value, field: &str) -> &'a str {
    node[field].as_str().unwrap_or_default()
}

fn states(answer: &Value) -> Vec<(&str, &str, &str)> {
    let nodes = answer["nodes"].as_array().unwrap().iter();
    nodes.map(|node| (text(node, "name"), text(node, "region"), text(node, "state"))).collect()
}

#[tokio::test(start_paused = true)]
async fn wait_all_answers_when_every_node_has_applied_the_purge() {
    let scene = Scene::whole().await;
    let (status, answer) = scene.purge("?wait=all", &json!({"site": "shop", "tags": ["product-7"]})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(states(&answer), [("ams-1", "ams", "applied"), ("fra-1", "fra", "applied")]);
    assert_eq!((&answer["position"], &answer["matched"]), (&json!(1), &json!(6)));
    assert!(answer["nodes"][0]["applied_after_us"].is_u64(), "{answer}");

    let id = answer["id"].as_str().unwrap();
    let (status, later) = scene.get(&format!("/v1/purges/{id}")).await;
    assert_eq!(
        (status, &later["nodes"], &later["matched"]),
        (StatusCode::OK, &answer["nodes"], &answer["matched"])
    );
    assert_eq!((id, &later["actor"], &later["site"]), ("1", &json!("ops"), &json!("shop")));
}

#[tokio::test(start_paused = true)]
async fn at_the_time_limit_the_pending_node_is_named_and_it_applies_the_purge_later() {
    let mut scene = Scene::with_laggard().await;
    let (status, answer) = scene.purge("?wait=all&timeout=500ms", &json!({"all": true})).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(states(&answer), [("ams-1", "ams", "pending"), ("fra-1", "fra", "applied")]);
    assert_eq!((&answer["matched"], &answer["nodes"][0]["applied_after_us"]), (&json!(3), &Value::Null));
    assert_eq!(answer["missing"], json!(["ams-1"]));

    scene.start_second();
    let (status, _) = scene.purge("?wait=all&timeout=1m", &json!({"all": true})).await;
    assert_eq!(status, StatusCode::OK);
    let id = answer["id"].as_str().unwrap();
    let (_, later) = scene.get(&format!("/v1/purges/{id}")).await;
    assert_eq!(states(&later), [("ams-1", "ams", "applied"), ("fra-1", "fra", "applied")]);
}

#[tokio::test(start_paused = true)]
async fn by_default_a_purge_waits_for_the_node_that_took_it() {
    let scene = Scene::with_laggard().await;
    let (status, answer) = scene.purge("", &json!({"urls": ["https://shop.example/a"]})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(states(&answer), [("ams-1", "ams", "pending"), ("fra-1", "fra", "applied")]);
    let (status, _) = scene.purge("?wait=none", &json!({"all": true})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "durable is all that is known");
}

#[tokio::test(start_paused = true)]
async fn all_that_is_wrong_with_a_purge_is_said_at_once() {
    let scene = Scene::whole().await;
    let body = json!({
        "site": "shoop",
        "urls": ["https://shop.example/", "ftp://shop.example/"],
        "tags": ["two words", "fine"],
        "prefixes": ["/path-only"],
        "hosts": ["shop.example/path", ""],
    });
    let (status, problem) = problem_of(scene.send(order("", body.to_string())).await, "invalid-purge").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let errors = problem["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["#/site", "#/urls/1", "#/tags/0", "#/prefixes/0", "#/hosts/0", "#/hosts/1"]);
    let detail = errors[0]["detail"].as_str().unwrap();
    assert!(detail.contains("shoop") && detail.contains("shop, blog"), "{detail}");
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position::START, "nothing was purged");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_no_purge_are_refused_with_their_kind() {
    let scene = Scene::whole().await;
    let many = json!({"tags": vec!["a"; 1001]}).to_string();
    for (body, kind, expected) in [
        ("{\"urls\": [", "malformed-body", 400),
        ("", "malformed-body", 400),
        ("{\"tag\": [\"a\"]}", "invalid-purge", 422),
        ("{\"tags\": \"a\"}", "invalid-purge", 422),
        ("{}", "invalid-purge", 422),
        ("{\"all\": false}", "invalid-purge", 422),
        ("[]", "invalid-purge", 422),
        (many.as_str(), "invalid-purge", 422),
    ] {
        let shown = &body[..body.len().min(40)];
        let (status, _) = problem_of(scene.send(order("", body.to_owned())).await, kind).await;
        assert_eq!(status.as_u16(), expected, "{shown}");
    }
    let (_, problem) = problem_of(scene.send(order("", "{\"tag\": []}")).await, "invalid-purge").await;
    assert!(problem["detail"].as_str().unwrap().contains("unknown field `tag`"), "{problem}");
    let (_, problem) = problem_of(scene.send(order("", many)).await, "invalid-purge").await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "one line for a thousand selectors too many");
}

#[tokio::test(start_paused = true)]
async fn a_body_must_be_json_and_of_a_bearable_size() {
    let scene = Scene::whole().await;
    let mut request = order("", "{\"all\": true}");
    request.headers_mut().remove(CONTENT_TYPE);
    let (status, _) = problem_of(scene.send(request).await, "not-json").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let mut request = order("", "{\"all\": true}");
    request.headers_mut().insert(CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap());
    assert_eq!(scene.send(request).await.status(), StatusCode::OK);

    let large = vec![b' '; BODY_MAX_BYTES + 1];
    let (status, _) = problem_of(scene.send(order("", large)).await, "body-too-large").await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// A body of which nothing ever comes.
struct Silent;

impl futures_core::Stream for Silent {
    type Item = Result<body::Bytes, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_ends_the_wait() {
    let scene = Scene::whole().await;
    let (status, _) =
        problem_of(scene.send(order("", Body::from_stream(Silent))).await, "body-timeout").await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn queries_are_checked_and_limits_hold() {
    let scene = Scene::whole().await;
    for query in ["?timeout=60s", "?timeout=1m", "?timeout=60000ms", "?timeout=0s", "?wait=all&timeout=5s"] {
        let response = scene.send(order(query, "{\"all\": true}")).await;
        assert!(response.status().is_success(), "{query}: {}", response.status());
    }
    for query in [
        "?timeout=61s",
        "?timeout=2m",
        "?timeout=5",
        "?timeout=s",
        "?timeout=-1s",
        "?timeout=1h",
        "?timeout=99999999999999999999s",
        "?timeout=999999999999999999m",
        "?wait=some",
        "?wait",
        "?waits=all",
        "?wait=all&wait=all",
    ] {
        let (status, _) =
            problem_of(scene.send(order(query, "{\"all\": true}")).await, "invalid-query").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    let response = scene.send(order("?wait=some&timeout=x", "{\"all\": true}")).await;
    let (_, problem) = problem_of(response, "invalid-query").await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "both at once");
}
