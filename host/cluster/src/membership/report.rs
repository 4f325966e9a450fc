//! What the nodes of other processes say of themselves, and how it gets on the table.

use std::sync::Arc;
use std::time::Duration;

use seawall_base::{NodeName, Position, PurgeId};
use serde::{Deserialize, Serialize};

use super::{Entry, Members, NODES_MAX, NodeInfo, NodeState, Table};

/// How many of its last purges a node reports with every word: more than it applies between two words, and a word stays
/// below four kilobytes. What a node matched by an older one is not told; that it applied it is, by its position.
pub const REPORTED_OUTCOMES_MAX: usize = 32;

/// What a node says of itself to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who it is.
    pub info: NodeInfo,
    /// What it can be trusted with.
    pub state: NodeState,
    /// How far it has applied the control log.
    pub applied: Position,
    /// The last purges it applied, oldest first, at most [`REPORTED_OUTCOMES_MAX`].
    #[serde(default)]
    pub outcomes: Vec<Outcome>,
}

/// What a node made of one purge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The purge.
    pub id: PurgeId,
    /// Where in the log it stands.
    pub position: Position,
    /// How many objects it dropped or made stale.
    pub matched: u64,
}

/// Which run of a node speaks, and the number of its word: later words have higher ones, whatever way they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) run: &'a str,
    pub(crate) number: u64,
}

/// Where a word was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    OnTheRoll,
    InPassing,
}

impl Members {
    /// A node of another process has said this, in the place where every node says who it is. A run that was not known
    /// takes the place of the one that was. What is said in the name of a node of this process is not heard.
    pub(crate) fn heard(&self, word: Word<'_>, report: Report) {
        self.write_down(word, report, Heard::OnTheRoll);
    }

    /// A node of another process has said this in passing: it counts only from a run that is known.
    pub(crate) fn overheard(&self, word: Word<'_>, report: Report) {
        self.write_down(word, report, Heard::InPassing);
    }

    /// A node of another process has said that it goes.
    pub(crate) fn gone(&self, name: &NodeName) {
        let mut table = self.0.table.lock();
        if table.nodes.get(name).is_some_and(|entry| entry.seat.is_none()) {
            table.nodes.remove(name);
            drop(table);
            self.tell();
        }
    }

    fn write_down(&self, word: Word<'_>, report: Report, heard: Heard) {
        let now = self.now();
        let mut guard = self.0.table.lock();
        let table = &mut *guard;
        let Report { info, state, applied, outcomes } = report;
        let name = info.name.clone();
        let room = table.nodes.len() < NODES_MAX;
        match table.nodes.get_mut(&name) {
            Some(Entry { seat: Some(_), .. }) => return,
            Some(entry) => {
                let counts = match &entry.heard {
                    Some((run, last)) if run == word.run => word.number > *last,
                    _ => heard == Heard::OnTheRoll,
                };
                if !counts {
                    return;
                }
                *entry = Entry::heard(info, word, state, applied, now);
            }
            None if heard == Heard::OnTheRoll && room => {
                table.nodes.insert(name.clone(), Entry::heard(info, word, state, applied, now));
            }
            None => return,
        }
        table.learn(&name, &outcomes, now);
        drop(guard);
        self.tell();
    }
}

impl Entry {
    fn heard(info: NodeInfo, word: Word<'_>, said: NodeState, applied: Position, now: Duration) -> Self {
        let heard = Some((word.run.to_owned(), word.number));
        Self { info: Arc::new(info), seat: None, heard, said, applied, beat_at: now }
    }
}

impl Table {
    fn learn(&mut self, name: &NodeName, outcomes: &[Outcome], now: Duration) {
        // More than a node of this build says is not from one.
        for Outcome { id, position, matched } in outcomes.iter().take(REPORTED_OUTCOMES_MAX) {
            if !self.purges.is_known_of(id, name) {
                self.purges.applied(id, *position, name, now, *matched);
            }
        }
    }
}
