//! `[listen]`: where requests come in; and that no two listeners of a node want one address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

use super::admin::DEFAULT_ADMIN;
use super::check::Check;
use super::cluster::parse_positive;
use super::duration;
use super::raw::RawListen;
use super::reader::{Field, Spot};

/// Default of [`Listen::http`]: reachable from this machine only, on a port that needs no privileges.
pub const DEFAULT_HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Default of [`Listen::body_timeout`]: longer than a phone's dead spot, as with what it reads.
pub const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// `[listen]`: where requests come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// For clients, in plain HTTP. Default [`DEFAULT_HTTP`].
    pub http: Vec<SocketAddr>,
    /// For other nodes. Default: none, and then no other node can use this one as its shield.
    pub peers: Option<SocketAddr>,
    /// How long a client may leave between two pieces of a request's body; then it gets a 408. Default
    /// [`DEFAULT_BODY_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub body_timeout: Duration,
}

impl Default for Listen {
    fn default() -> Self {
        Self { http: vec![DEFAULT_HTTP], peers: None, body_timeout: DEFAULT_BODY_TIMEOUT }
    }
}

impl Listen {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawListen, addresses: &mut Addresses) -> Self {
        let RawListen { at: _, http, peers, body_timeout } = raw;
        let http = if http.at.is_none() && !http.broken {
            vec![DEFAULT_HTTP]
        } else {
            let given = check.some_of("http", http, Check::address);
            given.into_iter().map(|spot| addresses.given(check, &spot, "listen.http")).collect()
        };
        Self {
            http,
            peers: addresses.optional(check, "peers", peers, "listen.peers"),
            body_timeout: check.or("body_timeout", body_timeout, DEFAULT_BODY_TIMEOUT, parse_positive),
        }
    }
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
