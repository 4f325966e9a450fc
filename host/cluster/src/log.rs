//! The control log as everyone sees it: one ordered list, durable, read from any position it still reaches back to.
//!
//! Owns: what a record is, how it is written down, what a log promises. Refuses: where the records live; that is
//! an implementation's business, and every implementation passes the same tests (`log/tests.rs`).

use std::io;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use seawall_base::{NodeName, Position, Purge, Selector};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[cfg(test)]
pub(crate) mod tests;

/// Largest record, in bytes of its JSON: twice the body that the admin API takes, since a record carries the same
/// selectors and little else.
pub const RECORD_MAX_BYTES: usize = 2 * 1024 * 1024;

/// The word under which a purge stands in the log.
const KIND_PURGE: &str = "purge";
/// The word under which an activation stands in the log.
const KIND_ACTIVATION: &str = "activation";

/// A record that has no place in the log yet. In a log that gives places by itself it stands like this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRecord {
    /// Its name. A purge's record bears the purge's own.
    pub id: String,
    /// The node that took the order.
    pub accepted_by: NodeName,
    /// Who gave it: the name of an API token, never its secret.
    pub actor: String,
    /// When, by the accepting node's clock. For people who read the audit trail; nothing is ever ordered by it.
    pub at_unix_ms: u64,
    /// Of all records that the log holds with the same word here, only the first is ever written. Letters and digits, at
    /// most [`ONCE_MAX_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// What was ordered.
    pub entry: Entry,
}

impl NewRecord {
    /// The record at its place.
    #[must_use]
    pub fn at(self, position: Position) -> Record {
        let Self { id, accepted_by, actor, at_unix_ms, once, entry } = self;
        Record { position, id, accepted_by, actor, at_unix_ms, once, entry }
    }
}

/// Longest [`NewRecord::once`], in bytes: a digest in hex.
pub const ONCE_MAX_BYTES: usize = 64;

/// Most bytes of records that one [`Page`] holds, about: a reader of the audit trail asks again, and memory is bounded
/// whatever was purged.
pub const PAGE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// One place of the log and what stands there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its place.
    pub position: Position,
    /// See [`NewRecord::id`].
    pub id: String,
    /// See [`NewRecord::accepted_by`].
    pub accepted_by: NodeName,
    /// See [`NewRecord::actor`].
    pub actor: String,
    /// See [`NewRecord::at_unix_ms`].
    pub at_unix_ms: u64,
    /// See [`NewRecord::once`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// See [`NewRecord::entry`].
    pub entry: Entry,
}

impl Record {
    /// About how long it is, in bytes.
    fn weight_bytes(&self) -> usize {
        let Entry::Purge(purge) = &self.entry else { return RECORD_BASE_BYTES };
        purge.selectors.iter().fold(RECORD_BASE_BYTES, |sum, selector| {
            let text = match selector {
                Selector::Url(text) | Selector::Tag(text) | Selector::Prefix(text) | Selector::Host(text) => {
                    text.len()
                }
                Selector::All => 0,
            };
            sum.saturating_add(text)
        })
    }
}

/// Bytes that a record has besides its selectors, about.
const RECORD_BASE_BYTES: usize = 256;

/// Some of the log's records, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Everything up to and including this position is gone from the log.
    pub before: Position,
    /// The records.
    pub records: Vec<Arc<Record>>,
    /// Where the log ended when it was asked.
    pub head: Position,
}

impl Page {
    /// Adds a record. `false`: the page is full.
    pub(crate) fn add(&mut self, record: Arc<Record>, bytes: &mut usize) -> bool {
        *bytes = bytes.saturating_add(record.weight_bytes());
        self.records.push(record);
        *bytes < PAGE_MAX_BYTES
    }
}

/// What a record orders. In JSON: `{"kind": "purge", "body": …}`.
///
/// A build must survive records of a newer one, so a kind or a body that it cannot read is kept as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Invalidate stored responses.
    Purge(Purge),
    /// Make a version of a function the active one.
    Activation(Activation),
    /// Written by a newer build.
    Unknown {
        /// Its kind, as written.
        kind: String,
        /// Its body, as written.
        body: serde_json::Value,
    },
}

/// Which version of a function is active from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The function.
    pub function: String,
    /// The version: a digest of all that makes the function do what it does.
    pub version: String,
}

impl Entry {
    /// Is this a purge whose body this build cannot read? It may mean anything, so whoever applies it drops everything.
    #[must_use]
    pub fn is_unreadable_purge(&self) -> bool {
        matches!(self, Self::Unknown { kind, .. } if kind == KIND_PURGE)
    }
}

#[derive(Serialize)]
struct Written<'a, T> {
    kind: &'a str,
    body: &'a T,
}

#[derive(Deserialize)]
struct Read {
    kind: String,
    #[serde(default)]
    body: serde_json::Value,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Purge(purge) => Written { kind: KIND_PURGE, body: purge }.serialize(serializer),
            Self::Activation(activation) => {
                Written { kind: KIND_ACTIVATION, body: activation }.serialize(serializer)
            }
            Self::Unknown { kind, body } => Written { kind, body }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read { kind, body } = Read::deserialize(deserializer)?;
        if kind == KIND_PURGE
            && let Ok(purge) = Purge::deserialize(&body)
        {
            return Ok(Self::Purge(purge));
        }
        if kind == KIND_ACTIVATION
            && let Ok(activation) = Activation::deserialize(&body)
        {
            return Ok(Self::Activation(activation));
        }
        Ok(Self::Unknown { kind, body })
    }
}

/// Why the log did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The log no longer reaches back to the position asked for, or has never reached it. Whoever follows from there
    /// has missed records and must drop all that it holds (promise 6).
    #[error(
        "the control log begins after {oldest} and ends at {head}; it does not reach the position asked for"
    )]
    Gap {
        /// Everything up to and including this position is gone.
        oldest: Position,
        /// The last position there is.
        head: Position,
    },
    /// The record was not written; the log is as it was, and the order may be given again.
    #[error("the control log could not be written: {0}")]
    NotWritten(Arc<io::Error>),
    /// Whoever keeps the log did not say whether the record was written; it may yet turn up. The order may be given again:
    /// to purge twice harms nobody.
    #[error(
        "the control log did not confirm the record, which may have been written or not: {0}. Give the order again; \
         to purge twice does no harm"
    )]
    Unconfirmed(Arc<str>),
    /// The log cannot be read right now.
    #[error("the control log cannot be reached: {0}")]
    Unreachable(Arc<str>),
    /// The log says that there are more records, and gives none.
    #[error("the control log ends at {head} and gave nothing after {at}")]
    Stalled {
        /// How far it was followed.
        at: Position,
        /// Where it says that it ends.
        head: Position,
    },
    /// Nobody knows what the disk holds after a failed sync, so the log takes nothing more until it is opened anew.
    #[error("the control log failed and takes no more records until the node restarts: {0}")]
    Broken(Arc<io::Error>),
    /// A record with the same [`NewRecord::once`] stands in the log; nothing was written.
    #[error("a record with this key stands in the control log, at {}", .0.position)]
    Taken(Arc<Record>),
    /// The stream is of an older build, and takes no record with [`NewRecord::once`].
    #[error(
        "the control log's stream takes no keyed purges: it was made by an older build. Add the subject `{subject}` \
         with `nats stream edit {stream}`, or send no Idempotency-Key"
    )]
    NoKeys {
        /// What is missing.
        subject: String,
        /// Where.
        stream: String,
    },
    /// The record is longer than [`RECORD_MAX_BYTES`].
    #[error("a record of {bytes} bytes is longer than the limit of {RECORD_MAX_BYTES}")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The record is longer than the NATS server takes.
    #[error(
        "a record of {bytes} bytes is longer than the NATS server takes ({max_payload}): set its `max_payload` to \
         4MB, or order less at once"
    )]
    TooLargeForServer {
        /// Its length.
        bytes: usize,
        /// The server's limit.
        max_payload: usize,
    },
    /// The record cannot be written as JSON.
    #[error("a record cannot be written as JSON: {0}")]
    Unwritable(Arc<serde_json::Error>),
    /// The log was closed, or cannot be reached.
    #[error("the control log is closed")]
    Closed,
}

/// Records in order, each once, without end. An error is the last item.
pub type Records = BoxStream<'static, Result<Arc<Record>, LogError>>;

/// One ordered, durable list. A seam: embedded in one process, NATS `JetStream` for many machines.
pub trait ControlLog: Send + Sync {
    /// Adds a record at the end. When this answers, no restart loses the record; when it fails, or its future is
    /// dropped, the record may yet turn up in the log. A record with a [`NewRecord::once`] that the log holds already is
    /// not written: the answer is [`LogError::Taken`] with the one that is.
    fn append(&self, record: NewRecord) -> BoxFuture<'_, Result<Position, LogError>>;

    /// The last position that is durable, [`Position::START`] in an empty log. Whoever was told of a [`LogError::Gap`]
    /// finds it later than the position from which it asked: what a node held there is older than it, and goes.
    fn head(&self) -> BoxFuture<'_, Result<Position, LogError>>;

    /// All records after `after`, those to come included. [`LogError::Gap`] comes here or, for a follower that is too
    /// slow, later as the last item.
    fn follow(&self, after: Position) -> BoxFuture<'_, Result<Records, LogError>>;

    /// Up to `most` of the records after `after` that are there now; from the oldest on, where `after` is gone.
    fn read(&self, after: Position, most: usize) -> BoxFuture<'_, Result<Page, LogError>> {
        Box::pin(async move {
            let head = self.head().await?;
            let mut page = Page { before: Position::START, records: Vec::new(), head };
            if after >= head {
                page.before = after;
                return Ok(page);
            }
            let mut records = match self.follow(after).await {
                Ok(records) => records,
                Err(LogError::Gap { oldest, .. }) => {
                    page.before = oldest;
                    self.follow(oldest).await?
                }
                Err(error) => return Err(error),
            };
            let mut bytes = 0;
            while page.records.len() < most
                && page.records.last().map_or(after, |last| last.position) < head
                && let Some(record) = records.next().await
            {
                if !page.add(record?, &mut bytes) {
                    break;
                }
            }
            Ok(page)
        })
    }
}
