//! `Max-Forwards` (RFC 9110 §7.6.2): how far a TRACE or an OPTIONS goes.

use crate::harness::{Answer, Ask, World};

#[tokio::test]
async fn the_last_hop_answers_itself() {
    let world = World::new();
    let node = world.node().await;
    for (method, status) in [("TRACE", 405), ("OPTIONS", 204)] {
        let ask = Ask::new(method, "/page").field("max-forwards", "0").field("cookie", "secret=1");
        let got = node.send(&ask).await;
        assert_eq!(got.says(), (status, ""), "nothing of the request comes back");
        assert!(got.field("allow").is_some_and(|allow| allow.contains("GET")), "{got:?}");
        assert_eq!(got.cache(), "detail=max-forwards");
    }
    assert_eq!(world.origin.count("/page"), 0);
}

#[tokio::test]
async fn each_hop_takes_one_away() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::new(200, "from the origin"));
    for (method, sent, seen) in [
        ("TRACE", "1", "0"),
        ("OPTIONS", "10", "9"),
        ("OPTIONS", "what", "what"),
        // Only these two: RFC 9110 §7.6.2 lets it be ignored for others.
        ("DELETE", "0", "0"),
    ] {
        let got = node.send(&Ask::new(method, "/page").field("max-forwards", sent)).await;
        assert_eq!(got.says(), (200, "from the origin"), "{method} {sent}");
        let asked = world.origin.asked("/page");
        assert_eq!(asked.last().unwrap().field("max-forwards"), seen, "{method} {sent}");
    }
}
