//! Nodes of several processes know each other.

use std::time::{Duration, SystemTime};

use seawall_base::Clock;
use seawall_nats_server::NatsServer;

use super::{Node, process, process_by};
use crate::cluster::{Readiness, Wait};
use crate::membership::{AppliedState, HEARTBEAT_LIFETIME, NodeState};

const LIMIT: Duration = Duration::from_secs(5);

impl Node {
    pub(super) fn states(&self) -> Vec<(String, NodeState)> {
        self.nats.members().list().into_iter().map(|node| (node.info.name.to_string(), node.state)).collect()
    }
}

#[tokio::test]
async fn a_purge_is_waited_for_at_the_nodes_of_every_process() {
    let server = NatsServer::start();
    let one = Node::ready("fra-1", &[server.url()]).await;
    let two = Node::ready("fra-2", &[server.url()]).await;
    for taker in [&one, &two, &one] {
        let published = taker.cluster.publish_purge(taker.purge(), "ops").await.unwrap();
        let nodes = taker.cluster.wait(&published, Wait::All, LIMIT).await;
        let seen: Vec<_> = nodes.iter().map(|node| (node.name.as_str(), node.state, node.matched)).collect();
        let applied = AppliedState::Applied;
        assert_eq!(seen, [("fra-1", applied, Some(3)), ("fra-2", applied, Some(3))]);
        assert!(nodes.iter().all(|node| node.applied_after_us.is_some()), "{nodes:?}");
    }
    let known = two.nats.members().list();
    assert_eq!(known[0].info.as_ref(), one.cluster.members().list()[0].info.as_ref());
}

#[tokio::test]
async fn who_leaves_is_off_the_table_and_who_is_lost_is_missed() {
    let server = NatsServer::start();
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let nats = process_by(&[server.url()], clock.clone(), |_| {});
    let one = Node::join_by("fra-1", nats, clock.clone());
    let two = Node::ready("fra-2", &[server.url()]).await;
    let three = Node::ready("fra-3", &[server.url()]).await;
    one.until("all are there", || one.states().len() == 3).await;
    one.until("all are ready", || one.states().iter().all(|(_, state)| *state == NodeState::Ready)).await;
    two.cluster.drain();
    one.until("one drains", || one.states()[1].1 == NodeState::Draining).await;
    two.stop.send_replace(true);
    one.until("it has left", || one.states().len() == 2).await;

    three.nats.crash();
    let published = one.cluster.publish_purge(one.purge(), "ops").await.unwrap();
    let nodes = one.cluster.wait(&published, Wait::All, Duration::from_millis(50)).await;
    assert_eq!(nodes[1].state, AppliedState::Pending, "it may yet be heard of");
    clock.advance(HEARTBEAT_LIFETIME + Duration::from_secs(1));
    let nodes = one.cluster.wait(&published, Wait::All, LIMIT).await;
    assert_eq!(nodes[1].state, AppliedState::Unreachable);

    let again = Node::ready("fra-3", &[server.url()]).await;
    let published = again.cluster.publish_purge(again.purge(), "ops").await.unwrap();
    let nodes = again.cluster.wait(&published, Wait::All, LIMIT).await;
    assert!(nodes.iter().all(|node| node.state == AppliedState::Applied), "its successor is here: {nodes:?}");
    let did = again.did();
    assert_eq!(did[0], "empty 1", "it began at the head, with nothing: {did:?}");
}

#[tokio::test]
async fn of_two_nodes_with_one_name_the_first_gives_way() {
    let server = NatsServer::start();
    let first = Node::ready("fra-1", &[server.url()]).await;
    let second = Node::ready("fra-1", &[server.url()]).await;
    first.is(Readiness::Left).await;
    assert_eq!(second.cluster.readiness(), Readiness::Ready);
}

#[tokio::test]
async fn a_server_without_memory_learns_the_nodes_again() {
    let mut server = NatsServer::start();
    let one = Node::ready("fra-1", &[server.url()]).await;
    let two = Node::ready("fra-2", &[server.url()]).await;
    server.kill();
    server.start_again();
    one.orders("a").await;
    let late = Node::ready("fra-3", &[server.url()]).await;
    for node in [&one, &two, &late] {
        node.until("all are there", || node.states().len() == 3).await;
    }
}

#[tokio::test]
async fn a_node_that_knows_nobody_is_not_ready() {
    let server = NatsServer::start();
    let node = Node::join("fra-1", process(&[server.url()], |_| {}));
    assert_eq!(node.cluster.readiness(), Readiness::CatchingUp);
    node.is(Readiness::Ready).await;
}
