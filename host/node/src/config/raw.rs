//! The first tier: the file's tables as they are written, with places. Nothing is checked here but shape.

use std::collections::BTreeMap;

use super::keys;
use super::reader::{Field, TableReader, Texts};

mod caching;
mod guards;
mod listen;
mod origin;

pub(super) use caching::{RawCaching, RawKey, RawNormalise, RawQuery, RawRule};
pub(super) use guards::{RawGuards, RawHead};
pub(super) use listen::{RawCertificate, RawConnections, RawListen, RawProxies};
pub(super) use origin::{RawEject, RawHealth, RawLink, RawOrigin, RawPool, RawRetry, RawServer};

#[derive(Debug)]
pub(super) struct RawConfig {
    pub(super) node: RawNode,
    pub(super) listen: RawListen,
    pub(super) certificates: Field<Vec<RawCertificate>>,
    pub(super) cache: RawCache,
    pub(super) admin: RawAdmin,
    pub(super) cluster: RawCluster,
    pub(super) origins: Field<Vec<RawOrigin>>,
    pub(super) functions: Field<Vec<RawFunction>>,
    pub(super) sites: Field<Vec<RawSite>>,
    pub(super) log: RawLog,
    pub(super) telemetry: RawTelemetry,
}

impl RawConfig {
    pub(super) fn read(file: &TableReader<'_>) -> Self {
        Self {
            node: RawNode::read(&file.table("node", &keys::NODE)),
            listen: RawListen::read(&file.table("listen", &keys::LISTEN)),
            certificates: file.tables("certificates", &keys::CERTIFICATE, RawCertificate::read),
            cache: RawCache::read(&file.table("cache", &keys::CACHE)),
            admin: RawAdmin::read(&file.table("admin", &keys::ADMIN)),
            cluster: RawCluster::read(&file.table("cluster", &keys::CLUSTER)),
            origins: file.tables("origins", &keys::ORIGIN, RawOrigin::read),
            functions: file.tables("functions", &keys::FUNCTION, RawFunction::read),
            sites: file.tables("sites", &keys::SITE, RawSite::read),
            log: RawLog::read(&file.table("log", &keys::LOG)),
            telemetry: RawTelemetry::read(&file.table("telemetry", &keys::TELEMETRY)),
        }
    }
}

#[derive(Debug)]
pub(super) struct RawNode {
    pub(super) at: usize,
    pub(super) name: Field<String>,
    pub(super) region: Field<String>,
    pub(super) data_dir: Field<String>,
    pub(super) threads: Field<u64>,
    pub(super) watch_config: Field<bool>,
}

impl RawNode {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            name: table.text("name"),
            region: table.text("region"),
            data_dir: table.text("data_dir"),
            threads: table.number("threads"),
            watch_config: table.flag("watch_config"),
        }
    }
}

#[derive(Debug)]
pub(super) struct RawCache {
    pub(super) at: usize,
    pub(super) memory: Field<String>,
    pub(super) max_object: Field<String>,
}

impl RawCache {
    fn read(table: &TableReader<'_>) -> Self {
        Self { at: table.at(), memory: table.text("memory"), max_object: table.text("max_object") }
    }
}

#[derive(Debug)]
pub(super) struct RawAdmin {
    pub(super) at: usize,
    pub(super) listen: Field<String>,
    pub(super) tokens: Field<Vec<RawToken>>,
    pub(super) purge_confirm: RawPurgeConfirm,
}

impl RawAdmin {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            listen: table.text("listen"),
            tokens: table.tables("tokens", &keys::TOKEN, RawToken::read),
            purge_confirm: RawPurgeConfirm::read(&table.table("purge_confirm", &keys::PURGE_CONFIRM)),
        }
    }
}

#[derive(Debug)]
pub(super) struct RawPurgeConfirm {
    pub(super) at: usize,
    pub(super) objects: Field<u64>,
    pub(super) hits_percent: Field<u64>,
}

impl RawPurgeConfirm {
    fn read(table: &TableReader<'_>) -> Self {
        Self { at: table.at(), objects: table.number("objects"), hits_percent: table.number("hits_percent") }
    }
}

#[derive(Debug)]
pub(super) struct RawToken {
    pub(super) at: usize,
    pub(super) name: Field<String>,
    pub(super) role: Field<String>,
    pub(super) sites: Texts,
    pub(super) secret: RawSecret,
}

impl RawToken {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            name: table.text("name"),
            role: table.text("role"),
            sites: table.texts("sites"),
            secret: RawSecret::read(table),
        }
    }
}

/// The two ways to give a secret.
#[derive(Debug)]
pub(super) struct RawSecret {
    pub(super) secret: Field<String>,
    pub(super) secret_file: Field<String>,
}

impl RawSecret {
    fn read(table: &TableReader<'_>) -> Self {
        Self { secret: table.text("secret"), secret_file: table.text("secret_file") }
    }

    /// Whether the author gave one, right or wrong.
    pub(super) fn is_given(&self) -> bool {
        !matches!((&self.secret, &self.secret_file), (Field::Absent, Field::Absent))
    }
}

#[derive(Debug)]
pub(super) struct RawCluster {
    pub(super) at: usize,
    pub(super) secret: RawSecret,
    pub(super) max_lag: Field<String>,
    pub(super) advertise: Field<String>,
    pub(super) nats: RawNats,
}

impl RawCluster {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            secret: RawSecret::read(table),
            max_lag: table.text("max_lag"),
            advertise: table.text("advertise"),
            nats: RawNats::read(table),
        }
    }

    /// Whether the file says that the node is one of several.
    pub(super) fn is_given(&self) -> bool {
        self.secret.is_given() || self.nats.servers.at.is_some() || self.nats.servers.broken
    }
}

/// The keys of `[cluster]` that are about NATS.
#[derive(Debug)]
pub(super) struct RawNats {
    pub(super) servers: Texts,
    pub(super) name: Field<String>,
    pub(super) domain: Field<String>,
    pub(super) replicas: Field<u64>,
    pub(super) retention: Field<String>,
    pub(super) max_bytes: Field<String>,
    pub(super) credentials: Field<String>,
    pub(super) nkey_file: Field<String>,
    pub(super) token_file: Field<String>,
    pub(super) user: Field<String>,
    pub(super) password_file: Field<String>,
    pub(super) tls_ca: Field<String>,
    pub(super) tls_cert: Field<String>,
    pub(super) tls_key: Field<String>,
}

impl RawNats {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            servers: table.texts("nats"),
            name: table.text("name"),
            domain: table.text("domain"),
            replicas: table.number("replicas"),
            retention: table.text("retention"),
            max_bytes: table.text("max_bytes"),
            credentials: table.text("credentials"),
            nkey_file: table.text("nkey_file"),
            token_file: table.text("token_file"),
            user: table.text("user"),
            password_file: table.text("password_file"),
            tls_ca: table.text("tls_ca"),
            tls_cert: table.text("tls_cert"),
            tls_key: table.text("tls_key"),
        }
    }
}

#[derive(Debug)]
pub(super) struct RawFunction {
    pub(super) at: usize,
    pub(super) name: Field<String>,
    pub(super) file: Field<String>,
    pub(super) config: Field<BTreeMap<String, String>>,
    pub(super) grants: Texts,
    pub(super) on_error: Field<BTreeMap<String, String>>,
}

impl RawFunction {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            name: table.text("name"),
            file: table.text("file"),
            config: table.pairs("config"),
            grants: table.texts("grants"),
            on_error: table.pairs("on_error"),
        }
    }
}

#[derive(Debug)]
pub(super) struct RawSite {
    pub(super) at: usize,
    pub(super) name: Field<String>,
    pub(super) hosts: Texts,
    pub(super) origin: Field<String>,
    pub(super) functions: Texts,
    pub(super) shield: Field<String>,
    pub(super) when_cut_off: Field<String>,
    pub(super) default_ttl: Field<String>,
    pub(super) stale_while_revalidate: Field<String>,
    pub(super) stale_if_error: Field<String>,
    pub(super) negative_ttl: Field<String>,
    pub(super) redirect_to_https: Field<bool>,
    pub(super) caching: RawCaching,
    pub(super) guards: RawGuards,
    pub(super) error_page: Field<BTreeMap<String, String>>,
}

impl RawSite {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            name: table.text("name"),
            hosts: table.texts("hosts"),
            origin: table.text("origin"),
            functions: table.texts("functions"),
            shield: table.text("shield"),
            when_cut_off: table.text("when_cut_off"),
            default_ttl: table.text("default_ttl"),
            stale_while_revalidate: table.text("stale_while_revalidate"),
            stale_if_error: table.text("stale_if_error"),
            negative_ttl: table.text("negative_ttl"),
            redirect_to_https: table.flag("redirect_to_https"),
            caching: RawCaching::read(table),
            guards: RawGuards::read(table),
            error_page: table.pairs("error_page"),
        }
    }
}

#[derive(Debug)]
pub(super) struct RawLog {
    pub(super) at: usize,
    pub(super) level: Field<String>,
    pub(super) access: Field<String>,
    pub(super) access_to: Field<String>,
    pub(super) access_sample: Field<f64>,
    pub(super) access_query: Field<bool>,
    pub(super) format: Field<String>,
}

impl RawLog {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            level: table.text("level"),
            access: table.text("access"),
            access_to: table.text("access_to"),
            access_sample: table.decimal("access_sample"),
            access_query: table.flag("access_query"),
            format: table.text("format"),
        }
    }
}

#[derive(Debug)]
pub(super) struct RawTelemetry {
    pub(super) at: usize,
    pub(super) otlp: Field<String>,
    pub(super) sample: Field<f64>,
    pub(super) trust_clients: Field<bool>,
}

impl RawTelemetry {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            otlp: table.text("otlp"),
            sample: table.decimal("sample"),
            trust_clients: table.flag("trust_clients"),
        }
    }
}
