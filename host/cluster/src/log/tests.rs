//! One suite for every implementation of the control log.

use std::any::Any;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join_all;
use seawall_base::{Depth, NodeName, Position, Purge, PurgeId, Scope, Selector};
use seawall_nats_server::NatsServer;

use super::{ControlLog, Entry, LogError, NewRecord, RECORD_MAX_BYTES, Record, Records};
use crate::embedded::{EmbeddedLog, Retention};
use crate::nats;

fn purge(id: &str) -> Purge {
    let selectors = vec![Selector::tag("product-7").unwrap()];
    Purge { id: PurgeId(id.to_owned()), scope: Scope::AllSites, selectors, depth: Depth::Hard }
}

/// A record that orders a purge.
pub(crate) fn order(id: &str) -> NewRecord {
    NewRecord {
        id: id.to_owned(),
        accepted_by: NodeName::new("fra-1").unwrap(),
        actor: "ops".to_owned(),
        at_unix_ms: 1_700_000_000_000,
        once: None,
        entry: Entry::Purge(purge(id)),
    }
}

/// The names of the next so many records.
pub(crate) async fn take(records: &mut Records, count: usize) -> Vec<String> {
    records.take(count).map(|record| record.unwrap().id.clone()).collect().await
}

/// One implementation, and what it needs for as long as it is looked at.
struct Subject {
    which: &'static str,
    log: Arc<dyn ControlLog>,
    _needs: Box<dyn Any>,
}

/// Every implementation, each empty and with this retention.
fn logs(retention: Retention) -> Vec<Subject> {
    let memory = Arc::new(EmbeddedLog::in_memory(retention));
    let mut logs = vec![Subject { which: "memory", log: memory, _needs: Box::new(()) }];
    let directory = tempfile::tempdir().unwrap();
    let file = Arc::new(EmbeddedLog::open(directory.path(), retention).unwrap());
    logs.push(Subject { which: "file", log: file, _needs: Box::new(directory) });
    let server = NatsServer::start();
    let records = u64::try_from(retention.records).ok().filter(|records| *records < u64::from(u32::MAX));
    let nats = nats::tests::process(&[server.url()], |options| options.max_records = records);
    logs.push(Subject { which: "nats", log: Arc::new(nats.log()), _needs: Box::new((nats, server)) });
    logs
}

#[tokio::test]
async fn records_come_in_order_to_followers_of_any_age() {
    for Subject { which, log, _needs } in logs(Retention::default()) {
        let mut early = log.follow(Position::START).await.unwrap();
        for (id, position) in [("a", 1), ("b", 2), ("c", 3)] {
            assert_eq!(log.append(order(id)).await.unwrap(), Position(position), "{which}");
        }
        assert_eq!(log.head().await.unwrap(), Position(3), "{which}");
        assert_eq!(take(&mut early, 3).await, ["a", "b", "c"], "{which}");
        let mut late = log.follow(Position(1)).await.unwrap();
        assert_eq!(take(&mut late, 2).await, ["b", "c"], "{which}");
        log.append(order("d")).await.unwrap();
        assert_eq!(take(&mut early, 1).await, ["d"], "{which}");
        assert_eq!(take(&mut late, 1).await, ["d"], "{which}");
    }
}

#[tokio::test]
async fn a_record_comes_back_as_it_went_in() {
    for Subject { which, log, _needs } in logs(Retention::default()) {
        let position = log.append(order("a")).await.unwrap();
        let mut records = log.follow(Position::START).await.unwrap();
        let record = records.next().await.unwrap().unwrap();
        assert_eq!(*record, order("a").at(position), "{which}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_appends_each_get_a_place_of_their_own() {
    const APPENDS: usize = 200;
    for Subject { which, log, _needs } in logs(Retention::default()) {
        let tasks = (0..APPENDS).map(|number| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                (number.to_string(), log.append(order(&number.to_string())).await.unwrap())
            })
        });
        let mut acknowledged: Vec<(String, Position)> =
            join_all(tasks).await.into_iter().map(Result::unwrap).collect();
        acknowledged.sort_by_key(|(_, position)| *position);
        let mut records = log.follow(Position::START).await.unwrap();
        let ids: Vec<String> = acknowledged.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(take(&mut records, APPENDS).await, ids, "{which}");
        let positions: Vec<u64> = acknowledged.iter().map(|(_, position)| position.0).collect();
        assert_eq!(positions, (1..=APPENDS as u64).collect::<Vec<_>>(), "{which}");
    }
}

#[tokio::test]
async fn a_log_that_no_longer_reaches_back_says_so() {
    let retention = Retention { records: 3, bytes: usize::MAX };
    for Subject { which, log, _needs } in logs(retention) {
        let mut slow = log.follow(Position::START).await.unwrap();
        for id in ["a", "b", "c", "d", "e"] {
            log.append(order(id)).await.unwrap();
        }
        let late = log.follow(Position(1)).await.err();
        assert!(
            matches!(late, Some(LogError::Gap { oldest: Position(2), head: Position(5) })),
            "{which}: {late:?}"
        );
        match slow.next().await.unwrap() {
            Err(error) => assert!(matches!(error, LogError::Gap { .. }), "{which}: {error}"),
            // It was sent them before they went.
            Ok(first) => {
                assert_eq!(first.id, "a", "{which}: a slow follower is told, or has them all");
                assert_eq!(take(&mut slow, 4).await, ["b", "c", "d", "e"], "{which}");
            }
        }
        let mut at_the_edge = log.follow(Position(2)).await.unwrap();
        assert_eq!(take(&mut at_the_edge, 3).await, ["c", "d", "e"], "{which}");
    }
}

#[tokio::test]
async fn a_position_that_the_log_never_gave_out_is_a_gap() {
    for Subject { which, log, _needs } in logs(Retention::default()) {
        log.append(order("a")).await.unwrap();
        let ahead = log.follow(Position(2)).await.err();
        assert!(matches!(ahead, Some(LogError::Gap { .. })), "{which}: {ahead:?}");
    }
}

fn keyed(id: &str, once: &str) -> NewRecord {
    NewRecord { once: Some(once.to_owned()), ..order(id) }
}

#[tokio::test]
async fn of_the_records_with_one_key_the_first_is_written() {
    for Subject { which, log, _needs } in logs(Retention::default()) {
        log.append(order("before")).await.unwrap();
        assert_eq!(log.append(keyed("first", "k")).await.unwrap(), Position(2), "{which}");
        let taken = log.append(keyed("second", "k")).await;
        let Err(LogError::Taken(record)) = &taken else { panic!("{which}: {taken:?}") };
        assert_eq!((record.id.as_str(), record.position), ("first", Position(2)), "{which}");
        assert_eq!(log.head().await.unwrap(), Position(2), "{which}: nothing was written");
        assert_eq!(log.append(keyed("other", "l")).await.unwrap(), Position(3), "{which}");
        let mut records = log.follow(Position(1)).await.unwrap();
        assert_eq!(
            take(&mut records, 2).await,
            ["first", "other"],
            "{which}: followers see keyed ones in order"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_at_once_with_one_key_gets_one_record() {
    for Subject { which, log, _needs } in logs(Retention::default()) {
        let tasks = (0..32).map(|number: u32| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { log.append(keyed(&number.to_string(), "k")).await })
        });
        let answers: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
        let written = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(written, 1, "{which}: {answers:?}");
        let told = |answer: &Result<Position, LogError>| match answer {
            Ok(position) => *position,
            Err(LogError::Taken(record)) => record.position,
            Err(error) => panic!("{which}: {error}"),
        };
        assert!(answers.iter().all(|answer| told(answer) == Position(1)), "{which}: {answers:?}");
    }
}

#[tokio::test]
async fn a_key_is_free_again_when_its_record_has_gone() {
    let retention = Retention { records: 2, bytes: usize::MAX };
    for Subject { which, log, _needs } in logs(retention) {
        log.append(keyed("first", "k")).await.unwrap();
        log.append(order("a")).await.unwrap();
        assert!(log.append(keyed("again", "k")).await.is_err(), "{which}: it is there yet");
        log.append(order("b")).await.unwrap();
        assert_eq!(log.append(keyed("anew", "k")).await.unwrap(), Position(4), "{which}");
    }
}

#[tokio::test]
async fn pages_of_the_log_are_bounded_and_begin_where_it_does() {
    let retention = Retention { records: 5, bytes: usize::MAX };
    for Subject { which, log, _needs } in logs(retention) {
        let ids = |page: &crate::log::Page| page.records.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        assert_eq!(log.read(Position::START, 10).await.unwrap().records, [], "{which}: an empty log");
        for id in ["a", "b", "c", "d", "e", "f", "g"] {
            log.append(order(id)).await.unwrap();
        }
        let page = log.read(Position(3), 2).await.unwrap();
        assert_eq!((ids(&page), page.head), (vec!["d".to_owned(), "e".to_owned()], Position(7)), "{which}");
        let page = log.read(Position::START, 100).await.unwrap();
        assert_eq!((ids(&page).len(), page.before), (5, Position(2)), "{which}: the first two are gone");
        assert_eq!(page.records[0].position, Position(3), "{which}");
        assert_eq!(log.read(Position(7), 10).await.unwrap().records, [], "{which}");
        assert_eq!(log.read(Position(70), 10).await.unwrap().records, [], "{which}: beyond the end");
        let one = log.read(Position(6), 1).await.unwrap();
        assert_eq!(ids(&one), ["g"], "{which}");
    }
}

#[tokio::test]
async fn a_record_that_is_too_large_harms_no_other() {
    for Subject { which, log, _needs } in logs(Retention::default()) {
        let mut large = order("large");
        large.actor = "x".repeat(RECORD_MAX_BYTES);
        let refused = log.append(large).await;
        assert!(matches!(refused, Err(LogError::TooLarge { .. })), "{which}: {refused:?}");
        assert_eq!(log.append(order("a")).await.unwrap(), Position(1), "{which}");
    }
}

#[test]
fn entries_of_a_newer_build_survive() {
    let text = r#"{"position":4,"id":"x","accepted_by":"fra-1","actor":"ops","at_unix_ms":0,
        "entry":{"kind":"activation","body":{"function":"shop-front","version":3}},"new_field":true}"#;
    let record: Record = serde_json::from_str(text).unwrap();
    let Entry::Unknown { kind, body } = &record.entry else { panic!("{record:?}") };
    assert_eq!((kind.as_str(), &body["version"]), ("activation", &serde_json::json!(3)));
    assert!(!record.entry.is_unreadable_purge());
    let again: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    assert_eq!(again, record, "rewriting the log loses nothing of it");
}

#[test]
fn a_purge_of_a_newer_build_is_known_to_be_one() {
    let newer = r#"{"kind":"purge","body":{"id":"x","scope":"all_sites","selectors":[{"regex":".*"}],"depth":"hard"}}"#;
    assert!(serde_json::from_str::<Entry>(newer).unwrap().is_unreadable_purge());
    let ours = serde_json::to_string(&Entry::Purge(purge("x"))).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&ours).unwrap(), Entry::Purge(purge("x")));
}

#[test]
fn an_activation_is_read_as_it_was_written() {
    let entry =
        Entry::Activation(crate::Activation { function: "front".to_owned(), version: "3f9c".to_owned() });
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(text, r#"{"kind":"activation","body":{"function":"front","version":"3f9c"}}"#);
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    let newer = r#"{"kind":"activation","body":{"function":"front","weight":5}}"#;
    assert!(matches!(serde_json::from_str::<Entry>(newer).unwrap(), Entry::Unknown { .. }));
}
