//! Many requests for what is not there yet: one fill, followed by all.

use std::time::Duration;

use crate::harness::{Answer, Ask, BrokenOff, Gate, LoneEdge, World, together};

#[tokio::test]
async fn two_hundred_requests_for_a_cold_slow_page_are_one_request_of_the_origin() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/slow", Answer::cacheable("at last").at(&gate));

    let everybody = together((0..200).map(|_| node.get("/slow")));
    let director = async {
        node.counts("seawall_cache_followed_total", 199).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    assert!(answers.iter().all(|got| got.says() == (200, "at last")));
    let led = answers.iter().filter(|got| !got.cache().contains("collapsed")).count();
    assert_eq!(led, 1, "the others say that they followed");
    assert_eq!(world.origin.count("/slow"), 1);
    assert_eq!(node.get("/slow").await.cache(), "hit; ttl=60");
}

#[tokio::test]
async fn followers_read_the_body_while_it_is_written() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/film", Answer::cacheable("first,").then_at(&gate, "second"));

    let asks = vec![Ask::get("/film"); 10];
    let mut viewers = together(asks.iter().map(|ask| node.open(ask))).await;
    for viewer in &mut viewers {
        viewer.reads("first,").await;
    }
    gate.is_reached(1).await;
    gate.open();
    for viewer in &mut viewers {
        assert_eq!(viewer.rest().await.as_deref(), Ok("second"));
    }
    assert_eq!(world.origin.count("/film"), 1);
    assert_eq!(node.get("/film").await.body, "first,second");
}

#[tokio::test]
async fn a_fill_survives_its_leader() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/film", Answer::cacheable("first,").then_at(&gate, "second").chunked());

    let mut leader = node.open(&Ask::get("/film")).await;
    leader.reads("first,").await;
    let mut follower = node.open(&Ask::get("/film")).await;
    follower.reads("first,").await;
    drop(leader);
    gate.open();
    assert_eq!(follower.rest().await.as_deref(), Ok("second"));
    assert_eq!(node.get("/film").await.cache(), "hit; ttl=60");
    assert_eq!(world.origin.count("/film"), 1);
}

#[tokio::test]
async fn a_fill_that_nobody_waits_for_is_still_stored() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/film", Answer::cacheable("first,").then_at(&gate, "second"));

    let mut leader = node.open(&Ask::get("/film")).await;
    leader.reads("first,").await;
    drop(leader);
    gate.open();
    node.counts("seawall_cache_stored_total", 1).await;
    let got = node.get("/film").await;
    assert_eq!((got.body.as_str(), got.cache().as_str()), ("first,second", "hit; ttl=60"));
    assert_eq!(world.origin.count("/film"), 1);
}

/// The first request of an uncacheable page is followed, since nobody knows yet. From then on nobody waits: the second
/// and the third are asked while the first of them has not been answered.
#[tokio::test]
async fn what_cannot_be_stored_is_fetched_for_each_and_without_a_queue() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let head = gate.clone();
    world.origin.answers("/basket", move |asked| {
        let answer = Answer::uncacheable(&asked.nth.to_string());
        if asked.nth == 1 { answer } else { answer.at(&head) }
    });

    let first = node.get("/basket").await;
    assert_eq!(first.says(), (200, "1"));
    assert_eq!(first.cache(), "fwd=uri-miss; fwd-status=200; detail=no-store");
    let others = together((0..3).map(|_| node.get("/basket")));
    let director = async {
        world.origin.is_asked("/basket", 4).await;
        gate.open();
    };
    let (others, ()) = tokio::join!(others, director);
    let mut bodies: Vec<_> = others.iter().map(|got| got.body.as_str()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["2", "3", "4"], "each has its own");
}

#[tokio::test]
async fn those_who_waited_for_what_cannot_be_stored_ask_at_once_and_each_for_itself() {
    let world = World::new();
    let node = world.node().await;
    let (first, others) = (Gate::closed(), Gate::closed());
    let (first_head, other_heads) = (first.clone(), others.clone());
    world.origin.answers("/basket", move |asked| {
        let gate = if asked.nth == 1 { &first_head } else { &other_heads };
        Answer::uncacheable(&asked.nth.to_string()).at(gate)
    });

    let everybody = together((0..5).map(|_| node.get("/basket")));
    let director = async {
        node.counts("seawall_cache_followed_total", 4).await;
        first.open();
        // All four at once: none waits for another's answer.
        world.origin.is_asked("/basket", 5).await;
        others.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    let mut bodies: Vec<_> = answers.iter().map(|got| got.body.as_str()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn all_who_wait_share_one_failure() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/broken", Answer::bare("not HTTP\r\n\r\n").at(&gate));

    let everybody = together((0..20).map(|_| node.get("/broken")));
    let director = async {
        node.counts("seawall_cache_followed_total", 19).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    for got in answers {
        assert_eq!(got.status, 502, "{got:?}");
        assert_eq!(got.field("proxy-status"), Some("fra-1; error=http_protocol_error"));
    }
    assert_eq!(world.origin.count("/broken"), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_off_for_all_and_is_not_stored() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let broken = Answer::cacheable("first,").then_at(&gate, "second").breaking_off();
    world.origin.says_in_turn("/film", &[broken, Answer::cacheable("whole")]);

    let asks = vec![Ask::get("/film"); 5];
    let mut viewers = together(asks.iter().map(|ask| node.open(ask))).await;
    for viewer in &mut viewers {
        assert_eq!(viewer.status, 200);
        viewer.reads("first,").await;
    }
    gate.open();
    for viewer in &mut viewers {
        assert_eq!(viewer.rest().await, Err(BrokenOff));
    }
    let next = node.get("/film").await;
    assert_eq!(next.says(), (200, "whole"));
    assert_eq!(next.cache(), "fwd=uri-miss; fwd-status=200; stored");
}

/// The leader hangs up before there is even a head.
#[tokio::test]
async fn a_leader_that_leaves_early_leaves_its_fill_to_the_others() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/slow", Answer::cacheable("at last").at(&gate));

    tokio::select! {
        got = node.get("/slow") => panic!("the gate is closed: {got:?}"),
        () = gate.is_reached(1) => {}
    }
    let followers = together((0..5).map(|_| node.get("/slow")));
    let director = async {
        node.counts("seawall_cache_followed_total", 5).await;
        gate.open();
    };
    let (followers, ()) = tokio::join!(followers, director);
    assert!(followers.iter().all(|got| got.says() == (200, "at last")));
    assert_eq!(world.origin.count("/slow"), 1);
}

/// A client that reads nothing holds up nobody: not the fill, and not those who follow it.
#[tokio::test]
async fn a_slow_reader_holds_up_nobody() {
    let world = World::new();
    let node = world.node().await;
    let large = "x".repeat(8 << 20);
    let gate = Gate::closed();
    world.origin.says("/large", Answer::cacheable("first,").then_at(&gate, &large));
    let mut slow = node.open(&Ask::get("/large")).await;
    slow.reads("first,").await;
    let mut quick = node.open(&Ask::get("/large")).await;
    quick.reads("first,").await;
    gate.open();
    assert_eq!(quick.rest().await.map(|rest| rest.len()), Ok(large.len()));
    assert!(node.get("/large").await.cache().starts_with("hit"));
    assert_eq!(slow.rest().await.map(|rest| rest.len()), Ok(large.len()));
}

/// Its leader never gets an answer; the follower has waited as long as it may, and asks for itself.
#[tokio::test]
async fn no_follower_outlives_its_limit() {
    let world = World::new();
    let limit = Duration::from_millis(20);
    let edge = LoneEdge::new(&world, limit);
    let (stuck, head) = (Gate::closed(), Answer::cacheable("at last"));
    world.origin.says_in_turn("/slow", &[head.clone().at(&stuck), head]);

    let leader = edge.get("/slow");
    let follower = async {
        stuck.is_reached(1).await;
        let got = edge.get("/slow").await;
        stuck.open();
        got
    };
    let (leader, follower) = tokio::join!(leader, follower);
    assert_eq!(follower, (200, "at last".to_owned()), "while its leader was still waiting");
    assert_eq!(leader, (200, "at last".to_owned()));
    assert_eq!(world.origin.count("/slow"), 2);
}

/// What `no-cache` names is for the one for whom the origin was asked (RFC 9111 §5.2.2.4): those who follow have it no
/// more than a later hit has.
#[tokio::test]
async fn a_cookie_that_no_cache_names_is_for_the_leader_alone() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let answer = Answer::new(200, "first,")
        .field("cache-control", "max-age=60, no-cache=\"set-cookie\"")
        .field("set-cookie", "session=of-the-leader");
    world.origin.says("/page", answer.at(&gate).then_at(&gate, "second"));

    let everybody = together((0..10).map(|_| node.get("/page")));
    let director = async {
        node.counts("seawall_cache_followed_total", 9).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    for got in answers.into_iter().chain([node.get("/page").await]) {
        assert_eq!(got.says(), (200, "first,second"));
        let is_led = got.cache() == "fwd=uri-miss; fwd-status=200; stored";
        assert_eq!(got.field("set-cookie"), is_led.then_some("session=of-the-leader"), "{got:?}");
    }
    assert_eq!(world.origin.count("/page"), 1);
}

/// The slow one began first and ends last: what a client that wanted it anew brought meanwhile is newer.
#[tokio::test]
async fn a_slow_body_does_not_replace_what_was_fetched_after_it() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let slow = Answer::cacheable("old,").then_at(&gate, "slow");
    let answers = [Answer::cacheable("gone by"), slow, Answer::cacheable("new")];
    world.origin.says_in_turn("/film", &answers);
    node.get("/film").await;
    world.pass(61).await;

    let mut leader = node.open(&Ask::get("/film")).await;
    leader.reads("old,").await;
    world.pass(1).await;
    let anew = node.open(&Ask::get("/film").field("cache-control", "no-cache")).await;
    assert_eq!(anew.whole().await.says(), (200, "new"));
    node.counts("seawall_cache_stored_total", 2).await;
    gate.open();
    assert_eq!(leader.rest().await.as_deref(), Ok("slow"), "its own client has it whole");
    node.is_idle().await;
    let got = node.get("/film").await;
    assert_eq!((got.body.as_str(), got.cache().as_str()), ("new", "hit; ttl=60"));
    assert_eq!(world.origin.count("/film"), 3);
}

/// A follower that waited in vain has fetched for itself, and its answer is stored. The leader's comes after it, and was
/// asked for before it.
#[tokio::test]
async fn a_leader_that_was_left_behind_does_not_replace_what_was_fetched_after_it() {
    let world = World::new();
    let edge = LoneEdge::new(&world, Duration::from_millis(20));
    let stuck = Gate::closed();
    world.origin.says_in_turn("/slow", &[Answer::cacheable("old").at(&stuck), Answer::cacheable("new")]);

    let leader = edge.get("/slow");
    let follower = async {
        stuck.is_reached(1).await;
        world.pass(1).await;
        let got = edge.get("/slow").await;
        assert_eq!(edge.get("/slow").await, (200, "new".to_owned()));
        world.pass(1).await;
        stuck.open();
        got
    };
    let (leader, follower) = tokio::join!(leader, follower);
    assert_eq!(leader, (200, "old".to_owned()));
    assert_eq!(follower, (200, "new".to_owned()));
    edge.is_idle().await;
    assert_eq!(edge.get("/slow").await, (200, "new".to_owned()), "not what was asked for before it");
    assert_eq!(world.origin.count("/slow"), 2);
}

/// The leader's refresh fails, and what is stored may stand in: for all who waited, and the origin is asked once.
#[tokio::test]
async fn those_who_wait_for_a_refresh_that_fails_share_what_stands_in() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let old = Answer::new(200, "old").field("cache-control", "max-age=60, stale-if-error=600");
    for (path, failure) in
        [("/down", Answer::new(503, "down")), ("/broken", Answer::bare("not HTTP\r\n\r\n"))]
    {
        world.origin.says_in_turn(path, &[old.clone(), failure.at(&gate)]);
        node.get(path).await;
    }
    world.pass(70).await;

    let everybody = together((0..20).map(|number| node.get(["/down", "/broken"][number % 2])));
    let director = async {
        node.counts("seawall_cache_followed_total", 18).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    for got in answers {
        assert_eq!(got.says(), (200, "old"));
        assert!(got.cache().contains("detail=stale-if-error"), "{got:?}");
    }
    assert_eq!((world.origin.count("/down"), world.origin.count("/broken")), (2, 2));
}

/// A refresh that proves uncacheable: what is stored goes, and those who waited ask at once and each for itself.
#[tokio::test]
async fn those_who_wait_for_a_refresh_that_is_not_for_storing_ask_for_themselves() {
    let world = World::new();
    let node = world.node().await;
    let (first, others) = (Gate::closed(), Gate::closed());
    let (first_head, other_heads) = (first.clone(), others.clone());
    world.origin.answers("/page", move |asked| match asked.nth {
        1 => Answer::cacheable("1"),
        2 => Answer::uncacheable("2").at(&first_head),
        nth => Answer::uncacheable(&nth.to_string()).at(&other_heads),
    });
    node.get("/page").await;
    world.pass(61).await;

    let everybody = together((0..4).map(|_| node.get("/page")));
    let director = async {
        node.counts("seawall_cache_followed_total", 3).await;
        first.open();
        world.origin.is_asked("/page", 5).await;
        others.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    let mut bodies: Vec<_> = answers.iter().map(|got| got.body.as_str()).collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["2", "3", "4", "5"]);
}

/// What answers a request with credentials is for that request alone (RFC 9111 §3.5). Nobody gets another's, and nobody
/// waits for more than two others, however many there are.
#[tokio::test]
async fn a_response_for_its_leader_alone_reaches_nobody_else() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let head = gate.clone();
    world.origin.answers("/account", move |asked| {
        let answer = Answer::cacheable(asked.field("authorization"));
        if asked.nth == 1 { answer.at(&head) } else { answer }
    });

    let everybody = together((0..20).map(|number| {
        let (node, name) = (&node, format!("Basic {number}"));
        async move {
            let got = node.send(&Ask::get("/account").field("authorization", &name)).await;
            (name, got)
        }
    }));
    let director = async {
        node.counts("seawall_cache_followed_total", 19).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    for (name, got) in answers {
        assert_eq!(got.says(), (200, name.as_str()));
    }
    assert_eq!(world.origin.count("/account"), 20);
    assert_eq!(node.metric("seawall_cache_stored_total").await, 0);
}

/// While a marker stands nobody waits. It ends with the first response that can be stored, and by itself in time; then
/// requests are collapsed again.
#[tokio::test]
async fn a_pass_marker_ends_when_the_page_can_be_stored_again_or_in_time() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::uncacheable("private"));
    node.get("/page").await;

    // Both at once, though what they bring could be shared: nobody knows.
    let gate = Gate::closed();
    world.origin.says("/page", Answer::cacheable("public").at(&gate));
    let director = async {
        world.origin.is_asked("/page", 3).await;
        gate.open();
    };
    let (both, ()) = tokio::join!(together((0..2).map(|_| node.get("/page"))), director);
    assert!(both.iter().all(|got| got.says() == (200, "public")));
    assert_eq!(node.metric("seawall_cache_followed_total").await, 0);
    assert_eq!(node.get("/page").await.cache(), "hit; ttl=60", "the first that came was stored");

    // One for all, as before the marker.
    world.pass(61).await;
    let gate = Gate::closed();
    world.origin.says("/page", Answer::uncacheable("private again").at(&gate));
    let director = async {
        node.counts("seawall_cache_followed_total", 4).await;
        gate.open();
    };
    let (all, ()) = tokio::join!(together((0..5).map(|_| node.get("/page"))), director);
    assert!(all.iter().all(|got| got.says() == (200, "private again")));
    assert_eq!(world.origin.count("/page"), 8, "it is not for storing: each has asked");

    // A new marker stands, and ends by itself.
    world.pass(121).await;
    let gate = Gate::closed();
    world.origin.says("/page", Answer::cacheable("public again").at(&gate));
    let director = async {
        node.counts("seawall_cache_followed_total", 8).await;
        gate.open();
    };
    let (all, ()) = tokio::join!(together((0..5).map(|_| node.get("/page"))), director);
    assert!(all.iter().all(|got| got.says() == (200, "public again")));
    assert_eq!(world.origin.count("/page"), 9);
}

/// A follower that hangs up, before the head or within the body, changes nothing for the others.
#[tokio::test]
async fn a_follower_that_leaves_is_missed_by_nobody() {
    let world = World::new();
    let node = world.node().await;
    let (head, body) = (Gate::closed(), Gate::closed());
    world.origin.says("/film", Answer::cacheable("first,").at(&head).then_at(&body, "second"));

    let leader = async {
        let mut leader = node.open(&Ask::get("/film")).await;
        leader.reads("first,").await;
        leader
    };
    let others = async {
        head.is_reached(1).await;
        tokio::select! {
            got = node.get("/film") => panic!("the gate is closed: {got:?}"),
            () = node.counts("seawall_cache_followed_total", 1) => {}
        }
        head.open();
        let mut early = node.open(&Ask::get("/film")).await;
        early.reads("first,").await;
        drop(early);
    };
    let (mut leader, ()) = tokio::join!(leader, others);
    body.open();
    assert_eq!(leader.rest().await.as_deref(), Ok("second"));
    node.is_idle().await;
    assert_eq!(node.get("/film").await.cache(), "hit; ttl=60");
    assert_eq!(world.origin.count("/film"), 1);
}
