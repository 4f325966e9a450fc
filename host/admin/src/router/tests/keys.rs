//! One order under one key, however often it is given.

use super::*;

fn keyed(key: &str, body: &Value) -> Request<Body> {
    let mut request = order("", body.to_string());
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

#[tokio::test(start_paused = true)]
async fn the_same_key_and_purge_is_answered_and_not_written_again() {
    let scene = Scene::whole().await;
    let body = json!({"tags": ["a"]});
    let (status, first) = json_of(scene.send(keyed("deploy-7", &body)).await).await;
    assert_eq!((status, &first["repeated"]), (StatusCode::OK, &Value::Null));
    for key in ["deploy-7", "\"deploy-7\""] {
        let (status, again) = json_of(scene.send(keyed(key, &body)).await).await;
        assert_eq!((status, &again["repeated"]), (StatusCode::OK, &json!(true)), "{key}");
        assert_eq!((&again["id"], &again["position"]), (&first["id"], &first["position"]), "{key}");
        assert_eq!(again["matched"], 6, "what it did is told again: {again}");
    }
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position(1));
    let (_, order) = scene.get("/v1/purges/1").await;
    assert_eq!(order["keyed"], true);
}

#[tokio::test(start_paused = true)]
async fn another_purge_under_the_same_key_is_refused() {
    let scene = Scene::whole().await;
    scene.send(keyed("deploy-7", &json!({"tags": ["a"]}))).await;
    for body in
        [json!({"tags": ["b"]}), json!({"tags": ["a"], "soft": true}), json!({"tags": ["a"], "site": "shop"})]
    {
        let (status, problem) = problem_of(scene.send(keyed("deploy-7", &body)).await, "key-used").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problem["detail"].as_str().unwrap().contains("position 1"), "{problem}");
    }
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position(1), "nothing was written");
    // Of another token it is another key.
    let mut theirs = keyed("deploy-7", &json!({"tags": ["b"], "site": "shop"}));
    theirs.headers_mut().insert(AUTHORIZATION, format!("Bearer {SHOP}").parse().unwrap());
    assert_eq!(scene.send(theirs).await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_key_is_refused() {
    let scene = Scene::whole().await;
    for key in ["", "two words", &"k".repeat(129)] {
        let (status, _) =
            problem_of(scene.send(keyed(key, &json!({"all": true}))).await, "invalid-key").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{key}");
    }
    assert_eq!(scene.cluster.log().head().await.unwrap(), Position::START);
}

#[tokio::test(start_paused = true)]
async fn who_gives_one_order_many_times_at_once_has_given_it_once() {
    let scene = Scene::whole().await;
    let body = json!({"all": true});
    let answers = futures_util::future::join_all((0..20).map(|_| scene.send(keyed("k", &body)))).await;
    let mut written = 0;
    for answer in answers {
        let (status, answer) = json_of(answer).await;
        assert_eq!((status, &answer["id"]), (StatusCode::OK, &json!("1")));
        written += u32::from(answer["repeated"].is_null());
    }
    assert_eq!((written, scene.cluster.log().head().await.unwrap()), (1, Position(1)));
}
