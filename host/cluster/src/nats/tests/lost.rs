//! Records that were missed, and logs that are no longer what they were: each empties the node, once.

use std::path::Path;

use async_nats::jetstream::stream;
use seawall_base::Position;
use seawall_nats_server::NatsServer;

use super::{Node, STREAM, operator, process};
use crate::log::tests::order;
use crate::log::{ControlLog, LogError};

#[tokio::test]
async fn records_that_go_before_a_node_has_read_them_empty_it() {
    let server = NatsServer::start();
    let node = Node::ready("fra-1", &[server.url()]).await;
    node.orders("a").await;
    node.did_last("a").await;
    let log = operator(&server).await.get_stream(STREAM).await.unwrap();
    log.purge().sequence(10).await.unwrap();
    node.orders("b").await;
    node.did_last("empty 10").await;
    node.orders("c").await;
    node.did_last("c").await;
    assert_eq!(node.did(), ["empty 0", "a", "empty 10", "c"]);
}

#[tokio::test]
async fn a_node_that_finds_only_that_more_was_there_is_emptied_too() {
    let server = NatsServer::start();
    let node = Node::ready("fra-1", &[server.url()]).await;
    node.orders("a").await;
    node.did_last("a").await;
    let log = operator(&server).await.get_stream(STREAM).await.unwrap();
    log.purge().sequence(10).await.unwrap();
    // Nothing comes any more that would show it.
    node.did_last("empty 9").await;
}

#[tokio::test]
async fn a_stream_that_is_purged_of_what_every_node_has_applied_is_no_gap() {
    let server = NatsServer::start();
    let nats = process(&[server.url()], |_| {});
    let log = nats.log();
    log.append(order("a")).await.unwrap();
    operator(&server).await.get_stream(STREAM).await.unwrap().purge().await.unwrap();
    assert!(log.follow(Position(1)).await.is_ok());
    let behind = log.follow(Position::START).await.err();
    assert!(matches!(behind, Some(LogError::Gap { oldest: Position(1), head: Position(1) })), "{behind:?}");
}

#[tokio::test]
async fn a_stream_that_is_deleted_is_made_anew_and_positions_go_on() {
    let server = NatsServer::start();
    let node = Node::ready("fra-1", &[server.url()]).await;
    for id in ["a", "b", "c"] {
        node.orders(id).await;
    }
    node.did_last("c").await;
    operator(&server).await.delete_stream(STREAM).await.unwrap();
    node.did_last("empty 4").await;
    assert_eq!(node.orders("d").await, Position(5));
    node.did_last("d").await;
    assert_eq!(node.did(), ["empty 0", "a", "b", "c", "empty 4", "d"]);
}

/// By then other records stand where those stood that the node has applied.
#[tokio::test]
async fn a_server_that_lost_its_disk_empties_every_node() {
    let mut server = NatsServer::start();
    let node = Node::ready("fra-1", &[server.url()]).await;
    for id in ["a", "b"] {
        node.orders(id).await;
    }
    node.did_last("b").await;
    server.kill();
    server.forget();
    server.start_again();
    let other = Node::ready("fra-2", &[server.url()]).await;
    for id in ["c", "d", "e"] {
        other.orders(id).await;
    }
    node.until("it is emptied", || node.did().len() > 3).await;
    let did = node.did();
    let at: u64 = did[3].strip_prefix("empty ").unwrap().parse().unwrap();
    assert!(at > 2, "positions only grow: {did:?}");
    let position = other.orders("f").await;
    node.did_last("f").await;
    other.did_last("f").await;
    assert_eq!(node.cluster.position(), position);
}

/// The last writes are gone, and others stand in their places: the stream is the same by every name and number.
#[tokio::test]
async fn a_log_that_was_set_back_and_went_on_is_recognised() {
    let mut server = NatsServer::start();
    let node = Node::ready("fra-1", &[server.url()]).await;
    node.orders("a").await;
    server.kill();
    let (store, copy) = (server.folder().join("jetstream"), server.folder().join("copy"));
    copy_folder(&store, &copy);
    server.start_again();
    node.orders("b").await;
    node.did_last("b").await;
    server.kill();
    server.forget();
    copy_folder(&copy, &store);
    // While the node is away, another order takes the second place.
    let address = server.address();
    server.start_again();
    let late = process(&[format!("nats://{address}")], |_| {});
    late.log().append(order("c")).await.unwrap();
    node.until("it is emptied", || node.did().iter().filter(|did| did.starts_with("empty")).count() == 2)
        .await;
    node.orders("d").await;
    node.did_last("d").await;
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_there_is_left_as_it_is() {
    let server = NatsServer::start();
    let made = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["seawall.tests.log".to_owned()],
        max_messages: 7,
        ..stream::Config::default()
    };
    let operator = operator(&server).await;
    operator.create_stream(made).await.unwrap();
    let nats = process(&[server.url()], |_| {});
    nats.log().append(order("a")).await.unwrap();
    let is = operator.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    assert_eq!((is.max_messages, is.max_bytes), (7, -1));
}
