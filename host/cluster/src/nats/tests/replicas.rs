//! Three servers that keep the log together.

use std::time::Duration;

use seawall_base::Position;
use seawall_nats_server::NatsCluster;

use super::{Node, STREAM, process};
use crate::cluster::{Readiness, Wait};
use crate::membership::AppliedState;

#[tokio::test]
async fn the_log_goes_on_when_its_leader_is_killed_and_a_node_whose_server_stands_still_moves_to_another() {
    let mut nats = NatsCluster::start();
    let of = |urls: Vec<String>| process(&urls, |options| options.replicas = 3);
    let (one, all) = (Node::join("fra-1", of(nats.urls())), nats.urls());
    one.is(Readiness::Ready).await;
    let two = Node::join("fra-2", of(all));
    two.is(Readiness::Ready).await;
    let published = one.cluster.publish_purge(one.purge(), "ops").await.unwrap();
    let nodes = one.cluster.wait(&published, Wait::All, Duration::from_secs(5)).await;
    assert_eq!(nodes.len(), 2);
    assert!(nodes.iter().all(|node| node.state == AppliedState::Applied), "{nodes:?}");

    let leader = leader(&nats).await;
    nats.named(&leader).kill();
    let position = one.orders("after the leader").await;
    assert_eq!(position, Position(2), "what was acknowledged is still there, and nothing else");
    for node in [&one, &two] {
        node.did_last("after the leader").await;
        assert_eq!(node.did().iter().filter(|did| did.starts_with("empty")).count(), 1, "{:?}", node.did());
    }

    nats.named(&leader).start_again();
    // Three follows through this server, and learns of the others from it.
    let silent = nats.servers.len() - 1;
    let three = Node::join("fra-3", of(vec![nats.servers[silent].url()]));
    three.is(Readiness::Ready).await;
    nats.servers[silent].pause();
    one.orders("past the silent one").await;
    three.did_last("past the silent one").await;
    nats.servers[silent].resume();
}

/// Who leads the stream of the log.
async fn leader(nats: &NatsCluster) -> String {
    let client = async_nats::connect(nats.urls()).await.unwrap();
    let mut log = async_nats::jetstream::new(client).get_stream(STREAM).await.unwrap();
    let info = log.info().await.unwrap();
    info.cluster.as_ref().unwrap().leader.clone().unwrap()
}
