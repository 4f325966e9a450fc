//! Telling the other processes of a node of this one, and hearing of theirs.
//!
//! Two ways. On the *roll*, a key-value bucket, every node has one key and writes it anew with every beat and whenever
//! its state changes: whoever comes reads there who is present. In *passing*, by a plain message, a node says how far it
//! has applied the log as soon as it has, so that whoever waits for a purge waits for one message and not for a beat;
//! should such a message be lost, the next beat says the same.
//!
//! A node that is silent is judged so by every other for itself, by its own ticks; the roll keeps it for as long as it
//! should be named as missing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::jetstream::kv::{self, Entry, Operation, Store};
use async_nats::jetstream::stream::StorageType;
use async_nats::{Message, Subscriber};
use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::StreamExt;
use seawall_base::{Clock, NodeName, Position};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::NatsOptions;
use super::link::{Link, REQUEST_LIMIT, unreachable};
use crate::follower::RETRY_AFTER;
use crate::log::LogError;
use crate::membership::{FORGET_AFTER, HEARTBEAT_EVERY, Members, NodeState, Report, Seat, Word};

/// How long a process that ends waits for its nodes' names to come off the roll.
pub(super) const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// Least time between two words in passing: a burst of purges is told at once, not one by one.
const PASSING_EVERY: Duration = Duration::from_millis(2);

/// Largest word, in bytes: a report with all its outcomes is a tenth of it.
const WORD_MAX_BYTES: usize = 64 * 1024;

/// What is written on the roll and said in passing.
#[derive(Serialize, Deserialize)]
struct Spoken {
    /// Which run of the node speaks.
    run: String,
    /// Its words are numbered, whichever way they go.
    number: u64,
    report: Report,
}

/// What keeps one node on the roll.
pub(super) struct Roster {
    link: Link,
    options: Arc<NatsOptions>,
    clock: Clock,
    members: Members,
    seat: Weak<Seat>,
    name: NodeName,
    run: String,
    words: u64,
    /// What was last said, either way.
    said: Option<(NodeState, Position)>,
    /// The first place of this session on the roll: whoever writes under this name later has taken it over.
    since: Option<u64>,
    /// Why the last session ended: said once for as long as it stays the same.
    trouble: Option<String>,
}

/// Why a session ended.
enum End {
    /// The node has left, or the process ends.
    Left,
    /// Another process bears the node's name.
    Replaced,
    /// The connection or the bucket failed.
    Lost(LogError),
}

/// One write on the roll, under way: the place it got, and when it was begun.
type Writing = BoxFuture<'static, Result<(u64, Duration), LogError>>;

impl Roster {
    pub(super) fn new(
        link: Link,
        options: Arc<NatsOptions>,
        clock: Clock,
        members: Members,
        seat: &Arc<Seat>,
    ) -> Self {
        // An inbox is as unique as a run must be.
        let (run, name) = (link.client.new_inbox(), seat.name().clone());
        let seat = Arc::downgrade(seat);
        Self {
            link,
            options,
            clock,
            members,
            seat,
            name,
            run,
            words: 0,
            said: None,
            since: None,
            trouble: None,
        }
    }

    /// Goes on until the node has left, or `stop` turns true.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let end = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => End::Left,
                end = self.session() => end,
            };
            match end {
                End::Left => return self.leave().await,
                End::Replaced => {
                    tracing::error!(
                        node = %self.name,
                        "another process has joined under this node's name and takes its place: give every node a name of its own"
                    );
                    if let Some(seat) = self.seat.upgrade() {
                        seat.leave();
                    }
                    return;
                }
                End::Lost(error) => {
                    let why = error.to_string();
                    if self.trouble.as_deref() != Some(why.as_str()) {
                        tracing::warn!(node = %self.name, why, "lost the table of nodes, will try again");
                        self.trouble = Some(why);
                    }
                    // Told to stop, the next round ends at once.
                    let _ = timeout(RETRY_AFTER, stop.wait_for(|stop| *stop)).await.map(drop);
                }
            }
        }
    }

    async fn session(&mut self) -> End {
        match self.speak_and_listen().await {
            Ok(end) => end,
            Err(error) => End::Lost(error),
        }
    }

    async fn speak_and_listen(&mut self) -> Result<End, LogError> {
        let generation = self.link.up().await;
        let roll = self.roll().await?;
        // A roll that was made anew counts its places from one.
        self.since = None;
        let Some(first) = self.write(&roll) else { return Ok(End::Left) };
        self.written(first.await?);
        self.trouble = None;
        let mut whispers = self.link.client.subscribe(self.passing()).await.map_err(unreachable)?;
        // Sent in the order of writing: what comes with nothing behind it is the last of what was there.
        let mut watching = roll.watch_with_history(">").await.map_err(unreachable)?;
        let mut changed = self.members.watch();
        let mut beat = interval(HEARTBEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        let mut writing: Option<Writing> = None;
        let mut breath: Option<std::pin::Pin<Box<tokio::time::Sleep>>> = None;
        loop {
            tokio::select! {
                error = self.link.broken(generation) => return Err(error),
                entry = watching.next() => {
                    let entry = entry.ok_or(LogError::Closed)?.map_err(unreachable)?;
                    if self.read(&entry) == Read::Replaced {
                        return Ok(End::Replaced);
                    }
                }
                message = next(&mut whispers) => self.overhear(&message?),
                place = running(&mut writing) => {
                    writing = None;
                    self.written(place?);
                }
                () = breathing(&mut breath) => breath = None,
                _ = beat.tick() => {
                    if writing.is_none() {
                        let Some(write) = self.write(&roll) else { return Ok(End::Left) };
                        writing = Some(write);
                    }
                }
                _ = changed.changed(), if breath.is_none() => {
                    let Some(report) = self.report() else { return Ok(End::Left) };
                    match self.said {
                        Some((state, applied)) if state == report.state && applied == report.applied => {}
                        // A state is for the roll; a write under way will be followed by a beat.
                        Some((state, _)) if state != report.state && writing.is_none() => writing = self.write(&roll),
                        _ => {
                            self.whisper(report).await?;
                            breath = Some(Box::pin(sleep(PASSING_EVERY)));
                        }
                    }
                }
            }
        }
    }

    /// The bucket; made, where there is none. It is kept in the servers' memory: after a loss every node is back on it
    /// within a beat.
    async fn roll(&self) -> Result<Store, LogError> {
        let bucket = format!("seawall-{}-nodes", self.options.name);
        if let Ok(store) = self.link.jetstream.get_key_value(&bucket).await {
            return Ok(store);
        }
        let config = kv::Config {
            bucket,
            description: "the nodes of a Seawall cluster".to_owned(),
            history: 1,
            max_age: FORGET_AFTER,
            max_value_size: i32::try_from(WORD_MAX_BYTES).unwrap_or(i32::MAX),
            storage: StorageType::Memory,
            num_replicas: self.options.replicas,
            ..kv::Config::default()
        };
        self.link.jetstream.create_key_value(config).await.map_err(unreachable)
    }

    fn passing(&self) -> String {
        format!("seawall.{}.applied", self.options.name)
    }

    fn report(&self) -> Option<Report> {
        self.seat.upgrade()?.report()
    }

    /// The next word: what is said is not said again.
    fn word(&mut self, report: Report) -> Bytes {
        self.words = self.words.saturating_add(1);
        self.said = Some((report.state, report.applied));
        let spoken = Spoken { run: self.run.clone(), number: self.words, report };
        // Only maps with keys other than strings can fail, and there are none here.
        Bytes::from(serde_json::to_vec(&spoken).unwrap_or_default())
    }

    /// Begins to write the node's key; `None` once it has left.
    fn write(&mut self, roll: &Store) -> Option<Writing> {
        let report = self.report()?;
        let word = self.word(report);
        let (roll, name, began) = (roll.clone(), self.name.clone(), self.clock.ticks());
        Some(Box::pin(async move {
            let written = timeout(REQUEST_LIMIT, roll.put(name.as_str(), word)).await;
            let place = written.map_err(unreachable)?.map_err(unreachable)?;
            Ok((place, began))
        }))
    }

    fn written(&mut self, (place, began): (u64, Duration)) {
        self.since.get_or_insert(place);
        if let Some(seat) = self.seat.upgrade() {
            seat.heard_as_of(began);
        }
    }

    async fn whisper(&mut self, report: Report) -> Result<(), LogError> {
        let word = self.word(report);
        self.link.client.publish(self.passing(), word).await.map_err(unreachable)
    }

    fn read(&mut self, entry: &Entry) -> Read {
        if entry.seen_current
            && let Some(seat) = self.seat.upgrade()
        {
            seat.everyone_heard();
        }
        let Ok(name) = NodeName::new(&entry.key) else { return Read::On };
        match (entry.operation, spoken(&entry.value)) {
            (Operation::Put, Some(spoken)) if name == self.name => {
                let is_later = self.since.is_some_and(|since| entry.revision > since);
                if is_later && spoken.run != self.run { Read::Replaced } else { Read::On }
            }
            (Operation::Put, Some(Spoken { run, number, report })) if report.info.name == name => {
                self.members.heard(Word { run: &run, number }, report);
                Read::On
            }
            (Operation::Put, _) => {
                tracing::warn!(node = %name, "what a node says of itself cannot be read");
                Read::On
            }
            (Operation::Delete | Operation::Purge, _) => {
                self.members.gone(&name);
                Read::On
            }
        }
    }

    fn overhear(&self, message: &Message) {
        if let Some(Spoken { run, number, report }) = spoken(&message.payload) {
            self.members.overheard(Word { run: &run, number }, report);
        }
    }

    /// Takes the node's name off the roll.
    async fn leave(&self) {
        if self.since.is_none() || self.link.generation().is_err() {
            return;
        }
        let leaving = async { self.roll().await?.delete(self.name.as_str()).await.map_err(unreachable) };
        if !matches!(timeout(FAREWELL_LIMIT, leaving).await, Ok(Ok(()))) {
            tracing::debug!(node = %self.name, "left without a word: the others will miss this node");
        }
    }
}

/// What a place on the roll says of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    On,
    Replaced,
}

fn spoken(bytes: &[u8]) -> Option<Spoken> {
    if bytes.len() > WORD_MAX_BYTES {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

async fn next(whispers: &mut Subscriber) -> Result<Message, LogError> {
    whispers.next().await.ok_or(LogError::Closed)
}

/// What is under way; never, where nothing is.
async fn running(writing: &mut Option<Writing>) -> Result<(u64, Duration), LogError> {
    match writing {
        Some(write) => write.await,
        None => std::future::pending().await,
    }
}

async fn breathing(breath: &mut Option<std::pin::Pin<Box<tokio::time::Sleep>>>) {
    match breath {
        Some(breath) => breath.as_mut().await,
        None => std::future::pending().await,
    }
}
