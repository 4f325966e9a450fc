//! What was ordered, as the log tells it.

use super::*;

fn positions(trail: &Value) -> Vec<u64> {
    trail["orders"].as_array().unwrap().iter().map(|order| order["position"].as_u64().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn orders_say_who_what_when_and_where() {
    let scene = Scene::whole().await;
    scene.purge("?wait=all", &json!({"site": "shop", "tags": ["a", "b"], "soft": true})).await;
    scene.purge("?wait=all", &json!({"urls": ["https://shop.example/x"]})).await;
    let rollback = Request::post("/v1/functions/front/rollback?wait=all")
        .header(AUTHORIZATION, format!("Bearer {WRITE}"))
        .header(CONTENT_TYPE, "application/json");
    assert_eq!(scene.send(rollback.body(Body::from("{}")).unwrap()).await.status(), StatusCode::OK);
    let (status, trail) = scene.get("/v1/purges").await;
    assert_eq!((status, positions(&trail)), (StatusCode::OK, vec![1, 2, 3]));
    assert_eq!(
        (&trail["answered_by"], &trail["before"], &trail["head"]),
        (&json!("fra-1"), &json!(0), &json!(3))
    );
    assert_eq!(trail["next"], Value::Null);
    let expected = json!({
        "id": "1", "position": 1, "kind": "purge", "actor": "ops", "accepted_by": "fra-1", "at_unix_ms": 1000,
        "keyed": false, "site": "shop", "soft": true, "selects": {"tags": ["a", "b"]}, "selectors": 2, "matched": 6,
    });
    assert_eq!(trail["orders"][0], expected);
    assert_eq!(trail["orders"][1]["selects"], json!({"urls": ["shop.example/x"]}));
    let activation = &trail["orders"][2];
    assert_eq!((&activation["kind"], &activation["function"]), (&json!("activation"), &json!("front")));
    assert!(!trail.to_string().contains(WRITE), "never the secret");
}

#[tokio::test(start_paused = true)]
async fn pages_go_from_a_position_on_and_are_bounded() {
    let scene = Scene::whole().await;
    assert_eq!(positions(&scene.get("/v1/purges").await.1), [0_u64; 0]);
    for _ in 0..7 {
        scene.purge("", &json!({"all": true})).await;
    }
    let (_, newest) = scene.get("/v1/purges?limit=2").await;
    assert_eq!((positions(&newest), &newest["next"]), (vec![6, 7], &Value::Null));
    let (_, first) = scene.get("/v1/purges?since=0&limit=3").await;
    assert_eq!((positions(&first), &first["next"]), (vec![1, 2, 3], &json!(3)));
    assert_eq!(positions(&scene.get("/v1/purges?since=3").await.1), [4, 5, 6, 7]);
    assert_eq!(positions(&scene.get("/v1/purges?since=900").await.1), [0_u64; 0]);
    for query in ["limit=0", "limit=1001", "since=-1", "since=x", "after=1", "since=1&since=2"] {
        let request =
            Request::get(format!("/v1/purges?{query}")).header(AUTHORIZATION, format!("Bearer {READ}"));
        let response = scene.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(problem_of(response, "invalid-query").await.0, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_shows_some_selectors_and_the_order_shows_all() {
    let scene = Scene::whole().await;
    let tags: Vec<String> = (0..1000).map(|number| format!("t{number}")).collect();
    scene.purge("", &json!({"tags": tags})).await;
    let (_, trail) = scene.get("/v1/purges").await;
    let order = &trail["orders"][0];
    assert_eq!((order["selects"]["tags"].as_array().unwrap().len(), &order["selectors"]), (10, &json!(1000)));
    let (_, order) = scene.get("/v1/purges/1").await;
    assert_eq!(order["selects"]["tags"], json!(tags));
}
