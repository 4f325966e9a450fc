//! The hooks on the origin's side: once for each fetch, and what they make of a response is stored.

use serde_json::{Value, json};

use crate::harness::{Answer, Ask, Gate, Node, Origin, Plan, World, guests, lines, together};

async fn with_puppet(world: &World, lines: &str) -> Node {
    let file = guests::module("puppet");
    world.start(Plan::new("fra-1", "fra").function_with("guest", &file, lines)).await
}

/// How many stored responses went with a tag, on all nodes.
async fn purged(node: &Node, tag: &str) -> u64 {
    let answer = node.purge(json!({ "tags": [tag] })).await;
    answer.get("matched").and_then(Value::as_u64).unwrap()
}

const STORED: &str = "fwd=uri-miss; fwd-status=200; stored";

#[tokio::test]
async fn many_clients_share_one_fetch_and_its_one_call_of_each_hook() {
    for file in guests::both_forms("puppet") {
        let world = World::new();
        let plan = Plan::new("fra-1", "fra").function("guest", &file, r#"key = "k1""#);
        let node = world.start(plan).await;
        let gate = Gate::closed();
        world.origin.says("/at-origin/sign", Answer::cacheable("hello").at(&gate));
        let crowd = together((0..5).map(|_| node.get("/at-origin/sign")));
        let (got, ()) = tokio::join!(crowd, async {
            world.origin.is_asked("/at-origin/sign", 1).await;
            gate.open();
        });
        assert!(got.iter().all(|got| got.says() == (200, "hello")), "{got:?}");
        let asked = world.origin.asked("/at-origin/sign");
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].field("x-signed"), "k1 None Miss", "a fetch for everybody has no client");
    }
}

#[tokio::test]
async fn what_is_made_of_a_response_is_stored_with_it() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    world.origin.says("/at-origin/shape", Answer::cacheable("hello").field("server", "x/1.2"));
    for words in [STORED, "hit; ttl=60", "hit; ttl=60"] {
        let got = node.get("/at-origin/shape").await;
        assert_eq!((got.says(), got.cache().as_str()), ((200, "hello"), words));
        assert_eq!((got.field("x-shaped"), got.field("server")), (Some("yes"), None));
    }
    assert_eq!(world.origin.count("/at-origin/shape"), 1);
    let line = lines::saying("field").expect("a line of the fetch");
    assert_eq!((line["name"].as_str(), line["value"].contains("200")), ("shaped", true), "{line:?}");
}

#[tokio::test]
async fn a_function_answers_in_the_origins_place_and_that_is_stored() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    for words in [STORED, "hit; ttl=60"] {
        let got = node.get("/at-origin/answer").await;
        assert_eq!((got.says(), got.cache().as_str()), ((200, "made at the edge"), words));
    }
    assert_eq!(world.origin.count("/at-origin/answer"), 0);
}

#[tokio::test]
async fn a_fetch_may_go_elsewhere_and_is_stored_under_the_clients_url() {
    let world = World::new();
    let second = Origin::start();
    let plan = Plan::new("fra-1", "fra").function("guest", &guests::module("puppet"), "");
    let node = world.start(plan.second_origin(second.address())).await;
    world.origin.says("/somewhere", Answer::cacheable("elsewhere"));
    second.says("/at-origin/second", Answer::cacheable("second"));
    world.origin.says("/at-origin/retry", Answer::new(500, "broken"));
    second.says("/at-origin/retry", Answer::cacheable("mended"));
    for (path, body) in [
        ("/at-origin/elsewhere", "elsewhere"),
        ("/at-origin/second", "second"),
        ("/at-origin/retry", "mended"),
    ] {
        for words in [STORED, "hit; ttl=60"] {
            let got = node.get(path).await;
            assert_eq!((got.says(), got.cache().as_str()), ((200, body), words), "{path}");
        }
    }
    assert_eq!((world.origin.count("/at-origin/retry"), second.count("/at-origin/retry")), (1, 1));
    // The second origin fails as well: once is enough.
    second.says("/at-origin/retry", Answer::new(500, "broken too"));
    world.pass(100).await;
    assert_eq!(node.get("/at-origin/retry").await.status, 500);
    assert_eq!(second.count("/at-origin/retry"), 2);
}

#[tokio::test]
async fn lifetime_tags_and_vary_are_the_functions_to_set() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    world.origin.answers("/at-origin/policy", |asked| {
        Answer::cacheable(asked.field("x-group")).field("surrogate-key", "own")
    });
    let ask = |group| Ask::get("/at-origin/policy").field("x-group", group);
    for (words, other) in
        [(STORED, "fwd=vary-miss; fwd-status=200; stored"), ("hit; ttl=120", "hit; ttl=120")]
    {
        assert_eq!(node.send(&ask("a")).await.cache(), words);
        let got = node.send(&ask("b")).await;
        assert_eq!((got.says(), got.cache().as_str()), ((200, "b"), other));
    }
    world.pass(130).await;
    assert_eq!(node.send(&ask("a")).await.cache(), "hit; ttl=-10; detail=stale-while-revalidate");
    node.is_idle().await;
    world.everybody_lives().await;
    node.purge(json!({ "all": true })).await;
    for tag in ["own", "product-7"] {
        node.send(&ask("a")).await;
        assert!(purged(&node, tag).await >= 1, "{tag}");
        assert!(node.send(&ask("a")).await.cache().contains("fwd="), "{tag}");
    }
}

/// The version is in the log line of its preparation; here the tag is read off the field that carries it.
#[tokio::test]
async fn what_a_version_shaped_is_purged_by_its_name() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    world.origin.says("/at-origin/shape", Answer::cacheable("hello"));
    let got = node.get("/at-origin/shape").await;
    let tag = got.field("surrogate-key").expect("its tag").to_owned();
    assert!(tag.starts_with("fn:guest@") && tag.len() == "fn:guest@".len() + 64, "{tag}");
    assert_eq!(purged(&node, &tag).await, 1);
    assert_eq!(node.get("/at-origin/shape").await.cache(), STORED);
}

#[tokio::test]
async fn what_the_origin_forbids_is_not_stored_without_a_grant() {
    for (grants, words, again, refused) in [
        (
            "",
            "fwd=uri-miss; fwd-status=200; detail=private",
            "fwd=uri-miss; fwd-status=200; detail=private",
            true,
        ),
        (r#"grants = ["store-private"]"#, STORED, "hit; ttl=60", false),
    ] {
        let world = World::new();
        let node = with_puppet(&world, grants).await;
        let answer = Answer::new(200, "mine").field("cache-control", "private, max-age=60");
        world.origin.says("/at-origin/insist", answer);
        for words in [words, again] {
            let got = node.get("/at-origin/insist").await;
            assert_eq!((got.says(), got.cache().as_str()), ((200, "mine"), words), "{grants}");
            assert_eq!(got.field("x-refused").is_some(), refused, "{grants}");
        }
    }
}

#[tokio::test]
async fn fields_of_the_host_cannot_be_set_and_some_answers_are_not_kept() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    for (path, detail) in [
        ("/at-origin/owned", None),
        ("/at-origin/deliver", Some("function-deliver-only")),
        ("/at-origin/marked", Some("function-hit-for-miss")),
    ] {
        world.origin.says(path, Answer::cacheable("hello"));
        for _ in 0..2 {
            let got = node.get(path).await;
            assert_eq!(got.says(), (200, "hello"), "{path}");
            match detail {
                Some(detail) => assert!(got.cache().ends_with(&format!("detail={detail}")), "{got:?}"),
                None => assert!(!got.cache().contains("detail"), "{got:?}"),
            }
        }
        assert_eq!(world.origin.count(path), if detail.is_some() { 2 } else { 1 }, "{path}");
    }
}

#[tokio::test]
async fn a_revalidation_shows_the_function_the_stored_head() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    let path = "/at-origin/shape";
    let answer = |status, body| {
        Answer::new(status, body)
            .field("cache-control", "max-age=60")
            .field("etag", "\"1\"")
            .field("server", "x")
    };
    world.origin.says(path, answer(200, "hello"));
    node.get(path).await;
    world.pass(100).await;
    world.origin.says(path, answer(304, "").field("x-new", "yes"));
    let got = node.get(path).await;
    assert_eq!((got.says(), got.cache().as_str()), ((200, "hello"), "fwd=stale; fwd-status=304; stored"));
    for (name, value) in [("x-shaped", Some("yes")), ("x-new", Some("yes")), ("server", None)] {
        assert_eq!(got.field(name), value, "{name}");
    }
    assert_eq!(got.head.all("surrogate-key").len(), 1, "signed once: {got:?}");
    assert_eq!(node.get(path).await.cache(), "hit; ttl=60");
}

/// A lifetime that the function gave must not outlive the origin's change of mind.
#[tokio::test]
async fn a_304_that_forbids_storing_ends_what_the_function_decided() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    let path = "/at-origin/policy";
    let answer = |status, control| {
        Answer::new(status, if status == 200 { "hello" } else { "" })
            .field("cache-control", control)
            .field("etag", "\"1\"")
    };
    world.origin.says(path, answer(200, "max-age=1"));
    assert_eq!(node.get(path).await.cache(), STORED);
    assert_eq!(node.get(path).await.cache(), "hit; ttl=120");
    world.pass(200).await;
    world.origin.says(path, answer(304, "private"));
    assert_eq!(node.get(path).await.says(), (200, "hello"), "whoever asked has it");
    world.origin.says(path, answer(200, "private"));
    let got = node.get(path).await;
    assert!(got.cache().contains("detail=private"), "{got:?}");
}

#[tokio::test]
async fn a_failure_does_what_the_operator_said() {
    let closed = r#"on_error = { on-origin-response = "fail-closed", on-request = "fail-open", on-response = "fail-closed" }"#;
    let open = r#"on_error = { on-origin-request = "fail-open", on-origin-response = "fail-open" }"#;
    for (lines, path, status, stored) in [
        ("", "/at-origin/panic-before", 503, false),
        (open, "/at-origin/panic-before", 200, true),
        ("", "/at-origin/panic-behind", 200, false),
        (open, "/at-origin/panic-behind", 200, true),
        (closed, "/at-origin/panic-behind", 503, false),
        (closed, "/panic", 200, true),
        (closed, "/late-panic", 503, true),
    ] {
        let world = World::new();
        let node = with_puppet(&world, lines).await;
        world.origin.says(path, Answer::cacheable("hello"));
        let got = node.get(path).await;
        assert_eq!(got.status, status, "{lines} {path}: {got:?}");
        assert_eq!(got.field("x-half-done"), None, "edits of a failed hook are undone");
        let again = node.get(path).await;
        assert_eq!(
            again.cache().starts_with("hit") || status == 503 && stored,
            stored,
            "{lines} {path}: {again:?}"
        );
    }
}

#[tokio::test]
async fn a_failure_of_a_fetch_is_in_the_log_with_its_code() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    world.origin.says("/at-origin/panic-behind", Answer::cacheable("hello"));
    node.get("/at-origin/panic-behind").await;
    let line = lines::with("code", "SW-FN-TRAP").expect("a line of the fetch");
    assert_eq!(
        (line["function"].as_str(), line["hook"].as_str()),
        ("guest", "on-origin-response"),
        "{line:?}"
    );
    assert!(line["message"].contains("on_origin_response"), "the guest's own names: {line:?}");
}

/// The edge runs no origin-side hook where a shield answers; what functions decided at the shield holds at the edge.
#[tokio::test]
async fn at_a_shield_the_hooks_run_once_and_the_edge_keeps_what_they_decided() {
    let world = World::new();
    let file = guests::module("puppet");
    let plan = |name, region| Plan::shielded(name, region).function("guest", &file, "");
    let ams = world.start(plan("ams-1", "ams")).await;
    let fra = world.start(plan("fra-1", "fra")).await;
    world.origin.says("/at-origin/policy", Answer::new(200, "hello"));
    assert_eq!(fra.get("/at-origin/policy").await.says(), (200, "hello"));
    world.pass(20).await;
    assert_eq!(fra.get("/at-origin/policy").await.cache(), "hit; ttl=100");
    assert_eq!(ams.get("/at-origin/policy").await.cache(), "hit; ttl=100");
    assert_eq!(purged(&fra, "product-7").await, 2, "both");
    world.origin.says("/at-origin/sign", Answer::cacheable("hello"));
    fra.get("/at-origin/sign").await;
    assert_eq!(world.origin.asked("/at-origin/sign").len(), 1);
}

#[tokio::test]
async fn what_passes_by_the_cache_meets_the_hooks_and_has_a_client() {
    let world = World::new();
    let node = with_puppet(&world, r#"config = { key = "k1" }"#).await;
    world.origin.says("/at-origin/sign", Answer::cacheable("hello"));
    node.send(&Ask::new("POST", "/at-origin/sign").body("x")).await;
    assert_eq!(world.origin.asked("/at-origin/sign")[0].field("x-signed"), "k1 Some(\"127.0.0.1\") Pass");
    world.origin.says("/at-origin/shape", Answer::cacheable("hello"));
    let got = node.send(&Ask::new("POST", "/at-origin/shape").body("x")).await;
    assert_eq!((got.field("x-shaped"), got.field("surrogate-key")), (Some("yes"), None), "nothing to purge");
}

#[tokio::test]
async fn what_a_post_leaves_in_the_store_is_shaped_and_signed() {
    let world = World::new();
    let node = with_puppet(&world, "").await;
    let path = "/at-origin/policy";
    world.origin.says(path, Answer::cacheable("new").field("content-location", path));
    let got = node.send(&Ask::new("POST", path).body("x")).await;
    assert_eq!((got.says(), got.field("surrogate-key")), ((200, "new"), None), "{got:?}");
    let got = node.get(path).await;
    assert_eq!((got.says(), got.cache().as_str()), ((200, "new"), "hit; ttl=120"));
    let tags = got.head.all("surrogate-key");
    assert!(tags.iter().any(|tags| tags.starts_with("fn:guest@")), "{tags:?}");
    assert_eq!(world.origin.count(path), 1);
    assert_eq!(purged(&node, "product-7").await, 1);
}
