//! Counting before purging, and what must be confirmed.

use super::*;

fn bounded(objects: Option<u64>, hits_percent: Option<u8>) -> Scene {
    let log: Arc<dyn ControlLog> = Arc::new(EmbeddedLog::in_memory(Retention::default()));
    Scene::bounded(&log, ConfirmLimits { objects, hits_percent })
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_go_on_every_node_and_orders_nothing() {
    let mut scene = Scene::whole().await;
    let (status, answer) = scene.purge("?wait=all", &json!({"all": true, "dry_run": true})).await;
    let node = |name: &str, region: &str| {
        json!({"name": name, "region": region, "state": "counted", "matched": 3, "matched_bytes": 3000,
            "recent_hits": 1, "recent_hits_percent": 12.5})
    };
    let nodes = json!([node("ams-1", "ams"), node("fra-1", "fra")]);
    let expected = json!({"dry_run": true, "matched": 6, "matched_bytes": 6000, "nodes": nodes});
    assert_eq!((status, answer), (StatusCode::OK, expected));
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position::START);

    scene.answering.pop();
    let (status, answer) = scene.purge("", &json!({"all": true, "dry_run": true})).await;
    assert_eq!(
        (status, &answer["matched"], &answer["missing"]),
        (StatusCode::OK, &json!(3), &json!(["ams-1"]))
    );
    assert_eq!(answer["nodes"][0]["state"], "no-answer");
    assert_eq!(answer["nodes"][0]["matched"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn what_would_match_too_much_is_refused_until_it_is_confirmed() {
    for (objects, percent, words) in [
        (
            Some(2),
            None,
            "3 stored responses on fra-1; over 2 must be confirmed (admin.purge_confirm.objects)",
        ),
        (None, Some(12), "12.5 % of the recent hits on fra-1; over 12 %"),
    ] {
        let scene = bounded(objects, percent);
        scene.ready().await;
        let response = scene.send(order("", json!({"all": true}).to_string())).await;
        let (status, problem) = problem_of(response, "confirmation-needed").await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "a line for each node: {problem}");
        assert!(problem["errors"][1]["detail"].as_str().unwrap().starts_with(words), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("\"confirm\": true"), "{problem}");
        assert_eq!(scene.cluster.log().head().await.unwrap(), Position::START, "nothing was written");
        let (status, _) = scene.purge("", &json!({"all": true, "confirm": true})).await;
        assert_eq!(status, StatusCode::OK);
    }
    let wide = bounded(Some(3), Some(13));
    wide.ready().await;
    assert_eq!(wide.purge("", &json!({"all": true})).await.0, StatusCode::OK, "at the limit is within it");
}

#[tokio::test(start_paused = true)]
async fn a_clients_own_limit_is_not_lifted_by_confirming() {
    let scene = Scene::whole().await;
    for body in
        [json!({"all": true, "max_objects": 2}), json!({"all": true, "max_objects": 2, "confirm": true})]
    {
        let (status, problem) =
            problem_of(scene.send(order("", body.to_string())).await, "confirmation-needed").await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (StatusCode::CONFLICT, &json!("#/max_objects"))
        );
    }
    assert_eq!(scene.purge("", &json!({"all": true, "max_objects": 3})).await.0, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_count_holds_up_no_purge() {
    let mut scene = bounded(Some(2), None);
    scene.ready().await;
    scene.answering.clear();
    assert_eq!(scene.purge("", &json!({"all": true})).await.0, StatusCode::OK);
}

fn by(token: &str, method: Method, path: &str, body: &Value) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
    request.header(AUTHORIZATION, format!("Bearer {token}")).body(Body::from(body.to_string())).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_site_purges_that_site_and_sees_its_purges() {
    let scene = Scene::whole().await;
    let purge = |body: &Value| scene.send(by(SHOP, Method::POST, "/v1/purge", body));
    assert_eq!(purge(&json!({"site": "shop", "all": true})).await.status(), StatusCode::OK);
    for body in
        [json!({"all": true}), json!({"site": "blog", "tags": ["a"]}), json!({"all": true, "dry_run": true})]
    {
        let (status, problem) = problem_of(purge(&body).await, "forbidden").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(problem["detail"].as_str().unwrap().contains("`shop`"), "{problem}");
    }
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position(1), "only its own was written");
    scene.purge("", &json!({"site": "blog", "all": true})).await;
    scene.purge("", &json!({"all": true})).await;

    let get = |path: &'static str| scene.send(by(SHOP, Method::GET, path, &Value::Null));
    let (_, trail) = json_of(get("/v1/purges").await).await;
    let seen: Vec<&Value> = trail["orders"].as_array().unwrap().iter().map(|one| &one["position"]).collect();
    assert_eq!((seen, &trail["head"]), (vec![&json!(1)], &json!(3)));
    assert_eq!(get("/v1/purges/1").await.status(), StatusCode::OK);
    assert_eq!(get("/v1/purges/2").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(get("/v1/nodes").await.status(), StatusCode::OK);
    for path in ["/v1/config", "/v1/functions"] {
        problem_of(get(path).await, "forbidden").await;
    }
    let activate = scene.send(by(SHOP, Method::POST, "/v1/functions/front/rollback", &json!({}))).await;
    problem_of(activate, "forbidden").await;
}
