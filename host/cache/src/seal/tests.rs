use seawall_base::{PurgeId, SiteName};

use super::*;

fn purge(scope: Scope, selector: Selector, depth: Depth) -> Purge {
    Purge { id: PurgeId("p".into()), scope, selectors: vec![selector], depth }
}

fn shop() -> Scope {
    Scope::Site(SiteName::new("shop").unwrap())
}

fn check(seals: &Seals, since: u64, site: &str, url: &str, tags: &[&str]) -> Sealed {
    let tags: Vec<Box<str>> = tags.iter().map(|tag| Box::from(*tag)).collect();
    seals.read().check(Position(since), &Subject { site, url, tags: &tags })
}

#[test]
fn each_selector_seals_what_it_matches_and_started_before_it() {
    let cases = [
        (Selector::url("a.example/x?y=1").unwrap(), "a.example/x?y=1", "a.example/x"),
        (Selector::tag("t").unwrap(), "tagged", "a.example/x"),
        (Selector::prefix("a.example/x/").unwrap(), "a.example/x/y", "a.example/xy"),
        (Selector::host("a.example").unwrap(), "a.example/any", "b.example/any"),
        (Selector::All, "any/", ""),
    ];
    for (selector, hit, miss) in cases {
        let seals = Seals::default();
        seals.record(Position(5), &purge(shop(), selector.clone(), Depth::Hard));
        let tags: &[&str] = if hit == "tagged" { &["u", "t"] } else { &[] };
        assert_eq!(check(&seals, 4, "shop", hit, tags).hard, Some(Position(5)), "{selector:?}");
        assert_eq!(check(&seals, 5, "shop", hit, tags).hard, None, "{selector:?}: started after it");
        assert_eq!(check(&seals, 4, "blog", hit, tags).hard, None, "{selector:?}: another site");
        if !miss.is_empty() {
            assert_eq!(check(&seals, 4, "shop", miss, &["u"]).hard, None, "{selector:?}: does not match");
        }
    }
}

#[test]
fn every_site_is_sealed_by_a_purge_of_all_sites() {
    let seals = Seals::default();
    seals.record(Position(2), &purge(Scope::AllSites, Selector::tag("t").unwrap(), Depth::Soft));
    assert_eq!(check(&seals, 1, "blog", "a/", &["t"]), Sealed { hard: None, soft: Some(Position(2)) });
}

#[test]
fn soft_and_hard_purges_of_one_thing_are_both_remembered() {
    let seals = Seals::default();
    seals.record(Position(2), &purge(shop(), Selector::All, Depth::Hard));
    seals.record(Position(3), &purge(shop(), Selector::All, Depth::Soft));
    assert_eq!(
        check(&seals, 1, "shop", "a/", &[]),
        Sealed { hard: Some(Position(2)), soft: Some(Position(3)) }
    );
    assert_eq!(check(&seals, 2, "shop", "a/", &[]), Sealed { hard: None, soft: Some(Position(3)) });
}

#[test]
fn what_is_forgotten_raises_the_floor() {
    let seals = Seals::default();
    for n in 1..=SEALS_MAX as u64 + 10 {
        let selector =
            if n % 2 == 0 { Selector::Tag(format!("t{n}")) } else { Selector::Prefix(format!("a/{n}")) };
        seals.record(Position(n), &purge(shop(), selector, Depth::Hard));
    }
    assert!(check(&seals, 9, "shop", "z/", &[]).hard.is_some(), "too old to be checked: not stored");
    assert_eq!(check(&seals, 10, "shop", "z/", &[]).hard, None);
    let recent = seals.read();
    assert_eq!(recent.order.len(), SEALS_MAX);
    assert_eq!(recent.newest.len() + recent.prefixes.len(), SEALS_MAX);
}

#[test]
fn a_gap_seals_everything_that_started_before_it() {
    let seals = Seals::default();
    seals.raise_floor(Position(100));
    assert_eq!(check(&seals, 99, "shop", "a/", &[]).hard, Some(Position(100)));
    assert_eq!(check(&seals, 100, "shop", "a/", &[]).hard, None);
    assert_eq!(seals.read().applied(), Position(100));
}
