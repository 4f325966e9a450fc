//! Variants: one URL, several responses, each for those who ask alike.

use crate::harness::{Answer, Ask, Asked, Gate, World, together};

fn in_language(asked: &Asked) -> Answer {
    Answer::cacheable(asked.field("accept-language")).field("vary", "accept-language")
}

fn ask(language: &str) -> Ask {
    Ask::get("/page").field("accept-language", language)
}

#[tokio::test]
async fn each_variant_is_fetched_once_and_kept_beside_the_others() {
    let world = World::new();
    let node = world.node().await;
    world.origin.answers("/page", in_language);

    for (language, cache) in [
        ("de", "fwd=uri-miss; fwd-status=200; stored"),
        ("fr", "fwd=vary-miss; fwd-status=200; stored"),
        ("de", "hit; ttl=60"),
        ("fr", "hit; ttl=60"),
    ] {
        let got = node.send(&ask(language)).await;
        assert_eq!(got.says(), (200, language));
        assert_eq!(got.cache(), cache, "{language}");
    }
    assert_eq!(world.origin.count("/page"), 2);
}

#[tokio::test]
async fn a_star_is_never_reused() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::cacheable("mine").field("vary", "*"));
    for _ in 0..2 {
        assert!(!node.get("/page").await.cache().contains("hit"));
    }
    assert_eq!(world.origin.count("/page"), 2);
}

/// All of them wait for one fill, since nobody knows yet that the page varies. When its head says so, those who asked
/// for another variant lead a fill of their own, one for each variant.
#[tokio::test]
async fn a_vary_that_is_learned_late_costs_one_request_a_variant() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    let head = gate.clone();
    world.origin.answers("/page", move |asked| in_language(asked).at(&head));

    let languages = ["de", "fr", "en"];
    let everybody = together((0..30).map(|number| {
        let (node, language) = (&node, languages[number % 3]);
        async move { (language, node.send(&ask(language)).await) }
    }));
    let director = async {
        node.counts("seawall_cache_followed_total", 29).await;
        gate.is_reached(1).await;
        assert_eq!(world.origin.count("/page"), 1, "they all wait for one");
        gate.open();
    };
    let (answers, ()) = tokio::join!(everybody, director);
    for (language, got) in answers {
        assert_eq!(got.says(), (200, language), "nobody gets another's variant");
    }
    let mut asked: Vec<_> = world.origin.asked("/page");
    asked.sort_by(|a, b| a.field("accept-language").cmp(b.field("accept-language")));
    let asked: Vec<_> = asked.iter().map(|asked| asked.field("accept-language")).collect();
    assert_eq!(asked, ["de", "en", "fr"], "exactly one request a variant");
}
