//! What a pool says of itself while its servers fail and return.
#![expect(clippy::unwrap_used, reason = "a test program: what should not be ends it with a message")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime};

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use seawall_base::{Blame, Clock, OriginName};
use seawall_origin::{
    BackupRule, CircuitState, ClientSetup, Ejection, Health, HostRule, Limits, Metrics, Outgoing, Pool,
    PoolMetrics, PoolSetup, Role, Server, Settings, Trust, Wish,
};
use tokio::net::TcpListener;

/// A server that answers with whatever status it is told to.
async fn server(status: Arc<AtomicU16>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let status = Arc::clone(&status);
            let service = service_fn(move |_: Request<Incoming>| {
                let mut response = Response::new(Empty::<Bytes>::new());
                *response.status_mut() = status.load(Ordering::Relaxed).try_into().unwrap();
                async { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(async move {
                let serving = auto::Builder::new(TokioExecutor::new());
                let _ = serving.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

async fn get(pool: &Arc<Pool>) -> u16 {
    let request = Request::get("/").header("host", "shop.example").body(Outgoing::empty()).unwrap();
    let wish = Wish { key: None, host: HostRule::Origins, backup: BackupRule::Allowed };
    let response = pool.fetch(request, wish).await.unwrap();
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    status
}

#[tokio::test]
async fn a_report_follows_the_servers() {
    let status = Arc::new(AtomicU16::new(200));
    let address = server(Arc::clone(&status)).await;
    let main = Server::plain(address.to_string().parse().unwrap()).weighing(NonZeroU32::new(3).unwrap());
    let spare: Server = "http://127.0.0.1:1".parse().unwrap();
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let limits = Limits::default();
    let trust = Trust::nobody().unwrap();
    let pool = Pool::new(PoolSetup {
        name: OriginName::new("shop").unwrap(),
        servers: vec![main, spare.in_role(Role::Backup)],
        client: ClientSetup::new(limits, trust, Blame::Origin, Metrics::default(), clock.clone()),
        settings: Settings {
            ejection: Ejection { failures: 2, ..Ejection::default() },
            ..Settings::default()
        },
        host_header: None,
        backup: None,
        metrics: PoolMetrics::default(),
    });
    let report = pool.report();
    assert_eq!((report.name.as_str(), report.in_flight, report.waiting), ("shop", 0, 0));
    assert_eq!(report.retries_left, 10, "a second's worth, to begin with");
    let [first, second] = report.servers.try_into().unwrap();
    assert_eq!((first.url, first.weight, first.role), (format!("http://{address}"), 3, Role::Primary));
    assert_eq!((first.health, first.circuit), (Health::Unchecked, CircuitState::Closed));
    assert_eq!((second.role, second.latency), (Role::Backup, None));

    assert_eq!(get(&pool).await, 200);
    status.store(503, Ordering::Relaxed);
    // The spare refuses: the answer that there is goes through.
    assert_eq!((get(&pool).await, get(&pool).await), (503, 503));
    let first = pool.report().servers.remove(0);
    assert_eq!(first.circuit, CircuitState::Open);
    assert_eq!(first.opens_again_in, Some(Duration::from_secs(1)));
    assert_eq!(pool.report().in_flight, 0, "every place is given back");

    assert!(clock.advance(Duration::from_secs(1)));
    status.store(204, Ordering::Relaxed);
    assert_eq!(get(&pool).await, 204);
    let first = pool.report().servers.remove(0);
    assert_eq!((first.circuit, first.opens_again_in), (CircuitState::Closed, None));
}
