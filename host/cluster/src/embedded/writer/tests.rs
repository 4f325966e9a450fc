//! What the thread does when the disk fails, and when many appends come at once.

use std::fs;
use std::sync::Arc;

use seawall_base::Position;
use tokio::sync::{mpsc, oneshot};

use super::{Worker, Writer};
use crate::embedded::file::{self, LOG_FILE, LogFile};
use crate::embedded::tail::Tail;
use crate::embedded::{EmbeddedLog, Inner, Retention};
use crate::log::tests::order;
use crate::log::{ControlLog, LogError};

fn opened() -> (LogFile, Arc<Tail>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let opened = file::open(directory.path(), Retention::default()).unwrap();
    let tail = Arc::new(Tail::new(opened.base, opened.records, Retention::default()));
    (opened.file, tail, directory)
}

/// `/dev/full` fails every write, and cannot be cut back either.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_whose_disk_is_in_an_unknown_state_takes_nothing_more_and_shows_nothing() {
    let (mut file, tail, _directory) = opened();
    file.replace_file(fs::OpenOptions::new().append(true).open("/dev/full").unwrap());
    let writer = Writer::start(file, Arc::clone(&tail)).unwrap();
    let log = EmbeddedLog(Arc::new(Inner { tail, writer: Some(writer) }));
    for _ in 0..2 {
        let refused = log.append(order("a")).await;
        assert!(matches!(refused, Err(LogError::Broken(_))), "{refused:?}");
    }
    assert_eq!(log.head().await.unwrap(), Position::START);
}

#[tokio::test]
async fn appends_that_come_together_share_one_write() {
    let (file, tail, directory) = opened();
    let (queue, orders) = mpsc::channel(8);
    let mut answers = Vec::new();
    for id in ["a", "b", "c"] {
        let (done, answer) = oneshot::channel();
        queue.send((order(id), done)).await.unwrap();
        answers.push(answer);
    }
    let mut worker = Worker { file, tail, orders, next: None, broken: None };
    let first = worker.orders.recv().await.unwrap();
    let batch = worker.gather(first);
    assert_eq!(batch.records.len(), 3);
    worker.commit(batch);
    for (answer, position) in answers.into_iter().zip(1..) {
        assert_eq!(answer.await.unwrap().unwrap(), Position(position));
    }
    let lines = fs::read_to_string(directory.path().join(LOG_FILE)).unwrap().lines().count();
    assert_eq!(lines, 1 + 3);
}
