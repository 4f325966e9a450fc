//! Whole pools that go away and come back: circuits, checks, backups, error pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    Answer, Ask, BrokenOff, Gate, Node, Origin, Plan, World, all_answered, answering, bounded, lines, metric,
    nobody, plan, server, together, url,
};

/// Waits until the active checks say `up` of a server.
async fn checks_say(node: &Node, server: &Origin, up: u64) {
    let name = metric("server_up", server);
    bounded("the checks say so", async {
        while node.metric(&name).await != up {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_circuit_opens_lets_one_probe_through_and_closes() {
    let world = World::new();
    let bad = Origin::start();
    let gate = Gate::closed();
    let trial = Answer::uncacheable("back").at(&gate);
    let error = Answer::new(502, "down");
    bad.says_in_turn("/x", &[error.clone(), error, trial, Answer::uncacheable("back")]);
    let well = server("well");
    let node = world.start(plan(&[url(&bad), url(&well)]).origin("eject = { failures = 2 }")).await;
    all_answered(&node, 10, &["well"]).await;
    assert_eq!(bad.count("/x"), 2, "then it was left alone");
    assert_eq!(node.metric(&metric("server_ejections_total", &bad)).await, 1);

    world.pass(1).await;
    let director = async {
        gate.is_reached(1).await;
        assert_eq!(node.metric(&metric("server_circuit", &bad)).await, 1, "half-open");
        all_answered(&node, 4, &["well"]).await;
        assert_eq!(bad.count("/x"), 3, "one probe at a time");
        gate.open();
    };
    // One of the first two turns is the bad server's.
    let probe = async { (node.get("/x").await, node.get("/x").await) };
    let ((one, other), ()) = tokio::join!(probe, director);
    assert!([&one, &other].iter().any(|got| got.body == "back"), "{one:?} {other:?}");
    assert_eq!(node.metric(&metric("server_circuit", &bad)).await, 0, "closed");
    all_answered(&node, 4, &["well", "back"]).await;
    assert!(bad.count("/x") > 4, "it has its turns again");
}

/// No request fails once one server is back: where all are out, the least bad one is asked anyway.
#[tokio::test]
async fn all_servers_die_and_return() {
    let world = World::new();
    let (a, b) = (server("a"), server("b"));
    let node = world.start(plan(&[url(&a), url(&b)]).origin("eject = { failures = 2, share = 100 }")).await;
    all_answered(&node, 4, &["a", "b"]).await;
    a.dies().await;
    b.dies().await;
    for _ in 0..6 {
        let got = node.get("/x").await;
        assert_eq!((got.status, got.cache()), (502, "fwd=uri-miss; detail=connection-refused".to_owned()));
    }
    assert_eq!(node.metric(&metric("server_circuit", &a)).await, 2);
    assert_eq!(node.metric(&metric("server_circuit", &b)).await, 2);
    let a = Origin::back_at(a.address()).await;
    a.says("/x", Answer::uncacheable("a again"));
    all_answered(&node, 6, &["a again"]).await;
    let b = Origin::back_at(b.address()).await;
    b.says("/x", Answer::uncacheable("b again"));
    world.pass(60).await;
    all_answered(&node, 6, &["a again", "b again"]).await;
    assert!(b.count("/x") > 0, "both have their turns again");
}

/// A server that comes and goes costs nobody an answer while the other stands.
#[tokio::test]
async fn a_server_that_flaps_harms_nobody() {
    let world = World::new();
    let well = server("x");
    let mut flapping = server("x");
    let node = world.start(plan(&[url(&flapping), url(&well)])).await;
    for _ in 0..5 {
        all_answered(&node, 6, &["x"]).await;
        assert!(flapping.count("/x") > 0, "it has its turns again each time it is back");
        flapping.dies().await;
        all_answered(&node, 6, &["x"]).await;
        flapping = Origin::back_at(flapping.address()).await;
        flapping.says("/x", Answer::uncacheable("x"));
        world.pass(40).await;
    }
}

#[tokio::test]
async fn where_it_is_said_so_a_pool_that_is_out_fails_at_once_and_stale_content_stands_in() {
    let world = World::new();
    world.origin.says("/kept", Answer::cacheable("kept"));
    let settings = "when_all_out = \"fail\"\neject = { failures = 1 }";
    let node = world.start(Plan::new("fra-1", "fra").origin(settings).site("stale_if_error = \"1h\"")).await;
    assert_eq!(node.get("/kept").await.says(), (200, "kept"));
    world.origin.says("/x", Answer::bare(""));
    assert_eq!(node.get("/x").await.status, 502);
    let asked = world.origin.count("/x");

    let got = node.get("/x").await;
    assert_eq!((got.status, got.field("retry-after")), (503, Some("1")));
    assert_eq!(got.field("proxy-status"), Some("fra-1; error=destination_unavailable"));
    assert_eq!(got.cache(), "fwd=uri-miss; detail=no-server");
    assert_eq!(world.origin.count("/x"), asked, "nobody was asked");
    let refused = "seawall_origin_refused_total{origin=\"shop\",why=\"no-server\"}";
    assert_eq!(node.metric(refused).await, 1);

    // Old enough to be stale; the circuit's time is up as well, and the probe fails.
    world.pass(61).await;
    assert_eq!(node.get("/x").await.status, 502);
    let got = node.get("/kept").await;
    assert_eq!(got.says(), (200, "kept"));
    assert!(got.cache().contains("detail="), "{got:?}");
    assert_eq!(world.origin.count("/kept"), 1, "the origin was not asked");
}

#[tokio::test]
async fn what_the_active_checks_call_down_is_not_asked_until_they_call_it_up() {
    let world = World::new();
    let (a, b) = (server("a"), server("b"));
    for server in [&a, &b] {
        server.says("/healthz", Answer::new(204, ""));
    }
    let check =
        "health = { path = \"/healthz\", interval = \"10ms\", rise = 2, fall = 2, host = \"check.example\" }";
    let node = world.start(plan(&[url(&a), url(&b)]).origin(check)).await;
    a.is_asked("/healthz", 3).await;
    assert_eq!(a.asked("/healthz")[0].field("host"), "check.example");
    assert_eq!(node.metric(&metric("server_up", &a)).await, 1);

    a.says("/healthz", Answer::new(500, "ill"));
    checks_say(&node, &a, 0).await;
    let before = a.count("/x");
    all_answered(&node, 6, &["b"]).await;
    assert_eq!(a.count("/x"), before);

    a.says("/healthz", Answer::new(200, "well"));
    checks_say(&node, &a, 1).await;
    all_answered(&node, 4, &["a", "b"]).await;
    assert_eq!(a.count("/x"), before + 2);
}

#[tokio::test]
async fn a_backup_server_is_asked_only_where_no_other_can_be() {
    let world = World::new();
    let (main, spare) = (server("main"), server("spare"));
    let list = [url(&main), format!("{{ url = {}, backup = true }}", url(&spare))];
    let node = world.start(plan(&list)).await;
    all_answered(&node, 4, &["main"]).await;
    assert_eq!(spare.count("/x"), 0);
    main.dies().await;
    let got = node.get("/x").await;
    assert_eq!(got.says(), (200, "spare"));
    assert!(got.cache().ends_with("detail=backup"), "{got:?}");
    all_answered(&node, 6, &["spare"]).await;
    assert!(node.metric("seawall_origin_backup_total{origin=\"shop\"}").await >= 7);
}

#[tokio::test]
async fn a_backup_origin_stands_in_under_its_own_host() {
    let world = World::new();
    let (socket, address) = nobody();
    let spare = Origin::start();
    spare.says("/page", Answer::cacheable("spare"));
    let plan = plan(&[format!("\"http://{address}\"")])
        .origin("host_header = \"main.example\"\nbackup = \"spare\"")
        .table(&format!(
            "[[origins]]\nname = \"spare\"\nservers = [{}]\nhost_header = \"spare.example\"",
            url(&spare)
        ));
    let node = world.start(plan).await;
    let got = node.get("/page").await;
    assert_eq!(got.says(), (200, "spare"));
    assert!(got.cache().contains("stored") && got.cache().ends_with("detail=backup"), "{got:?}");
    assert_eq!(spare.asked("/page")[0].field("host"), "spare.example");
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60");
    drop(socket);
}

/// The order is: what is stored where it may, then the backup, then an error.
#[tokio::test]
async fn stale_content_that_may_stands_in_before_a_backup_does() {
    for (site, body, detail) in [
        ("stale_if_error = \"1h\"", "main", "detail=stale-if-error"),
        ("default_ttl = \"1s\"", "spare", "detail=backup"),
    ] {
        let world = World::new();
        let (main, spare) = (answering(Answer::cacheable("main")), answering(Answer::cacheable("spare")));
        let list = [url(&main), format!("{{ url = {}, backup = true }}", url(&spare))];
        let node = world.start(plan(&list).site(site)).await;
        assert_eq!(node.get("/x").await.says(), (200, "main"));
        main.dies().await;
        world.pass(61).await;
        let got = node.get("/x").await;
        assert_eq!(got.says(), (200, body), "{site}");
        assert!(got.cache().contains(detail), "{site}: {got:?}");
        assert_eq!(spare.count("/x") > 0, body == "spare", "{site}");
    }
}

/// An operator's page for what fails: the status, the word and the fields stay what they are.
#[tokio::test]
async fn a_sites_own_error_pages_are_sent_for_faults() {
    let world = World::new();
    let write = |name: &str, text: &str| std::fs::write(world.folder.path().join(name), text).unwrap();
    write("any.html", "<h1>{{status}} {{reason}}</h1><p>{{cause}}</p>");
    write("busy.json", "{\"busy\": true}");
    let pages = "error_page = { default = \"any.html\", 504 = \"busy.json\" }";
    let plan = Plan::new("fra-1", "fra").origin("first_byte_timeout = \"50ms\"").site(pages);
    let node = world.start(plan).await;
    world.origin.says("/broken", Answer::bare("garbage\r\n\r\n"));
    let got = node.get("/broken").await;
    assert_eq!(got.says(), (502, "<h1>502 Bad Gateway</h1><p>protocol-error</p>"));
    assert_eq!(got.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(got.field("cache-control"), Some("no-store"));
    assert_eq!(got.field("proxy-status"), Some("fra-1; error=http_protocol_error"));
    assert_eq!(lines::of_path("/broken").last().unwrap()["cause"], "protocol-error");
    world.origin.says("/slow", Answer::silence());
    let got = node.get("/slow").await;
    assert_eq!(got.says(), (504, "{\"busy\": true}"));
    assert_eq!(got.field("content-type"), Some("application/json"));
    let got = node.send(&Ask::new("HEAD", "/slow")).await;
    assert_eq!(got.says(), (504, ""));
    world.origin.says("/own", Answer::new(502, "the origin's own"));
    assert_eq!(node.get("/own").await.says(), (502, "the origin's own"), "that is an answer, not a fault");
}

/// Bodies under way when a pool dies are cut, and told to be; the place that each had is given back.
#[tokio::test]
async fn places_are_given_back_whatever_happens() {
    let world = World::new();
    let gate = Gate::closed();
    let origin = answering(Answer::uncacheable("half").then_at(&gate, "rest"));
    let node = world.start(plan(&[url(&origin)])).await;
    let mut coming = node.open(&Ask::get("/x")).await;
    coming.reads("half").await;
    let gone = node.open(&Ask::get("/x")).await;
    let in_flight = metric("server_in_flight", &origin);
    assert_eq!(node.metric(&in_flight).await, 2);
    // A client that leaves.
    drop(gone);
    bounded("one place is given back", async {
        while node.metric(&in_flight).await != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    origin.dies().await;
    assert!(coming.rest().await.is_err(), "half is not a whole");
    bounded("the other as well", async {
        while node.metric(&in_flight).await != 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Many at once, of a pool in which one server fails in every way in turn and another refuses: whatever comes is right, or
/// told to be broken off; and no request fails, since one server always could answer it.
#[tokio::test]
async fn under_load_every_body_is_right_or_said_to_be_broken() {
    const PAGES: usize = 120;
    let world = World::new();
    let (socket, address) = nobody();
    let (bad, well) = (Origin::start(), Origin::start());
    let nth = Arc::new(AtomicUsize::new(0));
    let page = |n: usize| (format!("/page/{n}"), format!("the body of page {n};").repeat(200));
    for (path, body) in (0..PAGES).map(page) {
        well.says(&path, Answer::cacheable(&body));
        let nth = Arc::clone(&nth);
        bad.answers(&path, move |_| match nth.fetch_add(1, Ordering::Relaxed) % 5 {
            0 => Answer::bare(""),
            1 => Answer::cacheable(&body[..1000]).breaking_off(),
            2 => Answer::bare("garbage\r\n\r\n"),
            3 => Answer::cacheable(&body[..1000]).chunked().breaking_off(),
            _ => Answer::cacheable(&body),
        });
    }
    let list = [url(&bad), format!("\"http://{address}\""), url(&well)];
    let node = world.start(plan(&list).origin("retry = { percent = 100 }")).await;
    // Whether it came whole; a page that did is right.
    let ask = |n: usize| {
        let ((path, body), node) = (page(n), &node);
        async move {
            let Some(mut got) = Ask::get(&path).try_open(node.http).await else {
                return false;
            };
            assert_eq!(got.status, 200, "{path}");
            match got.rest().await {
                Ok(rest) => {
                    assert_eq!(rest, body, "{path}");
                    true
                }
                Err(BrokenOff) => false,
            }
        }
    };
    let mut whole = 0;
    for start in (0..PAGES).step_by(12) {
        whole += together((start..start + 12).map(&ask)).await.into_iter().filter(|whole| *whole).count();
    }
    assert!(whole > PAGES / 2 && whole < PAGES, "{whole}: the play is about both");
    // What was cut has not been kept, and what is kept is right.
    for n in 0..PAGES {
        for _ in 0..10 {
            if ask(n).await {
                break;
            }
        }
        assert!(ask(n).await, "page {n} came whole once, and is kept");
    }
    drop(socket);
}
