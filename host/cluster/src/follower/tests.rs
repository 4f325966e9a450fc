//! The apply loop against a log that a test scripts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use seawall_base::{Clock, NodeName, Position, Region};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Applied, Apply, Follower, RETRY_AFTER, Start};
use crate::embedded::{EmbeddedLog, Retention};
use crate::log::tests::order;
use crate::log::{ControlLog, Entry, LogError, NewRecord, Record, Records};
use crate::membership::{Members, NodeInfo, NodeState};
use crate::metrics::Metrics;

/// What the log made the cache do.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Apply for Recorder {
    fn apply(&self, record: &Record) -> Applied {
        self.0.lock().push(format!("apply {}", record.id));
        Applied { matched: 2 }
    }

    fn empty(&self, at: Position) {
        self.0.lock().push(format!("empty {at}"));
    }

    fn caught_up(&self, at: Position) {
        self.0.lock().push(format!("caught up {at}"));
    }
}

/// A log whose door a test opens and shuts.
struct Door {
    log: EmbeddedLog,
    open: watch::Sender<bool>,
}

impl ControlLog for Door {
    fn append(&self, record: NewRecord) -> BoxFuture<'_, Result<Position, LogError>> {
        self.log.append(record)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        let open = *self.open.borrow();
        Box::pin(async move { if open { self.log.head().await } else { Err(LogError::Closed) } })
    }

    fn follow(&self, after: Position) -> BoxFuture<'_, Result<Records, LogError>> {
        self.log.follow(after)
    }
}

/// A log that says where it ends, and gives whoever asks first no records.
struct Mute {
    log: EmbeddedLog,
    asked: AtomicU64,
}

impl ControlLog for Mute {
    fn append(&self, record: NewRecord) -> BoxFuture<'_, Result<Position, LogError>> {
        self.log.append(record)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        self.log.head()
    }

    fn follow(&self, after: Position) -> BoxFuture<'_, Result<Records, LogError>> {
        Box::pin(async move {
            match self.asked.fetch_add(1, Ordering::Relaxed) {
                0 => Ok(stream::pending().boxed()),
                _ => self.log.follow(after).await,
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_has_more_and_gives_nothing_is_asked_anew() {
    let scene = Scene::new(Retention::default());
    let log = Arc::new(Mute { log: EmbeddedLog::in_memory(Retention::default()), asked: AtomicU64::new(0) });
    scene.follow(Arc::clone(&log) as _, Start::Empty);
    scene.ready_at(0).await;
    log.append(order("a")).await.unwrap();
    scene.ready_at(1).await;
    assert_eq!(scene.seen(), ["empty 0", "caught up 0", "apply a", "caught up 1"]);
    assert_eq!((log.asked.load(Ordering::Relaxed), scene.metrics.follower_errors.get()), (2, 1));
}

struct Scene {
    log: Arc<Door>,
    members: Members,
    clock: Clock,
    recorder: Arc<Recorder>,
    metrics: Metrics,
    stop: watch::Sender<bool>,
}

impl Scene {
    fn new(retention: Retention) -> Self {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        Self {
            log: Arc::new(Door { log: EmbeddedLog::in_memory(retention), open: watch::Sender::new(true) }),
            members: Members::new(clock.clone()),
            clock,
            recorder: Arc::default(),
            metrics: Metrics::new(),
            stop: watch::Sender::new(false),
        }
    }

    fn run(&self, start: Start) -> JoinHandle<()> {
        self.follow(Arc::clone(&self.log) as _, start)
    }

    fn follow(&self, log: Arc<dyn ControlLog>, start: Start) -> JoinHandle<()> {
        let info = NodeInfo {
            name: NodeName::new("a").unwrap(),
            region: Region::new("fra").unwrap(),
            version: String::new(),
            peer_addr: None,
            started_unix_ms: 0,
        };
        let seat = Arc::new(self.members.join(info).unwrap());
        let follower = Follower { log, seat, metrics: self.metrics.clone(), clock: self.clock.clone() };
        tokio::spawn(follower.run(Arc::clone(&self.recorder) as _, start, self.stop.subscribe()))
    }

    async fn append(&self, ids: &[&str]) {
        for id in ids {
            self.log.append(order(id)).await.unwrap();
        }
    }

    /// Waits until the node is ready and has applied this much.
    async fn ready_at(&self, position: u64) {
        let mut changed = self.members.watch();
        loop {
            changed.borrow_and_update();
            let node = self.members.list().pop().unwrap();
            if node.state == NodeState::Ready && node.applied == Position(position) {
                return;
            }
            changed.changed().await.unwrap();
        }
    }

    fn seen(&self) -> Vec<String> {
        self.recorder.0.lock().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_holds_nothing_begins_at_the_head_and_applies_each_record_once_in_order() {
    let scene = Scene::new(Retention::default());
    scene.append(&["old"]).await;
    scene.run(Start::Empty);
    scene.ready_at(1).await;
    scene.append(&["a", "b", "c"]).await;
    scene.ready_at(4).await;
    assert_eq!(scene.seen(), ["empty 1", "caught up 1", "apply a", "apply b", "apply c"]);
    assert_eq!(scene.metrics.matched.get(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_holds_something_applies_what_it_missed_before_it_is_ready() {
    let scene = Scene::new(Retention::default());
    scene.append(&["a", "b", "c"]).await;
    scene.run(Start::After(Position(1)));
    scene.ready_at(3).await;
    assert_eq!(scene.seen(), ["apply b", "apply c", "caught up 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_missed_nothing_is_ready_where_it_was() {
    let scene = Scene::new(Retention::default());
    scene.append(&["a", "b"]).await;
    scene.run(Start::After(Position(2)));
    scene.ready_at(2).await;
    assert_eq!(scene.seen(), ["caught up 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_empties() {
    let scene = Scene::new(Retention { records: 2, bytes: usize::MAX });
    scene.append(&["a", "b", "c", "d"]).await;
    scene.run(Start::After(Position(1)));
    scene.ready_at(4).await;
    scene.append(&["e"]).await;
    scene.ready_at(5).await;
    assert_eq!(scene.seen(), ["empty 4", "caught up 4", "apply e"]);
    assert_eq!(scene.metrics.emptied.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_purge_that_this_build_cannot_read_empties_and_other_unknown_records_are_passed_on() {
    let scene = Scene::new(Retention::default());
    scene.run(Start::Empty);
    scene.ready_at(0).await;
    for kind in ["activation", "purge"] {
        let entry = Entry::Unknown { kind: kind.to_owned(), body: serde_json::json!({"new": true}) };
        scene.log.append(NewRecord { entry, ..order(kind) }).await.unwrap();
    }
    scene.ready_at(2).await;
    assert_eq!(scene.seen(), ["empty 0", "caught up 0", "apply activation", "empty 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_lost_and_found_is_followed_on_without_loss() {
    let scene = Scene::new(Retention::default());
    scene.run(Start::Empty);
    scene.ready_at(0).await;
    scene.log.open.send_replace(false);
    // The next sign of life finds the log shut; some tries later it is open again.
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::advance(RETRY_AFTER * 3).await;
    scene.append(&["a"]).await;
    scene.log.open.send_replace(true);
    scene.ready_at(1).await;
    assert!(scene.metrics.follower_errors.get() >= 1);
    assert_eq!(scene.seen().iter().filter(|line| *line == "apply a").count(), 1);
    assert_eq!(scene.seen().iter().filter(|line| line.starts_with("empty")).count(), 1, "only at the start");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_stopped_leaves() {
    let scene = Scene::new(Retention::default());
    let task = scene.run(Start::Empty);
    scene.ready_at(0).await;
    scene.stop.send_replace(true);
    task.await.unwrap();
    assert_eq!(scene.members.list(), []);
}
