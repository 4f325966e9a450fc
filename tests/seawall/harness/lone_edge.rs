//! The path without a process around it: one [`Edge`] that the test calls itself, for limits that no config file has.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::uri::Scheme;
use http_body_util::BodyExt;
use seawall_base::{Blame, NodeName, OriginName, Region, SiteName};
use seawall_cache::Store;
use seawall_cluster::{Cluster, NodeInfo, Setup};
use seawall_functions::Roster;
use seawall_origin::{ClientSetup, Limits, Outgoing, Pool, PoolMetrics, PoolSetup, Server, Settings, Trust};
use seawall_pipeline::edge::Identity;
use seawall_pipeline::error_page::ErrorPages;
use seawall_pipeline::{
    AccessLog, Connection, Edge, Guards, LastHost, Metrics, Origin, Proxies, Site, Sites, WhenCutOff, Which,
    serve,
};
use seawall_policy::admission::HeadLimits;
use seawall_policy::{Normalise, Rules};

use super::client::HOST;
use super::{bounded, until, world};

/// An edge that listens to nobody and follows no log.
pub(crate) struct LoneEdge {
    edge: Arc<Edge>,
    cached: seawall_cache::Metrics,
}

impl LoneEdge {
    /// In front of the world's origin; its followers wait for as long as `follow_limit`.
    pub(crate) fn new(world: &world::World, follow_limit: Duration) -> Self {
        let config = seawall_cache::Config { follow_limit, ..seawall_cache::Config::default() };
        let cached = seawall_cache::Metrics::default();
        let store = Store::new(config, cached.clone());
        let name = NodeName::new("lone-1").unwrap();
        let site = Arc::new(Site {
            name: SiteName::new("shop").unwrap(),
            in_keys: "shop".into(),
            origin: Origin::Servers(pool(world)),
            error_pages: ErrorPages::default(),
            functions: Arc::new(Roster::none()),
            shield: None,
            when_cut_off: WhenCutOff::default(),
            rules: Rules::default(),
            own_rules: Box::default(),
            normalise: Normalise::default(),
            keying: None,
            strip_set_cookie: false,
            redirect_to_https: false,
            tells_key: false,
            guards: Guards::default(),
            shelf: store.shelf(&SiteName::new("shop").unwrap()),
        });
        let mut sites = Sites::default();
        sites.add(site, [HOST]);
        let edge = Arc::new(Edge {
            identity: Identity::new(&name).unwrap(),
            cluster: cluster(world, &name),
            name,
            clock: world.clock.clone(),
            store,
            sites,
            origins: HashMap::new(),
            peers: None,
            proxies: Proxies::default(),
            https_port: None,
            head_limits: HeadLimits::default(),
            metrics: Metrics::default(),
            access_log: AccessLog { which: Which::Off, ..AccessLog::default() },
            trace: None,
            tracer: None,
            requests: Arc::new(AtomicU64::new(0)),
        });
        Self { edge, cached }
    }

    /// Status and body of a GET.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let request = http::Request::get(path).header("host", HOST).body(Outgoing::empty()).unwrap();
        let connection = Connection {
            ip: None,
            scheme: Scheme::HTTP,
            tls_version: None,
            last_host: LastHost::default(),
            interim: None,
            tunnels: None,
        };
        let exchange = async {
            let (head, body) = serve(&self.edge, &connection, request).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (head.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
        };
        bounded(path, exchange).await
    }

    /// Waits until no fill is in flight.
    pub(crate) async fn is_idle(&self) {
        until("no fill is in flight", || self.cached.in_flight.get() == 0).await;
    }
}

fn pool(world: &world::World) -> Arc<Pool> {
    let server = Server::plain(world.origin.address().to_string().parse().unwrap());
    let (trust, sent) = (Trust::nobody().unwrap(), seawall_origin::Metrics::default());
    let client = ClientSetup::new(Limits::default(), trust, Blame::Origin, sent, world.clock.clone());
    Pool::new(PoolSetup {
        name: OriginName::new("shop").unwrap(),
        servers: vec![server],
        client,
        settings: Settings::default(),
        host_header: None,
        backup: None,
        metrics: PoolMetrics::default(),
    })
}

fn cluster(world: &world::World, name: &NodeName) -> Arc<Cluster> {
    let info = NodeInfo {
        name: name.clone(),
        region: Region::new("local").unwrap(),
        version: "0".to_owned(),
        peer_addr: None,
        started_unix_ms: 0,
    };
    let setup = Setup {
        info,
        log: Arc::clone(&world.shared.log),
        members: world.shared.members.clone(),
        clock: world.clock.clone(),
        metrics: seawall_cluster::Metrics::default(),
        max_lag: Duration::from_secs(5),
    };
    Cluster::join(setup).unwrap().0
}
