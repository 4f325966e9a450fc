//! `[[origins]]` as it is written.

use crate::config::keys;
use crate::config::reader::{Field, TableReader, TextsOrTables};

#[derive(Debug)]
pub(in crate::config) struct RawOrigin {
    pub(in crate::config) at: usize,
    pub(in crate::config) name: Field<String>,
    /// The keys that it has.
    pub(in crate::config) given: Vec<&'static str>,
    pub(in crate::config) function: Field<String>,
    pub(in crate::config) servers: TextsOrTables<RawServer>,
    pub(in crate::config) connect_timeout: Field<String>,
    pub(in crate::config) first_byte_timeout: Field<String>,
    pub(in crate::config) between_bytes_timeout: Field<String>,
    pub(in crate::config) host_header: Field<String>,
    pub(in crate::config) backup: Field<String>,
    pub(in crate::config) pool: RawPool,
    pub(in crate::config) link: RawLink,
}

impl RawOrigin {
    pub(super) fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            name: table.text("name"),
            given: table.given(),
            function: table.text("function"),
            servers: table.texts_or_tables("servers", &keys::SERVER, RawServer::read),
            connect_timeout: table.text("connect_timeout"),
            first_byte_timeout: table.text("first_byte_timeout"),
            between_bytes_timeout: table.text("between_bytes_timeout"),
            host_header: table.text("host_header"),
            backup: table.text("backup"),
            pool: RawPool::read(table),
            link: RawLink::read(table),
        }
    }

    /// Where its `backup` or its `function` stands; the table where there is neither.
    pub(in crate::config) fn reference_at(&self) -> usize {
        match (&self.backup, &self.function) {
            (Field::Given(spot), _) | (_, Field::Given(spot)) => spot.at,
            _ => self.at,
        }
    }
}

/// A server with more to say than its URL.
#[derive(Debug)]
pub(in crate::config) struct RawServer {
    pub(in crate::config) at: usize,
    pub(in crate::config) url: Field<String>,
    pub(in crate::config) weight: Field<u64>,
    pub(in crate::config) backup: Field<bool>,
}

impl RawServer {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            url: table.text("url"),
            weight: table.number("weight"),
            backup: table.flag("backup"),
        }
    }
}

/// How the servers are chosen, watched and spared.
#[derive(Debug)]
pub(in crate::config) struct RawPool {
    pub(in crate::config) balance: Field<String>,
    pub(in crate::config) try_timeout: Field<String>,
    pub(in crate::config) timeout: Field<String>,
    pub(in crate::config) when_all_out: Field<String>,
    pub(in crate::config) max_connections: Field<u64>,
    pub(in crate::config) max_fetches: Field<u64>,
    pub(in crate::config) queue: Field<u64>,
    pub(in crate::config) queue_timeout: Field<String>,
    pub(in crate::config) health: Field<RawHealth>,
    pub(in crate::config) eject: Field<RawEject>,
    pub(in crate::config) retry: Field<RawRetry>,
}

impl RawPool {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            balance: table.text("balance"),
            try_timeout: table.text("try_timeout"),
            timeout: table.text("timeout"),
            when_all_out: table.text("when_all_out"),
            max_connections: table.number("max_connections"),
            max_fetches: table.number("max_fetches"),
            queue: table.number("queue"),
            queue_timeout: table.text("queue_timeout"),
            health: table.table_if_given("health", &keys::HEALTH, RawHealth::read),
            eject: table.table_if_given("eject", &keys::EJECT, RawEject::read),
            retry: table.table_if_given("retry", &keys::RETRY, RawRetry::read),
        }
    }
}

/// What is spoken to the servers.
#[derive(Debug)]
pub(in crate::config) struct RawLink {
    pub(in crate::config) http2: Field<bool>,
    pub(in crate::config) sni: Field<String>,
    pub(in crate::config) ca_file: Field<String>,
    pub(in crate::config) client_cert: Field<String>,
    pub(in crate::config) client_key: Field<String>,
}

impl RawLink {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            http2: table.flag("http2"),
            sni: table.text("sni"),
            ca_file: table.text("ca_file"),
            client_cert: table.text("client_cert"),
            client_key: table.text("client_key"),
        }
    }
}

#[derive(Debug)]
pub(in crate::config) struct RawHealth {
    pub(in crate::config) at: usize,
    pub(in crate::config) path: Field<String>,
    pub(in crate::config) interval: Field<String>,
    pub(in crate::config) timeout: Field<String>,
    pub(in crate::config) status: Field<String>,
    pub(in crate::config) rise: Field<u64>,
    pub(in crate::config) fall: Field<u64>,
    pub(in crate::config) host: Field<String>,
}

impl RawHealth {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            path: table.text("path"),
            interval: table.text("interval"),
            timeout: table.text("timeout"),
            status: table.text("status"),
            rise: table.number("rise"),
            fall: table.number("fall"),
            host: table.text("host"),
        }
    }
}

#[derive(Debug)]
pub(in crate::config) struct RawEject {
    pub(in crate::config) at: usize,
    pub(in crate::config) failures: Field<u64>,
    pub(in crate::config) base: Field<String>,
    pub(in crate::config) max: Field<String>,
    pub(in crate::config) share: Field<u64>,
    pub(in crate::config) probes: Field<u64>,
}

impl RawEject {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            failures: table.number("failures"),
            base: table.text("base"),
            max: table.text("max"),
            share: table.number("share"),
            probes: table.number("probes"),
        }
    }
}

#[derive(Debug)]
pub(in crate::config) struct RawRetry {
    pub(in crate::config) at: usize,
    pub(in crate::config) percent: Field<u64>,
    pub(in crate::config) min_per_second: Field<u64>,
    pub(in crate::config) tries: Field<u64>,
}

impl RawRetry {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            percent: table.number("percent"),
            min_per_second: table.number("min_per_second"),
            tries: table.number("tries"),
        }
    }
}
