//! Waiting until the nodes have applied a position.

use std::time::Duration;

use seawall_base::{NodeName, Position, PurgeId};
use tokio::time::{sleep, timeout};

use super::{AppliedState, HEARTBEAT_EVERY, Members, NodeApplied, purges};

impl Members {
    /// What every node has made of a purge, answered once each that `waited_for` says has applied it or is
    /// unreachable, at the latest after `limit`: then those that have not are `pending`.
    pub async fn wait_applied(
        &self,
        id: &PurgeId,
        position: Position,
        waited_for: impl Fn(&NodeName) -> bool,
        limit: Duration,
    ) -> Vec<NodeApplied> {
        let waiting = |nodes: &[NodeApplied]| {
            nodes.iter().any(|node| node.state == AppliedState::Pending && waited_for(&node.name))
        };
        let done = async {
            let mut changed = self.watch();
            loop {
                changed.borrow_and_update();
                let nodes = self.applied(id, position);
                if !waiting(&nodes) {
                    return nodes;
                }
                // A node that falls silent changes nothing, so look again from time to time.
                tokio::select! {
                    _ = changed.changed() => {}
                    () = sleep(HEARTBEAT_EVERY) => {}
                }
            }
        };
        match timeout(limit, done).await {
            Ok(nodes) => nodes,
            Err(_) => self.applied(id, position),
        }
    }

    /// What every node has made of a purge by now.
    #[must_use]
    pub fn applied(&self, id: &PurgeId, position: Position) -> Vec<NodeApplied> {
        let now = self.now();
        let table = self.0.table.lock();
        purges::applied_by(&table, table.purges.get(id), Some(position), now)
    }
}
