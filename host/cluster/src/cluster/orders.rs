//! What was ordered, read back from the log: so every node tells the same, and a restart forgets none of it.

use std::sync::Arc;
use std::time::Duration;

use seawall_base::{Position, Purge, PurgeId};

use super::Cluster;
use crate::log::{Entry, LogError, Page, Record};
use crate::membership::NodeApplied;
use crate::survey::{Answering, NodeFootprint, Survey};

/// How long the node that took an order has to say what it measured: it is asked by people.
const OUTCOMES_LIMIT: Duration = Duration::from_secs(1);

/// Between an actor and a key in what is digested: no token's name has it.
const BETWEEN: &[u8] = b"\0";

/// One order, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// As it stands in the log.
    pub record: Arc<Record>,
    /// Every node there is now.
    pub nodes: Vec<NodeApplied>,
}

impl Cluster {
    /// Up to `most` orders after `after`; the newest ones where that is not given.
    pub async fn orders(&self, after: Option<Position>, most: usize) -> Result<Page, LogError> {
        let after = match after {
            Some(after) => after,
            None => Position(self.log.head().await?.0.saturating_sub(most as u64)),
        };
        self.log.read(after, most).await
    }

    /// The order at a position and what the nodes made of it, if the log holds one there.
    pub async fn order(&self, at: Position) -> Result<Option<Order>, LogError> {
        let Some(before) = at.0.checked_sub(1) else { return Ok(None) };
        let page = self.log.read(Position(before), 1).await?;
        let Some(record) = page.records.into_iter().find(|record| record.position == at) else {
            return Ok(None);
        };
        let id = PurgeId(record.id.clone());
        let mut nodes = self.members.applied(&id, at);
        self.members.complete_from(&record.accepted_by, &id, &mut nodes, OUTCOMES_LIMIT).await;
        Ok(Some(Order { record, nodes }))
    }

    /// How many objects an order matched on the nodes of which this process remembers it; `None` where it remembers none.
    #[must_use]
    pub fn matched(&self, record: &Record) -> Option<u64> {
        let known = self.members.purge(&PurgeId(record.id.clone()))?;
        known.nodes.iter().filter_map(|node| node.matched).reduce(u64::saturating_add)
    }

    /// Lets this node answer what a purge would match, for as long as the answer is kept.
    pub fn answering(&self, survey: Arc<dyn Survey>) -> Answering {
        self.members.answering(&self.info.name, survey)
    }

    /// What a purge would match on every node. Nothing is written; who does not answer within `limit` is named.
    pub async fn footprints(&self, purge: &Purge, limit: Duration) -> Vec<NodeFootprint> {
        self.members.footprints(purge, limit).await
    }
}

/// The word under which an actor's key stands in the log. Two actors may use the same keys.
pub(super) fn once(actor: &str, key: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(actor.as_bytes()).update(BETWEEN).update(key.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Whether two purges say the same, but for their names.
pub(super) fn orders_the_same(one: &Entry, other: &Entry) -> bool {
    match (one, other) {
        (Entry::Purge(one), Entry::Purge(other)) => {
            one.scope == other.scope && one.selectors == other.selectors && one.depth == other.depth
        }
        _ => false,
    }
}
