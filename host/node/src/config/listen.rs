//! `[listen]`: where requests come in; and that no two listeners of a node want one address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

use super::admin::DEFAULT_ADMIN;
use super::check::Check;
use super::cluster::parse_positive;
use super::duration;
use super::guards::Head;
use super::raw::RawListen;
use super::reader::{Field, Spot, Texts};

mod connections;
mod proxies;

pub use connections::{
    Connections, DEFAULT_HANDSHAKE_TIMEOUT, DEFAULT_HEAD_TIMEOUT, DEFAULT_IDLE_TIMEOUT,
    DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_CONNECTIONS_PER_CLIENT, DEFAULT_MAX_HANDSHAKES, DEFAULT_MAX_STREAMS,
    DEFAULT_STALL_TIMEOUT, DEFAULT_TOTAL_TIMEOUT, DEFAULT_TUNNEL_TIMEOUT,
};
pub use proxies::{ForwardedBy, NETWORKS_MAX, ProxyKeys};

/// Default of [`Listen::http`]: reachable from this machine only, on a port that needs no privileges.
pub const DEFAULT_HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Default of [`Listen::body_timeout`]: longer than a phone's dead spot, as with what it reads.
pub const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The oldest TLS that clients may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub enum TlsMin {
    /// TLS 1.2, with the suites of RFC 9325 §4.2 only: rustls has no others.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V13,
}

impl TlsMin {
    /// All choices.
    pub const ALL: [Self; 2] = [Self::V12, Self::V13];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V12 => "1.2",
            Self::V13 => "1.3",
        }
    }
}

/// `[listen]`: where requests come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// For clients, in plain HTTP. Default [`DEFAULT_HTTP`], or none where there is [`Listen::https`].
    pub http: Vec<SocketAddr>,
    /// For clients, over TLS. Default: none.
    pub https: Vec<SocketAddr>,
    /// For other nodes. Default: none, and then no other node can use this one as its shield.
    pub peers: Option<SocketAddr>,
    /// The oldest TLS that is spoken. Default [`TlsMin::V12`].
    pub tls_min: TlsMin,
    /// Whether a client that names no host, or one that no certificate has, is refused. Default: no, and it is shown the
    /// first certificate.
    pub strict_sni: bool,
    /// How long a client may leave between two pieces of a request's body; then it gets a 408. Default
    /// [`DEFAULT_BODY_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub body_timeout: Duration,
    /// Who stands in front.
    #[serde(flatten)]
    pub proxies: ProxyKeys,
    /// How many connections there may be, and how long each may take for what.
    #[serde(flatten)]
    pub connections: Connections,
    /// How large a request's head may be.
    #[serde(flatten)]
    pub head: Head,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            http: vec![DEFAULT_HTTP],
            https: Vec::new(),
            peers: None,
            tls_min: TlsMin::default(),
            strict_sni: false,
            body_timeout: DEFAULT_BODY_TIMEOUT,
            proxies: ProxyKeys::default(),
            connections: Connections::default(),
            head: Head::default(),
        }
    }
}

impl Listen {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawListen, addresses: &mut Addresses) -> Self {
        let RawListen {
            at: _,
            http,
            https,
            peers,
            tls_min,
            strict_sni,
            body_timeout,
            proxies,
            connections,
            head,
        } = raw;
        let http = if http.at.is_some() || http.broken {
            read_addresses(check, "http", http, "listen.http", addresses)
        } else if https.at.is_some() || https.broken {
            Vec::new()
        } else {
            vec![DEFAULT_HTTP]
        };
        let https = if https.at.is_some() || https.broken {
            read_addresses(check, "https", https, "listen.https", addresses)
        } else {
            Vec::new()
        };
        Self {
            http,
            https,
            peers: addresses.optional(check, "peers", peers, "listen.peers"),
            tls_min: check.or("tls_min", tls_min, TlsMin::default(), |text| {
                Check::word(text, &TlsMin::ALL, TlsMin::as_str)
            }),
            strict_sni: matches!(strict_sni, Field::Given(flag) if flag.value),
            body_timeout: check.or("body_timeout", body_timeout, DEFAULT_BODY_TIMEOUT, parse_positive),
            proxies: ProxyKeys::from_raw(check, proxies),
            connections: Connections::from_raw(check, connections),
            head: Head::from_raw(check, head),
        }
    }
}

fn read_addresses(
    check: &Check<'_>,
    key: &str,
    list: Texts,
    what: &'static str,
    addresses: &mut Addresses,
) -> Vec<SocketAddr> {
    let given = check.some_of(key, list, Check::address);
    given.into_iter().map(|spot| addresses.given(check, &spot, what)).collect()
}

/// The addresses of a node so far. Listeners share ports between threads (`SO_REUSEPORT`), so the system would not
/// object to two of them on one address: requests would go to either by chance.
#[derive(Default)]
pub(super) struct Addresses(Vec<(SocketAddr, &'static str)>);

impl Addresses {
    /// Starts with the defaults that are in force, so that a clash with one is reported at the address that is
    /// written and not at the one that is not.
    pub(super) fn of_defaults(http_by_default: bool, admin_by_default: bool) -> Self {
        let http = http_by_default.then_some((DEFAULT_HTTP, "listen.http (its default)"));
        let admin = admin_by_default.then_some((DEFAULT_ADMIN, "admin.listen (its default)"));
        Self(http.into_iter().chain(admin).collect())
    }

    pub(super) fn optional(
        &mut self,
        check: &Check<'_>,
        key: &str,
        field: Field<String>,
        what: &'static str,
    ) -> Option<SocketAddr> {
        check.optional(key, field, Check::address).map(|spot| self.given(check, &spot, what))
    }

    fn given(&mut self, check: &Check<'_>, spot: &Spot<SocketAddr>, what: &'static str) -> SocketAddr {
        if let Err(wrong) = self.take(spot.value, what) {
            check.problem(spot.at, wrong);
        }
        spot.value
    }

    /// Port 0 asks the system for any free port, so it is never taken.
    pub(super) fn take(&mut self, address: SocketAddr, what: &'static str) -> Result<(), String> {
        let other = self.0.iter().find(|(other, _)| *other == address && address.port() != 0);
        let taken = other.map(|(_, by)| format!("`{address}` is taken by {by} already. Write another port."));
        self.0.push((address, what));
        taken.map_or(Ok(()), Err)
    }
}
