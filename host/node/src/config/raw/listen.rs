//! `[listen]` and `[[certificates]]` as they are written.

use super::RawHead;
use crate::config::reader::{Field, TableReader, Texts};

#[derive(Debug)]
pub(in crate::config) struct RawListen {
    pub(in crate::config) at: usize,
    pub(in crate::config) http: Texts,
    pub(in crate::config) https: Texts,
    pub(in crate::config) peers: Field<String>,
    pub(in crate::config) tls_min: Field<String>,
    pub(in crate::config) strict_sni: Field<bool>,
    pub(in crate::config) body_timeout: Field<String>,
    pub(in crate::config) proxies: RawProxies,
    pub(in crate::config) connections: RawConnections,
    pub(in crate::config) head: RawHead,
}

impl RawListen {
    pub(in crate::config) fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            http: table.texts("http"),
            https: table.texts("https"),
            peers: table.text("peers"),
            tls_min: table.text("tls_min"),
            strict_sni: table.flag("strict_sni"),
            body_timeout: table.text("body_timeout"),
            proxies: RawProxies::read(table),
            connections: RawConnections::read(table),
            head: RawHead::read(table),
        }
    }
}

/// Who stands in front.
#[derive(Debug)]
pub(in crate::config) struct RawProxies {
    pub(in crate::config) trusted: Texts,
    pub(in crate::config) forwarded_by: Field<String>,
    pub(in crate::config) proxy_protocol: Texts,
    pub(in crate::config) redirect_to_https: Field<bool>,
}

impl RawProxies {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            trusted: table.texts("trusted"),
            forwarded_by: table.text("forwarded_by"),
            proxy_protocol: table.texts("proxy_protocol"),
            redirect_to_https: table.flag("redirect_to_https"),
        }
    }
}

/// How many connections there may be, and how long each may take for what.
#[derive(Debug)]
pub(in crate::config) struct RawConnections {
    pub(in crate::config) max_connections: Field<u64>,
    pub(in crate::config) max_connections_per_client: Field<u64>,
    pub(in crate::config) max_handshakes: Field<u64>,
    pub(in crate::config) max_streams: Field<u64>,
    pub(in crate::config) handshake_timeout: Field<String>,
    pub(in crate::config) head_timeout: Field<String>,
    pub(in crate::config) idle_timeout: Field<String>,
    pub(in crate::config) stall_timeout: Field<String>,
    pub(in crate::config) total_timeout: Field<String>,
    pub(in crate::config) tunnel_timeout: Field<String>,
}

impl RawConnections {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            max_connections: table.number("max_connections"),
            max_connections_per_client: table.number("max_connections_per_client"),
            max_handshakes: table.number("max_handshakes"),
            max_streams: table.number("max_streams"),
            handshake_timeout: table.text("handshake_timeout"),
            head_timeout: table.text("head_timeout"),
            idle_timeout: table.text("idle_timeout"),
            stall_timeout: table.text("stall_timeout"),
            total_timeout: table.text("total_timeout"),
            tunnel_timeout: table.text("tunnel_timeout"),
        }
    }
}

/// One pair of certificate and key.
#[derive(Debug)]
pub(in crate::config) struct RawCertificate {
    pub(in crate::config) at: usize,
    pub(in crate::config) cert: Field<String>,
    pub(in crate::config) key: Field<String>,
}

impl RawCertificate {
    pub(in crate::config) fn read(table: &TableReader<'_>) -> Self {
        Self { at: table.at(), cert: table.text("cert"), key: table.text("key") }
    }
}
