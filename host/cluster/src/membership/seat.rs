//! A node's place in the table: the right to speak for that node. Dropping it leaves.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use seawall_base::{NodeName, Position, PurgeId};

use super::{Entry, Members, NodeState, NodeView, Outcome, Purges, REPORTED_OUTCOMES_MAX, Reach, Report};
use crate::log::{Entry as LogEntry, Record};

/// The right to speak for one node.
pub struct Seat {
    members: Members,
    name: NodeName,
    number: u64,
    /// As in the table, without its lock: read for every request.
    applied: AtomicU64,
    /// The last moment of which the node knows that it had applied all there was, in microseconds of the clock's ticks.
    current_at_us: AtomicU64,
    /// The last moment of which the node knows that the cluster had heard of it.
    heard_at_us: AtomicU64,
    /// It has applied the log up to the head it found.
    caught_up: AtomicBool,
    /// The last purges it applied, for the nodes of other processes.
    outcomes: Mutex<VecDeque<Outcome>>,
}

impl Seat {
    pub(super) fn new(members: Members, name: NodeName, number: u64, now: Duration) -> Self {
        Self {
            members,
            name,
            number,
            applied: AtomicU64::new(0),
            current_at_us: AtomicU64::new(micros(now)),
            heard_at_us: AtomicU64::new(micros(now)),
            caught_up: AtomicBool::new(false),
            outcomes: Mutex::default(),
        }
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
        table
            .nodes
            .get(&self.name)
            .filter(|entry| entry.seat == Some(self.number))
            .map(|entry| entry.view(now))
    }

    /// How long ago, at `now`, the node last knew that it had applied all there was. Where other processes have nodes,
    /// the cluster must have heard of it since, too: a server that is cut off from the others may still say, for some
    /// seconds, that its log is all there is, and can no longer take anyone's word for the cluster.
    #[must_use]
    pub fn lag(&self, now: Duration) -> Duration {
        let current = self.current_at_us.load(Ordering::Relaxed);
        let at = match self.members.reach() {
            Reach::OneProcess => current,
            Reach::ManyProcesses => current.min(self.heard_at_us.load(Ordering::Relaxed)),
        };
        now.saturating_sub(Duration::from_micros(at))
    }

    /// What the others are told of this node; `None` once it has left, or lost its place to a successor.
    #[must_use]
    pub(crate) fn report(&self) -> Option<Report> {
        let table = self.members.0.table.lock();
        let entry = table.nodes.get(&self.name).filter(|entry| entry.seat == Some(self.number))?;
        let outcomes = self.outcomes.lock().iter().cloned().collect();
        let (info, state, applied) = (entry.info.as_ref().clone(), entry.said, entry.applied);
        Some(Report { info, state, applied, outcomes })
    }

    /// The node has applied a record, which matched so many objects. A sign of life.
    pub fn applied(&self, record: &Record, matched: u64) {
        self.applied.store(record.position.0, Ordering::Release);
        self.keep_outcome(record, matched);
        self.update(|entry, purges, now| {
            entry.applied = record.position;
            if let Some(id) = order(record) {
                purges.applied(&id, record.position, &entry.info.name, now, matched);
            }
        });
    }

    /// The node goes on from `at`: it holds what it held there, or nothing. A sign of life.
    pub fn goes_on_from(&self, at: Position) {
        self.applied.store(at.0, Ordering::Release);
        self.update(|entry, _, _| entry.applied = at);
    }

    fn keep_outcome(&self, record: &Record, matched: u64) {
        if self.members.reach() == Reach::OneProcess {
            return;
        }
        let Some(id) = order(record) else { return };
        let mut outcomes = self.outcomes.lock();
        outcomes.push_back(Outcome { id, position: record.position, matched });
        while outcomes.len() > REPORTED_OUTCOMES_MAX {
            outcomes.pop_front();
        }
    }

    /// The node has applied all that there was at the moment `at`, in ticks of the clock.
    pub fn current_as_of(&self, at: Duration) {
        self.current_at_us.fetch_max(micros(at), Ordering::Relaxed);
    }

    /// The cluster has taken this node's word at the moment `at` or later, in ticks of the clock.
    pub fn heard_as_of(&self, at: Duration) {
        self.heard_at_us.fetch_max(micros(at), Ordering::Relaxed);
    }

    /// The node has caught up with the log: it is ready, once everyone who is there has been heard of. Does not call
    /// back a node that drains.
    pub fn ready(&self) {
        self.caught_up.store(true, Ordering::Relaxed);
        self.turn_ready();
    }

    /// Everyone who is there has been heard of.
    pub(crate) fn everyone_heard(&self) {
        self.members.0.table.lock().everyone_heard = true;
        if self.caught_up.load(Ordering::Relaxed) {
            self.turn_ready();
        }
    }

    fn turn_ready(&self) {
        let now = self.members.now();
        let mut table = self.members.0.table.lock();
        let knows_all = table.everyone_heard || self.members.reach() == Reach::OneProcess;
        let own = table.nodes.get_mut(&self.name).filter(|entry| entry.seat == Some(self.number));
        let Some(entry) = own else { return };
        entry.beat_at = now;
        if entry.said == NodeState::CatchingUp && knows_all {
            entry.said = NodeState::Ready;
        }
        drop(table);
        self.members.tell();
    }

    /// The node finishes what it has and will leave.
    pub fn drain(&self) {
        self.update(|entry, _, _| entry.said = NodeState::Draining);
    }

    /// The node lives.
    pub fn beat(&self) {
        let now = self.members.now();
        let mut table = self.members.0.table.lock();
        let Some(entry) = table.nodes.get_mut(&self.name).filter(|entry| entry.seat == Some(self.number))
        else {
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
        if table.nodes.get(&self.name).is_some_and(|entry| entry.seat == Some(self.number)) {
            table.nodes.remove(&self.name);
            drop(table);
            self.members.tell();
        }
    }

    fn update(&self, change: impl FnOnce(&mut Entry, &mut Purges, Duration)) {
        let now = self.members.now();
        let mut table = self.members.0.table.lock();
        let table = &mut *table;
        let Some(entry) = table.nodes.get_mut(&self.name).filter(|entry| entry.seat == Some(self.number))
        else {
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

/// The name of an order that somebody may wait for.
fn order(record: &Record) -> Option<PurgeId> {
    match &record.entry {
        LogEntry::Purge(_) | LogEntry::Activation(_) => Some(PurgeId(record.id.clone())),
        LogEntry::Unknown { .. } => None,
    }
}

fn micros(ticks: Duration) -> u64 {
    u64::try_from(ticks.as_micros()).unwrap_or(u64::MAX)
}
