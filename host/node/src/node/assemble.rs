//! Who is given what: the configuration becomes rooms, and the rooms one [`Edge`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, StatusCode};
use prometheus_client::registry::Registry;
use seawall_admin::{AdminState, Role, Token, Tokens};
use seawall_base::{Blame, Clock, OriginName, SiteName};
use seawall_cache::Store;
use seawall_cluster::peer::PeerSecret;
use seawall_cluster::{Cluster, Follower, NodeInfo, Setup};
use seawall_origin::{Client, ClientSetup, Limits, Trust};
use seawall_pipeline::edge::Identity;
use seawall_pipeline::error_page::{ErrorPage, ErrorPages};
use seawall_pipeline::{AccessLog, Edge, Peers, Site, Sites, WhenCutOff};

use super::control::Sink;
use super::front::Front;
use super::functions::{Door, Switchboard};
use super::origins::{self, Pools};
use super::{Shared, StartError, settings};
use crate::cli::token;
use crate::config::{self, Config, Scheme};

/// A node's parts, before any of them runs.
pub(crate) struct Parts {
    pub(crate) edge: Arc<Edge>,
    pub(crate) front: Arc<Front>,
    pub(crate) follower: Follower,
    pub(crate) admin: AdminState,
    /// Kept for as long as the node runs: its engine's thread interrupts functions.
    pub(crate) functions: Arc<Switchboard>,
}

/// How long an edge waits for its shield to accept a connection: shields are near, and the origin is there.
const PEER_CONNECT: Duration = Duration::from_secs(1);

pub(crate) fn assemble(
    config: &Config,
    shared: &Shared,
    peer_addr: Option<SocketAddr>,
) -> Result<Parts, StartError> {
    let mut registry = Registry::with_prefix("seawall");
    let tokens = tokens(config)?;
    let clock = &shared.clock;
    let cache = seawall_cache::Metrics::default();
    cache.register(&mut registry);
    let store = Store::new(cache_config(config), cache);
    let trust = trust(config)?;
    let origins = origins::pools(config, &trust, clock, &mut registry)?;
    let names = origins.keys().cloned().collect();
    let functions = Switchboard::prepare(&config.functions, &names, shared)?;
    if let Some(runtime) = &functions.runtime {
        runtime.register_metrics(&mut registry);
    }
    let sites = sites(config, &store, &origins, &functions)?;
    let (cluster, follower) = join(config, shared, peer_addr, &mut registry)?;
    let metrics = seawall_pipeline::Metrics::default();
    metrics.register(&mut registry);
    let front = Arc::new(Front::new(config, clock, &mut registry)?);
    let identity =
        Identity::new(&config.node.name).ok_or_else(|| StartError::Config("the node's name".into()))?;
    let edge = Arc::new(Edge {
        name: config.node.name.clone(),
        identity,
        clock: clock.clone(),
        store: Arc::clone(&store),
        sites,
        origins,
        cluster: Arc::clone(&cluster),
        peers: peers(config, &trust, clock, &mut registry)?,
        metrics,
        access_log: access_log(config.log.access),
        requests: AtomicU64::new(unix_ms(clock.now())),
    });
    let admin = AdminState {
        cluster,
        store: Arc::new(Sink { edge: Arc::clone(&edge), functions: Arc::clone(&functions) }),
        functions: Arc::new(Door::new(Arc::clone(&functions), clock.clone())),
        sites: config.sites.iter().map(|site| site.name.clone()).collect(),
        tokens,
        config: config.to_redacted_json(),
        registry: Arc::new(registry),
    };
    Ok(Parts { edge, front, follower, admin, functions })
}

fn unix_ms(now: SystemTime) -> u64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn tokens(config: &Config) -> Result<Tokens, StartError> {
    let resolved = token::resolve_for_server(config, token::from_env().as_deref())?;
    let tokens = resolved.into_iter().map(|token| {
        let role = match token.role {
            config::Role::Read => Role::Read,
            config::Role::Write => Role::Write,
        };
        Token { name: token.name, secret: token.secret.expose().to_owned(), role }
    });
    Tokens::new(tokens.collect()).map_err(|errors| {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        StartError::AdminToken(texts.join("; "))
    })
}

fn cache_config(config: &Config) -> seawall_cache::Config {
    seawall_cache::Config {
        memory_bytes: config.cache.memory.0,
        object_max_bytes: config.cache.max_object.0,
        ..seawall_cache::Config::default()
    }
}

fn access_log(config: config::AccessLog) -> AccessLog {
    match config {
        config::AccessLog::Off => AccessLog::Off,
        config::AccessLog::Errors => AccessLog::Errors,
        config::AccessLog::All => AccessLog::All,
    }
}

/// The machine's certificates are read only where an origin is asked over TLS.
fn trust(config: &Config) -> Result<Trust, StartError> {
    let mut servers = config.origins.iter().flat_map(|origin| &origin.servers);
    let tls = servers.any(|server| server.url.scheme() == Scheme::Https);
    let trust = if tls { Trust::system() } else { Trust::nobody() };
    trust.map_err(|source| StartError::Io {
        what: "the machine's certificate authorities, for https origins",
        source,
    })
}

fn sites(
    config: &Config,
    store: &Store,
    pools: &Pools,
    functions: &Switchboard,
) -> Result<Sites, StartError> {
    let mut sites = Sites::default();
    for site in &config.sites {
        let pool = pools.get(&site.origin).ok_or_else(|| no_origin(&site.name, &site.origin))?;
        let hosts: Vec<String> = site.hosts.iter().map(ToString::to_string).collect();
        let keying = settings::keying(site)?;
        let built = Site {
            name: site.name.clone(),
            origin: Arc::clone(pool),
            error_pages: error_pages(site)?,
            functions: functions.roster(site)?,
            shield: site.shield.clone(),
            when_cut_off: when_cut_off(site.when_cut_off),
            rules: settings::rules(site, keying.as_deref()),
            own_rules: settings::own_rules(site),
            normalise: settings::normalise(site),
            keying,
            strip_set_cookie: site.caching.strip_set_cookie,
            tells_key: site.caching.debug_key,
            shelf: store.shelf(&site.name),
        };
        sites.add(Arc::new(built), hosts.iter().map(String::as_str));
    }
    Ok(sites)
}

/// Read once, at the start.
fn error_pages(site: &config::Site) -> Result<ErrorPages, StartError> {
    let mut pages = ErrorPages::default();
    for config::ErrorPageFile { status, file, media_type } in &site.error_page {
        let wrong = |error: &dyn std::fmt::Display| {
            StartError::Config(format!("site `{}`: error page {}: {error}", site.name, file.display()))
        };
        let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?.into_boxed_str();
        let status = status.map(StatusCode::from_u16).transpose().map_err(|error| wrong(&error))?;
        pages.add(status, ErrorPage { media_type: HeaderValue::from_static(media_type), text });
    }
    Ok(pages)
}

fn no_origin(site: &SiteName, origin: &OriginName) -> StartError {
    StartError::Config(format!("site `{site}` names the origin `{origin}`, which there is not"))
}

fn when_cut_off(config: config::WhenCutOff) -> WhenCutOff {
    match config {
        config::WhenCutOff::Serve => WhenCutOff::Serve,
        config::WhenCutOff::Revalidate => WhenCutOff::Revalidate,
        config::WhenCutOff::Refuse => WhenCutOff::Refuse,
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

fn peers(
    config: &Config,
    trust: &Trust,
    clock: &Clock,
    registry: &mut Registry,
) -> Result<Option<Peers>, StartError> {
    let Some(secret) = &config.cluster.secret else {
        return Ok(None);
    };
    let metrics = seawall_origin::Metrics::default();
    metrics.register(registry, "peer");
    let limits = Limits { connect: PEER_CONNECT, ..Limits::default() };
    let setup = ClientSetup::new(limits, trust.clone(), Blame::Peer, metrics, clock.clone());
    let client = Client::new(setup);
    Ok(Some(Peers { client, secret: PeerSecret::new(secret.expose())? }))
}
