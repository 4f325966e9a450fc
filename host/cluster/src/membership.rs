//! Who else is there, and how far each node has applied the control log.
//!
//! Owns: the table of nodes, when a node counts as unreachable, what each purge matched where. Refuses: how the news
//! travels. The nodes of one process share one [`Members`]; nodes of several processes have one each, and whoever
//! carries the news (`nats/roster.rs`) writes down there what it hears of the others.

mod purges;
mod report;
mod seat;
mod wait;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall_base::{Clock, NodeName, Position, PurgeId, Region};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use self::purges::Purges;
pub use self::purges::{AppliedState, NodeApplied, PURGES_KEPT, PurgeView};
pub(crate) use self::report::Word;
pub use self::report::{Outcome, REPORTED_OUTCOMES_MAX, Report};
pub use self::seat::Seat;

use crate::survey::Surveys;

#[cfg(test)]
mod tests;

/// How often a node says that it lives. Small against [`HEARTBEAT_LIFETIME`], so that one late beat harms nobody.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);

/// How long a node counts as reachable after its last sign of life: several beats, and short enough for the people
/// who wait for a purge.
pub const HEARTBEAT_LIFETIME: Duration = Duration::from_secs(5);

/// How long an unreachable node stays on the list, so that operators see what is missing.
pub const FORGET_AFTER: Duration = Duration::from_secs(60 * 60);

/// Most nodes in one cluster: bounds the table, and the answer of `GET /v1/nodes`.
pub const NODES_MAX: usize = 1024;

/// What a node says of itself when it joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its name; one node at a time bears it.
    pub name: NodeName,
    /// Where it is.
    pub region: Region,
    /// Its build.
    pub version: String,
    /// Where peers reach it. A node without one is never asked as a shield.
    pub peer_addr: Option<SocketAddr>,
    /// When it started, by its own clock. For people.
    pub started_unix_ms: u64,
}

/// What a node can be trusted with right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// Has not yet applied the log up to the head it found.
    CatchingUp,
    /// Serves.
    Ready,
    /// Finishes what it has and leaves.
    Draining,
    /// Has not been heard of for [`HEARTBEAT_LIFETIME`].
    Unreachable,
}

impl NodeState {
    /// The word for logs, labels and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CatchingUp => "catching-up",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Unreachable => "unreachable",
        }
    }
}

/// One node as the others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// What it said of itself.
    pub info: Arc<NodeInfo>,
    /// What it can be trusted with.
    pub state: NodeState,
    /// How far it has applied the control log.
    pub applied: Position,
}

/// Why a node cannot join.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// A live node bears that name.
    #[error("a node named `{0}` is already there: give every node a name of its own")]
    NameTaken(NodeName),
    /// [`NODES_MAX`] nodes are there.
    #[error("the cluster is full: it has {NODES_MAX} nodes")]
    Full,
}

/// The table of nodes. Clones are the same table.
#[derive(Clone)]
pub struct Members(Arc<Shared>);

struct Shared {
    /// Judges who is alive and how long a purge took.
    clock: Clock,
    reach: Reach,
    table: Mutex<Table>,
    /// Counts changes; wakes those who wait for one.
    changed: watch::Sender<u64>,
    surveys: Surveys,
}

/// Whose nodes are on the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those of this process, which all write on it themselves.
    OneProcess,
    /// Those of other processes too, as far as this one has heard.
    ManyProcesses,
}

#[derive(Default)]
struct Table {
    nodes: BTreeMap<NodeName, Entry>,
    purges: Purges,
    seats_given: u64,
    /// With [`Reach::ManyProcesses`]: everyone who is there has been heard of once. Until then no node here is ready,
    /// since its "every node has applied it" would speak of those it knows.
    everyone_heard: bool,
}

/// A node's line in the table.
struct Entry {
    info: Arc<NodeInfo>,
    /// Which of the seats under this name holds the line; `None` for a node of another process.
    seat: Option<u64>,
    /// Of a node of another process: which run of it speaks, and the number of its last word.
    heard: Option<(String, u64)>,
    /// What the node says: never [`NodeState::Unreachable`].
    said: NodeState,
    applied: Position,
    beat_at: Duration,
}

impl Entry {
    fn state(&self, now: Duration) -> NodeState {
        if now.saturating_sub(self.beat_at) > HEARTBEAT_LIFETIME { NodeState::Unreachable } else { self.said }
    }

    fn view(&self, now: Duration) -> NodeView {
        NodeView { info: Arc::clone(&self.info), state: self.state(now), applied: self.applied }
    }
}

impl Members {
    /// An empty table, for the nodes of one process.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::reaching(Reach::OneProcess, clock)
    }

    pub(crate) fn reaching(reach: Reach, clock: Clock) -> Self {
        let table = Mutex::new(Table::default());
        let (changed, surveys) = (watch::Sender::new(0), Surveys::default());
        Self(Arc::new(Shared { clock, reach, table, changed, surveys }))
    }

    pub(crate) fn surveys(&self) -> &Surveys {
        &self.0.surveys
    }

    pub(crate) fn reach(&self) -> Reach {
        self.0.reach
    }

    /// Takes a place under a name. A node that was lost without a word is replaced by its successor.
    pub fn join(&self, info: NodeInfo) -> Result<Seat, JoinError> {
        let now = self.now();
        let mut table = self.0.table.lock();
        table.nodes.retain(|_, node| now.saturating_sub(node.beat_at) <= FORGET_AFTER);
        if let Some(node) = table.nodes.get(&info.name) {
            if node.state(now) != NodeState::Unreachable {
                return Err(JoinError::NameTaken(info.name));
            }
        } else if table.nodes.len() >= NODES_MAX {
            return Err(JoinError::Full);
        }
        table.seats_given = table.seats_given.saturating_add(1);
        let seat = table.seats_given;
        let name = info.name.clone();
        let node = Entry {
            info: Arc::new(info),
            seat: Some(seat),
            heard: None,
            said: NodeState::CatchingUp,
            applied: Position::START,
            beat_at: now,
        };
        table.nodes.insert(name.clone(), node);
        drop(table);
        self.tell();
        Ok(Seat::new(self.clone(), name, seat, now))
    }

    /// All nodes, by name.
    #[must_use]
    pub fn list(&self) -> Vec<NodeView> {
        let now = self.now();
        let known = |node: &&Entry| now.saturating_sub(node.beat_at) <= FORGET_AFTER;
        self.0.table.lock().nodes.values().filter(known).map(|node| node.view(now)).collect()
    }

    /// The ready nodes of a region that peers can reach, by name.
    #[must_use]
    pub fn ready_in(&self, region: &Region) -> Vec<NodeView> {
        let now = self.now();
        let fit = |node: &&Entry| {
            node.info.region == *region
                && node.info.peer_addr.is_some()
                && node.state(now) == NodeState::Ready
        };
        self.0.table.lock().nodes.values().filter(fit).map(|node| node.view(now)).collect()
    }

    /// A number that changes whenever a node joins, leaves, changes state or applies something. A node that falls
    /// silent changes nothing: look again every [`HEARTBEAT_EVERY`] where that matters.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Begins to time a purge. To be called before the purge is in the log, where nodes may apply it at once.
    pub fn accepted(&self, id: &PurgeId) {
        let now = self.now();
        self.0.table.lock().purges.accepted(id, now);
    }

    /// Notes where in the log a purge stands.
    pub fn placed(&self, id: &PurgeId, position: Position) {
        self.0.table.lock().purges.placed(id, position);
    }

    /// What is known of one of the last [`PURGES_KEPT`] purges.
    #[must_use]
    pub fn purge(&self, id: &PurgeId) -> Option<PurgeView> {
        let now = self.now();
        let table = self.0.table.lock();
        let purge = table.purges.get(id)?;
        let nodes = purges::applied_by(&table, Some(purge), purge.position(), now);
        Some(PurgeView { id: id.clone(), position: purge.position(), nodes })
    }

    fn now(&self) -> Duration {
        self.0.clock.ticks()
    }

    fn tell(&self) {
        self.0.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}
