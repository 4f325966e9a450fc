//! What the last purges did, node by node.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use seawall_base::{NodeName, Position, PurgeId, Region};
use serde::{Deserialize, Serialize};

use super::{NodeState, Table};

/// How many purges are remembered for `GET /v1/purges/{id}`: some hours of a busy site's, at a few kilobytes each.
pub const PURGES_KEPT: usize = 1000;

/// Has a node applied a purge?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppliedState {
    /// It has.
    Applied,
    /// Not yet.
    Pending,
    /// Not as far as anyone knows; the node has not been heard of.
    Unreachable,
}

impl AppliedState {
    /// The word for logs, labels and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What one node made of a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeApplied {
    /// The node.
    pub name: NodeName,
    /// Where it is.
    pub region: Region,
    /// Has it applied the purge?
    pub state: AppliedState,
    /// How long after the purge was accepted, its way to disk included. Absent for a node that has the position
    /// without having applied the purge: it joined later, or dropped everything.
    pub applied_after_us: Option<u64>,
    /// How many objects it dropped or made stale. Absent like `applied_after_us`.
    pub matched: Option<u64>,
}

/// One purge and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeView {
    /// Its name.
    pub id: PurgeId,
    /// Where in the log it stands; absent until it is durable.
    pub position: Option<Position>,
    /// Every node there is now.
    pub nodes: Vec<NodeApplied>,
}

/// The last [`PURGES_KEPT`] purges.
#[derive(Default)]
pub(super) struct Purges {
    known: BTreeMap<String, Known>,
    oldest_first: VecDeque<String>,
}

#[derive(Default)]
pub(super) struct Known {
    accepted_at: Option<Duration>,
    position: Option<Position>,
    nodes: BTreeMap<NodeName, Outcome>,
}

struct Outcome {
    after_us: Option<u64>,
    matched: u64,
}

impl Known {
    pub(super) fn position(&self) -> Option<Position> {
        self.position
    }
}

impl Purges {
    pub(super) fn accepted(&mut self, id: &PurgeId, now: Duration) {
        self.entry(id).accepted_at = Some(now);
    }

    pub(super) fn placed(&mut self, id: &PurgeId, position: Position) {
        self.entry(id).position = Some(position);
    }

    pub(super) fn applied(
        &mut self,
        id: &PurgeId,
        position: Position,
        by: &NodeName,
        now: Duration,
        matched: u64,
    ) {
        let known = self.entry(id);
        known.position = Some(position);
        let after = known.accepted_at.map(|at| now.saturating_sub(at).as_micros());
        let after_us = after.and_then(|after| u64::try_from(after).ok());
        known.nodes.insert(by.clone(), Outcome { after_us, matched });
    }

    /// Is it known what `node` made of a purge?
    pub(super) fn is_known_of(&self, id: &PurgeId, node: &NodeName) -> bool {
        self.known.get(&id.0).is_some_and(|known| known.nodes.contains_key(node))
    }

    pub(super) fn get(&self, id: &PurgeId) -> Option<&Known> {
        self.known.get(&id.0)
    }

    fn entry(&mut self, id: &PurgeId) -> &mut Known {
        if !self.known.contains_key(&id.0) {
            self.oldest_first.push_back(id.0.clone());
            while self.oldest_first.len() > PURGES_KEPT
                && let Some(oldest) = self.oldest_first.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
        self.known.entry(id.0.clone()).or_default()
    }
}

/// What every node there is made of the purge at `position`.
pub(super) fn applied_by(
    table: &Table,
    purge: Option<&Known>,
    position: Option<Position>,
    now: Duration,
) -> Vec<NodeApplied> {
    let one = |(name, node): (&NodeName, &super::Entry)| {
        let state = if position.is_some_and(|position| node.applied >= position) {
            AppliedState::Applied
        } else if node.state(now) == NodeState::Unreachable {
            AppliedState::Unreachable
        } else {
            AppliedState::Pending
        };
        let outcome = purge.and_then(|purge| purge.nodes.get(name));
        NodeApplied {
            name: name.clone(),
            region: node.info.region.clone(),
            state,
            applied_after_us: outcome.and_then(|outcome| outcome.after_us),
            matched: outcome.map(|outcome| outcome.matched),
        }
    };
    table.nodes.iter().map(one).collect()
}
