//! What an operator overrides for a site, and what of the RFCs it changes. Who overrides nothing gets the RFCs: the other
//! files.

use serde_json::json;

use crate::harness::{Answer, Ask, Asked, Gate, Node, Plan, World};

const STORED: &str = "fwd=uri-miss; fwd-status=200; stored";

/// A node whose site has these settings.
async fn with(world: &World, settings: &str) -> Node {
    world.start(Plan::new("fra-1", "fra").site(settings)).await
}

/// What the cache says of each request in turn.
async fn told(node: &Node, asks: impl IntoIterator<Item = Ask>) -> Vec<String> {
    let mut told = Vec::new();
    for ask in asks {
        told.push(node.send(&ask).await.cache());
    }
    told
}

/// An answer that says who asked: nothing of it may reach anybody else.
fn echo(field: &'static str) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    move |asked| Answer::cacheable(asked.field(field))
}

#[tokio::test]
async fn the_first_rule_that_matches_path_and_status_gives_the_lifetime() {
    let world = World::new();
    let node = with(
        &world,
        r#"
        default_ttl = "5s"
        negative_ttl = "4s"
        rules = [
            { paths = ["/news/live*"], ttl = "1s" },
            { paths = ["/news/*", "*.png"], ttl = "50s" },
            { statuses = ["404", "5xx"], ttl = "30s" },
            { paths = ["/old/*"], ttl = "100s", override = true },
        ]"#,
    )
    .await;
    for (path, answer, ttl) in [
        ("/news/live-1", Answer::new(200, ""), Some(1)),
        ("/news/a?b=/x", Answer::new(200, ""), Some(50)),
        ("/a/b.png", Answer::new(301, ""), Some(50)),
        ("/a/b.png?c", Answer::new(200, "").field("cache-control", "max-age=7"), Some(7)),
        ("/else", Answer::new(200, ""), Some(5)),
        // Errors are spoken of only by rules that name them.
        ("/news/gone", Answer::new(404, ""), Some(30)),
        ("/news/broken", Answer::new(500, ""), Some(30)),
        ("/news/gone-for-good", Answer::new(410, ""), Some(4)),
        // What no status makes storable (RFC 9111 §3), only a rule that names it does.
        ("/news/elsewhere", Answer::new(302, ""), None),
        ("/news/forbidden", Answer::new(403, ""), None),
        ("/old/a", Answer::new(200, "").field("cache-control", "max-age=7"), Some(100)),
        ("/old/b", Answer::new(200, "").field("cache-control", "s-maxage=0"), Some(100)),
        ("/old/c", Answer::new(200, "").field("expires", "0"), Some(100)),
        ("/old/d", Answer::new(200, "").field("cdn-cache-control", "max-age=1"), Some(100)),
        ("/old/e", Answer::new(200, "").field("cache-control", "max-age=7").field("age", "90"), Some(10)),
    ] {
        world.origin.says(path, answer);
        node.get(path).await;
        let again = node.get(path).await.cache();
        match ttl {
            Some(ttl) => assert_eq!(again, format!("hit; ttl={ttl}"), "{path}"),
            None => assert!(again.starts_with("fwd=uri-miss"), "{path}: {again}"),
        }
    }
}

/// RFC 9111 §3.4: a part is of a 200.
#[tokio::test]
async fn a_rule_for_the_whole_is_one_for_its_parts() {
    let world = World::new();
    let node = with(&world, r#"rules = [{ statuses = ["200"], ttl = "30s" }]"#).await;
    let part = Answer::new(206, "789").field("content-range", "bytes 7-9/10").field("etag", "\"1\"");
    world.origin.says("/film", part);
    let end = || Ask::get("/film").field("range", "bytes=-3");
    let stored = "fwd=uri-miss; fwd-status=206; stored";
    assert_eq!(told(&node, [end(), end()]).await, [stored, "hit; ttl=30"]);
}

#[tokio::test]
async fn no_rule_makes_storable_what_the_origin_forbids() {
    let world = World::new();
    let node = with(&world, r#"rules = [{ statuses = ["2xx", "5xx"], ttl = "1h", override = true }]"#).await;
    for (path, forbids, detail) in [
        ("/a", "no-store", "no-store"),
        ("/b", "max-age=60, private", "private"),
        ("/c", "no-store, max-age=60", "no-store"),
    ] {
        world.origin.says(path, Answer::new(200, "").field("cache-control", forbids));
        for _ in 0..2 {
            assert_eq!(
                node.get(path).await.cache(),
                format!("fwd=uri-miss; fwd-status=200; detail={detail}")
            );
        }
    }
    // `no-cache` is kept as well: it is stored, and asked about every time.
    let asked_about = Answer::new(200, "x").field("cache-control", "no-cache").field("etag", "\"1\"");
    world.origin.says_in_turn("/d", &[asked_about, Answer::new(304, "").field("etag", "\"1\"")]);
    let validated = "fwd=stale; fwd-status=304; stored";
    assert_eq!(told(&node, ["/d", "/d", "/d"].map(Ask::get)).await, [STORED, validated, validated]);
}

#[tokio::test]
async fn a_rule_opens_windows_of_staleness_for_its_paths_only() {
    let world = World::new();
    let node = with(
        &world,
        r#"
        stale_if_error = "20s"
        rules = [
            { paths = ["/soft/*"], stale_while_revalidate = "30s", stale_if_error = "1h" },
            { paths = ["/hard/*"], ttl = "60s", stale_if_error = "1h", override = true },
        ]"#,
    )
    .await;
    let fresh = |more: &str| Answer::new(200, "old").field("cache-control", &format!("max-age=60{more}"));
    for (path, more) in [
        ("/soft/a", ""),
        ("/soft/b", ", stale-while-revalidate=5"),
        ("/soft/c", ", must-revalidate"),
        ("/hard/a", ", stale-if-error=5"),
        ("/hard/b", ", s-maxage=9"),
        ("/hard/c", ", proxy-revalidate"),
        ("/else", ""),
    ] {
        world.origin.says_in_turn(path, &[fresh(more), Answer::new(503, "down")]);
        node.get(path).await;
    }
    world.pass(70).await;
    for (path, says, cache) in [
        ("/soft/a", (200, "old"), "hit; ttl=-10; detail=stale-while-revalidate"),
        ("/soft/b", (200, "old"), "fwd=stale; fwd-status=503; ttl=-10; detail=stale-if-error"),
        ("/soft/c", (503, "down"), "fwd=stale; fwd-status=503; detail=not-allowed"),
        ("/hard/a", (200, "old"), "fwd=stale; fwd-status=503; ttl=-10; detail=stale-if-error"),
        ("/hard/b", (200, "old"), "fwd=stale; fwd-status=503; ttl=-10; detail=stale-if-error"),
        ("/hard/c", (503, "down"), "fwd=stale; fwd-status=503; detail=not-allowed"),
        ("/else", (200, "old"), "fwd=stale; fwd-status=503; ttl=-10; detail=stale-if-error"),
    ] {
        let got = node.get(path).await;
        assert_eq!((got.says(), got.cache().as_str()), (says, cache), "{path}");
    }
    world.pass(20).await;
    assert_eq!(node.get("/else").await.says(), (503, "down"), "the site's own window is over");
    assert_eq!(node.get("/hard/a").await.says(), (200, "old"), "and the rule's is not");
}

#[tokio::test]
async fn what_the_key_ignores_is_forwarded_and_does_not_split_the_cache() {
    let world = World::new();
    let node = with(&world, r#"query = { ignore = ["utm_*", "gclid"], sort = true }"#).await;
    world.origin.says("/p?b=2&utm_source=x&a=1", Answer::cacheable("page"));
    world.origin.says("/p?a=1", Answer::cacheable("other"));

    assert_eq!(
        node.get("/p?b=2&utm_source=x&a=1").await.cache(),
        STORED,
        "the origin is asked as the client asked"
    );
    for form in ["/p?a=1&b=2", "/p?b=2&a=1", "/p?gclid=9&b=2&a=1&utm_campaign=y"] {
        let got = node.get(form).await;
        assert_eq!((got.says(), got.cache().as_str()), ((200, "page"), "hit; ttl=60"), "{form}");
    }
    assert_eq!(node.get("/p?a=1").await.says(), (200, "other"));
    assert_eq!(node.send(&Ask::new("HEAD", "/p?utm_x=1&a=1&b=2")).await.cache(), "hit; ttl=60");
    // Order within a name may mean something.
    world.origin.says("/p?a=1&a=2", Answer::cacheable("12"));
    world.origin.says("/p?a=2&a=1", Answer::cacheable("21"));
    assert_eq!(node.get("/p?a=1&a=2").await.says(), (200, "12"));
    assert_eq!(node.get("/p?a=2&a=1").await.says(), (200, "21"));
}

#[tokio::test]
async fn only_what_is_kept_is_in_the_key() {
    let world = World::new();
    let node = with(&world, r#"query = { keep = ["id"] }"#).await;
    world.origin.says("/p?id=1&x=1", Answer::cacheable("one"));
    world.origin.says("/p?id=2", Answer::cacheable("two"));
    assert_eq!(node.get("/p?id=1&x=1").await.says(), (200, "one"));
    assert_eq!(node.get("/p?y=9&id=1").await.says(), (200, "one"));
    assert_eq!(node.get("/p?id=2").await.says(), (200, "two"));
}

/// Whatever form the client's URL had: a purge by any other, or by what is stored, finds it.
#[tokio::test]
async fn a_purge_by_any_form_of_a_url_finds_what_is_stored() {
    let world = World::new();
    let node = with(&world, r#"query = { ignore = ["utm_*"], sort = true }"#).await;
    let asked = "/p?b=2&utm_source=x&a=1";
    world.origin.says(asked, Answer::cacheable("page"));
    for order in [
        json!({ "urls": ["shop.example/p?b=2&utm_source=x&a=1"] }),
        json!({ "urls": ["https://Shop.example/p?utm_source=other&a=1&b=2"] }),
        json!({ "urls": ["shop.example/p?a=1&b=2"], "site": "shop" }),
        json!({ "prefixes": ["shop.example/p?a=1"] }),
        json!({ "prefixes": ["shop.example/p"] }),
        json!({ "hosts": ["shop.example"] }),
        json!({ "urls": ["shop.example/p?b=2&a=1"], "dry_run": true }),
        json!({ "urls": ["shop.example/p?b=2&a=1"], "soft": true }),
        json!({ "all": true }),
    ] {
        node.get(asked).await;
        assert!(node.get(asked).await.cache().starts_with("hit"), "{order}");
        let answer = node.purge(order.clone()).await;
        assert_eq!(answer["matched"], 1, "{order}: {answer}");
        let gone = order["dry_run"].is_null();
        assert_eq!(node.get(asked).await.cache().starts_with("fwd="), gone, "{order}");
    }
    for other in ["shop.example/p?a=1", "other.example/p?a=1&b=2", "shop.example/p"] {
        assert_eq!(node.purge(json!({ "urls": [other] })).await["matched"], 0, "{other}");
    }
}

/// Promise 3, for a URL in another form than the one that is being fetched.
#[tokio::test]
async fn a_purge_by_another_form_seals_the_fill_in_flight() {
    let world = World::new();
    let node = with(&world, r#"query = { ignore = ["utm_*"], sort = true }"#).await;
    let gate = Gate::closed();
    let (late, new) = (Answer::cacheable("old").at(&gate), Answer::cacheable("new"));
    world.origin.says_in_turn("/p?b&a&utm_x", &[late, new.clone()]);
    world.origin.says("/p?utm_y&a&b", new);

    let ask = Ask::get("/p?b&a&utm_x");
    let before = node.send(&ask);
    let director = async {
        gate.is_reached(1).await;
        node.purge(json!({ "urls": ["shop.example/p?utm_z&b&a"] })).await;
        let after = node.get("/p?utm_y&a&b").await;
        assert_eq!(
            after.says(),
            (200, "new"),
            "whoever comes after the purge does not wait for what was before it"
        );
        gate.open();
    };
    let (before, ()) = tokio::join!(before, director);
    assert_eq!(before.says(), (200, "old"));
    assert_eq!(node.get("/p?a&b").await.says(), (200, "new"));
}

/// RFC 9111 §4.4.
#[tokio::test]
async fn an_unsafe_request_by_any_form_of_a_url_invalidates_it() {
    let world = World::new();
    let node = with(&world, r#"query = { ignore = ["utm_*"], sort = true }"#).await;
    world.origin.says("/p?a&b", Answer::cacheable("page"));
    world.origin.says("/q?a&b", Answer::cacheable("page"));
    world.origin.says("/p?b&utm_x&a", Answer::new(204, "").field("location", "/q?b&a"));
    told(&node, ["/p?a&b", "/q?a&b"].map(Ask::get)).await;
    node.send(&Ask::new("POST", "/p?b&utm_x&a").body("x")).await;
    assert_eq!(told(&node, ["/p?a&b", "/q?a&b"].map(Ask::get)).await, [STORED, STORED]);
}

#[tokio::test]
async fn fields_and_cookies_of_the_key_split_the_cache_and_reach_the_origin() {
    let world = World::new();
    let node = with(&world, r#"key = { headers = ["x-device"], cookies = ["currency"] }"#).await;
    world.origin.answers("/p", |asked| {
        Answer::cacheable(&format!("{}|{}", asked.field("x-device"), asked.field("cookie")))
    });
    let ask = |device: &str, cookie: &str| Ask::get("/p").field("x-device", device).field("cookie", cookie);
    for (ask, says, cache) in [
        (ask("phone", "sid=1; currency=EUR"), "phone|sid=1; currency=EUR", STORED),
        (ask("phone", "currency=EUR; sid=2"), "phone|sid=1; currency=EUR", "hit; ttl=60"),
        (ask("phone", "currency=USD"), "phone|currency=USD", STORED),
        (ask("desktop", "currency=USD"), "desktop|currency=USD", STORED),
        // One that comes twice is two values: who knows which of them the origin reads.
        (ask("desktop", "currency=USD; currency=EUR"), "desktop|currency=USD; currency=EUR", STORED),
        (ask("desktop", "currency"), "desktop|currency", STORED),
        (Ask::get("/p").field("x-device", ""), "|", STORED),
        (Ask::get("/p"), "|", STORED),
        (Ask::get("/p").field("cookie", "a=b"), "|", "hit; ttl=60"),
    ] {
        let got = node.send(&ask).await;
        assert_eq!((got.body.as_str(), got.cache().as_str()), (says, cache), "{ask:?}");
    }
    assert_eq!(
        node.purge(json!({ "urls": ["shop.example/p"] })).await["matched"],
        7,
        "a URL has all of them"
    );
    assert_eq!(node.send(&ask("phone", "currency=EUR")).await.cache(), STORED);
    assert_eq!(
        node.send(&Ask::get("/p").host("other.example")).await.cache(),
        STORED,
        "the host is always in it"
    );
}

#[tokio::test]
async fn a_shield_keeps_apart_what_its_edges_do() {
    let settings = r#"
        query = { ignore = ["utm_*"] }
        key = { headers = ["x-device"], cookies = ["currency"] }
        strip_request_cookies = true
        normalise = { accept_language = ["en", "de"] }"#;
    let world = World::new();
    let ams = world.start(Plan::shielded("ams-1", "ams").site(settings)).await;
    let fra = world.start(Plan::shielded("fra-1", "fra").site(settings)).await;
    let nyc = world.start(Plan::shielded("nyc-1", "nyc").site(settings)).await;
    for path in ["/p?utm_a", "/p?utm_b", "/p"] {
        world.origin.answers(path, |asked| {
            let said = ["x-device", "cookie", "accept-language"].map(|field| asked.field(field));
            Answer::cacheable(&said.join("|")).field("vary", "accept-language")
        });
    }
    let ask = |path, device, cookie| {
        Ask::get(path)
            .field("x-device", device)
            .field("cookie", cookie)
            .field("accept-language", "de-CH, en;q=0.5")
    };
    for (node, ask, says, asked) in [
        (&fra, ask("/p?utm_a", "phone", "currency=EUR; sid=1"), "phone|currency=EUR|de", 1),
        (&nyc, ask("/p?utm_b", "phone", "sid=2; currency=EUR"), "phone|currency=EUR|de", 1),
        (&nyc, ask("/p?utm_b", "phone", "sid=2; currency=USD"), "phone|currency=USD|de", 2),
        (&ams, ask("/p?utm_b", "phone", "sid=3; currency=USD"), "phone|currency=USD|de", 2),
        (&fra, ask("/p?utm_b", "desktop", "sid=1"), "desktop||de", 3),
    ] {
        assert_eq!(node.send(&ask).await.says(), (200, says), "{ask:?}");
        let count: usize = ["/p?utm_a", "/p?utm_b", "/p"].map(|path| world.origin.count(path)).iter().sum();
        assert_eq!(count, asked, "{ask:?}");
    }
    world.origin.says("/p?utm_c", Answer::new(204, ""));
    fra.send(&Ask::new("POST", "/p?utm_c").body("x")).await;
    for (device, cookie) in [("phone", "currency=USD"), ("desktop", "")] {
        let got = ams.send(&ask("/p", device, cookie)).await;
        assert_eq!(got.cache(), STORED, "{device}: an edge's POST takes all that the shield has of the URL");
    }
}

#[tokio::test]
async fn stripped_cookies_reach_neither_the_key_nor_the_origin() {
    let world = World::new();
    let node = with(&world, "strip_request_cookies = true").await;
    world.origin.answers("/p", |asked| echo("cookie")(asked).field("vary", "cookie"));
    for (cookie, cache) in [("sid=1", STORED), ("sid=2", "hit; ttl=60")] {
        let got = node.send(&Ask::get("/p").field("cookie", cookie)).await;
        assert_eq!((got.says(), got.cache().as_str()), ((200, ""), cache));
    }
    // What is not answered from the cache keeps them.
    world.origin.answers("/login", echo("cookie"));
    let got = node.send(&Ask::new("POST", "/login").field("cookie", "sid=1").body("x")).await;
    assert_eq!(got.says(), (200, "sid=1"));
}

#[tokio::test]
async fn only_the_cookies_that_are_named_are_stripped() {
    let world = World::new();
    let node = with(&world, r#"strip_request_cookies = ["_ga*"]"#).await;
    world.origin.answers("/p", |asked| echo("cookie")(asked).field("vary", "cookie"));
    for (cookie, says, cache) in [
        ("_ga=1; theme=dark; _ga_X=2", "theme=dark", STORED),
        ("theme=dark", "theme=dark", "hit; ttl=60"),
        ("theme=light; _ga=3", "theme=light", "fwd=vary-miss; fwd-status=200; stored"),
        ("_ga=3", "", "fwd=vary-miss; fwd-status=200; stored"),
    ] {
        let got = node.send(&Ask::get("/p").field("cookie", cookie)).await;
        assert_eq!((got.says(), got.cache().as_str()), ((200, says), cache), "{cookie}");
    }
}

#[tokio::test]
async fn set_cookie_is_left_out_of_what_is_stored_and_of_nothing_else() {
    let world = World::new();
    let node = with(&world, "strip_set_cookie = true").await;
    world.origin.says("/stored", Answer::cacheable("").field("set-cookie", "sid=1"));
    world.origin.says("/passed", Answer::uncacheable("").field("set-cookie", "sid=1"));
    for _ in 0..2 {
        assert_eq!(node.get("/stored").await.field("set-cookie"), None);
        assert_eq!(node.get("/passed").await.field("set-cookie"), Some("sid=1"));
    }
    assert_eq!(world.origin.count("/stored"), 1);
}

#[tokio::test]
async fn a_site_need_not_store_what_sets_cookies() {
    let world = World::new();
    let node = with(&world, "store_set_cookie = false").await;
    world.origin.says("/p", Answer::cacheable("").field("set-cookie", "sid=1"));
    for _ in 0..2 {
        let got = node.get("/p").await;
        assert_eq!(got.field("set-cookie"), Some("sid=1"));
        assert_eq!(got.cache(), "fwd=uri-miss; fwd-status=200; detail=set-cookie");
    }
}

/// Each with the answers of a site that sets nothing, and of one that is strict.
#[tokio::test]
async fn a_strict_no_store_is_lifted_by_nothing() {
    let world = World::new();
    let (lax, strict) = (world.node().await, with_named(&world, "ams-1", r#"no_store = "strict""#).await);
    world
        .origin
        .says("/a", Answer::new(200, "").field("cache-control", "no-store, must-understand, max-age=60"));
    world.origin.says(
        "/b",
        Answer::new(200, "").field("cache-control", "no-store").field("cdn-cache-control", "max-age=60"),
    );
    for path in ["/a", "/b"] {
        assert_eq!(told(&lax, [path, path].map(Ask::get)).await, [STORED, "hit; ttl=60"], "{path}");
        let declined = "fwd=uri-miss; fwd-status=200; detail=no-store";
        assert_eq!(told(&strict, [path, path].map(Ask::get)).await, [declined, declined], "{path}");
    }
}

/// A second node of the world, on its own.
async fn with_named(world: &World, name: &str, settings: &str) -> Node {
    world.start(Plan::new(name, "ams").site(settings)).await
}

#[tokio::test]
async fn a_clients_no_store_can_be_disregarded() {
    let world = World::new();
    let (lax, deaf) = (world.node().await, with_named(&world, "ams-1", "request_no_store = false").await);
    world.origin.says("/p", Answer::cacheable(""));
    let ask = || Ask::get("/p").field("cache-control", "no-store");
    assert_eq!(told(&lax, [ask()]).await, ["fwd=uri-miss; fwd-status=200; detail=request-no-store"]);
    assert_eq!(told(&deaf, [ask(), ask()]).await, [STORED, "hit; ttl=60"]);
}

/// What such a request brings is for everybody: nobody need ask beside it.
#[tokio::test]
async fn a_disregarded_no_store_leads_a_fill_that_others_follow() {
    let world = World::new();
    let node = with(&world, "request_no_store = false").await;
    let gate = Gate::closed();
    world.origin.says("/p", Answer::cacheable("page").at(&gate));
    let first = Ask::get("/p").field("cache-control", "no-store");
    let first = node.send(&first);
    let rest = async {
        gate.is_reached(1).await;
        let second = node.get("/p");
        let director = async {
            node.counts("seawall_cache_followed_total", 1).await;
            gate.open();
        };
        tokio::join!(second, director).0
    };
    let (first, second) = tokio::join!(first, rest);
    assert_eq!((first.says(), second.says()), ((200, "page"), (200, "page")));
    assert_eq!(world.origin.count("/p"), 1);
}

#[tokio::test]
async fn clients_can_be_kept_from_forcing_a_revalidation() {
    let world = World::new();
    let node = with(&world, "request_directives = false").await;
    world.origin.says("/p", Answer::cacheable(""));
    node.get("/p").await;
    world.pass(10).await;
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("cache-control", "max-age=0"),
        ("cache-control", "min-fresh=59"),
        ("pragma", "no-cache"),
    ] {
        assert_eq!(node.send(&Ask::get("/p").field(name, value)).await.cache(), "hit; ttl=50", "{value}");
    }
    let only_stored = Ask::get("/q").field("cache-control", "only-if-cached");
    assert_eq!(node.send(&only_stored).await.status, 504, "this one is kept: it costs the origin nothing");
}

#[tokio::test]
async fn a_lifetime_need_not_be_guessed() {
    let world = World::new();
    let (lax, strict) = (world.node().await, with_named(&world, "ams-1", "heuristics = false").await);
    let modified = Answer::new(200, "").field("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT");
    world.origin.says("/p", modified);
    assert!(told(&lax, ["/p", "/p"].map(Ask::get)).await[1].starts_with("hit"));
    let told = told(&strict, ["/p", "/p"].map(Ask::get)).await;
    assert_eq!(
        told,
        [STORED, "fwd=stale; fwd-status=200; stored"],
        "kept for its validator, asked about every time"
    );
}

#[tokio::test]
async fn how_long_stale_may_stand_in_for_an_origin_that_is_gone_is_the_sites_to_say() {
    for (setting, at_ten, at_thirty) in [
        ("", 200, 200),
        ("stale_when_disconnected = \"20s\"", 200, 502),
        ("stale_when_disconnected = \"0s\"", 502, 502),
    ] {
        let world = World::new();
        let node = with(&world, setting).await;
        world.origin.says_in_turn("/p", &[Answer::cacheable("page"), Answer::bare("")]);
        node.get("/p").await;
        world.pass(70).await;
        assert_eq!(node.get("/p").await.status, at_ten, "{setting}");
        world.pass(20).await;
        assert_eq!(node.get("/p").await.status, at_thirty, "{setting}");
    }
}

#[tokio::test]
async fn a_language_becomes_the_best_that_the_site_has() {
    let world = World::new();
    let node = with(&world, r#"normalise = { accept_language = ["en", "de", "zh-hant"] }"#).await;
    world.origin.answers("/p", |asked| echo("accept-language")(asked).field("vary", "accept-language"));
    const VARIANT: &str = "fwd=vary-miss; fwd-status=200; stored";
    for (wanted, gets, cache) in [
        ("de-AT, de;q=0.9, en;q=0.5", "de", STORED),
        ("fr, DE;q=0.3, en;q=0.2", "de", "hit; ttl=60"),
        ("en-GB", "en", VARIANT),
        ("de;q=0.1, en", "en", "hit; ttl=60"),
        ("zh-Hant-TW", "zh-hant", VARIANT),
        // Nothing that the site has: it answers in its own language, once for all of these.
        ("fr", "", VARIANT),
        ("*", "", "hit; ttl=60"),
        ("de;q=0", "", "hit; ttl=60"),
    ] {
        let got = node.send(&Ask::get("/p").field("accept-language", wanted)).await;
        assert_eq!((got.says(), got.cache().as_str()), ((200, gets), cache), "{wanted}");
    }
    assert_eq!(node.get("/p").await.cache(), "hit; ttl=60");
}

#[tokio::test]
async fn negotiation_can_be_compared_as_it_is_written() {
    let world = World::new();
    let settings = "normalise = { accept_encoding = false, accept_language = false }";
    let (lax, strict) = (world.node().await, with_named(&world, "ams-1", settings).await);
    for field in ["accept-encoding", "accept-language"] {
        let path = format!("/{field}");
        world.origin.says(&path, Answer::cacheable("").field("vary", field));
        let asks = || ["de, fr;q=0.5", "fr;q=0.5,de"].map(|value| Ask::get(&path).field(field, value));
        assert_eq!(told(&lax, asks()).await[1], "hit; ttl=60");
        assert_eq!(told(&strict, asks()).await[1], "fwd=vary-miss; fwd-status=200; stored");
    }
}

/// RFC 9211 §2.7.
#[tokio::test]
async fn the_key_is_told_on_request_where_the_site_allows_it() {
    let settings = r#"
        query = { ignore = ["utm_*"], sort = true }
        key = { headers = ["x-device"], cookies = ["currency"] }
        "#;
    let world = World::new();
    let quiet = with(&world, settings).await;
    let node = with_named(&world, "ams-1", &format!("{settings}\ndebug_key = true")).await;
    world.origin.says("/p?utm_a&b='1'&a", Answer::cacheable("").field("cache-status", "origin; hit"));
    let plain =
        || Ask::get("/p?utm_a&b='1'&a").field("cookie", "currency=SECRET").field("x-device", "SECRET");
    let ask = || plain().field("seawall-debug", "key");
    let key = r#"key="shop http://shop.example/p?a&b='1' header:x-device cookie:currency""#;

    let got = node.send(&ask()).await;
    assert_eq!(got.cache(), format!("{STORED}; {key}"));
    assert_eq!(got.head.all("cache-status")[0], "origin; hit", "what another cache said stays");
    assert_eq!(node.send(&ask()).await.cache(), format!("hit; ttl=60; {key}"));
    for ask in [plain(), plain().field("seawall-debug", "keys")] {
        assert_eq!(node.send(&ask).await.cache(), "hit; ttl=60", "it is not stored with the response");
    }
    assert!(
        !node
            .send(&Ask::new("POST", "/x").field("seawall-debug", "key").body(""))
            .await
            .cache()
            .contains("key=")
    );
    assert_eq!(told(&quiet, [ask(), ask()]).await, [STORED, "hit; ttl=60"]);
}

/// RFC 9110 §9.1: what a method means for caching must be known before anything is stored for it.
#[tokio::test]
async fn no_rule_makes_what_another_method_brought_storable() {
    let world = World::new();
    let node = with(&world, r#"rules = [{ statuses = ["2xx"], ttl = "1h", override = true }]"#).await;
    world.origin.answers("/p", |asked| Answer::cacheable(&format!("{} {}", asked.method, asked.body)));
    for method in ["QUERY", "SEARCH", "FROBNICATE", "OPTIONS"] {
        for body in ["one", "two"] {
            let got = node.send(&Ask::new(method, "/p").body(body)).await;
            assert_eq!(got.says(), (200, format!("{method} {body}").as_str()));
            assert_eq!(got.cache(), "fwd=method; fwd-status=200");
        }
        let got = node.get("/p").await;
        assert_eq!(got.body, "GET ", "a GET is not answered with what {method} brought");
    }
    // A method that nobody knows may change anything (RFC 9111 §4.4).
    assert_eq!(node.get("/p").await.cache(), "hit; ttl=3600");
    node.send(&Ask::new("FROBNICATE", "/p").body("")).await;
    assert_eq!(node.get("/p").await.cache(), STORED);
    node.send(&Ask::new("QUERY", "/p").body("")).await;
    assert_eq!(node.get("/p").await.cache(), "hit; ttl=3600", "QUERY is safe");
}

/// RFC 9110 §9.3.3. A POST is forwarded as it came: with cookies that a GET would lose, for one.
#[tokio::test]
async fn a_posts_response_is_not_stored_where_a_get_would_have_asked_otherwise() {
    for (settings, cache) in [
        ("", "hit; ttl=60"),
        ("store_post = false", STORED),
        ("strip_request_cookies = true", STORED),
        ("query = { ignore = [\"utm_*\"] }", STORED),
        ("key = { headers = [\"x-device\"] }", STORED),
        ("normalise = { accept_language = [\"de\"] }", STORED),
    ] {
        let world = World::new();
        let node = with(&world, settings).await;
        world.origin.says("/p", Answer::cacheable("page").field("content-location", "/p"));
        assert_eq!(node.send(&Ask::new("POST", "/p").body("x")).await.says(), (200, "page"));
        assert_eq!(node.get("/p").await.cache(), cache, "{settings}");
    }
}
