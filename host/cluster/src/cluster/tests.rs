//! Nodes of one process, from the purge to the answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use seawall_base::purge::{Depth, Scope};
use seawall_base::{Clock, NodeName, Position, Purge, Region, Selector};
use tokio::sync::watch;

use super::{Cluster, ClusterError, Readiness, Setup, Touch, Wait};
use crate::embedded::{EmbeddedLog, Retention};
use crate::follower::{Applied, Apply, Follower, Start};
use crate::log::Record;
use crate::membership::{AppliedState, HEARTBEAT_EVERY, Members, NodeInfo};
use crate::metrics::Metrics;

struct Nothing;

impl Apply for Nothing {
    fn apply(&self, _: &Record) -> Applied {
        Applied { matched: 1 }
    }

    fn empty(&self, _: Position) {}
}

struct Machine {
    log: EmbeddedLog,
    members: Members,
    clock: Clock,
    stop: watch::Sender<bool>,
}

impl Machine {
    fn new() -> Self {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        Self {
            log: EmbeddedLog::in_memory(Retention::default()),
            members: Members::new(clock.clone()),
            clock,
            stop: watch::Sender::new(false),
        }
    }

    fn join(&self, name: &str, region: &str) -> (Arc<Cluster>, Follower) {
        let info = NodeInfo {
            name: NodeName::new(name).unwrap(),
            region: Region::new(region).unwrap(),
            version: String::new(),
            peer_addr: "127.0.0.1:1".parse().ok(),
            started_unix_ms: 255,
        };
        let setup = Setup {
            info,
            log: Arc::new(self.log.clone()),
            members: self.members.clone(),
            clock: self.clock.clone(),
            metrics: Metrics::new(),
            max_lag: Duration::from_secs(5),
        };
        Cluster::join(setup).unwrap()
    }

    async fn start(&self, name: &str, region: &str) -> Arc<Cluster> {
        let (cluster, follower) = self.join(name, region);
        tokio::spawn(follower.run(Arc::new(Nothing), Start::Empty, self.stop.subscribe()));
        let mut changed = self.members.watch();
        while cluster.readiness() != Readiness::Ready {
            changed.changed().await.unwrap();
        }
        cluster
    }
}

fn purge(cluster: &Cluster) -> Purge {
    Purge {
        id: cluster.new_purge_id(),
        scope: Scope::AllSites,
        selectors: vec![Selector::All],
        depth: Depth::Hard,
    }
}

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_every_node_and_the_answer_names_who_has_not_applied_it() {
    let machine = Machine::new();
    let edge = machine.start("edge", "fra").await;
    let shield = machine.start("shield", "ams").await;
    let published = edge.publish_purge(purge(&edge), "ops").await.unwrap();
    let nodes = edge.wait(&published, Wait::All, LIMIT).await;
    assert!(
        nodes.iter().all(|node| node.state == AppliedState::Applied && node.matched == Some(1)),
        "{nodes:?}"
    );
    assert_eq!((edge.position(), shield.position()), (Position(1), Position(1)));
    assert_eq!(shield.purge(&published.id).unwrap().nodes, nodes, "every node of the process can tell");

    // A third joins, and its follower does not run.
    let (_stuck, _follower) = machine.join("stuck", "ams");
    let published = shield.publish_purge(purge(&shield), "ops").await.unwrap();
    let nodes = shield.wait(&published, Wait::All, LIMIT).await;
    let pending: Vec<&str> = nodes
        .iter()
        .filter(|node| node.state == AppliedState::Pending)
        .map(|node| node.name.as_str())
        .collect();
    assert_eq!(pending, ["stuck"]);
}

#[tokio::test(start_paused = true)]
async fn whom_a_purge_waits_for_is_the_callers_choice() {
    let machine = Machine::new();
    let edge = machine.start("edge", "fra").await;
    let (_stuck, _follower) = machine.join("stuck", "ams");
    let published = edge.publish_purge(purge(&edge), "ops").await.unwrap();
    let states =
        |nodes: Vec<crate::NodeApplied>| nodes.into_iter().map(|node| node.state).collect::<Vec<_>>();
    let none = edge.wait(&published, Wait::None, LIMIT).await;
    assert_eq!(
        states(none),
        [AppliedState::Pending, AppliedState::Pending],
        "nobody had a chance to apply it"
    );
    let local = edge.wait(&published, Wait::Local, LIMIT).await;
    assert_eq!(states(local), [AppliedState::Applied, AppliedState::Pending]);
}

#[tokio::test]
async fn a_purge_that_selects_nothing_is_not_taken_and_names_differ() {
    let machine = Machine::new();
    let (edge, _follower) = machine.join("edge", "fra");
    let empty = Purge { selectors: Vec::new(), ..purge(&edge) };
    assert_eq!(empty.id.0, "edge-ff-1");
    assert!(matches!(edge.publish_purge(empty, "ops").await, Err(ClusterError::NothingSelected)));
    assert_ne!(edge.new_purge_id(), edge.new_purge_id());
}

#[tokio::test(start_paused = true)]
async fn shields_are_asked_in_an_order_that_all_edges_agree_on() {
    let machine = Machine::new();
    let edge = machine.start("edge", "fra").await;
    let other = machine.start("other", "fra").await;
    let ams = Region::new("ams").unwrap();
    assert!(edge.shield_candidates(&ams, b"key").is_empty());
    let shield = machine.start("shield-1", "ams").await;
    machine.start("shield-2", "ams").await;
    let ranked = edge.shield_candidates(&ams, b"key");
    assert_eq!(ranked.len(), 2);
    assert_eq!(ranked, other.shield_candidates(&ams, b"key"));
    shield.drain();
    assert_eq!(edge.shield_candidates(&ams, b"key").len(), 1, "a node that drains gets no new keys");
    assert_eq!(shield.readiness(), Readiness::Draining);
}

#[tokio::test(start_paused = true)]
async fn lag_grows_when_the_follower_is_gone_and_stays_small_while_it_runs() {
    let machine = Machine::new();
    let edge = machine.start("edge", "fra").await;
    for _ in 0..5 {
        machine.clock.advance(HEARTBEAT_EVERY);
        tokio::time::advance(HEARTBEAT_EVERY).await;
        tokio::task::yield_now().await;
    }
    let lag = |node: &Cluster| node.lag(machine.clock.ticks());
    assert!(lag(&edge) <= HEARTBEAT_EVERY, "{:?}", lag(&edge));
    let (stuck, _follower) = machine.join("stuck", "fra");
    machine.clock.advance(Duration::from_secs(30));
    assert!(lag(&stuck) >= Duration::from_secs(30), "{:?}", lag(&stuck));
    assert_eq!(stuck.touch(machine.clock.ticks()), Touch::InTouch, "nothing can come between it and its log");
    assert_eq!(stuck.readiness(), Readiness::Left, "silent for too long");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_one_purge_at_every_node_of_the_process() {
    let machine = Machine::new();
    let edge = machine.start("edge", "fra").await;
    let shield = machine.start("shield", "ams").await;
    let first = edge.publish_purge_once(purge(&edge), "ops", Some("deploy-7")).await.unwrap();
    let second = shield.publish_purge_once(purge(&shield), "ops", Some("deploy-7")).await.unwrap();
    assert_eq!((&second.id, second.position, second.repeated), (&first.id, first.position, true));
    let other = Purge { selectors: vec![Selector::tag("a").unwrap()], ..purge(&edge) };
    let refused = edge.publish_purge_once(other, "ops", Some("deploy-7")).await;
    assert!(matches!(refused, Err(ClusterError::KeyUsed(Position(1)))), "{refused:?}");
    assert_eq!(edge.log().head().await.unwrap(), Position(1), "one record, whoever asked");
}

#[tokio::test(start_paused = true)]
async fn orders_are_read_back_from_the_log_by_every_node() {
    let machine = Machine::new();
    let edge = machine.start("edge", "fra").await;
    let shield = machine.start("shield", "ams").await;
    for _ in 0..5 {
        let published = edge.publish_purge(purge(&edge), "ops").await.unwrap();
        edge.wait(&published, Wait::All, LIMIT).await;
    }
    let newest = shield.orders(None, 2).await.unwrap();
    let positions =
        |page: &crate::log::Page| page.records.iter().map(|one| one.position.0).collect::<Vec<_>>();
    assert_eq!((positions(&newest), newest.head), (vec![4, 5], Position(5)));
    assert_eq!(positions(&shield.orders(Some(Position(1)), 2).await.unwrap()), [2, 3]);
    let order = shield.order(Position(3)).await.unwrap().expect("it is there");
    assert_eq!((order.record.actor.as_str(), order.record.accepted_by.as_str()), ("ops", "edge"));
    assert_eq!((order.nodes.len(), shield.matched(&order.record)), (2, Some(2)));
    assert!(order.nodes.iter().all(|node| node.applied_after_us.is_some()), "{:?}", order.nodes);
}
