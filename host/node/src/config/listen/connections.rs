//! `[listen]`: how many connections there may be, and how long each may take for what.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Serialize;

use crate::config::check::Check;
use crate::config::cluster::parse_positive;
use crate::config::duration;
use crate::config::raw::RawConnections;
use crate::config::reader::Field;

/// Default of [`Connections::max_connections`]: at some 30 KiB for an idle one, a gibibyte.
pub const DEFAULT_MAX_CONNECTIONS: NonZeroU32 = number(32_768);
/// Default of [`Connections::max_connections_per_client`]: hundreds of people behind one address, and a thirtieth of all.
pub const DEFAULT_MAX_CONNECTIONS_PER_CLIENT: NonZeroU32 = number(1024);
/// Default of [`Connections::max_handshakes`]: what a core completes in a second, and one more for those that wait.
pub const DEFAULT_MAX_HANDSHAKES: NonZeroU32 = number(1024);
/// Default of [`Connections::max_streams`]: RFC 9113 §6.5.2 asks for at least 100.
pub const DEFAULT_MAX_STREAMS: NonZeroU32 = number(128);
/// Default of [`Connections::handshake_timeout`]: two round trips, some of them lost.
pub const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Default of [`Connections::head_timeout`]: a head fits into a few packets.
pub const DEFAULT_HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Default of [`Connections::idle_timeout`]: browsers come back within it, and load balancers give up after it.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Default of [`Connections::stall_timeout`]: longer than a phone's dead spot.
pub const DEFAULT_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Default of [`Connections::total_timeout`]: that of a fill. Nothing else ends who drips.
pub const DEFAULT_TOTAL_TIMEOUT: Duration = Duration::from_secs(3600);

/// Default of [`Connections::tunnel_timeout`]: WebSocket libraries send a ping every 20 to 60 s.
pub const DEFAULT_TUNNEL_TIMEOUT: Duration = Duration::from_secs(120);

/// Most that any of the numbers can be: a process has no more files.
const NUMBER_MAX: u32 = 10_000_000;

const fn number(value: u32) -> NonZeroU32 {
    match NonZeroU32::new(value) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// How many connections there may be, and how long each may take for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// Connections of clients at once, on all listeners. Default [`DEFAULT_MAX_CONNECTIONS`].
    pub max_connections: NonZeroU32,
    /// Those of one client: an IPv4 address, or an IPv6 network of 64 bits. Default
    /// [`DEFAULT_MAX_CONNECTIONS_PER_CLIENT`].
    pub max_connections_per_client: NonZeroU32,
    /// TLS handshakes under way at once; with one more the oldest is cut. Default [`DEFAULT_MAX_HANDSHAKES`].
    pub max_handshakes: NonZeroU32,
    /// Requests at once on one HTTP/2 connection. Default [`DEFAULT_MAX_STREAMS`].
    pub max_streams: NonZeroU32,
    /// How long a TLS handshake may take. Default [`DEFAULT_HANDSHAKE_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub handshake_timeout: Duration,
    /// How long a request's head may take, and a new connection's first byte. Default [`DEFAULT_HEAD_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub head_timeout: Duration,
    /// How long a connection may wait for its next request. Default [`DEFAULT_IDLE_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what waits for it. Default [`DEFAULT_STALL_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub stall_timeout: Duration,
    /// How long one request may take from its head to the last byte of its response. Default
    /// [`DEFAULT_TOTAL_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub total_timeout: Duration,
    /// How long a connection that has left HTTP, such as a WebSocket, may carry nothing. Default
    /// [`DEFAULT_TUNNEL_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub tunnel_timeout: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            max_connections: DEFAULT_MAX_CONNECTIONS,
            max_connections_per_client: DEFAULT_MAX_CONNECTIONS_PER_CLIENT,
            max_handshakes: DEFAULT_MAX_HANDSHAKES,
            max_streams: DEFAULT_MAX_STREAMS,
            handshake_timeout: DEFAULT_HANDSHAKE_TIMEOUT,
            head_timeout: DEFAULT_HEAD_TIMEOUT,
            idle_timeout: DEFAULT_IDLE_TIMEOUT,
            stall_timeout: DEFAULT_STALL_TIMEOUT,
            total_timeout: DEFAULT_TOTAL_TIMEOUT,
            tunnel_timeout: DEFAULT_TUNNEL_TIMEOUT,
        }
    }
}

impl Connections {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawConnections) -> Self {
        let RawConnections {
            max_connections,
            max_connections_per_client,
            max_handshakes,
            max_streams,
            handshake_timeout,
            head_timeout,
            idle_timeout,
            stall_timeout,
            total_timeout,
            tunnel_timeout,
        } = raw;
        let count = |key, field: Field<u64>, default| {
            check.number(key, &field, 1..=NUMBER_MAX).and_then(NonZeroU32::new).unwrap_or(default)
        };
        let time = |key, field, default| check.or(key, field, default, parse_positive);
        Self {
            max_connections: count("max_connections", max_connections, DEFAULT_MAX_CONNECTIONS),
            max_connections_per_client: count(
                "max_connections_per_client",
                max_connections_per_client,
                DEFAULT_MAX_CONNECTIONS_PER_CLIENT,
            ),
            max_handshakes: count("max_handshakes", max_handshakes, DEFAULT_MAX_HANDSHAKES),
            max_streams: count("max_streams", max_streams, DEFAULT_MAX_STREAMS),
            handshake_timeout: time("handshake_timeout", handshake_timeout, DEFAULT_HANDSHAKE_TIMEOUT),
            head_timeout: time("head_timeout", head_timeout, DEFAULT_HEAD_TIMEOUT),
            idle_timeout: time("idle_timeout", idle_timeout, DEFAULT_IDLE_TIMEOUT),
            stall_timeout: time("stall_timeout", stall_timeout, DEFAULT_STALL_TIMEOUT),
            total_timeout: time("total_timeout", total_timeout, DEFAULT_TOTAL_TIMEOUT),
            tunnel_timeout: time("tunnel_timeout", tunnel_timeout, DEFAULT_TUNNEL_TIMEOUT),
        }
    }
}
