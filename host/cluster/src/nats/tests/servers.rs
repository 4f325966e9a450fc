//! A server that is not there yet, goes, comes back, stands still, or does not let everyone in.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use seawall_base::Clock;
use seawall_nats_server::NatsServer;

use super::{Node, options, process, process_by};
use crate::cluster::{Readiness, Touch};
use crate::log::tests::order;
use crate::log::{ControlLog, LogError};
use crate::nats::{Login, Nats, NatsOptions, Tls};

#[tokio::test]
async fn a_node_waits_for_a_server_that_is_not_there_and_is_not_ready() {
    let mut server = NatsServer::start();
    server.kill();
    let node = Node::join("fra-1", process(&[server.url()], |_| {}));
    let refused = node.cluster.log().append(order("early")).await;
    let Err(LogError::NotWritten(why)) = &refused else { panic!("{refused:?}") };
    assert!(why.to_string().contains("nothing was written"), "{why}");
    assert_eq!(node.cluster.readiness(), Readiness::CatchingUp);
    server.start_again();
    node.is(Readiness::Ready).await;
    assert_eq!(node.did(), ["empty 0"]);
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_loses_and_doubles_nothing() {
    let mut server = NatsServer::start();
    let node = Node::ready("fra-1", &[server.url()]).await;
    node.orders("a").await;
    node.did_last("a").await;
    server.kill();
    let failed = node.cluster.log().append(order("b")).await;
    assert!(matches!(failed, Err(LogError::NotWritten(_) | LogError::Unconfirmed(_))), "{failed:?}");
    server.start_again();
    node.orders("b").await;
    node.orders("c").await;
    node.did_last("c").await;
    assert_eq!(node.did(), ["empty 0", "a", "b", "c"]);
}

#[tokio::test]
async fn a_node_whose_server_stands_still_is_cut_off_and_catches_up() {
    let server = NatsServer::start();
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let node = Node::join_by("fra-1", process_by(&[server.url()], clock.clone(), |_| {}), clock.clone());
    node.is(Readiness::Ready).await;
    assert_eq!(node.cluster.touch(clock.ticks()), Touch::InTouch);
    server.pause();
    clock.advance(Duration::from_secs(6));
    assert_eq!(node.cluster.touch(clock.ticks()), Touch::CutOff);
    server.resume();
    node.until("it is in touch again", || node.cluster.touch(clock.ticks()) == Touch::InTouch).await;
    node.orders("a").await;
    node.did_last("a").await;
    assert_eq!(node.did(), ["empty 0", "a"]);
}

#[tokio::test]
async fn only_who_may_log_in_is_let_in() {
    let server = NatsServer::start_with("authorization { user: edge, password: s3cret }");
    let login = |password: &str| Login::Password { user: "edge".to_owned(), password: password.to_owned() };
    let stranger = process(&[server.url()], |options| options.login = login("guess"));
    let refused = stranger.log().append(order("a")).await.expect_err("a stranger wrote");
    assert!(refused.to_string().contains("authorization"), "{refused}");
    let edge = process(&[server.url()], |options| options.login = login("s3cret"));
    assert!(edge.log().append(order("a")).await.is_ok());
}

#[tokio::test]
async fn a_token_and_a_key_open_the_door_too() {
    let server = NatsServer::start_with("authorization { token: let-me-in }");
    let edge = process(&[server.url()], |options| options.login = Login::Token("let-me-in".to_owned()));
    assert!(edge.log().append(order("a")).await.is_ok());

    let server = NatsServer::start_with(&format!("authorization {{ users: [ {{ nkey: {NKEY} }} ] }}"));
    let edge = process(&[server.url()], |options| options.login = Login::Nkey(NKEY_SEED.to_owned()));
    assert!(edge.log().append(order("a")).await.is_ok());
}

/// The pair that the NATS manual shows.
const NKEY: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
const NKEY_SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

#[tokio::test]
async fn a_server_and_a_node_show_each_other_certificates() {
    let papers = Papers::new();
    let file = |name: &str| papers.0.path().join(name);
    let tls = format!(
        "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
        file("server.pem"),
        file("server.key"),
        file("ca.pem")
    );
    let server = NatsServer::start_with(&tls);
    let with =
        |own: bool| Tls { ca: Some(file("ca.pem")), own: own.then(|| (file("node.pem"), file("node.key"))) };
    let stranger = process(&[server.url()], |options| options.tls = with(false));
    assert!(stranger.log().append(order("a")).await.is_err());
    let node = process(&[server.url()], |options| options.tls = with(true));
    assert!(node.log().append(order("a")).await.is_ok());
}

/// A certificate authority, and what it issued to a server and to a node.
struct Papers(tempfile::TempDir);

impl Papers {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        write("ca.pem", params.self_signed(&key).unwrap().pem());
        let issuer = rcgen::Issuer::new(params, key);
        for name in ["server", "node"] {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
            write(&format!("{name}.pem"), params.signed_by(&key, &issuer).unwrap().pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self(folder)
    }
}

#[test]
fn files_that_are_not_there_are_named_with_their_key() {
    let missing = PathBuf::from("/nowhere/node.creds");
    for (key, login, tls) in [
        ("credentials", Login::Credentials(missing.clone()), Tls::default()),
        ("tls_ca", Login::Anonymous, Tls { ca: Some(missing), own: None }),
    ] {
        let options = NatsOptions { login, tls, ..options(&["nats://127.0.0.1:1".to_owned()]) };
        let error = Nats::start(options, Clock::system()).err().expect("it started").to_string();
        assert!(error.contains(key) && error.contains("/nowhere/node.creds"), "{error}");
    }
}
