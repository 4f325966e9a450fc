//! What a file must stand: restarts, crashes, rot, a second process.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use seawall_base::Position;

use super::{EmbeddedLog, LOG_FILE, OpenError, Retention};
use crate::log::tests::{order, take};
use crate::log::{ControlLog, LogError, NewRecord};

async fn append(log: &EmbeddedLog, ids: &[&str]) {
    for id in ids {
        log.append(order(id)).await.unwrap();
    }
}

fn open(directory: &Path) -> Result<EmbeddedLog, OpenError> {
    EmbeddedLog::open(directory, Retention::default())
}

/// What went wrong, in words; a test that opens a log in vain cares for nothing else.
fn refusal(directory: &Path) -> OpenError {
    open(directory).err().expect("the log opened")
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    append(&log, &["a", "b"]).await;
    drop(log);
    let log = open(directory.path()).unwrap();
    assert_eq!(log.head().await.unwrap(), Position(2));
    append(&log, &["c"]).await;
    drop(log);
    let log = open(directory.path()).unwrap();
    let mut records = log.follow(Position::START).await.unwrap();
    assert_eq!(take(&mut records, 3).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_record_that_a_crash_cut_short_anywhere_is_dropped_and_its_place_given_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(LOG_FILE);
    append(&open(directory.path()).unwrap(), &["a"]).await;
    let kept = fs::read(&path).unwrap();
    append(&open(directory.path()).unwrap(), &["b"]).await;
    let whole = fs::read(&path).unwrap();
    for length in kept.len()..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let log = open(directory.path()).unwrap();
        assert_eq!(log.head().await.unwrap(), Position(1), "cut at byte {length}");
        assert_eq!(fs::read(&path).unwrap(), kept, "cut at byte {length}");
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    append(&open(directory.path()).unwrap(), &["c"]).await;
    let log = open(directory.path()).unwrap();
    let mut records = log.follow(Position::START).await.unwrap();
    assert_eq!(take(&mut records, 2).await, ["a", "c"]);
}

#[tokio::test]
async fn zeros_that_a_power_cut_left_behind_are_dropped() {
    let directory = tempfile::tempdir().unwrap();
    append(&open(directory.path()).unwrap(), &["a"]).await;
    let mut file = OpenOptions::new().append(true).open(directory.path().join(LOG_FILE)).unwrap();
    file.write_all(&[0; 4096]).unwrap();
    assert_eq!(open(directory.path()).unwrap().head().await.unwrap(), Position(1));
}

#[tokio::test]
async fn damage_to_what_was_acknowledged_is_an_error_that_says_where_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(LOG_FILE);
    append(&open(directory.path()).unwrap(), &["a", "b", "c"]).await;
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let with = |second: &str| format!("{}\n{}\n{}\n{}\n", lines[0], second, lines[2], lines[3]);
    for (what, text) in [
        ("a flipped letter", with(&lines[1].replace("product-7", "product-8"))),
        ("another digest", with(&lines[1].replace("\"blake3\":\"", "\"blake3\":\"0"))),
        ("a lost record", format!("{}\n{}\n{}\n", lines[0], lines[2], lines[3])),
        ("not JSON", with("what?")),
    ] {
        fs::write(&path, text).unwrap();
        let error = refusal(directory.path());
        assert!(matches!(error, OpenError::Damaged { line: 2, .. }), "{what}: {error}");
        assert!(error.to_string().contains("Restore the file"), "{what}: {error}");
    }
    for (what, text) in [("a log without its first line", ""), ("a first line without its end", lines[0])] {
        fs::write(&path, text).unwrap();
        assert!(matches!(refusal(directory.path()), OpenError::Damaged { line: 1, .. }), "{what}");
    }
}

#[tokio::test]
async fn a_file_of_a_newer_build_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(LOG_FILE), "{\"seawall_control_log\":2,\"after\":0}\n").unwrap();
    assert!(matches!(refusal(directory.path()), OpenError::Newer { found: 2, .. }));
}

#[tokio::test]
async fn a_directory_serves_one_process_and_clones_share_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    assert!(error.to_string().contains("another process"), "{error}");
    let clone = log.clone();
    drop(log);
    assert!(matches!(refusal(directory.path()), OpenError::Locked(_)), "a clone still holds it");
    append(&clone, &["a"]).await;
    drop(clone);
    assert!(open(directory.path()).is_ok(), "free again");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let error = refusal(&directory.path().join("missing"));
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn the_file_is_shortened_while_it_runs_and_keeps_its_positions() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(LOG_FILE);
    let retention = Retention { records: 10, bytes: usize::MAX };
    let log = EmbeddedLog::open(directory.path(), retention).unwrap();
    for number in 1..=57_u64 {
        assert_eq!(log.append(order(&number.to_string())).await.unwrap(), Position(number));
        // The answer comes before the file is shortened, so one more than the limit may be there.
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 1 + 2 * 10 + 1, "{lines} lines after {number}");
    }
    drop(log);
    let log = EmbeddedLog::open(directory.path(), retention).unwrap();
    assert!(matches!(log.follow(Position(46)).await, Err(LogError::Gap { oldest: Position(47), .. })));
    let mut records = log.follow(Position(47)).await.unwrap();
    assert_eq!(take(&mut records, 10).await.last().map(String::as_str), Some("57"));
}

#[tokio::test]
async fn a_long_file_is_shortened_when_it_is_opened_with_less_retention() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    append(&log, &["a", "b", "c", "d", "e"]).await;
    drop(log);
    drop(EmbeddedLog::open(directory.path(), Retention { records: 2, bytes: usize::MAX }).unwrap());
    let lines = fs::read_to_string(directory.path().join(LOG_FILE)).unwrap().lines().count();
    assert_eq!(lines, 3, "the first line and two records");
    let log = open(directory.path()).unwrap();
    let mut records = log.follow(Position(3)).await.unwrap();
    assert_eq!(take(&mut records, 2).await, ["d", "e"]);
}

#[tokio::test]
async fn the_file_is_text_that_people_can_read() {
    let directory = tempfile::tempdir().unwrap();
    append(&open(directory.path()).unwrap(), &["a"]).await;
    let text = fs::read_to_string(directory.path().join(LOG_FILE)).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["after"], 0);
    assert_eq!(lines[1]["record"]["actor"], "ops");
    assert_eq!(lines[1]["record"]["entry"]["kind"], "purge");
}

#[tokio::test]
async fn bytes_bound_the_log_too_and_the_newest_record_stays() {
    let log = EmbeddedLog::in_memory(Retention { records: usize::MAX, bytes: 1 });
    append(&log, &["a", "b"]).await;
    assert!(log.follow(Position::START).await.is_err());
    let mut records = log.follow(Position(1)).await.unwrap();
    assert_eq!(take(&mut records, 1).await, ["b"]);
}

#[tokio::test]
async fn a_key_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let keyed = |id: &str| NewRecord { once: Some("k".to_owned()), ..order(id) };
    let log = EmbeddedLog::open(directory.path(), Retention::default()).unwrap();
    assert_eq!(log.append(keyed("first")).await.unwrap(), Position(1));
    drop(log);
    let log = EmbeddedLog::open(directory.path(), Retention::default()).unwrap();
    let taken = log.append(keyed("second")).await;
    assert!(matches!(&taken, Err(LogError::Taken(record)) if record.id == "first"), "{taken:?}");
}
