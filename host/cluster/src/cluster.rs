//! One node's view of the cluster: what the lanes and the operator's door hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use seawall_base::{Clock, NodeName, Position, Purge, PurgeId, Region};

use crate::follower::Follower;
use crate::log::{Activation, ControlLog, Entry, LogError, NewRecord};
use crate::membership::{
    JoinError, Members, NodeApplied, NodeInfo, NodeState, NodeView, PurgeView, Reach, Seat,
};
use crate::metrics::Metrics;
use crate::shield;

mod orders;

#[cfg(test)]
mod tests;

pub use self::orders::Order;

/// What a node needs to join.
pub struct Setup {
    /// What it says of itself.
    pub info: NodeInfo,
    /// The log; the nodes of one process share it.
    pub log: Arc<dyn ControlLog>,
    /// The table of nodes; the nodes of one process share it.
    pub members: Members,
    /// The time.
    pub clock: Clock,
    /// The node's own counters.
    pub metrics: Metrics,
    /// How long the node may not know that it has applied everything before it counts as cut off.
    pub max_lag: Duration,
}

/// A purge that no restart loses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its name.
    pub id: PurgeId,
    /// Where in the log it stands.
    pub position: Position,
    /// It stood there already, given under the same key.
    pub repeated: bool,
}

/// Whom an order waits for before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Nobody: it is durable.
    None,
    /// The node that took it.
    #[default]
    Local,
    /// Every live node.
    All,
}

impl Wait {
    /// The word for queries and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Local => "local",
            Self::All => "all",
        }
    }
}

/// May this node be sent requests?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// It has not yet applied the log up to the head it found.
    CatchingUp,
    /// It finishes what it has and leaves.
    Draining,
    /// It has left the cluster, or its place was taken while it was silent.
    Left,
}

impl Readiness {
    /// The word for answers and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::CatchingUp => "catching-up",
            Self::Draining => "draining",
            Self::Left => "left",
        }
    }
}

/// Does a node know that it is close to the log?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// It had applied everything there was a moment ago, less than `max_lag`.
    InTouch,
    /// It cannot say so: what it holds may have been purged.
    CutOff,
}

impl Touch {
    /// The word for logs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InTouch => "in-touch",
            Self::CutOff => "cut-off",
        }
    }
}

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// It selects nothing.
    #[error("the purge selects nothing")]
    NothingSelected,
    /// Something else was ordered under its key.
    #[error("another order stands under this key, at position {0}: nothing was written")]
    KeyUsed(Position),
    /// The log did not take it.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// One node in its cluster.
pub struct Cluster {
    info: NodeInfo,
    log: Arc<dyn ControlLog>,
    members: Members,
    seat: Arc<Seat>,
    clock: Clock,
    metrics: Metrics,
    max_lag: Duration,
    purges_named: AtomicU64,
}

impl Cluster {
    /// Takes a place under the node's name. The node catches up and becomes ready once the [`Follower`] runs.
    pub fn join(setup: Setup) -> Result<(Arc<Self>, Follower), JoinError> {
        let Setup { info, log, members, clock, metrics, max_lag } = setup;
        let seat = Arc::new(members.join(info.clone())?);
        let follower = Follower {
            log: Arc::clone(&log),
            seat: Arc::clone(&seat),
            metrics: metrics.clone(),
            clock: clock.clone(),
        };
        let purges_named = AtomicU64::new(0);
        Ok((Arc::new(Self { info, log, members, seat, clock, metrics, max_lag, purges_named }), follower))
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &NodeName {
        &self.info.name
    }

    /// The node's region.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.info.region
    }

    pub(crate) fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    /// The control log.
    #[must_use]
    pub fn log(&self) -> &dyn ControlLog {
        self.log.as_ref()
    }

    /// The table of nodes.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// How far this node has applied the log. Costs one load.
    #[must_use]
    pub fn position(&self) -> Position {
        self.seat.position()
    }

    /// How long ago, at `now` in ticks of the clock, this node last knew that it had applied all there was (promise 5).
    /// On a healthy node it stays below [`crate::membership::HEARTBEAT_EVERY`] and a bit. Costs two loads.
    #[must_use]
    pub fn lag(&self, now: Duration) -> Duration {
        self.seat.lag(now)
    }

    /// Whether, at `now` in ticks of the clock, this node knows that it is within its `max_lag` of the log. Always so
    /// where log and node are one process: nothing can come between them.
    #[must_use]
    pub fn touch(&self, now: Duration) -> Touch {
        match self.members.reach() {
            Reach::ManyProcesses if self.lag(now) > self.max_lag => Touch::CutOff,
            Reach::OneProcess | Reach::ManyProcesses => Touch::InTouch,
        }
    }

    /// Brings the gauges up to date that change with time alone.
    pub fn measure(&self) {
        let now = self.clock.ticks();
        self.metrics.lags(self.lag(now), self.touch(now));
    }

    /// May this node be sent requests?
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        match self.seat.view().map(|node| node.state) {
            Some(NodeState::Ready) => Readiness::Ready,
            Some(NodeState::CatchingUp) => Readiness::CatchingUp,
            Some(NodeState::Draining) => Readiness::Draining,
            Some(NodeState::Unreachable) | None => Readiness::Left,
        }
    }

    /// Tells the others that this node finishes what it has and will leave.
    pub fn drain(&self) {
        self.seat.drain();
    }

    /// A name for a new purge: the node's, when it started, and a number, so no two purges share one.
    #[must_use]
    pub fn new_purge_id(&self) -> PurgeId {
        let number = self.purges_named.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        PurgeId(format!("{}-{:x}-{number}", self.info.name, self.info.started_unix_ms))
    }

    /// Puts a purge in the log. When this answers, no restart loses it; [`Cluster::wait`] tells when it is applied.
    /// `actor` is who ordered it: the name of a token, or of the site whose origin asked.
    pub async fn publish_purge(&self, purge: Purge, actor: &str) -> Result<Published, ClusterError> {
        self.publish_purge_once(purge, actor, None).await
    }

    /// The same under a key: as long as the log holds an order of this actor under it, the answer is that order, and
    /// nothing is written; an order of another content is an error.
    pub async fn publish_purge_once(
        &self,
        purge: Purge,
        actor: &str,
        key: Option<&str>,
    ) -> Result<Published, ClusterError> {
        if purge.selectors.is_empty() {
            return Err(ClusterError::NothingSelected);
        }
        let once = key.map(|key| orders::once(actor, key));
        self.publish(purge.id.clone(), Entry::Purge(purge), actor, once).await
    }

    /// Puts an activation in the log, as [`Cluster::publish_purge`] does with a purge; it is named like one, too.
    pub async fn publish_activation(
        &self,
        activation: Activation,
        actor: &str,
    ) -> Result<Published, ClusterError> {
        self.publish(self.new_purge_id(), Entry::Activation(activation), actor, None).await
    }

    async fn publish(
        &self,
        id: PurgeId,
        entry: Entry,
        actor: &str,
        once: Option<String>,
    ) -> Result<Published, ClusterError> {
        let record = NewRecord {
            id: id.0.clone(),
            accepted_by: self.info.name.clone(),
            actor: actor.to_owned(),
            at_unix_ms: unix_ms(self.clock.now()),
            once,
            entry: entry.clone(),
        };
        self.members.accepted(&id);
        match self.log.append(record).await {
            Ok(position) => {
                self.metrics.appended.inc();
                self.members.placed(&id, position);
                Ok(Published { id, position, repeated: false })
            }
            Err(LogError::Taken(record)) if orders::orders_the_same(&record.entry, &entry) => {
                Ok(Published { id: PurgeId(record.id.clone()), position: record.position, repeated: true })
            }
            Err(LogError::Taken(record)) => Err(ClusterError::KeyUsed(record.position)),
            Err(error) => {
                self.metrics.append_errors.inc();
                Err(error.into())
            }
        }
    }

    /// Waits until those named by `wait` have applied a purge, at most `limit`. Answers every node there is, those
    /// that have not applied it as pending or unreachable.
    pub async fn wait(&self, purge: &Published, wait: Wait, limit: Duration) -> Vec<NodeApplied> {
        let waited_for = |name: &NodeName| match wait {
            Wait::None => false,
            Wait::Local => *name == self.info.name,
            Wait::All => true,
        };
        self.members.wait_applied(&purge.id, purge.position, waited_for, limit).await
    }

    /// What is known of one of the last purges, see [`crate::membership::PURGES_KEPT`].
    #[must_use]
    pub fn purge(&self, id: &PurgeId) -> Option<PurgeView> {
        self.members.purge(id)
    }

    /// The nodes of a shield region to ask for `key`, first choice first: ready, and with an address for peers. This
    /// node itself may be among them; whoever finds itself first asks the origin.
    #[must_use]
    pub fn shield_candidates(&self, region: &Region, key: &[u8]) -> Vec<NodeView> {
        let mut nodes = self.members.ready_in(region);
        shield::rank(&mut nodes, key, |node| node.info.name.as_str());
        nodes
    }
}

fn unix_ms(now: SystemTime) -> u64 {
    // A clock before 1970 is wrong, and no reason to refuse a purge.
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
