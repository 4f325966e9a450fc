//! What is stored and no longer fresh, or asked for with conditions.

use crate::harness::{Answer, Ask, Asked, Gate, World, together, until};

/// A page that knows its version: 304 where the request names it.
fn versioned(version: &'static str) -> impl Fn(&Asked) -> Answer {
    move |asked| {
        let body = if asked.field("if-none-match") == version {
            Answer::new(304, "")
        } else {
            Answer::new(200, version)
        };
        body.field("etag", version).field("cache-control", "max-age=60")
    }
}

#[tokio::test]
async fn a_304_makes_what_is_stored_fresh_again() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", versioned("\"v1\""));

    node.get("/page").await;
    world.pass(61).await;
    let refreshed = node.get("/page").await;
    assert_eq!(refreshed.says(), (200, "\"v1\""), "the client asked without a condition");
    assert_eq!(refreshed.cache(), "fwd=stale; fwd-status=304; stored");
    assert_eq!(world.origin.asked("/page")[1].field("if-none-match"), "\"v1\"");
    world.pass(59).await;
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=1");
}

#[tokio::test]
async fn a_page_that_changed_replaces_what_is_stored() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", versioned("\"v1\""));
    node.get("/page").await;
    world.pass(61).await;
    world.origin.answers("/page", versioned("\"v2\""));
    assert_eq!(node.get("/page").await.says(), (200, "\"v2\""));
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60");
}

#[tokio::test]
async fn without_an_etag_the_date_of_the_last_change_is_asked_about() {
    let world = World::new();
    let node = world.node().await;
    let changed = "Sat, 01 Nov 2025 08:00:00 GMT";
    world.origin.answers("/page", move |asked| {
        let known = asked.field("if-modified-since") == changed;
        let answer = if known { Answer::new(304, "") } else { Answer::new(200, "hello") };
        answer.field("last-modified", changed).field("cache-control", "max-age=60")
    });
    node.get("/page").await;
    world.pass(61).await;
    let refreshed = node.get("/page").await;
    assert_eq!(refreshed.says(), (200, "hello"));
    assert_eq!(refreshed.cache(), "fwd=stale; fwd-status=304; stored");
}

#[tokio::test]
async fn a_client_that_has_it_gets_no_body() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", versioned("\"v1\""));
    let ask = Ask::get("/page").field("if-none-match", "\"v1\"");

    for words in ["fwd=uri-miss; fwd-status=200; stored", "hit; ttl=60"] {
        let got = node.send(&ask).await;
        assert_eq!(got.says(), (304, ""));
        assert_eq!(got.field("etag"), Some("\"v1\""));
        assert_eq!(got.cache(), words);
    }
    let other = Ask::get("/page").field("if-none-match", "\"v0\"");
    assert_eq!(node.send(&other).await.says(), (200, "\"v1\""));
    assert_eq!(world.origin.count("/page"), 1);
}

#[tokio::test]
async fn a_range_is_cut_from_what_is_stored() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/film", Answer::cacheable("0123456789").field("etag", "\"v1\""));
    node.get("/film").await;

    for (range, status, body, place) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("bytes=8-", 206, "89", Some("bytes 8-9/10")),
        ("bytes=10-", 416, "", Some("bytes */10")),
        ("lines=1-2", 200, "0123456789", None),
    ] {
        let got = node.send(&Ask::get("/film").field("range", range)).await;
        assert_eq!(got.says(), (status, body), "{range}");
        assert_eq!(got.field("content-range"), place, "{range}");
    }
    assert_eq!(world.origin.count("/film"), 1);
}

#[tokio::test]
async fn a_range_of_what_is_not_there_yet_fetches_the_whole_once() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/film", Answer::cacheable("0123456789"));
    let got = node.send(&Ask::get("/film").field("range", "bytes=2-4")).await;
    assert_eq!(got.says(), (206, "234"));
    assert_eq!(world.origin.asked("/film")[0].head.one("range"), None);
    assert_eq!(node.get("/film").await.says(), (200, "0123456789"));
    assert_eq!(world.origin.count("/film"), 1);
}

#[tokio::test]
async fn a_head_is_answered_from_a_stored_get() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("hello"));

    let head = Ask::new("HEAD", "/page");
    assert!(node.send(&head).await.cache().starts_with("fwd="));
    assert_eq!(world.origin.asked("/page")[0].method, "HEAD");
    node.get("/page").await;
    let got = node.send(&head).await;
    assert_eq!(got.cache(), "hit; ttl=60");
    assert_eq!(got.field("content-length"), Some("5"));
    assert_eq!(world.origin.count("/page"), 2);
}

/// The origin holds the refresh at a gate: whoever asks meanwhile is answered at once, and the origin is asked once.
#[tokio::test]
async fn a_stale_page_is_served_while_one_fill_refreshes_it() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let answer =
        |body| Answer::new(200, body).field("cache-control", "max-age=60, stale-while-revalidate=30");
    world.origin.says_in_turn("/page", &[answer("old"), answer("new").at(&gate)]);

    node.get("/page").await;
    world.pass(70).await;
    for _ in 0..5 {
        let stale = node.get("/page").await;
        assert_eq!(stale.says(), (200, "old"));
        assert_eq!(stale.cache(), "hit; ttl=-10; detail=stale-while-revalidate");
        assert_eq!(stale.field("age"), Some("70"));
    }
    gate.is_reached(1).await;
    gate.open();
    node.counts("seawall_cache_stored_total", 2).await;
    let fresh = node.get("/page").await;
    assert_eq!((fresh.body.as_str(), fresh.cache().as_str()), ("new", "hit; ttl=60"));
    assert_eq!(world.origin.count("/page"), 2);
}

#[tokio::test]
async fn a_stale_page_stands_in_for_an_origin_that_fails() {
    let world = World::new();
    let node = world.node().await;
    let good = Answer::new(200, "old").field("cache-control", "max-age=60, stale-if-error=600");
    let answers = [good, Answer::new(503, "down"), Answer::bare("")];
    world.origin.says_in_turn("/page", &answers);

    node.get("/page").await;
    world.pass(70).await;
    for words in [
        "fwd=stale; fwd-status=503; ttl=-10; detail=stale-if-error",
        "fwd=stale; ttl=-10; detail=stale-if-error",
    ] {
        let got = node.get("/page").await;
        assert_eq!(got.says(), (200, "old"));
        assert_eq!(got.cache(), words);
    }
    world.pass(600).await;
    world.origin.says("/page", Answer::new(503, "down"));
    assert_eq!(node.get("/page").await.says(), (503, "down"), "past its window the truth is told");
}

#[tokio::test]
async fn what_must_be_revalidated_is_never_served_in_its_place() {
    let world = World::new();
    let node = world.node().await;
    let strict = Answer::new(200, "old").field("cache-control", "max-age=60, must-revalidate");
    world.origin.says_in_turn("/page", &[strict, Answer::bare("")]);
    node.get("/page").await;
    world.pass(61).await;
    assert_eq!(node.get("/page").await.status, 502);
}

#[tokio::test]
async fn a_post_that_succeeds_ends_what_is_stored() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/basket", |asked| match (asked.method.as_str(), asked.body.as_str()) {
        ("POST", "bad") => Answer::new(500, "no"),
        ("POST", _) => Answer::new(200, "bought"),
        _ => Answer::cacheable(&format!("seen {}", asked.nth)),
    });
    node.get("/basket").await;
    let post = |body| Ask::new("POST", "/basket").body(body);

    assert_eq!(node.send(&post("bad")).await.says(), (500, "no"));
    assert_eq!(node.get("/basket").await.cache(), "hit; ttl=60", "a failed one changed nothing");
    let bought = node.send(&post("good")).await;
    assert_eq!(bought.says(), (200, "bought"));
    assert_eq!(bought.cache(), "fwd=method; fwd-status=200");
    assert_eq!(node.get("/basket").await.says(), (200, "seen 4"));
}

/// The page was read before the POST and arrives after it: it may be sent, and not be kept.
#[tokio::test]
async fn a_post_is_not_undone_by_a_fill_in_flight() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let head = gate.clone();
    world.origin.answers("/basket", move |asked| match (asked.method.as_str(), asked.nth) {
        ("POST", _) => Answer::new(200, "bought"),
        (_, 1) => Answer::cacheable("empty").at(&head),
        _ => Answer::cacheable("full"),
    });
    let basket = Ask::get("/basket");
    let early = node.open(&basket);
    let director = async {
        gate.is_reached(1).await;
        assert_eq!(node.send(&Ask::new("POST", "/basket").body("x")).await.status, 200);
        gate.open();
    };
    let (early, ()) = tokio::join!(early, director);
    assert_eq!(early.whole().await.body, "empty");
    assert_eq!(node.get("/basket").await.body, "full");
}

#[tokio::test]
async fn only_if_cached_asks_nobody() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("hello"));
    let ask = Ask::get("/page").field("cache-control", "only-if-cached");
    let got = node.send(&ask).await;
    assert_eq!(got.status, 504);
    assert_eq!(got.cache(), "detail=not-cached");
    assert_eq!(world.origin.count("/page"), 0);
    node.get("/page").await;
    assert_eq!(node.send(&ask).await.says(), (200, "hello"));
}

#[tokio::test]
async fn a_client_may_ask_for_a_fresh_answer() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", |asked| Answer::cacheable(&asked.nth.to_string()));
    node.get("/page").await;
    let fresh = node.send(&Ask::get("/page").field("cache-control", "no-cache")).await;
    assert_eq!(fresh.body, "2");
    assert_eq!(fresh.cache(), "fwd=request; fwd-status=200; stored");
    until("it is stored", || world.origin.count("/page") == 2).await;
    assert_eq!(node.get("/page").await.body, "2", "and everybody has it");
}

#[tokio::test]
async fn many_who_find_it_stale_ask_about_it_once() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", versioned("\"v1\""));
    node.get("/page").await;
    world.pass(61).await;
    let gate = Gate::closed();
    let head = gate.clone();
    world.origin.answers("/page", move |asked| versioned("\"v1\"")(asked).at(&head));

    let everybody = together((0..20).map(|_| node.get("/page")));
    let director = async {
        node.counts("seawall_cache_followed_total", 19).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    assert!(answers.iter().all(|got| got.says() == (200, "\"v1\"")));
    assert_eq!(world.origin.count("/page"), 2);
}

#[tokio::test]
async fn conditions_that_only_the_origin_can_judge_go_there() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", |asked| match asked.field("if-match") {
        "" => Answer::cacheable("hello").field("etag", "\"v1\""),
        _ => Answer::new(412, "not that one"),
    });
    node.get("/page").await;
    let got = node.send(&Ask::get("/page").field("if-match", "\"v0\"")).await;
    assert_eq!(got.says(), (412, "not that one"));
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60");
}

/// `no-store` keeps what this request brings from being stored, and says nothing of what is stored already (RFC 9111
/// §5.2.1.5).
#[tokio::test]
async fn a_client_that_wants_nothing_stored_ends_nothing_that_is() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", versioned("\"v1\""));
    node.get("/page").await;
    world.pass(7).await;
    let private = Ask::get("/page").field("cache-control", "no-cache, no-store");
    let got = node.send(&private).await;
    assert_eq!(got.says(), (200, "\"v1\""));
    assert_eq!(world.origin.asked("/page")[1].field("if-none-match"), "\"v1\"");
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=53", "as old as before");
    assert_eq!(world.origin.count("/page"), 2);
}

/// Stored for a minute, to be served stale for ten.
fn patient(body: &str) -> Answer {
    Answer::new(200, body).field("cache-control", "max-age=60, stale-while-revalidate=600")
}

/// The error is told to nobody: the stale page is there. And the origin, which has enough to do, is asked again only
/// when the marker that the refusal left has ended.
#[tokio::test]
async fn a_refresh_that_fails_is_not_tried_again_at_every_hit() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says_in_turn("/page", &[patient("old"), Answer::new(500, "broken")]);
    node.get("/page").await;
    world.pass(70).await;
    for refreshes in 1..=2 {
        for _ in 0..10 {
            assert_eq!(node.get("/page").await.says(), (200, "old"));
            node.counts("seawall_cache_declined_total", refreshes).await;
        }
        assert_eq!(world.origin.count("/page") as u64, 1 + refreshes);
        world.pass(120).await;
    }
}

/// A page that may not be stored any more, or is gone, is not there to be served stale. The first stale hit learns it,
/// and from then on each request has its own answer.
#[tokio::test]
async fn a_refresh_that_is_not_for_storing_ends_what_is_stored() {
    for (status, body) in [(200, "mine"), (404, "gone")] {
        let world = World::new();
        let node = world.node().await;
        let answer = Answer::new(status, body).field("cache-control", "no-store");
        world.origin.says_in_turn("/page", &[patient("old"), answer]);
        node.get("/page").await;
        world.pass(70).await;
        assert_eq!(node.get("/page").await.says(), (200, "old"), "for it, nobody knew yet");
        node.counts("seawall_cache_declined_total", 1).await;
        for asked in 3..6 {
            let got = node.get("/page").await;
            assert_eq!(got.says(), (status, body));
            assert_eq!(got.cache(), format!("fwd=uri-miss; fwd-status={status}; detail=no-store"));
            assert_eq!(world.origin.count("/page"), asked, "one request, one answer: {status}");
        }
    }
}

#[tokio::test]
async fn only_if_cached_asks_nobody_for_a_head_either() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("hello"));
    let ask = Ask::new("HEAD", "/page").field("cache-control", "only-if-cached");
    let got = node.send(&ask).await;
    assert_eq!((got.status, got.cache().as_str()), (504, "detail=not-cached"));
    assert_eq!(world.origin.count("/page"), 0);
    node.get("/page").await;
    assert_eq!(node.send(&ask).await.cache(), "hit; ttl=60");
}

#[tokio::test]
async fn what_cannot_be_satisfied_says_nothing_of_the_content() {
    let world = World::new();
    let node = world.node().await;
    let film = Answer::cacheable("0123456789")
        .field("content-type", "video/mp4")
        .field("etag", "\"v1\"")
        .field("last-modified", "Sat, 01 Nov 2025 08:00:00 GMT");
    world.origin.says("/film", film);
    node.get("/film").await;
    let got = node.send(&Ask::get("/film").field("range", "bytes=10-")).await;
    assert_eq!(got.says(), (416, ""));
    assert_eq!(got.field("content-range"), Some("bytes */10"));
    for name in ["content-type", "etag", "last-modified"] {
        assert_eq!(got.field(name), None, "{got:?}");
    }
}
