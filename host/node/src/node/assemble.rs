//! Who is given what: the configuration becomes rooms, and the rooms a node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use seawall_admin::AdminState;
use seawall_base::{Blame, Clock};
use seawall_cache::Store;
use seawall_cluster::peer::PeerSecret;
use seawall_cluster::{Cluster, Follower, NodeInfo, Setup};
use seawall_origin::{Client, ClientSetup, Limits, Trust};
use seawall_pipeline::edge::Identity;
use seawall_pipeline::{Lines, Peers};

use super::access_log::Writer;
use super::build::{Base, METRICS_PREFIX, Text, unix_ms};
use super::front::Front;
use super::functions::Door;
use super::live::Live;
use super::origins::Counters;
use super::process_metrics::ProcessMetrics;
use super::reload::{ConfigDoor, Reloader, Reloads};
use super::telemetry::Sender;
use super::view::View;
use super::{Shared, StartError};
use crate::config::Config;

/// A node's parts, before any of them runs.
pub(crate) struct Parts {
    pub(crate) live: Live,
    pub(crate) front: Arc<Front>,
    pub(crate) follower: Follower,
    pub(crate) admin: AdminState,
    pub(crate) reloader: Arc<Reloader>,
    /// Writes the access log, where it has a place of its own.
    pub(crate) access_log: Option<Writer>,
    /// Sends spans, where there is a collector.
    pub(crate) telemetry: Option<Sender>,
}

/// How long an edge waits for its shield to accept a connection: shields are near, and the origin is there.
const PEER_CONNECT: Duration = Duration::from_secs(1);

pub(crate) fn assemble(
    config: &Config,
    shared: &Shared,
    peer_addr: Option<SocketAddr>,
    https_port: Option<u16>,
    reloads: Reloads,
) -> Result<Parts, StartError> {
    let mut all = Registry::default();
    all.sub_registry_with_prefix("process").register_collector(Box::new(ProcessMetrics));
    let registry = all.sub_registry_with_prefix(METRICS_PREFIX);
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "What this program is", build);
    let access_log = Writer::start(&config.log.access_to, registry)?;
    let (telemetry, tracer) = Sender::start(config, &shared.clock, registry)?.unzip();
    let clock = &shared.clock;
    let cache = seawall_cache::Metrics::default();
    cache.register(registry);
    let store = Store::new(cache_config(config), cache);
    let origins = Counters::default();
    origins.register(registry);
    let (cluster, follower) = join(config, shared, peer_addr, registry)?;
    let metrics = seawall_pipeline::Metrics::default();
    metrics.register(registry, clock);
    let front = Arc::new(Front::new(config, clock, registry)?);
    let counts = super::reload::Metrics::default();
    counts.register(registry);
    let identity =
        Identity::new(&config.node.name).ok_or_else(|| StartError::Config("the node's name".into()))?;
    let peers = peers(config, clock, registry)?;
    let registry = Arc::new(RwLock::new(all));
    let base = Base {
        shared: shared.clone(),
        store,
        cluster: Arc::clone(&cluster),
        peers,
        https_port,
        metrics,
        identity,
        requests: Arc::new(AtomicU64::new(unix_ms(clock.now()))),
        origins,
        front: Arc::clone(&front),
        registry: Arc::clone(&registry),
        trust: Mutex::default(),
        counts_functions: Mutex::default(),
        lines: access_log.as_ref().map(|writer| writer.queue() as Arc<dyn Lines>),
        tracer,
    };
    let text = reloads.text();
    let text = text.as_ref().map(|(file, text)| Text { file, text });
    let live = Live::new(base.build(config.clone(), text.as_ref(), None, 0)?);
    let reloader = Arc::new(Reloader::new(base, live.clone(), reloads, counts));
    let view = Arc::new(View(live.clone()));
    let admin = AdminState {
        cluster,
        explain: Arc::clone(&view) as Arc<dyn seawall_admin::Explain>,
        functions: Arc::new(Door::new(live.clone(), clock.clone())),
        steps: clock.is_stepped().then(|| clock.clone()),
        origins: view,
        config: Arc::new(ConfigDoor(Arc::clone(&reloader))),
        registry,
    };
    Ok(Parts { live, front, follower, admin, reloader, access_log, telemetry })
}

fn cache_config(config: &Config) -> seawall_cache::Config {
    seawall_cache::Config {
        memory_bytes: config.cache.memory.0,
        object_max_bytes: config.cache.max_object.0,
        ..seawall_cache::Config::default()
    }
}

fn join(
    config: &Config,
    shared: &Shared,
    peer_addr: Option<SocketAddr>,
    registry: &mut Registry,
) -> Result<(Arc<Cluster>, Follower), StartError> {
    let metrics = seawall_cluster::Metrics::default();
    metrics.register(registry);
    let info = NodeInfo {
        name: config.node.name.clone(),
        region: config.node.region.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peer_addr: peer_addr.map(|bound| config.cluster.advertise.unwrap_or(bound)),
        started_unix_ms: unix_ms(shared.clock.now()),
    };
    let (log, members, clock) = (Arc::clone(&shared.log), shared.members.clone(), shared.clock.clone());
    let max_lag = config.cluster.max_lag;
    let joined = Cluster::join(Setup { info, log, members, clock, metrics, max_lag })?;
    shared.announce(&joined.0);
    Ok(joined)
}

fn peers(config: &Config, clock: &Clock, registry: &mut Registry) -> Result<Option<Peers>, StartError> {
    let Some(secret) = &config.cluster.secret else {
        return Ok(None);
    };
    let metrics = seawall_origin::Metrics::default();
    metrics.register(registry, "peer");
    let limits = Limits { connect: PEER_CONNECT, ..Limits::default() };
    // Peers speak plain HTTP.
    let trust = Trust::nobody().map_err(|source| StartError::Io { what: "the client of peers", source })?;
    let client = Client::new(ClientSetup::new(limits, trust, Blame::Peer, metrics, clock.clone()));
    Ok(Some(Peers { client, secret: PeerSecret::new(secret.expose())? }))
}
