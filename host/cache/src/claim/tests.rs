//! Plays: who asks, who leads, who follows, and what a purge does between two lines. No sleeps; every step is a call.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use seawall_base::{Blame, Cause, Depth, Fault, Purge, PurgeId, Scope, Selector, SiteName};
use seawall_policy::Terms;
use seawall_policy::terms::Times;

use super::*;
use crate::key::KeyParts;
use crate::metrics::Metrics;
use crate::store::Settled;
use crate::{Config, Filling};

mod model;
mod parts;

const AUTHORITY: &str = "a.example";

fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

struct Stage {
    store: Arc<Store>,
    shelf: Arc<Shelf>,
    rules: Rules,
    directives: RequestDirectives,
    headers: HeaderMap,
    now: SystemTime,
    may_follow: bool,
}

impl Stage {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let store = Store::new(config, Metrics::default());
        let shelf = store.shelf(&SiteName::new("shop").unwrap());
        Self {
            store,
            shelf,
            rules: Rules::default(),
            directives: RequestDirectives::default(),
            headers: HeaderMap::new(),
            now: epoch(),
            may_follow: true,
        }
    }

    /// The same node, another client.
    fn client(&self, language: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("accept-language", HeaderValue::from_static(language));
        Self {
            store: Arc::clone(&self.store),
            shelf: Arc::clone(&self.shelf),
            rules: self.rules.clone(),
            directives: self.directives,
            headers,
            now: self.now,
            may_follow: true,
        }
    }

    fn ask<'a>(&'a self, path: &'a str) -> Ask<'a> {
        let parts =
            KeyParts { site: "shop", scheme: "http", authority: AUTHORITY, path_and_query: path, extra: &[] };
        Ask {
            key: Key::new(&parts),
            shelf: &self.shelf,
            authority: AUTHORITY,
            path_and_query: path,
            headers: &self.headers,
            directives: &self.directives,
            rules: &self.rules,
            normalise: Normalise::default(),
            soft_is_stale: false,
            may_follow: self.may_follow,
            now: self.now,
        }
    }

    fn claim(&self, path: &str) -> Claim {
        self.store.claim(&self.ask(path))
    }

    fn lead(&self, path: &str) -> Lead {
        match self.claim(path) {
            Claim::Lead(lead) => lead,
            other => panic!("{path}: expected to lead, not {other:?}"),
        }
    }

    fn follow(&self, path: &str) -> Follower {
        match self.claim(path) {
            Claim::Follow(follower) => follower,
            other => panic!("{path}: expected to follow, not {other:?}"),
        }
    }

    fn is_hit(&self, path: &str) -> bool {
        matches!(self.claim(path), Claim::Fresh(..))
    }

    fn draft(&self, lead: &Lead, fields: &[(&'static str, &'static str)], tags: &[&str]) -> Draft {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let times = Times { requested_at: self.now, received_at: self.now };
        let terms = Terms::read(StatusCode::OK, &headers, times, &self.rules);
        Draft {
            selecting: terms.vary().selecting(&self.headers, Normalise::default()).unwrap(),
            status: StatusCode::OK,
            headers,
            terms,
            tags: tags.iter().map(|tag| Box::from(*tag)).collect(),
            position: lead.position(),
            length: None,
            part: None,
        }
    }

    /// Leads a fill from start to end.
    fn fill(&self, path: &str, tags: &[&str]) -> Settled {
        let lead = self.lead(path);
        let draft = self.draft(&lead, &[("cache-control", "max-age=60")], tags);
        let mut filling = lead.store(draft);
        filling.push(path.as_bytes());
        filling.finish(None)
    }

    fn purge(&self, position: u64, selector: Selector, depth: Depth) -> u64 {
        let scope = Scope::Site(SiteName::new("shop").unwrap());
        let purge = Purge { id: PurgeId("p".into()), scope, selectors: vec![selector], depth };
        self.store.apply(Position(position), &purge).objects
    }

    /// What a follower is told now; `None` while it has to wait.
    fn told(&self, follower: Follower, path: &str) -> Option<Followed> {
        let future =
            pin!(self.store.follow(follower, &self.ask(path))).poll(&mut Context::from_waker(Waker::noop()));
        match future {
            Poll::Ready(followed) => Some(followed),
            Poll::Pending => None,
        }
    }

    fn released(&self, follower: Follower, path: &str) -> &'static str {
        match self.told(follower, path) {
            Some(Followed::Released(release)) => release.as_str(),
            other => panic!("{path}: expected a release, not {other:?}"),
        }
    }
}

fn stream(filling: Filling, body: &[u8]) -> Settled {
    let mut filling = filling;
    filling.push(body);
    filling.finish(None)
}

#[test]
fn a_second_request_follows_and_a_later_one_hits() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    assert_eq!(lead.miss(), Miss::Uri);
    let follower = stage.follow("/x");
    let filling = {
        let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
        lead.store(draft)
    };
    assert!(matches!(stage.told(follower, "/x"), Some(Followed::Streaming(..))));
    assert!(!stage.is_hit("/x"), "the body is not whole yet");
    assert_eq!(stream(filling, b"body"), Settled::Stored);
    assert!(stage.is_hit("/x"));
    assert!(!stage.is_hit("/y"));
}

#[test]
fn a_declined_fill_releases_its_followers_and_nobody_queues_after_it() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    let follower = stage.follow("/x");
    lead.decline(stage.now, None);
    assert_eq!(stage.released(follower, "/x"), "uncacheable");
    let (first, second) = (stage.lead("/x"), stage.lead("/x"));
    assert!(matches!(stage.claim("/x"), Claim::Lead(_)), "each asks for itself");
    drop(first);
    let draft = stage.draft(&second, &[("cache-control", "max-age=60")], &[]);
    assert_eq!(stream(second.store(draft), b"now cacheable"), Settled::Stored);
    assert!(stage.is_hit("/x"), "the marker ended with the first cacheable response");
}

#[test]
fn a_failed_leader_shares_its_fault_and_the_next_request_tries_again() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    let follower = stage.follow("/x");
    lead.fail(Fault::new(Cause::ConnectionRefused, Blame::Origin, "down"));
    assert_eq!(stage.released(follower, "/x"), "leader-failed");
    drop(stage.lead("/x"));
}

#[test]
fn a_dropped_obligation_wakes_its_followers() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    let follower = stage.follow("/x");
    drop(lead);
    assert_eq!(stage.released(follower, "/x"), "leader-dropped");
    let again = stage.lead("/x");
    let draft = stage.draft(&again, &[("cache-control", "max-age=60")], &[]);
    let filling = again.store(draft);
    drop(filling);
    assert!(!stage.is_hit("/x"), "half a body is not stored");
    assert_eq!(stage.store.metrics.in_flight.get(), 0);
}

#[test]
fn a_late_vary_releases_other_variants_to_one_leader_each() {
    let german = Stage::new().client("de");
    let (also_german, french, also_french) = (german.client("de"), german.client("fr"), german.client("fr"));
    let lead = german.lead("/x");
    let (same, other, third) = (also_german.follow("/x"), french.follow("/x"), also_french.follow("/x"));
    let fields = [("cache-control", "max-age=60"), ("vary", "accept-language")];
    let filling = {
        let draft = german.draft(&lead, &fields, &[]);
        lead.store(draft)
    };
    assert!(matches!(also_german.told(same, "/x"), Some(Followed::Streaming(..))));
    assert_eq!(french.released(other, "/x"), "other-variant");
    assert_eq!(also_french.released(third, "/x"), "other-variant");
    let second = french.lead("/x");
    assert!(matches!(also_french.claim("/x"), Claim::Follow(_)), "one leader for each variant");
    assert_eq!(stream(filling, b"de"), Settled::Stored);
    let draft = french.draft(&second, &fields, &[]);
    assert_eq!(stream(second.store(draft), b"fr"), Settled::Stored);
    assert!(german.is_hit("/x") && french.is_hit("/x"));
    assert_eq!(german.client("it").lead("/x").miss(), Miss::Vary);
}

#[test]
fn a_hard_purge_seals_the_fill_in_flight_and_the_next_request_leads_anew() {
    for selector in [
        Selector::url("a.example/x").unwrap(),
        Selector::prefix("a.example/").unwrap(),
        Selector::host("a.example").unwrap(),
        Selector::All,
    ] {
        let stage = Stage::new();
        let lead = stage.lead("/x");
        let follower = stage.follow("/x");
        stage.purge(1, selector.clone(), Depth::Hard);
        let newer = stage.lead("/x");
        assert_eq!(newer.position(), Position(1), "{selector:?}");
        let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
        let filling = lead.store(draft);
        assert!(
            matches!(stage.told(follower, "/x"), Some(Followed::Streaming(..))),
            "who asked before it is served"
        );
        assert_eq!(stream(filling, b"old"), Settled::Sealed, "{selector:?}");
        assert!(matches!(stage.claim("/x"), Claim::Follow(_)), "{selector:?}: nothing old is stored");
        let draft = stage.draft(&newer, &[("cache-control", "max-age=60")], &[]);
        assert_eq!(stream(newer.store(draft), b"new"), Settled::Stored, "{selector:?}");
        assert!(stage.is_hit("/x"));
    }
}

#[test]
fn a_tag_learned_late_releases_who_joined_after_its_purge() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    let before = stage.follow("/x");
    stage.purge(1, Selector::tag("t").unwrap(), Depth::Hard);
    let after = stage.follow("/x");
    let filling = {
        let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &["t"]);
        lead.store(draft)
    };
    assert!(matches!(stage.told(before, "/x"), Some(Followed::Streaming(..))));
    assert_eq!(stage.released(after, "/x"), "sealed");
    let newer = stage.lead("/x");
    assert_eq!(stream(filling, b"old"), Settled::Sealed);
    drop(newer);
}

#[test]
fn two_purges_of_one_tag_release_who_joined_between_them() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    stage.purge(1, Selector::tag("t").unwrap(), Depth::Hard);
    let between = stage.follow("/x");
    stage.purge(2, Selector::tag("t").unwrap(), Depth::Hard);
    let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &["t"]);
    let filling = lead.store(draft);
    assert_eq!(stage.released(between, "/x"), "sealed", "it asked after the first purge was acknowledged");
    assert_eq!(stream(filling, b"old"), Settled::Sealed);
}

#[test]
fn a_refresh_that_drops_a_tag_is_sealed_by_that_tag() {
    let stage = Stage::new();
    stage.fill("/x", &["t"]);
    stage.purge(1, Selector::tag("t").unwrap(), Depth::Soft);
    let lead = stage.lead("/x");
    let prior = Arc::clone(lead.prior().unwrap());
    stage.purge(2, Selector::tag("t").unwrap(), Depth::Hard);
    let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &["other"]);
    assert_eq!(lead.refresh(&prior, draft).1, Settled::Sealed);
}

#[test]
fn a_purge_of_everything_counts_what_is_there_and_only_once() {
    let stage = Stage::new();
    let french = stage.client("fr");
    let german = stage.client("de");
    for client in [&french, &german] {
        let lead = client.lead("/x");
        let draft = client.draft(&lead, &[("cache-control", "max-age=60"), ("vary", "accept-language")], &[]);
        stream(lead.store(draft), b"x");
    }
    stage.fill("/y", &[]);
    let everything = Purge {
        id: PurgeId("p".into()),
        scope: Scope::AllSites,
        selectors: vec![Selector::All],
        depth: Depth::Hard,
    };
    assert_eq!(stage.store.footprint(&everything).objects, 3);
    assert_eq!(stage.purge(1, Selector::All, Depth::Hard), 3);
    assert_eq!(stage.store.footprint(&everything).objects, 0);
    assert_eq!(stage.purge(2, Selector::All, Depth::Hard), 0);
    stage.fill("/z", &[]);
    stage.store.housekeep();
    assert_eq!(stage.purge(3, Selector::All, Depth::Hard), 1);
}

#[test]
fn a_peer_is_not_given_what_was_softly_purged() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    let draft = stage.draft(&lead, &[("cache-control", "max-age=60, stale-while-revalidate=60")], &[]);
    stream(lead.store(draft), b"x");
    stage.purge(1, Selector::All, Depth::Soft);
    assert!(matches!(stage.claim("/x"), Claim::Stale(..)), "a client may have it while it is refreshed");
    let peer = Ask { soft_is_stale: true, ..stage.ask("/x") };
    assert!(matches!(stage.store.claim(&peer), Claim::Lead(_) | Claim::Follow(_)));
}

#[test]
fn each_selector_removes_what_it_matches_and_no_more() {
    let cases = [
        (Selector::url("a.example/x").unwrap(), 1, [false, true, true]),
        (Selector::tag("red").unwrap(), 2, [false, false, true]),
        (Selector::prefix("a.example/y").unwrap(), 2, [true, false, false]),
        (Selector::host("a.example").unwrap(), 3, [false, false, false]),
        (Selector::host("b.example").unwrap(), 0, [true, true, true]),
        (Selector::All, 3, [false, false, false]),
    ];
    for (selector, matched, left) in cases {
        let stage = Stage::new();
        stage.fill("/x", &["red"]);
        stage.fill("/y", &["red", "blue"]);
        stage.fill("/y/z", &[]);
        assert_eq!(stage.purge(1, selector.clone(), Depth::Hard), matched, "{selector:?}");
        assert_eq!(["/x", "/y", "/y/z"].map(|path| stage.is_hit(path)), left, "{selector:?}");
    }
}

#[test]
fn a_soft_purge_makes_stale_and_a_refresh_makes_fresh_again() {
    for selector in [Selector::tag("t").unwrap(), Selector::All] {
        let stage = Stage::new();
        stage.fill("/x", &["t"]);
        assert_eq!(stage.purge(1, selector.clone(), Depth::Soft), 1);
        let lead = stage.lead("/x");
        assert_eq!(lead.miss(), Miss::Stale);
        let prior = Arc::clone(lead.prior().unwrap());
        let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &["t"]);
        let (entry, settled) = lead.refresh(&prior, draft);
        assert_eq!(settled, Settled::Stored);
        assert_eq!(entry.body.len(), 2);
        assert!(stage.is_hit("/x"), "{selector:?}");
    }
}

#[test]
fn a_soft_purge_in_flight_leaves_what_is_stored_stale() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    stage.purge(1, Selector::url("a.example/x").unwrap(), Depth::Soft);
    let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
    assert_eq!(stream(lead.store(draft), b"x"), Settled::Stored);
    assert_eq!(stage.lead("/x").miss(), Miss::Stale);
}

/// What the fill brings was made before the purge and is not validated since: it is for those who asked before.
#[test]
fn a_soft_purge_lets_nobody_join_what_was_fetched_before_it() {
    for selector in [Selector::url("a.example/x").unwrap(), Selector::Tag("t".to_owned()), Selector::All] {
        let stage = Stage::new();
        let lead = stage.lead("/x");
        let before = stage.follow("/x");
        stage.purge(1, selector.clone(), Depth::Soft);
        let after = match stage.claim("/x") {
            Claim::Lead(again) => {
                assert!(!matches!(selector, Selector::Tag(_)), "nobody knows the tag yet");
                drop(again);
                None
            }
            Claim::Follow(follower) => Some(follower),
            other => panic!("{selector:?}: {other:?}"),
        };
        let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &["t"]);
        let filling = lead.store(draft);
        assert!(matches!(stage.told(before, "/x"), Some(Followed::Streaming(..))), "{selector:?}");
        if let Some(after) = after {
            assert_eq!(stage.released(after, "/x"), "sealed");
        }
        assert!(matches!(stage.claim("/x"), Claim::Lead(_)), "{selector:?}: known by now, whatever it is");
        assert_eq!(stream(filling, b"x"), Settled::Stored);
    }
}

#[test]
fn stale_while_revalidate_answers_and_refreshes_once() {
    let mut stage = Stage::new();
    let lead = stage.lead("/x");
    let draft = stage.draft(&lead, &[("cache-control", "max-age=1, stale-while-revalidate=60")], &[]);
    stream(lead.store(draft), b"x");
    stage.now += Duration::from_secs(10);
    let Claim::Stale(_, Some(lead)) = stage.claim("/x") else { panic!("expected a duty to refresh") };
    assert!(matches!(stage.claim("/x"), Claim::Stale(_, None)), "one refresh at a time");
    drop(lead);
    assert!(matches!(stage.claim("/x"), Claim::Stale(_, Some(_))));
}

#[test]
fn after_a_declined_refresh_stale_hits_ask_nobody_until_the_marker_ends() {
    let mut stage = Stage::new();
    let lead = stage.lead("/x");
    let draft = stage.draft(&lead, &[("cache-control", "max-age=1, stale-while-revalidate=6000")], &[]);
    stream(lead.store(draft), b"x");
    stage.now += Duration::from_secs(10);
    let Claim::Stale(_, Some(lead)) = stage.claim("/x") else { panic!("expected a duty to refresh") };
    lead.decline(stage.now, None);
    assert!(
        matches!(stage.claim("/x"), Claim::Stale(_, None)),
        "a failing origin is not asked for every hit"
    );
    stage.now += crate::config::PASS_MARKER_TTL;
    assert!(matches!(stage.claim("/x"), Claim::Stale(_, Some(_))));
}

#[test]
fn a_slow_fetch_does_not_replace_what_a_later_one_stored() {
    let mut stage = Stage::new();
    let slow = stage.lead("/x");
    let draft = stage.draft(&slow, &[("cache-control", "max-age=60")], &[]);
    let filling = slow.store(draft);
    stage.may_follow = false;
    stage.now -= Duration::from_secs(30);
    let quick = stage.lead("/x");
    let draft = stage.draft(&quick, &[("cache-control", "max-age=60")], &[]);
    assert_eq!(stream(quick.store(draft), b"version 2"), Settled::Stored);
    assert_eq!(stream(filling, b"v1"), Settled::Older);
    let Claim::Fresh(entry, _) = stage.claim("/x") else { panic!("expected a hit") };
    assert_eq!(entry.body.len(), 9);
}

#[test]
fn a_confirmed_response_stays_and_one_that_is_let_go_does_not() {
    for keep in [true, false] {
        let mut stage = Stage::new();
        stage.fill("/x", &[]);
        stage.directives.no_cache = true;
        let lead = stage.lead("/x");
        let prior = Arc::clone(lead.prior().unwrap());
        if keep {
            lead.confirm(prior);
        } else {
            lead.let_go(prior);
        }
        stage.directives.no_cache = false;
        assert_eq!(stage.is_hit("/x"), keep);
    }
}

#[test]
fn a_request_that_says_no_store_leads_for_itself_alone() {
    let mut stage = Stage::new();
    stage.directives.no_store = true;
    let own = stage.lead("/x");
    stage.directives.no_store = false;
    let shared = stage.lead("/x");
    own.keep_private();
    assert!(
        matches!(stage.claim("/x"), Claim::Follow(_)),
        "no marker, and the other fill is there to be joined"
    );
    drop(shared);
}

#[test]
fn a_body_that_says_it_is_too_large_is_windowed_from_its_first_byte() {
    let stage = Stage::with(Config { object_max_bytes: 4, ..Config::default() });
    let lead = stage.lead("/x");
    let mut draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
    draft.length = Some(5);
    let filling = lead.store(draft);
    assert!(matches!(stage.claim("/x"), Claim::Lead(_)), "nobody joins");
    assert_eq!(stream(filling, b"12345"), Settled::TooLarge);
}

#[test]
fn fields_are_kept_in_memory_of_their_own() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    let buffer = bytes::Bytes::from(vec![b'v'; 64 << 10]);
    let mut draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
    let mut value = HeaderValue::from_maybe_shared(buffer.slice(..5)).unwrap();
    value.set_sensitive(true);
    draft.headers.insert("x-tag", value);
    stream(lead.store(draft), b"x");
    let Claim::Fresh(entry, _) = stage.claim("/x") else { panic!("expected a hit") };
    let kept = &entry.head.headers["x-tag"];
    assert_eq!(kept, "vvvvv");
    assert!(kept.is_sensitive());
    assert!(
        !buffer.as_ptr_range().contains(&kept.as_bytes().as_ptr()),
        "a read buffer of 64 KiB is not kept for 5 bytes"
    );
}

#[test]
fn a_stale_response_whose_refresh_failed_rests() {
    let mut stage = Stage::new();
    let lead = stage.lead("/x");
    let draft = stage.draft(&lead, &[("cache-control", "max-age=1, stale-while-revalidate=6000")], &[]);
    stream(lead.store(draft), b"x");
    stage.now += Duration::from_secs(10);
    let Claim::Stale(_, Some(lead)) = stage.claim("/x") else { panic!("expected a duty to refresh") };
    lead.fail(Fault::new(Cause::ConnectionRefused, Blame::Origin, "down"));
    assert!(matches!(stage.claim("/x"), Claim::Stale(_, None)));
    stage.now += crate::config::REFRESH_REST;
    let Claim::Stale(entry, Some(lead)) = stage.claim("/x") else { panic!("expected another try") };
    lead.stand_in(entry, "stale-if-error");
    assert!(matches!(stage.claim("/x"), Claim::Stale(_, None)));
}

#[test]
fn an_invalidated_url_is_neither_served_nor_stored_by_the_fill_in_flight() {
    let stage = Stage::new();
    stage.fill("/x", &[]);
    let other = stage.lead("/y");
    stage.store.invalidate(&stage.shelf, "a.example/x");
    stage.store.invalidate(&stage.shelf, "a.example/y");
    drop(stage.lead("/x"));
    let newer = stage.lead("/y");
    let draft = stage.draft(&other, &[("cache-control", "max-age=60")], &[]);
    assert_eq!(stream(other.store(draft), b"old"), Settled::Sealed);
    drop(newer);
}

#[test]
fn a_gap_empties_and_what_was_in_flight_is_not_stored() {
    let stage = Stage::new();
    stage.fill("/x", &[]);
    let lead = stage.lead("/y");
    stage.store.empty(Position(50));
    drop(stage.lead("/x"));
    let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
    assert_eq!(stream(lead.store(draft), b"old"), Settled::Sealed);
    assert_eq!(stage.store.applied(), Position(50));
}

#[test]
fn after_a_gap_what_a_shield_kept_from_before_it_is_stored_and_served() {
    let stage = Stage::new();
    stage.store.empty(Position(50));
    let lead = stage.lead("/x");
    let mut draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
    draft.position = Position(3);
    assert_eq!(stream(lead.store(draft), b"older than this node"), Settled::Stored);
    assert!(stage.is_hit("/x"), "the shield had applied what this node had");
}

#[test]
fn only_if_cached_and_no_cache_are_heeded() {
    let mut stage = Stage::new();
    stage.directives.only_if_cached = true;
    assert!(matches!(stage.claim("/x"), Claim::OnlyIfCached));
    stage.directives = RequestDirectives::default();
    stage.fill("/x", &[]);
    stage.directives.no_cache = true;
    let first = stage.lead("/x");
    assert_eq!(first.miss(), Miss::Request);
    assert!(matches!(stage.claim("/x"), Claim::Lead(_)), "each wants its own answer");
}

#[test]
fn a_body_over_the_limit_is_handed_on_and_not_stored() {
    let stage = Stage::with(Config { object_max_bytes: 4, ..Config::default() });
    let lead = stage.lead("/x");
    let follower = stage.follow("/x");
    let mut filling = {
        let draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
        lead.store(draft)
    };
    filling.push(b"12345");
    assert!(matches!(stage.told(follower, "/x"), Some(Followed::Streaming(..))));
    assert!(matches!(stage.claim("/x"), Claim::Lead(_)), "nobody joins any more");
    assert_eq!(filling.finish(None), Settled::TooLarge);
}

#[test]
fn a_body_of_another_length_than_it_says_is_not_stored() {
    let stage = Stage::new();
    let lead = stage.lead("/x");
    let mut draft = stage.draft(&lead, &[("cache-control", "max-age=60")], &[]);
    draft.length = Some(10);
    assert_eq!(stream(lead.store(draft), b"short"), Settled::WrongLength);
    drop(stage.lead("/x"));
}

#[test]
fn what_is_evicted_leaves_the_index() {
    let stage = Stage::with(Config { memory_bytes: 64 << 10, ..Config::default() });
    for n in 0..500 {
        stage.fill(&format!("/{n}"), &["all", &format!("t{n}")]);
    }
    stage.store.measure();
    let left = stage.shelf.index.lock().tagged("all").len();
    let held = (0..500).filter(|n| stage.is_hit(&format!("/{n}"))).count();
    assert_eq!(left, held, "the index names what is held, and nothing else");
    assert!(held > 0 && held < 500, "{held}");
    assert_eq!(stage.purge(1, Selector::tag("all").unwrap(), Depth::Hard), held as u64);
    while stage.store.housekeep() {}
    assert!(stage.shelf.index.lock().is_empty());
}

#[test]
fn everything_purged_at_once_gives_its_memory_back() {
    let stage = Stage::new();
    for n in 0..50 {
        stage.fill(&format!("/{n}"), &["t"]);
    }
    assert_eq!(stage.purge(1, Selector::All, Depth::Hard), 50);
    stage.fill("/new", &["t"]);
    while stage.store.housekeep() {}
    assert_eq!(stage.shelf.index.lock().tagged("t").len(), 1, "what was stored since stays");
    assert!(stage.is_hit("/new"));
}
