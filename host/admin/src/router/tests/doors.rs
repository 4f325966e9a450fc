//! Who gets in, and what everyone may see.

use super::*;

fn with_token(method: Method, path: &str, token: Option<&str>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::from("{\"all\": true}")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_write_is_anonymous_and_no_reader_writes() {
    let scene = Scene::whole().await;
    for (token, kind, expected, challenge) in [
        (None, "unauthorized", StatusCode::UNAUTHORIZED, "Bearer realm=\"seawall\""),
        (Some("a-wrong-token"), "unauthorized", StatusCode::UNAUTHORIZED, "error=\"invalid_token\""),
        (Some(READ), "forbidden", StatusCode::FORBIDDEN, "error=\"insufficient_scope\""),
    ] {
        let response = scene.send(with_token(Method::POST, "/v1/purge", token)).await;
        let shown = response.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned();
        assert!(shown.starts_with("Bearer realm=") && shown.contains(challenge), "{shown}");
        assert_eq!(problem_of(response, kind).await.0, expected);
    }
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position::START);
    let response = scene.send(with_token(Method::POST, "/v1/purge", Some(WRITE))).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn under_v1_looking_needs_a_token_of_any_role() {
    let scene = Scene::whole().await;
    for path in ["/v1/nodes", "/v1/origins", "/v1/config", "/v1/purges", "/v1/purges/x"] {
        let response = scene.send(with_token(Method::GET, path, None)).await;
        assert_eq!(problem_of(response, "unauthorized").await.0, StatusCode::UNAUTHORIZED, "{path}");
        for token in [READ, WRITE] {
            let response = scene.send(with_token(Method::GET, path, Some(token))).await;
            assert_ne!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_config_file_that_is_refused_is_told_with_every_mistake() {
    let scene = Scene::whole().await;
    let response = scene.send(with_token(Method::POST, "/v1/config/reload", Some(WRITE))).await;
    let (status, problem) = problem_of(response, "config-refused").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let places: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["seawall.toml:1:2", "seawall.toml:3:4"]);
    let response = scene.send(with_token(Method::POST, "/v1/config/reload", Some(READ))).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "who may look may not change");
}

#[tokio::test(start_paused = true)]
async fn origins_are_told_with_their_servers() {
    let scene = Scene::whole().await;
    let (status, told) = scene.get("/v1/origins").await;
    assert_eq!((status, &told["answered_by"]), (StatusCode::OK, &json!("fra-1")));
    let origin = &told["origins"][0];
    assert_eq!(
        (&origin["name"], &origin["waiting"], &origin["backup"]),
        (&json!("shop"), &json!(2), &Value::Null)
    );
    assert_eq!(origin["servers"][0]["opens_again_in_ms"], 1500);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_explained_or_all_that_is_wrong_with_it() {
    let scene = Scene::whole().await;
    let ask = |body: Value| {
        Request::post("/v1/explain")
            .header(AUTHORIZATION, format!("Bearer {WRITE}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let body = json!({"url": "https://shop.example/x", "headers": {"accept-language": "de"}});
    let (status, told) = json_of(scene.send(ask(body)).await).await;
    assert_eq!((status, &told["of"]), (StatusCode::OK, &json!("GET https://shop.example/x 1")));
    let body = json!({"url": "/x", "method": "A B", "headers": {"a b": "x"}});
    let (status, problem) = problem_of(scene.send(ask(body)).await, "invalid-request").await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (StatusCode::UNPROCESSABLE_ENTITY, 3));
    let (_, problem) =
        problem_of(scene.send(ask(json!({"url": "http://else.example/"}))).await, "invalid-request").await;
    assert!(problem["detail"].as_str().unwrap().contains("no-site"), "{problem}");
    problem_of(scene.send(ask(json!({"uri": "x"}))).await, "malformed-body").await;
}

#[tokio::test(start_paused = true)]
async fn health_metrics_and_the_description_are_open() {
    let scene = Scene::whole().await;
    for path in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
        let response = scene.send(with_token(Method::GET, path, None)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_says_why_it_is_not_ready() {
    let scene = Scene::new();
    let (status, problem) =
        problem_of(scene.send(with_token(Method::GET, "/readyz", None)).await, "not-ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(problem["detail"].as_str().unwrap().starts_with("catching-up: "), "{problem}");
    let live = scene.send(with_token(Method::GET, "/livez", None)).await;
    assert_eq!(live.status(), StatusCode::OK, "alive all the same");
    scene.ready().await;
    let response = scene.send(with_token(Method::GET, "/readyz", None)).await;
    assert_eq!((response.status(), text_of(response).await), (StatusCode::OK, "ready\n".to_owned()));
    scene.cluster.drain();
    let (_, problem) =
        problem_of(scene.send(with_token(Method::GET, "/readyz", None)).await, "not-ready").await;
    assert!(problem["detail"].as_str().unwrap().starts_with("draining: "), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn nodes_and_config_are_shown() {
    let scene = Scene::with_laggard().await;
    let (status, nodes) = scene.get("/v1/nodes").await;
    assert_eq!((status, &nodes["answered_by"]), (StatusCode::OK, &json!("fra-1")));
    let states: Vec<(&Value, &Value)> =
        nodes["nodes"].as_array().unwrap().iter().map(|node| (&node["name"], &node["state"])).collect();
    let (ams, fra, new, ready) = (json!("ams-1"), json!("fra-1"), json!("catching-up"), json!("ready"));
    assert_eq!(states, [(&ams, &new), (&fra, &ready)]);
    let shown = json!({
        "digest": "d1",
        "loaded_unix_ms": 1000,
        "file": "seawall.toml",
        "config": {"node": {"name": "fra-1"}},
    });
    assert_eq!(scene.get("/v1/config").await, (StatusCode::OK, shown));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_a_problem_document_too() {
    let scene = Scene::whole().await;
    for (method, path, kind, expected) in [
        (Method::GET, "/", "not-found", StatusCode::NOT_FOUND),
        (Method::GET, "/v1/nothing", "not-found", StatusCode::NOT_FOUND),
        (Method::GET, "/v1/purges/nobody-1-1", "unknown-purge", StatusCode::NOT_FOUND),
        (Method::GET, "/v1/purges/%ff", "unknown-purge", StatusCode::NOT_FOUND),
        (Method::GET, "/v1/purges/0", "unknown-purge", StatusCode::NOT_FOUND),
        (Method::GET, "/v1/purges/18446744073709551615", "unknown-purge", StatusCode::NOT_FOUND),
        (Method::GET, "/v1/purges/99999999999999999999", "unknown-purge", StatusCode::NOT_FOUND),
        (Method::DELETE, "/v1/nodes", "method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/v1/purge", "method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/livez", "method-not-allowed", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let response = scene.send(with_token(method.clone(), path, Some(WRITE))).await;
        if expected == StatusCode::METHOD_NOT_ALLOWED {
            assert!(response.headers().contains_key(ALLOW), "{method} {path} (RFC 9110 §15.5.6)");
        }
        assert_eq!(problem_of(response, kind).await.0, expected, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_are_openmetrics_text() {
    let scene = Scene::whole().await;
    let _ = scene.purge("", &json!({"all": true})).await;
    let response = scene.send(with_token(Method::GET, "/metrics", None)).await;
    assert!(response.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = text_of(response).await;
    assert!(text.contains("\ncontrol_log_appended_total 1\n"), "{text}");
    assert!(text.contains("\ncontrol_log_applied_position 1\n"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_description_lists_every_path_with_its_methods() {
    let scene = Scene::whole().await;
    let response = scene.send(with_token(Method::GET, "/openapi.json", None)).await;
    let (_, api) = json_of(response).await;
    let mut listed: Vec<String> = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            listed.push(format!("{method} {path}"));
            assert_eq!(operation["security"].is_array(), path.starts_with("/v1/"), "{method} {path}");
            // What the description lists is there.
            let method: Method = method.to_uppercase().parse().unwrap();
            let response = scene.send(with_token(method, &path.replace("{id}", "x"), Some(WRITE))).await;
            let kind = response.status();
            assert!(kind != StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
    listed.sort();
    let expected = [
        "delete /v1/functions/{name}/versions/{version}",
        "get /livez",
        "get /metrics",
        "get /openapi.json",
        "get /readyz",
        "get /v1/config",
        "get /v1/functions",
        "get /v1/functions/{name}",
        "get /v1/functions/{name}/tail",
        "get /v1/nodes",
        "get /v1/origins",
        "get /v1/purges",
        "get /v1/purges/{id}",
        "post /v1/config/reload",
        "post /v1/explain",
        "post /v1/functions/{name}/activate",
        "post /v1/functions/{name}/rollback",
        "post /v1/purge",
        "put /v1/functions/{name}",
    ];
    assert_eq!(listed, expected);
    assert_eq!(api["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    assert!(api["components"]["schemas"]["PurgeOrder"]["properties"]["dry_run"].is_object());
}
