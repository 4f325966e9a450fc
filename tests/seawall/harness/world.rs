//! One play's world: its origin, its clock, and what its nodes have in common.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use seawall_base::Clock;
use seawall_cluster::{EmbeddedLog, NodeState, Retention};
use seawall_node::Shared;
use tempfile::TempDir;

use super::gate::Gate;
use super::log::HeldLog;
use super::node::{Node, Plan};
use super::origin::Origin;
use super::{lines, until};

/// When every play begins: some time in 2026.
const BEGIN_UNIX_S: u64 = 1_780_000_000;

/// One play's world.
pub(crate) struct World {
    pub(crate) origin: Arc<Origin>,
    pub(crate) clock: Clock,
    /// The control log and the table of nodes.
    pub(crate) shared: Shared,
    pub(crate) folder: TempDir,
    /// Where each node's operator goes, by the node's name.
    pub(crate) doors: Arc<Mutex<BTreeMap<String, SocketAddr>>>,
}

impl World {
    /// A world in which time moves only when [`World::pass`] is called.
    pub(crate) fn new() -> Self {
        lines::keep();
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN_UNIX_S));
        Self {
            origin: Arc::new(Origin::start()),
            shared: Shared::in_memory(clock.clone()),
            clock,
            folder: tempfile::tempdir().unwrap(),
            doors: Arc::default(),
        }
    }

    /// Lets time pass. Nodes that need each other have said before this returns that they still live.
    pub(crate) async fn pass(&self, seconds: u64) {
        assert!(self.clock.advance(Duration::from_secs(seconds)));
        if self.shared.members.list().len() > 1 {
            self.everybody_lives().await;
        }
    }

    /// Waits until every node has said that it lives: after a while has passed, its last word is too old.
    pub(crate) async fn everybody_lives(&self) {
        let ready = || self.shared.members.list().iter().all(|node| node.state == NodeState::Ready);
        until("every node lives", ready).await;
    }

    /// A node of its own, with one site in front of the origin.
    pub(crate) async fn node(&self) -> Node {
        self.start(Plan::new("fra-1", "fra")).await
    }

    /// A node as planned; it is ready when this returns.
    pub(crate) async fn start(&self, plan: Plan) -> Node {
        Node::start(plan, self, &self.shared).await
    }

    /// The same, with a control log that reaches back only so many records.
    pub(crate) fn remembering(records: usize) -> Self {
        let mut world = Self::new();
        world.shared.log = Arc::new(EmbeddedLog::in_memory(Retention { records, ..Retention::default() }));
        world
    }

    /// A node that hears from the control log only once `gate` is open.
    pub(crate) async fn start_deaf(&self, plan: Plan, gate: &Gate) -> Node {
        let held = HeldLog { log: Arc::clone(&self.shared.log), gate: gate.clone() };
        let mut shared = self.shared.clone();
        shared.log = Arc::new(held);
        Node::start(plan, self, &shared).await
    }

    /// Two edges and their shield, in this order: fra, nyc, ams.
    pub(crate) async fn edges_and_shield(&self) -> (Node, Node, Node) {
        let ams = self.start(Plan::shielded("ams-1", "ams")).await;
        let fra = self.start(Plan::shielded("fra-1", "fra")).await;
        let nyc = self.start(Plan::shielded("nyc-1", "nyc")).await;
        (fra, nyc, ams)
    }
}
