//! Asking nodes what a purge would match, and what they know of one that was given.
//!
//! Owns: whom to ask, the words that travel, how long an answer may take. Refuses: the log. A question changes nothing
//! and a node that does not answer is named, so nothing here has to be reliable. Nodes of this process are asked in
//! memory, those of others by whatever carries a question to them (`Far`).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::future::join_all;
use parking_lot::Mutex;
use seawall_base::{NodeName, Purge, PurgeId, Region};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::membership::{Members, NodeApplied, NodeState};

#[cfg(test)]
mod tests;

/// What a purge would match on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Stored responses, each variant for itself.
    pub objects: u64,
    /// Their bytes, as the cache weighs them.
    pub bytes: u64,
    /// How many of the last hits were of them.
    pub recent_hits: u64,
    /// How many hits the node remembers.
    pub recent_hits_all: u64,
}

impl Footprint {
    /// The share of the remembered hits, in percent; 0 where there were none.
    #[must_use]
    pub fn hits_percent(&self) -> f64 {
        if self.recent_hits_all == 0 {
            return 0.0;
        }
        self.recent_hits as f64 * 100.0 / self.recent_hits_all as f64
    }
}

/// The cache, as far as questions go.
pub trait Survey: Send + Sync {
    /// Counts what `purge` would match now, and changes nothing. Takes as long as the purge would.
    fn footprint(&self, purge: &Purge) -> Footprint;
}

/// Why a node said nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It has not been heard of for a while, and was not asked.
    Unreachable,
    /// It did not answer in time, or could not be asked.
    Silent,
}

impl NoAnswer {
    /// The word for answers and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Silent => "no-answer",
        }
    }
}

/// What one node would lose by a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFootprint {
    /// The node.
    pub name: NodeName,
    /// Where it is.
    pub region: Region,
    /// What it counted.
    pub footprint: Result<Footprint, NoAnswer>,
}

/// What a node asks another.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    /// What would this match with you?
    Footprint(Purge),
    /// You took this order: what did the nodes make of it?
    Outcomes(PurgeId),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Footprint(Footprint),
    Outcomes(Vec<NodeOutcome>),
}

/// What the node that took an order knows of what another made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NodeOutcome {
    name: NodeName,
    applied_after_us: Option<u64>,
    matched: Option<u64>,
}

/// Carries a question to a node of another process.
pub(crate) trait Far: Send + Sync {
    /// The node's answer; `None` where there is none within `limit`.
    fn ask(&self, node: &NodeName, question: Bytes, limit: Duration) -> BoxFuture<'_, Option<Bytes>>;
}

/// Who can be asked. Part of the table of nodes.
#[derive(Default)]
pub(crate) struct Surveys {
    near: Mutex<BTreeMap<NodeName, Arc<dyn Survey>>>,
    far: OnceLock<Arc<dyn Far>>,
}

impl Surveys {
    fn near(&self, node: &NodeName) -> Option<Arc<dyn Survey>> {
        self.near.lock().get(node).map(Arc::clone)
    }

    async fn ask(&self, node: &NodeName, question: &Question, limit: Duration) -> Option<Answer> {
        let question = serde_json::to_vec(question).ok()?;
        let answer = self.far.get()?.ask(node, Bytes::from(question), limit).await?;
        serde_json::from_slice(&answer).ok()
    }
}

/// While it is kept, a node of this process answers questions.
#[must_use]
pub struct Answering {
    members: Members,
    name: NodeName,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.members.surveys().near.lock().remove(&self.name);
    }
}

impl Members {
    /// Lets a node of this process answer.
    pub(crate) fn answering(&self, name: &NodeName, survey: Arc<dyn Survey>) -> Answering {
        self.surveys().near.lock().insert(name.clone(), survey);
        Answering { members: self.clone(), name: name.clone() }
    }

    /// How nodes of other processes are asked. Told once.
    pub(crate) fn reach_far_by(&self, far: Arc<dyn Far>) {
        let _ = self.surveys().far.set(far);
    }

    /// What `purge` would match on every node there is, by name. Each has `limit` to answer.
    pub async fn footprints(&self, purge: &Purge, limit: Duration) -> Vec<NodeFootprint> {
        let asked = self.list().into_iter().map(|node| async move {
            let (name, region) = (node.info.name.clone(), node.info.region.clone());
            let footprint = match node.state {
                NodeState::Unreachable => Err(NoAnswer::Unreachable),
                _ => self.footprint(&name, purge, limit).await.ok_or(NoAnswer::Silent),
            };
            NodeFootprint { name, region, footprint }
        });
        join_all(asked).await
    }

    async fn footprint(&self, node: &NodeName, purge: &Purge, limit: Duration) -> Option<Footprint> {
        if let Some(survey) = self.surveys().near(node) {
            return timeout(limit, counted(survey, purge.clone())).await.ok()?;
        }
        match self.surveys().ask(node, &Question::Footprint(purge.clone()), limit).await {
            Some(Answer::Footprint(footprint)) => Some(footprint),
            _ => None,
        }
    }

    /// Fills in what only `taker`, a node of another process, measured: it took the order, so it knows when.
    pub(crate) async fn complete_from(
        &self,
        taker: &NodeName,
        id: &PurgeId,
        nodes: &mut [NodeApplied],
        limit: Duration,
    ) {
        let known = nodes.iter().all(|node| node.applied_after_us.is_some() && node.matched.is_some());
        if known || self.surveys().near(taker).is_some() {
            return;
        }
        let Some(Answer::Outcomes(outcomes)) =
            self.surveys().ask(taker, &Question::Outcomes(id.clone()), limit).await
        else {
            return;
        };
        for NodeOutcome { name, applied_after_us, matched } in outcomes {
            if let Some(node) = nodes.iter_mut().find(|node| node.name == name) {
                node.applied_after_us = node.applied_after_us.or(applied_after_us);
                node.matched = node.matched.or(matched);
            }
        }
    }

    /// Answers a question that came from another process, to `name` of this one.
    pub(crate) async fn answer(&self, name: &NodeName, question: &[u8]) -> Option<Vec<u8>> {
        let answer = match serde_json::from_slice(question).ok()? {
            Question::Footprint(purge) => {
                Answer::Footprint(counted(self.surveys().near(name)?, purge).await?)
            }
            Question::Outcomes(id) => {
                let nodes = self.purge(&id)?.nodes.into_iter();
                let outcome = |NodeApplied { name, applied_after_us, matched, .. }| NodeOutcome {
                    name,
                    applied_after_us,
                    matched,
                };
                Answer::Outcomes(nodes.map(outcome).collect())
            }
        };
        serde_json::to_vec(&answer).ok()
    }
}

/// On a thread that nobody waits for: a purge of everything looks at everything.
async fn counted(survey: Arc<dyn Survey>, purge: Purge) -> Option<Footprint> {
    tokio::task::spawn_blocking(move || survey.footprint(&purge)).await.ok()
}
