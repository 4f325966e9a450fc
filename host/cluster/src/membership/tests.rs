//! Who is alive, who has applied what, and who is waited for.

use std::time::{Duration, SystemTime};

use seawall_base::{Clock, NodeName, Position, PurgeId, Region};

use super::{
    AppliedState, FORGET_AFTER, HEARTBEAT_LIFETIME, JoinError, Members, NODES_MAX, NodeInfo, NodeState,
    PURGES_KEPT, Seat,
};
use crate::log::tests::order;

const LIMIT: Duration = Duration::from_secs(5);

fn info(name: &str) -> NodeInfo {
    NodeInfo {
        name: NodeName::new(name).unwrap(),
        region: Region::new("fra").unwrap(),
        version: "0.1.0".to_owned(),
        peer_addr: "127.0.0.1:8080".parse().ok(),
        started_unix_ms: 0,
    }
}

fn table() -> (Members, Clock) {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    (Members::new(clock.clone()), clock)
}

fn states(members: &Members) -> Vec<(String, NodeState)> {
    members.list().into_iter().map(|node| (node.info.name.to_string(), node.state)).collect()
}

fn apply(seat: &Seat, id: &str, position: u64, matched: u64) {
    seat.applied(&order(id).at(Position(position)), matched);
}

fn id(text: &str) -> PurgeId {
    PurgeId(text.to_owned())
}

#[test]
fn a_node_goes_from_catching_up_to_ready_to_draining_and_leaves() {
    let (members, _clock) = table();
    let seat = members.join(info("fra-1")).unwrap();
    let state = || members.list().first().map(|node| node.state);
    assert_eq!(state(), Some(NodeState::CatchingUp));
    seat.ready();
    assert_eq!(state(), Some(NodeState::Ready));
    seat.drain();
    seat.ready();
    assert_eq!(state(), Some(NodeState::Draining), "a node that drains is not called back");
    drop(seat);
    assert_eq!(state(), None);
}

#[test]
fn a_silent_node_is_unreachable_then_forgotten_and_a_beat_brings_it_back() {
    let (members, clock) = table();
    let seat = members.join(info("fra-1")).unwrap();
    seat.ready();
    clock.advance(HEARTBEAT_LIFETIME);
    assert_eq!(states(&members), [("fra-1".to_owned(), NodeState::Ready)]);
    clock.advance(Duration::from_micros(1));
    assert_eq!(states(&members), [("fra-1".to_owned(), NodeState::Unreachable)]);
    assert_eq!(members.ready_in(&Region::new("fra").unwrap()), []);
    seat.beat();
    assert_eq!(states(&members), [("fra-1".to_owned(), NodeState::Ready)]);
    clock.advance(FORGET_AFTER + Duration::from_secs(1));
    assert_eq!(states(&members), []);
}

#[test]
fn one_node_bears_a_name_and_a_lost_one_is_replaced() {
    let (members, clock) = table();
    let lost = members.join(info("fra-1")).unwrap();
    assert_eq!(members.join(info("fra-1")).err(), Some(JoinError::NameTaken(lost.name().clone())));
    clock.advance(HEARTBEAT_LIFETIME + Duration::from_micros(1));
    let successor = members.join(info("fra-1")).unwrap();
    lost.ready();
    assert_eq!(states(&members), [("fra-1".to_owned(), NodeState::CatchingUp)], "the lost one is not heard");
    drop(lost);
    assert_eq!(states(&members).len(), 1, "nor does its end end its successor");
    drop(successor);
    assert_eq!(states(&members), []);
}

#[test]
fn the_table_is_bounded() {
    let (members, clock) = table();
    let seats: Vec<Seat> =
        (0..NODES_MAX).map(|number| members.join(info(&format!("n{number}"))).unwrap()).collect();
    assert_eq!(members.join(info("one-more")).err(), Some(JoinError::Full));
    clock.advance(FORGET_AFTER + Duration::from_secs(1));
    assert!(members.join(info("one-more")).is_ok(), "the forgotten make room");
    drop(seats);
}

#[test]
fn only_ready_nodes_with_an_address_are_asked_as_shields() {
    let (members, _clock) = table();
    let region = Region::new("fra").unwrap();
    let ready = members.join(info("ready")).unwrap();
    let deaf = members.join(NodeInfo { peer_addr: None, ..info("deaf") }).unwrap();
    let _new = members.join(info("new")).unwrap();
    let away = members.join(NodeInfo { region: Region::new("ams").unwrap(), ..info("away") }).unwrap();
    for seat in [&ready, &deaf, &away] {
        seat.ready();
    }
    let names: Vec<String> =
        members.ready_in(&region).iter().map(|node| node.info.name.to_string()).collect();
    assert_eq!(names, ["ready"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_last_live_node_has_applied() {
    let (members, clock) = table();
    let (a, b) = (members.join(info("a")).unwrap(), members.join(info("b")).unwrap());
    members.accepted(&id("p"));
    clock.advance(Duration::from_micros(1500));
    apply(&a, "p", 1, 3);
    let waiting = tokio::spawn({
        let members = members.clone();
        async move { members.wait_applied(&id("p"), Position(1), |_| true, LIMIT).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "b is missing");
    clock.advance(Duration::from_micros(500));
    apply(&b, "p", 1, 4);
    let nodes = waiting.await.unwrap();
    let seen: Vec<_> = nodes
        .iter()
        .map(|node| (node.name.as_str(), node.state, node.applied_after_us, node.matched))
        .collect();
    let applied = AppliedState::Applied;
    assert_eq!(seen, [("a", applied, Some(1500), Some(3)), ("b", applied, Some(2000), Some(4))]);
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_the_laggard_is_named() {
    let (members, _clock) = table();
    let (fast, _slow) = (members.join(info("fast")).unwrap(), members.join(info("slow")).unwrap());
    apply(&fast, "p", 1, 0);
    let nodes = members.wait_applied(&id("p"), Position(1), |_| true, LIMIT).await;
    let seen: Vec<_> = nodes.iter().map(|node| (node.name.as_str(), node.state)).collect();
    assert_eq!(seen, [("fast", AppliedState::Applied), ("slow", AppliedState::Pending)]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_falls_silent_or_leaves_is_not_waited_for() {
    let (members, clock) = table();
    let (_silent, leaver, live) = (
        members.join(info("silent")).unwrap(),
        members.join(info("leaver")).unwrap(),
        members.join(info("live")).unwrap(),
    );
    let waiting = tokio::spawn({
        let members = members.clone();
        async move { members.wait_applied(&id("p"), Position(1), |_| true, Duration::MAX).await }
    });
    tokio::task::yield_now().await;
    clock.advance(HEARTBEAT_LIFETIME + Duration::from_secs(1));
    leaver.leave();
    apply(&live, "p", 1, 0);
    let nodes = waiting.await.unwrap();
    let seen: Vec<_> = nodes.iter().map(|node| (node.name.as_str(), node.state)).collect();
    assert_eq!(seen, [("live", AppliedState::Applied), ("silent", AppliedState::Unreachable)]);
}

#[tokio::test(start_paused = true)]
async fn silence_alone_ends_a_wait() {
    let (members, clock) = table();
    let _silent = members.join(info("silent")).unwrap();
    let waiting = tokio::spawn({
        let members = members.clone();
        async move { members.wait_applied(&id("p"), Position(1), |_| true, Duration::MAX).await }
    });
    tokio::task::yield_now().await;
    clock.advance(HEARTBEAT_LIFETIME + Duration::from_secs(1));
    let nodes = tokio::time::timeout(LIMIT, waiting).await.expect("nobody looked again").unwrap();
    assert_eq!(nodes[0].state, AppliedState::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn only_those_asked_for_are_waited_for() {
    let (members, _clock) = table();
    let (local, _other) = (members.join(info("local")).unwrap(), members.join(info("other")).unwrap());
    apply(&local, "p", 1, 0);
    let nodes =
        members.wait_applied(&id("p"), Position(1), |name| name.as_str() == "local", Duration::MAX).await;
    assert_eq!(nodes[1].state, AppliedState::Pending, "answered without waiting for it");
}

#[test]
fn a_node_that_dropped_everything_has_applied_the_purge_and_matched_nothing_by_it() {
    let (members, _clock) = table();
    let seat = members.join(info("a")).unwrap();
    seat.goes_on_from(Position(7));
    let nodes = members.applied(&id("p"), Position(5));
    assert_eq!(
        (nodes[0].state, nodes[0].applied_after_us, nodes[0].matched),
        (AppliedState::Applied, None, None)
    );
}

#[test]
fn the_last_purges_are_remembered_and_no_more() {
    let (members, _clock) = table();
    for number in 0..=PURGES_KEPT {
        members.accepted(&id(&number.to_string()));
    }
    assert_eq!(members.purge(&id("0")), None);
    let last = members.purge(&id(&PURGES_KEPT.to_string())).unwrap();
    assert_eq!(last.position, None, "not durable yet");
    members.placed(&id("1"), Position(1));
    assert_eq!(members.purge(&id("1")).unwrap().position, Some(Position(1)));
}
