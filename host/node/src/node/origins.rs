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
use tokio::task::JoinSet;

use super::StartError;
use crate::config::{self, Config, Origin};

pub(crate) type Pools = HashMap<OriginName, Arc<Pool>>;

/// Makes the pools.
pub(crate) fn pools(
    config: &Config,
    trust: &Trust,
    clock: &Clock,
    registry: &mut Registry,
) -> Result<Pools, StartError> {
    let (sent, counters) = (Metrics::default(), PoolMetrics::default());
    sent.register(registry, "origin");
    counters.register(registry);
    let mut pools = Pools::new();
    let (with, without): (Vec<_>, Vec<_>) = config.origins.iter().partition(|origin| origin.backup.is_some());
    for origin in without.into_iter().chain(with) {
        let client = ClientSetup {
            protocol: if origin.link.http2 { Protocol::Http2 } else { Protocol::Http1 },
            server_name: origin.link.sni.as_deref().and_then(trust::server_name),
            trust: own_trust(origin, trust)?,
            ..ClientSetup::new(limits(origin), trust.clone(), Blame::Origin, sent.clone(), clock.clone())
        };
        let servers: Result<Vec<_>, String> = origin.servers.iter().map(server).collect();
        let setup = PoolSetup {
            name: origin.name.clone(),
            servers: servers.map_err(StartError::Config)?,
            client,
            settings: settings(origin)?,
            host_header: origin.host_header.as_deref().map(value).transpose()?,
            backup: origin.backup.as_ref().and_then(|name| pools.get(name)).cloned(),
            metrics: counters.clone(),
        };
        pools.insert(origin.name.clone(), Pool::new(setup));
    }
    Ok(pools)
}

/// Checks the servers of all pools for ever.
pub(crate) async fn watch(pools: impl Iterator<Item = Arc<Pool>>) {
    let mut watching: JoinSet<()> = pools.map(Pool::watch).collect();
    while watching.join_next().await.is_some() {}
}

/// The shared trust, unless the origin has files of its own.
fn own_trust(origin: &Origin, shared: &Trust) -> Result<Trust, StartError> {
    let config::LinkKeys { ca_file, client_cert, client_key, .. } = &origin.link;
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
