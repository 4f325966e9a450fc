//! The control log of one machine: a file, and its tail in memory that all nodes of the process share.
//!
//! Owns: durability (a record is synced before it is acknowledged, many at a time), retention, waking followers.
//! Refuses: more than one process per directory, and file work on the threads that serve requests: one thread of
//! its own does all of it.

mod file;
mod tail;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use seawall_base::Position;

pub use self::file::{LOCK_FILE, LOG_FILE, OpenError};
use self::tail::Tail;
use self::writer::Writer;
use crate::log::{ControlLog, LogError, NewRecord, Record, Records};

/// How far back the log reaches by default, in records: a node that is cut off for a day keeps what it holds as long
/// as fewer purges than this came meanwhile.
pub const RETAIN_RECORDS: usize = 100_000;

/// How far back the log reaches by default, in bytes of JSON: the tail is held in memory.
pub const RETAIN_BYTES: usize = 64 * 1024 * 1024;

/// How far back a log reaches. Whichever limit is met first counts; the newest record always stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// In records.
    pub records: usize,
    /// In bytes of JSON.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { records: RETAIN_RECORDS, bytes: RETAIN_BYTES }
    }
}

/// The embedded log. Clones are the same log; when the last one is dropped, what is queued is
/// written, then the file is closed and unlocked; the drop waits for that.
#[derive(Clone)]
pub struct EmbeddedLog(Arc<Inner>);

struct Inner {
    tail: Arc<Tail>,
    /// Absent where nothing is kept on disk.
    writer: Option<Writer>,
}

impl EmbeddedLog {
    /// Opens the log in `directory`, which must exist, or begins one there. Reads and writes files: call it before the
    /// node serves.
    pub fn open(directory: &Path, retention: Retention) -> Result<Self, OpenError> {
        let opened = file::open(directory, retention)?;
        let tail = Arc::new(Tail::new(opened.base, opened.records, retention));
        let writer = Writer::start(opened.file, Arc::clone(&tail)).map_err(OpenError::at(directory))?;
        Ok(Self(Arc::new(Inner { tail, writer: Some(writer) })))
    }

    /// A log that ends with the process: for tests, and for a node that has no data directory.
    #[must_use]
    pub fn in_memory(retention: Retention) -> Self {
        let tail = Arc::new(Tail::new(Position::START, Vec::new(), retention));
        Self(Arc::new(Inner { tail, writer: None }))
    }
}

/// What a log's file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The position before the first record.
    pub base: Position,
    /// The records, in order.
    pub records: Vec<Arc<Record>>,
    /// How many bytes of the file are whole lines; what is beyond them a crash cut short.
    pub whole_bytes: u64,
}

impl Contents {
    /// Reads the bytes of a log's file as [`EmbeddedLog::open`] reads them, and opens nothing: for a look at a copy, and
    /// for trying damaged ones.
    pub fn read(bytes: &[u8]) -> Result<Self, OpenError> {
        let (base, records, whole_bytes) = file::read_all(Path::new(LOG_FILE), bytes)?;
        Ok(Self { base, records: records.into_iter().map(|(record, _)| record).collect(), whole_bytes })
    }
}

impl ControlLog for EmbeddedLog {
    fn append(&self, record: NewRecord) -> BoxFuture<'_, Result<Position, LogError>> {
        Box::pin(async move {
            match &self.0.writer {
                Some(writer) => writer.append(record).await,
                None => self.0.tail.append(record),
            }
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        Box::pin(async { Ok(self.0.tail.head()) })
    }

    fn follow(&self, after: Position) -> BoxFuture<'_, Result<Records, LogError>> {
        Box::pin(async move {
            self.0.tail.next(after)?;
            Ok(tail::records(Arc::clone(&self.0.tail), after))
        })
    }
}
