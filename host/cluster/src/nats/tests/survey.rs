//! Questions and orders between processes: what a purge would match, who ordered what, one key at two nodes.

use super::*;
use crate::cluster::{ClusterError, Wait};
use crate::membership::AppliedState;
use crate::survey::{Footprint, NoAnswer, Survey};

const LIMIT: Duration = Duration::from_secs(5);

struct Holds(u64);

impl Survey for Holds {
    fn footprint(&self, _: &Purge) -> Footprint {
        Footprint { objects: self.0, bytes: 10, recent_hits: 0, recent_hits_all: 8 }
    }
}

async fn counts(node: &Node, purge: &Purge) -> Vec<(String, Result<u64, NoAnswer>)> {
    let nodes = node.cluster.footprints(purge, Duration::from_millis(500)).await;
    nodes.into_iter().map(|one| (one.name.to_string(), one.footprint.map(|all| all.objects))).collect()
}

#[tokio::test]
async fn nodes_of_other_processes_count_what_a_purge_would_match() {
    let server = NatsServer::start();
    let one = Node::ready("one", &[server.url()]).await;
    let two = Node::ready("two", &[server.url()]).await;
    let (_holds, _mute) =
        (two.cluster.answering(Arc::new(Holds(7))), one.cluster.answering(Arc::new(Holds(1))));
    one.until("one knows of two", || one.nats.members().list().len() == 2).await;
    // Subscribing takes a moment longer than being on the roll.
    let expected = [("one".to_owned(), Ok(1)), ("two".to_owned(), Ok(7))];
    let asking = async { while counts(&one, &one.purge()).await != expected {} };
    tokio::time::timeout(BOUND, asking).await.expect("it never answered");
    assert_eq!(one.cluster.log().head().await.unwrap(), Position::START, "nothing was written");

    two.nats.crash();
    let after = counts(&one, &one.purge()).await;
    assert_eq!((&after[0].1, &after[1].1), (&Ok(1), &Err(NoAnswer::Silent)));
}

#[tokio::test]
async fn every_process_tells_of_an_order_what_the_one_that_took_it_measured() {
    let server = NatsServer::start();
    let one = Node::ready("one", &[server.url()]).await;
    let two = Node::ready("two", &[server.url()]).await;
    one.until("one knows of two", || one.nats.members().list().len() == 2).await;
    two.until("two knows of one", || two.nats.members().list().len() == 2).await;
    let published = one.cluster.publish_purge(one.purge(), "ops").await.unwrap();
    let nodes = one.cluster.wait(&published, Wait::All, LIMIT).await;
    assert!(nodes.iter().all(|node| node.state == AppliedState::Applied), "{nodes:?}");
    let own = one.cluster.order(published.position).await.unwrap().expect("it is in the log");
    let asking = async {
        loop {
            let theirs = two.cluster.order(published.position).await.unwrap().expect("it is in the log");
            if theirs == own {
                return theirs;
            }
        }
    };
    let theirs = tokio::time::timeout(BOUND, asking).await.expect("they never told the same");
    assert_eq!((theirs.record.actor.as_str(), theirs.record.accepted_by.as_str()), ("ops", "one"));
    assert!(theirs.nodes.iter().all(|node| node.applied_after_us.is_some() && node.matched == Some(3)));
    assert_eq!(two.cluster.order(Position(99)).await.unwrap(), None);
    assert_eq!(two.cluster.order(Position::START).await.unwrap(), None);
}

#[tokio::test]
async fn one_key_at_two_nodes_at_once_is_one_purge_for_both() {
    let server = NatsServer::start();
    let one = Node::ready("one", &[server.url()]).await;
    let two = Node::ready("two", &[server.url()]).await;
    for key in ["a", "b", "c", "d"] {
        let (first, second) = tokio::join!(
            one.cluster.publish_purge_once(one.purge(), "ops", Some(key)),
            two.cluster.publish_purge_once(two.purge(), "ops", Some(key)),
        );
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!((&first.id, first.position), (&second.id, second.position), "{key}");
        assert_ne!(first.repeated, second.repeated, "{key}: one of them wrote it");
    }
    assert_eq!(one.cluster.log().head().await.unwrap(), Position(4));
    let other = Purge { depth: Depth::Soft, ..two.purge() };
    let refused = two.cluster.publish_purge_once(other.clone(), "ops", Some("a")).await;
    assert!(matches!(refused, Err(ClusterError::KeyUsed(Position(1)))), "{refused:?}");
    let theirs = two.cluster.publish_purge_once(other, "dev", Some("a")).await.unwrap();
    assert!(!theirs.repeated, "another actor's keys are their own");
}

#[tokio::test]
async fn a_stream_of_an_older_build_says_what_it_lacks() {
    let server = NatsServer::start();
    let jetstream = operator(&server).await;
    let older = jetstream::stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["seawall.tests.log".to_owned()],
        ..Default::default()
    };
    jetstream.create_stream(older).await.unwrap();
    let node = Node::ready("one", &[server.url()]).await;
    assert!(node.cluster.publish_purge(node.purge(), "ops").await.is_ok(), "without a key nothing changes");
    let refused =
        node.cluster.publish_purge_once(node.purge(), "ops", Some("a")).await.unwrap_err().to_string();
    assert!(refused.contains("seawall.tests.log.once.*") && refused.contains(STREAM), "{refused}");
}
