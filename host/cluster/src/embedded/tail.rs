//! The newest records, in memory: what followers read. Positions have no holes here, so a lookup is an index.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use parking_lot::Mutex;
use seawall_base::Position;
use tokio::sync::watch;

use super::{Retention, file};
use crate::log::{LogError, NewRecord, Record, Records};

/// A record and the length of its line, in bytes.
pub(super) type Sized = (Arc<Record>, usize);

pub(super) struct Tail {
    kept: Mutex<Kept>,
    /// Wakes followers. Set after the records are in `kept`.
    head: watch::Sender<Position>,
    retention: Retention,
}

struct Kept {
    /// Everything up to and including this is gone.
    base: Position,
    records: VecDeque<Sized>,
    bytes: usize,
    /// Where the records with a [`NewRecord::once`] stand.
    once: HashMap<String, Position>,
}

impl Kept {
    fn head(&self) -> Position {
        Position(self.base.0.saturating_add(self.records.len() as u64))
    }

    fn at(&self, position: Position) -> Option<&Arc<Record>> {
        let index = position.0.checked_sub(self.base.next().0)?;
        self.records.get(usize::try_from(index).ok()?).map(|(record, _)| record)
    }

    fn taken(&self, record: &NewRecord) -> Option<Arc<Record>> {
        self.at(*self.once.get(record.once.as_deref()?)?).map(Arc::clone)
    }

    fn push(&mut self, (record, bytes): Sized, retention: Retention) {
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some(once) = &record.once {
            self.once.insert(once.clone(), record.position);
        }
        self.records.push_back((record, bytes));
        while self.records.len() > 1
            && (self.records.len() > retention.records || self.bytes > retention.bytes)
            && let Some((oldest, bytes)) = self.records.pop_front()
        {
            self.base = oldest.position;
            if let Some(once) = &oldest.once {
                self.once.remove(once);
            }
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }
}

impl Tail {
    /// `records` follow `base` without holes.
    pub(super) fn new(base: Position, records: Vec<Sized>, retention: Retention) -> Self {
        let records_kept = VecDeque::with_capacity(records.len());
        let mut kept = Kept { base, records: records_kept, bytes: 0, once: HashMap::new() };
        for record in records {
            kept.push(record, retention);
        }
        let head = watch::Sender::new(kept.head());
        Self { kept: Mutex::new(kept), head, retention }
    }

    pub(super) fn head(&self) -> Position {
        *self.head.borrow()
    }

    /// Adds a record that is nowhere else.
    pub(super) fn append(&self, record: NewRecord) -> Result<Position, LogError> {
        let mut kept = self.kept.lock();
        if let Some(taken) = kept.taken(&record) {
            return Err(LogError::Taken(taken));
        }
        let record = record.at(kept.head().next());
        let position = record.position;
        let bytes = file::line(&record)?.len();
        kept.push((Arc::new(record), bytes), self.retention);
        // Still under the lock: heads must be announced in order.
        self.head.send_replace(position);
        Ok(position)
    }

    /// The record that has the key of `record`, if there is one.
    pub(super) fn taken(&self, record: &NewRecord) -> Option<Arc<Record>> {
        self.kept.lock().taken(record)
    }

    /// Shows followers the records of one batch, all durable by now.
    pub(super) fn publish(&self, batch: Vec<Sized>) {
        let mut kept = self.kept.lock();
        for record in batch {
            kept.push(record, self.retention);
        }
        self.head.send_replace(kept.head());
    }

    /// The record after `after`, or `None` where that is the head.
    pub(super) fn next(&self, after: Position) -> Result<Option<Arc<Record>>, LogError> {
        let kept = self.kept.lock();
        let gap = LogError::Gap { oldest: kept.base, head: kept.head() };
        // A position past the head was given out by a log that is no longer here.
        if after > kept.head() {
            return Err(gap);
        }
        if after < kept.base {
            return Err(gap);
        }
        Ok(kept.at(after.next()).map(Arc::clone))
    }

    /// What is kept, for rewriting the file: the base and all records.
    pub(super) fn all(&self) -> (Position, Vec<Arc<Record>>) {
        let kept = self.kept.lock();
        (kept.base, kept.records.iter().map(|(record, _)| Arc::clone(record)).collect())
    }
}

/// All records after `after`; ends only with a gap.
pub(super) fn records(tail: Arc<Tail>, after: Position) -> Records {
    let seen = tail.head.subscribe();
    stream::unfold(Some((tail, after, seen)), |state| async move {
        let (tail, after, mut seen) = state?;
        loop {
            // Marked as seen before looking: what comes in between then counts as a change.
            seen.borrow_and_update();
            match tail.next(after) {
                Err(gap) => return Some((Err(gap), None)),
                Ok(Some(record)) => {
                    let at = record.position;
                    return Some((Ok(record), Some((tail, at, seen))));
                }
                Ok(None) => seen.changed().await.ok()?,
            }
        }
    })
    .boxed()
}
