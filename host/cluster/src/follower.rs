//! The apply loop of one node: follows the log, applies each record in order and once, and says how far it is.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::StreamExt;
use seawall_base::{Clock, Position};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::log::{ControlLog, Entry, LogError, Record};
use crate::membership::{HEARTBEAT_EVERY, Seat};
use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// How long the loop waits before it asks again for a log that failed: short against every `max_lag`, long enough not
/// to hammer a log that is down.
pub const RETRY_AFTER: Duration = Duration::from_millis(500);

/// After how many beats without a record a log that has more counts as stalled: one more than a consumer across the
/// world needs to begin.
const STALLED_AFTER_BEATS: u32 = 3;

/// What applying a record did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// How many objects were dropped or made stale.
    pub matched: u64,
}

/// What the log orders is done here: the cache, as the log sees it. All calls come from one task, in order.
pub trait Apply: Send + Sync {
    /// Does what a record orders. When this returns, nothing that it purged is served any more, and fills that start
    /// from now on are stamped with its position. [`Entry::Unknown`] only moves the position.
    fn apply(&self, record: &Record) -> Applied;

    /// Drops all that is held, fills in flight included: records were missed. The node goes on from `at`.
    fn empty(&self, at: Position);

    /// The node has applied all that was in the log when it joined, or found the log again, up to `at`.
    fn caught_up(&self, at: Position) {
        let _ = at;
    }
}

/// Where a node begins to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The node holds nothing, so no older record concerns it: it begins at the head.
    Empty,
    /// The node holds what it held at this position.
    After(Position),
}

/// The loop, made by [`crate::Cluster::join`] and run once.
pub struct Follower {
    pub(crate) log: Arc<dyn ControlLog>,
    pub(crate) seat: Arc<Seat>,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
}

/// Where the log ended at a moment, in ticks of the clock: who has applied this much had applied everything then.
#[derive(Clone, Copy, Debug)]
struct Head {
    position: Position,
    asked_at: Duration,
}

/// Notices a log that says it has more and gives nothing: what was to come may be gone, and only who asks anew is told.
struct Idle {
    at: Position,
    beats: u32,
}

impl Idle {
    fn look(&mut self, at: Position, head: Position) -> Result<(), LogError> {
        self.beats = if at == self.at && at < head { self.beats.saturating_add(1) } else { 0 };
        self.at = at;
        if self.beats < STALLED_AFTER_BEATS { Ok(()) } else { Err(LogError::Stalled { at, head }) }
    }
}

/// The answer to what is being asked; never, where nothing is.
async fn answered<T>(asking: &mut Option<BoxFuture<'_, T>>) -> T {
    match asking {
        Some(answer) => answer.await,
        None => std::future::pending().await,
    }
}

impl Follower {
    /// Follows until `stop` turns true or its sender goes, then leaves the cluster. Meant for a task of its own;
    /// dropping that task stops the node's signs of life, and the others see it as unreachable.
    pub async fn run(self, apply: Arc<dyn Apply>, start: Start, mut stop: watch::Receiver<bool>) {
        let mut at = match start {
            Start::Empty => None,
            Start::After(position) => Some(position),
        };
        let mut said: Option<String> = None;
        loop {
            let error = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                error = self.follow(apply.as_ref(), &mut at, &mut said) => error,
            };
            if let LogError::Gap { .. } = error {
                tracing::warn!(node = %self.seat.name(), position = ?at, %error, "records were missed: all that is held goes");
                self.metrics.emptied.inc();
                at = None;
                tokio::task::yield_now().await;
                continue;
            }
            self.metrics.follower_errors.inc();
            let why = error.to_string();
            // A log that is down for an hour is one event, not seven thousand.
            if said.as_deref() != Some(why.as_str()) {
                tracing::warn!(node = %self.seat.name(), position = ?at, why, "lost the control log, will try again");
                said = Some(why);
            }
            // Without its log the node still lives, and does what its sites want of it then.
            self.seat.beat();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = sleep(RETRY_AFTER) => {}
            }
        }
        self.seat.leave();
    }

    /// Applies records until the log fails. `at` is how far the node is, `None` when it must begin with nothing.
    /// `said` is what was last said to be wrong.
    async fn follow(
        &self,
        apply: &dyn Apply,
        at: &mut Option<Position>,
        said: &mut Option<String>,
    ) -> LogError {
        match self.follow_on(apply, at, said).await {
            Ok(()) => LogError::Closed,
            Err(error) => error,
        }
    }

    async fn follow_on(
        &self,
        apply: &dyn Apply,
        at: &mut Option<Position>,
        said: &mut Option<String>,
    ) -> Result<(), LogError> {
        let mut head = self.ask_head().await?;
        let from = at.unwrap_or_else(|| {
            apply.empty(head.position);
            head.position
        });
        *at = Some(from);
        self.seat.goes_on_from(from);
        let mut records = self.log.follow(from).await?;
        if said.take().is_some() {
            tracing::info!(node = %self.seat.name(), position = from.0, "found the control log again");
        }
        let mut behind = Some(head.position);
        let mut beat = interval(HEARTBEAT_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        // Beside the records: a log that is slow to say where its head is holds up no purge.
        let mut asking: Option<BoxFuture<'_, Result<Head, LogError>>> = None;
        let mut idle = Idle { at: from, beats: 0 };
        loop {
            let now_at = at.unwrap_or(from);
            if behind.is_some_and(|target| now_at >= target) {
                behind = None;
                self.seat.ready();
                apply.caught_up(now_at);
            }
            if now_at >= head.position {
                self.seat.current_as_of(head.asked_at);
            }
            self.metrics.reached(now_at, head.position);
            tokio::select! {
                record = records.next() => {
                    let Some(record) = record else { return Ok(()) };
                    let record = record?;
                    self.apply(apply, &record, at);
                    // A long backlog is always ready; the thread has requests to serve as well.
                    tokio::task::consume_budget().await;
                }
                answer = answered(&mut asking) => {
                    asking = None;
                    idle.look(now_at, head.position)?;
                    head = answer?;
                }
                _ = beat.tick() => {
                    self.seat.beat();
                    asking.get_or_insert_with(|| Box::pin(self.ask_head()));
                }
            }
        }
    }

    async fn ask_head(&self) -> Result<Head, LogError> {
        let asked_at = self.clock.ticks();
        Ok(Head { position: self.log.head().await?, asked_at })
    }

    fn apply(&self, apply: &dyn Apply, record: &Record, at: &mut Option<Position>) {
        // A log may deliver twice; it never delivers out of order.
        if at.is_some_and(|at| record.position <= at) {
            return;
        }
        let before = self.clock.ticks();
        let applied = if record.entry.is_unreadable_purge() {
            tracing::warn!(
                node = %self.seat.name(), position = record.position.0, id = record.id,
                "a newer build wrote this purge and this build cannot read it: all that is held goes"
            );
            apply.empty(record.position);
            self.metrics.emptied.inc();
            Applied::default()
        } else {
            if let Entry::Unknown { kind, .. } = &record.entry {
                tracing::warn!(
                    node = %self.seat.name(), position = record.position.0, id = record.id, kind,
                    "a newer build wrote this record and this build cannot read it: skipped"
                );
            }
            apply.apply(record)
        };
        self.metrics.took(self.clock.ticks().saturating_sub(before));
        self.metrics.matched.inc_by(applied.matched);
        *at = Some(record.position);
        self.seat.applied(record, applied.matched);
    }
}
