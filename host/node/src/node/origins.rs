//! The configured origins become pools; backups first, since a pool holds its own.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderValue;
use prometheus_client::registry::Registry;
use seawall_base::{Blame, Clock, OriginName};
use seawall_origin::{
    Caps, ClientSetup, Ejection, HealthCheck, Limits, Metrics, Pool, PoolMetrics, PoolSetup, Protocol,
    RetryLimits, Server, Settings, TlsFiles, Trust, trust,
};
use seawall_pipeline::Origin as Upstream;
use tokio::task::JoinHandle;

use super::StartError;
use super::functions::Switchboard;
use crate::config::{self, Config, LinkKeys, Origin};

pub(crate) type Pools = HashMap<OriginName, Made>;
pub(crate) type Origins = HashMap<OriginName, Upstream>;

/// A pool, and what it was made of.
pub(crate) struct Made {
    pub(crate) pool: Arc<Pool>,
    of: Origin,
    /// A digest of its certificate files.
    files: blake3::Hash,
}

/// What is counted of all pools, whatever the configuration.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    sent: Metrics,
    pools: PoolMetrics,
}

impl Counters {
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.sent.register(registry, "origin");
        self.pools.register(registry);
    }

    /// Ends the series of a pool that is asked no more.
    pub(crate) fn retire(&self, pool: &Pool, successor: Option<&Pool>) {
        self.pools.retire(pool, successor);
    }
}

/// Makes the pools. One that is made of the same as one of `before` is that one: its connections, what is known of its
/// servers, and what is under way there go on.
pub(crate) fn pools(
    config: &Config,
    trust: &Trust,
    clock: &Clock,
    counters: &Counters,
    before: Option<&Pools>,
) -> Result<Pools, StartError> {
    let mut pools = Pools::new();
    let served = config.origins.iter().filter(|origin| origin.function.is_none());
    let (with, without): (Vec<_>, Vec<_>) = served.partition(|origin| origin.backup.is_some());
    for origin in without.into_iter().chain(with) {
        let backup =
            origin.backup.as_ref().and_then(|name| pools.get(name)).map(|made| Arc::clone(&made.pool));
        let files = digest(origin)?;
        if let Some(made) = before.and_then(|before| before.get(&origin.name))
            && made.of == *origin
            && made.files == files
            && made.pool.has_backup(backup.as_ref())
        {
            pools.insert(
                origin.name.clone(),
                Made { pool: Arc::clone(&made.pool), of: origin.clone(), files },
            );
            continue;
        }
        let sent = counters.sent.clone();
        let client = ClientSetup {
            protocol: if origin.link.http2 { Protocol::Http2 } else { Protocol::Http1 },
            server_name: origin.link.sni.as_deref().and_then(trust::server_name),
            trust: own_trust(origin, trust)?,
            ..ClientSetup::new(limits(origin), trust.clone(), Blame::Origin, sent, clock.clone())
        };
        let servers: Result<Vec<_>, String> = origin.servers.iter().map(server).collect();
        let setup = PoolSetup {
            name: origin.name.clone(),
            servers: servers.map_err(StartError::Config)?,
            client,
            settings: settings(origin)?,
            host_header: origin.host_header.as_deref().map(value).transpose()?,
            backup,
            metrics: counters.pools.clone(),
        };
        pools.insert(origin.name.clone(), Made { pool: Pool::new(setup), of: origin.clone(), files });
    }
    Ok(pools)
}

/// All origins: those with servers, and those that handlers are.
pub(crate) fn origins(
    config: &Config,
    pools: &Pools,
    functions: &Switchboard,
) -> Result<Origins, StartError> {
    let served = pools.iter().map(|(name, made)| (name.clone(), Upstream::Servers(Arc::clone(&made.pool))));
    let mut all: Origins = served.collect();
    for origin in &config.origins {
        if let Some(function) = &origin.function {
            all.insert(origin.name.clone(), Upstream::Handler(functions.mount(function.as_str())?));
        }
    }
    Ok(all)
}

/// What an origin's certificate files hold.
fn digest(origin: &Origin) -> Result<blake3::Hash, StartError> {
    let mut hasher = blake3::Hasher::new();
    let LinkKeys { ca_file, client_cert, client_key, .. } = &origin.link;
    for file in [ca_file, client_cert, client_key].into_iter().flatten() {
        let read = std::fs::read(file);
        let bytes = read.map_err(|error| StartError::Config(format!("`{}`: {error}", file.display())))?;
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    }
    Ok(hasher.finalize())
}

/// The checks of all pools in force. Those of a pool that stays go on.
#[derive(Default)]
pub(crate) struct Watches(HashMap<OriginName, (Arc<Pool>, AbortOnDrop)>);

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Watches {
    /// Begins those of new pools, and ends those of pools that are gone.
    pub(crate) fn follow(&mut self, pools: &Pools) {
        self.0.retain(|name, (pool, _)| pools.get(name).is_some_and(|made| Arc::ptr_eq(&made.pool, pool)));
        for (name, Made { pool, .. }) in pools {
            let begin = || (Arc::clone(pool), AbortOnDrop(tokio::spawn(Arc::clone(pool).watch())));
            self.0.entry(name.clone()).or_insert_with(begin);
        }
    }
}

/// The shared trust, unless the origin has files of its own.
fn own_trust(origin: &Origin, shared: &Trust) -> Result<Trust, StartError> {
    let LinkKeys { ca_file, client_cert, client_key, .. } = &origin.link;
    let identity = client_cert.clone().zip(client_key.clone());
    if ca_file.is_none() && identity.is_none() {
        return Ok(shared.clone());
    }
    let files = TlsFiles { authorities: ca_file.clone(), identity };
    Trust::of_files(&files).map_err(|error| StartError::Config(format!("origin `{}`: {error}", origin.name)))
}

fn limits(origin: &Origin) -> Limits {
    Limits {
        connect: origin.connect_timeout,
        first_byte: origin.first_byte_timeout,
        between_bytes: origin.between_bytes_timeout,
    }
}

fn server(server: &config::OriginServer) -> Result<Server, String> {
    let parsed: Server = server.url.to_string().parse()?;
    Ok(parsed.weighing(server.weight).in_role(server.role))
}

fn settings(origin: &Origin) -> Result<Settings, StartError> {
    let config::PoolKeys { eject, retry, .. } = &origin.pool;
    Ok(Settings {
        balance: origin.pool.balance,
        ejection: Ejection {
            failures: eject.failures,
            base: eject.base,
            max: eject.max,
            share_percent: eject.share,
            probes: eject.probes,
        },
        retry: RetryLimits {
            percent: retry.percent,
            min_per_second: retry.min_per_second,
            tries: retry.tries,
        },
        caps: Caps {
            max_connections: origin.pool.max_connections,
            max_fetches: origin.pool.max_fetches,
            queue: origin.pool.queue,
            queue_timeout: origin.pool.queue_timeout,
        },
        try_timeout: origin.pool.try_timeout,
        timeout: origin.pool.timeout,
        when_all_out: origin.pool.when_all_out,
        health: origin.pool.health.as_ref().map(health).transpose()?,
    })
}

fn health(health: &config::Health) -> Result<HealthCheck, StartError> {
    Ok(HealthCheck {
        path: health.path.parse().map_err(|_| StartError::Config(format!("`{}` is no path", health.path)))?,
        host: health.host.as_deref().map(value).transpose()?,
        interval: health.interval,
        timeout: health.timeout,
        status: health.status.clone(),
        rise: health.rise,
        fall: health.fall,
    })
}

fn value(text: &str) -> Result<HeaderValue, StartError> {
    HeaderValue::try_from(text).map_err(|error| StartError::Config(error.to_string()))
}
