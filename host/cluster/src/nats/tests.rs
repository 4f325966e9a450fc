//! Plays with real servers: what comes and goes, what is lost, and what a node makes of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_nats::jetstream;
use futures_util::StreamExt;
use parking_lot::Mutex;
use seawall_base::{Clock, Depth, NodeName, Position, Purge, Region, Scope, Selector};
use seawall_nats_server::NatsServer;
use tokio::sync::watch;

use super::{Login, Nats, NatsOptions, Tls};
use crate::cluster::{Cluster, Readiness, Setup};
use crate::follower::{Applied, Apply, Start};
use crate::log::tests::order;
use crate::log::{ControlLog, Record};
use crate::membership::NodeInfo;
use crate::metrics::Metrics;

mod lost;
mod replicas;
mod roster;
mod servers;
mod survey;

/// Longest wait for anything in these plays.
const BOUND: Duration = Duration::from_secs(40);

/// One process's part in a cluster.
pub(crate) fn process(servers: &[String], adjust: impl FnOnce(&mut NatsOptions)) -> Nats {
    process_by(servers, Clock::system(), adjust)
}

fn process_by(servers: &[String], clock: Clock, adjust: impl FnOnce(&mut NatsOptions)) -> Nats {
    let mut options = options(servers);
    adjust(&mut options);
    Nats::start(options, clock).unwrap()
}

fn options(servers: &[String]) -> NatsOptions {
    NatsOptions {
        servers: servers.to_vec(),
        name: "tests".to_owned(),
        domain: None,
        replicas: 1,
        retention: Duration::from_secs(3600),
        max_bytes: 64 * 1024 * 1024,
        max_records: None,
        login: Login::Anonymous,
        tls: Tls::default(),
        client_name: "a test".to_owned(),
    }
}

/// What the log made a node do.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Apply for Recorder {
    fn apply(&self, record: &Record) -> Applied {
        self.0.lock().push(record.id.clone());
        Applied { matched: 3 }
    }

    fn empty(&self, at: Position) {
        self.0.lock().push(format!("empty {at}"));
    }
}

/// A node of one process, without the parts that serve.
struct Node {
    nats: Nats,
    cluster: Arc<Cluster>,
    recorder: Arc<Recorder>,
    stop: watch::Sender<bool>,
}

impl Node {
    /// Joins and begins to follow.
    fn join(name: &str, nats: Nats) -> Self {
        Self::join_by(name, nats, Clock::system())
    }

    fn join_by(name: &str, nats: Nats, clock: Clock) -> Self {
        let info = NodeInfo {
            name: NodeName::new(name).unwrap(),
            region: Region::new("fra").unwrap(),
            version: "1".to_owned(),
            peer_addr: "127.0.0.1:7000".parse().ok(),
            started_unix_ms: unique(),
        };
        let (log, members) = (Arc::new(nats.log()), nats.members());
        let setup =
            Setup { info, log, members, clock, metrics: Metrics::new(), max_lag: Duration::from_secs(5) };
        let (cluster, follower) = Cluster::join(setup).unwrap();
        nats.announce(&cluster);
        let (recorder, stop) = (Arc::new(Recorder::default()), watch::Sender::new(false));
        tokio::spawn(follower.run(Arc::clone(&recorder) as _, Start::Empty, stop.subscribe()));
        Self { nats, cluster, recorder, stop }
    }

    async fn ready(name: &str, servers: &[String]) -> Self {
        let node = Self::join(name, process(servers, |_| {}));
        node.is(Readiness::Ready).await;
        node
    }

    async fn is(&self, readiness: Readiness) {
        let is_so = || self.cluster.readiness() == readiness;
        self.until(&format!("{} is {}", self.cluster.name(), readiness.as_str()), is_so).await;
    }

    /// Waits until it has been made to do this, last.
    async fn did_last(&self, what: &str) {
        let is_so = || self.recorder.0.lock().last().is_some_and(|last| last == what);
        self.until(&format!("the last is `{what}`"), is_so).await;
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let mut changed = self.nats.members().watch();
        let waiting = async {
            while !is_so() {
                // Most of it shows on the table; the rest is looked for now and then.
                let _ = tokio::time::timeout(Duration::from_millis(20), changed.changed()).await;
            }
        };
        if tokio::time::timeout(BOUND, waiting).await.is_err() {
            let states = self.nats.members().list();
            panic!("waited in vain: {what}; it did {:?}; the table is {states:?}", self.did());
        }
    }

    fn did(&self) -> Vec<String> {
        self.recorder.0.lock().clone()
    }

    fn purge(&self) -> Purge {
        Purge {
            id: self.cluster.new_purge_id(),
            scope: Scope::AllSites,
            selectors: vec![Selector::All],
            depth: Depth::Hard,
        }
    }

    /// Puts a record in the log, and tries again for as long as it takes.
    async fn orders(&self, id: &str) -> Position {
        let trying = async {
            loop {
                match self.cluster.log().append(order(id)).await {
                    Ok(position) => return position,
                    Err(error) => tracing::debug!(%error, "not yet"),
                }
            }
        };
        tokio::time::timeout(BOUND, trying).await.expect("the log took nothing")
    }
}

fn unique() -> u64 {
    let since = Clock::system().now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_micros()).unwrap()
}

/// The operator's own tools, without Seawall.
async fn operator(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.unwrap())
}

const STREAM: &str = "seawall-tests-log";

#[tokio::test]
async fn records_have_the_bytes_that_the_operator_gave_them() {
    let server = NatsServer::start();
    let nats = process(&[server.url()], |options| options.max_bytes = 4096);
    let log = nats.log();
    for number in 0..40 {
        log.append(order(&number.to_string())).await.unwrap();
    }
    assert!(log.follow(Position::START).await.is_err(), "the first have gone");
    let mut records = log.follow(Position(39)).await.unwrap();
    assert_eq!(records.next().await.unwrap().unwrap().id, "39", "the newest stays");
}

#[tokio::test]
async fn an_order_that_is_given_twice_is_written_once() {
    let server = NatsServer::start();
    let nats = process(&[server.url()], |_| {});
    let log = nats.log();
    let first = log.append(order("a")).await.unwrap();
    assert_eq!(log.append(order("a")).await.unwrap(), first);
    assert_eq!(log.head().await.unwrap(), first);
}

#[tokio::test]
async fn a_record_that_the_server_does_not_take_is_refused_with_what_to_do() {
    // Of two lines the later counts.
    let server = NatsServer::start_with("max_payload: 1MB");
    let nats = process(&[server.url()], |_| {});
    let mut large = order("large");
    large.actor = "x".repeat(1024 * 1024);
    let refused = nats.log().append(large).await.expect_err("it was taken").to_string();
    assert!(refused.contains("max_payload"), "{refused}");
}

#[tokio::test]
async fn what_is_no_record_counts_as_one_that_was_missed() {
    let server = NatsServer::start();
    let node = Node::ready("fra-1", &[server.url()]).await;
    node.orders("a").await;
    operator(&server).await.publish("seawall.tests.log", "what?".into()).await.unwrap().await.unwrap();
    node.did_last("empty 2").await;
    node.orders("b").await;
    node.did_last("b").await;
    assert_eq!(node.did(), ["empty 0", "a", "empty 2", "b"]);
}
