//! A node's place in the table: the right to speak for that node. Dropping it leaves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seawall_base::{NodeName, Position};

use super::{Entry, Members, NodeState, NodeView, Purges};
use crate::log::{Entry as LogEntry, Record};

/// The right to speak for one node.
pub struct Seat {
    members: Members,
    name: NodeName,
    number: u64,
    /// As in the table, without its lock: read for every request.
    applied: AtomicU64,
    /// When the node last knew that it had applied all there was, in microseconds of the clock's ticks.
    current_at_us: AtomicU64,
}

impl Seat {
    pub(super) fn new(members: Members, name: NodeName, number: u64, now: Duration) -> Self {
        let (applied, current_at_us) = (AtomicU64::new(0), AtomicU64::new(micros(now)));
        Self { members, name, number, applied, current_at_us }
    }

    /// Whose it is.
    #[must_use]
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// How far the node has applied the log. Costs one load.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.applied.load(Ordering::Acquire))
    }

    /// The node as the others see it; `None` once it has left, or lost its place to a successor.
    #[must_use]
    pub fn view(&self) -> Option<NodeView> {
        let now = self.members.now();
        let table = self.members.0.table.lock();
        table.nodes.get(&self.name).filter(|entry| entry.seat == self.number).map(|entry| entry.view(now))
    }

    /// How long ago the node last knew that it had applied all there was.
    #[must_use]
    pub fn lag(&self) -> Duration {
        let at = Duration::from_micros(self.current_at_us.load(Ordering::Relaxed));
        self.members.now().saturating_sub(at)
    }

    /// The node has applied a record, which matched so many objects. A sign of life.
    pub fn applied(&self, record: &Record, matched: u64) {
        self.applied.store(record.position.0, Ordering::Release);
        self.update(|entry, purges, now| {
            entry.applied = record.position;
            if let LogEntry::Purge(purge) = &record.entry {
                purges.applied(&purge.id, record.position, &entry.info.name, now, matched);
            }
        });
    }

    /// The node goes on from `at`: it holds what it held there, or nothing. A sign of life.
    pub fn goes_on_from(&self, at: Position) {
        self.applied.store(at.0, Ordering::Release);
        self.update(|entry, _, _| entry.applied = at);
    }

    /// The node knows that it has applied all there is.
    pub fn current(&self) {
        self.current_at_us.store(micros(self.members.now()), Ordering::Relaxed);
    }

    /// The node has caught up with the log. Does not call back a node that drains.
    pub fn ready(&self) {
        self.update(|entry, _, _| {
            if entry.said == NodeState::CatchingUp {
                entry.said = NodeState::Ready;
            }
        });
    }

    /// The node finishes what it has and will leave.
    pub fn drain(&self) {
        self.update(|entry, _, _| entry.said = NodeState::Draining);
    }

    /// The node lives.
    pub fn beat(&self) {
        let now = self.members.now();
        let mut table = self.members.0.table.lock();
        let Some(entry) = table.nodes.get_mut(&self.name).filter(|entry| entry.seat == self.number) else {
            return;
        };
        let was_lost = entry.state(now) == NodeState::Unreachable;
        entry.beat_at = now;
        drop(table);
        if was_lost {
            self.members.tell();
        }
    }

    /// The node goes. Whatever is said for it later is not heard.
    pub fn leave(&self) {
        let mut table = self.members.0.table.lock();
        if table.nodes.get(&self.name).is_some_and(|entry| entry.seat == self.number) {
            table.nodes.remove(&self.name);
            drop(table);
            self.members.tell();
        }
    }

    fn update(&self, change: impl FnOnce(&mut Entry, &mut Purges, Duration)) {
        let now = self.members.now();
        let mut table = self.members.0.table.lock();
        let table = &mut *table;
        let Some(entry) = table.nodes.get_mut(&self.name).filter(|entry| entry.seat == self.number) else {
            return;
        };
        entry.beat_at = now;
        change(entry, &mut table.purges, now);
        self.members.tell();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

fn micros(ticks: Duration) -> u64 {
    u64::try_from(ticks.as_micros()).unwrap_or(u64::MAX)
}
