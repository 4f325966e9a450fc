//! Questions within one process; those between processes are in `nats/tests/survey.rs`.

use std::time::SystemTime;

use seawall_base::{Clock, Depth, Scope, Selector};

use super::*;
use crate::membership::{HEARTBEAT_LIFETIME, NodeInfo, Seat};

const LIMIT: Duration = Duration::from_secs(5);

/// Holds this many objects.
struct Holds(u64);

impl Survey for Holds {
    fn footprint(&self, purge: &Purge) -> Footprint {
        let objects = self.0 * purge.selectors.len() as u64;
        Footprint { objects, bytes: objects * 10, recent_hits: 1, recent_hits_all: 4 }
    }
}

fn purge() -> Purge {
    let (id, selectors) = (PurgeId("p".to_owned()), vec![Selector::All]);
    Purge { id, scope: Scope::AllSites, selectors, depth: Depth::Hard }
}

fn join(members: &Members, name: &str) -> Seat {
    let info = NodeInfo {
        name: NodeName::new(name).unwrap(),
        region: Region::new("fra").unwrap(),
        version: String::new(),
        peer_addr: None,
        started_unix_ms: 0,
    };
    members.join(info).unwrap()
}

#[tokio::test]
async fn every_node_is_asked_and_who_says_nothing_is_named() {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let members = Members::new(clock.clone());
    let _lost = join(&members, "lost");
    clock.advance(HEARTBEAT_LIFETIME + Duration::from_secs(1));
    let (one, _deaf) = (join(&members, "one"), join(&members, "deaf"));
    let answering = members.answering(one.name(), Arc::new(Holds(7)));
    let told = |nodes: Vec<NodeFootprint>| -> Vec<(String, Result<u64, NoAnswer>)> {
        nodes.into_iter().map(|one| (one.name.to_string(), one.footprint.map(|all| all.objects))).collect()
    };
    let expected = [
        ("deaf".to_owned(), Err(NoAnswer::Silent)),
        ("lost".to_owned(), Err(NoAnswer::Unreachable)),
        ("one".to_owned(), Ok(7)),
    ];
    assert_eq!(told(members.footprints(&purge(), LIMIT).await), expected);
    drop(answering);
    let after = told(members.footprints(&purge(), LIMIT).await);
    assert_eq!(after[2].1, Err(NoAnswer::Silent), "a node that has stopped keeps nothing alive");
}

#[test]
fn a_share_of_no_hits_is_none() {
    assert!(Footprint::default().hits_percent().abs() < f64::EPSILON);
    let some = Footprint { recent_hits: 1, recent_hits_all: 4, ..Footprint::default() };
    assert!((some.hits_percent() - 25.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn what_is_no_question_gets_no_answer() {
    let members = Members::new(Clock::manual(SystemTime::UNIX_EPOCH));
    let seat = join(&members, "one");
    let _answering = members.answering(seat.name(), Arc::new(Holds(1)));
    for text in ["", "{}", "[]", r#"{"footprint":{}}"#, r#"{"format_the_disk":true}"#] {
        assert_eq!(members.answer(seat.name(), text.as_bytes()).await, None, "{text}");
    }
}
