//! `[[origins]]`: the servers that own the content.

use std::time::Duration;

use http::uri::Authority;
use seawall_base::OriginName;
use serde::Serialize;

use super::check::{Check, Names};
use super::cluster::parse_positive;
use super::duration;
use super::function::FunctionName;
use super::raw::RawOrigin;
use super::reader::Field;
use super::server::ServerUrl;

mod health;
mod link;
mod pool;
mod server;

pub use health::{HEALTH_INTERVAL_MIN, Health};
pub use link::LinkKeys;
pub use pool::{CAP_MAX, COUNT_MAX, Eject, PoolKeys, RETRY_PERCENT_MAX, Retry};
pub use server::OriginServer;

/// Default of [`Origin::connect_timeout`]: one lost SYN is retried after 1 s and a second one after 3 s; after that the
/// next server is the better bet.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// Default of [`Origin::first_byte_timeout`]: slow pages exist; clients give up at about this time.
pub const DEFAULT_FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(30);
/// Default of [`Origin::between_bytes_timeout`]: a body that pauses for longer has most likely died.
pub const DEFAULT_BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(30);

/// `[[origins]]`: a named pool of servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// What sites call it.
    pub name: OriginName,
    /// The handler that answers in place of servers. One of [`super::Config::functions`]. Default: none.
    pub function: Option<FunctionName>,
    /// At least one, unless there is a handler.
    pub servers: Vec<OriginServer>,
    /// Longest wait for a connection, TLS included. Default [`DEFAULT_CONNECT_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub connect_timeout: Duration,
    /// Longest wait for the head of a response. Default [`DEFAULT_FIRST_BYTE_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub first_byte_timeout: Duration,
    /// Longest pause within a body. Default [`DEFAULT_BETWEEN_BYTES_TIMEOUT`].
    #[serde(serialize_with = "duration::serialize")]
    pub between_bytes_timeout: Duration,
    /// The `Host` that its servers see, with a port where they want one. Default: the client's own.
    pub host_header: Option<String>,
    /// Who is asked where no server can be. Another of [`super::Config::origins`], which has no backup itself. Default:
    /// nobody.
    pub backup: Option<OriginName>,
    /// How the servers are chosen, watched and spared.
    #[serde(flatten)]
    pub pool: PoolKeys,
    /// What is spoken to them.
    #[serde(flatten)]
    pub link: LinkKeys,
}

impl Origin {
    /// An origin of one server, all else at its default.
    pub(super) fn of(name: OriginName, server: ServerUrl) -> Self {
        Self {
            name,
            function: None,
            servers: vec![server.into()],
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            first_byte_timeout: DEFAULT_FIRST_BYTE_TIMEOUT,
            between_bytes_timeout: DEFAULT_BETWEEN_BYTES_TIMEOUT,
            host_header: None,
            backup: None,
            pool: PoolKeys::default(),
            link: LinkKeys::default(),
        }
    }

    pub(super) fn from_raw(check: &Check<'_>, raw: RawOrigin, names: &mut Names) -> Option<Self> {
        let RawOrigin {
            at,
            name,
            given,
            function,
            servers,
            connect_timeout,
            first_byte_timeout,
            between_bytes_timeout,
            host_header,
            backup,
            pool,
            link,
        } = raw;
        names.note(check, &name);
        let name = check.required("name", name, OriginName::new);
        let is_handler = !matches!(function, Field::Absent);
        let is_broken = matches!(function, Field::Broken);
        let function = check.optional("function", function, FunctionName::new);
        if is_handler && !is_broken {
            for key in given.iter().filter(|key| !["name", "function"].contains(key)) {
                check.problem(
                    at,
                    format!(
                        "`{key}` is for servers, and a function answers here. Remove `{key}`, or `function`."
                    ),
                );
            }
        }
        let servers = if is_handler { Vec::new() } else { OriginServer::read(check, servers) };
        let time = |key, field, default| check.or(key, field, default, parse_positive);
        let connect_timeout = time("connect_timeout", connect_timeout, DEFAULT_CONNECT_TIMEOUT);
        let first_byte_timeout = time("first_byte_timeout", first_byte_timeout, DEFAULT_FIRST_BYTE_TIMEOUT);
        let between_bytes_timeout =
            time("between_bytes_timeout", between_bytes_timeout, DEFAULT_BETWEEN_BYTES_TIMEOUT);
        let host_header = check.optional("host_header", host_header, parse_host_header);
        // That it is there is checked when all origins are known.
        let backup = check.optional("backup", backup, OriginName::new);
        let (pool, link) = (PoolKeys::from_raw(check, pool), LinkKeys::from_raw(check, link));
        Some(Self {
            name: name?.value,
            function: function.map(|spot| spot.value),
            servers,
            connect_timeout,
            first_byte_timeout,
            between_bytes_timeout,
            host_header: host_header.map(|spot| spot.value),
            backup: backup.map(|spot| spot.value),
            pool,
            link,
        })
    }
}

/// Checks what the origins of a file say of each other: a backup is there, is another origin, and has no backup itself,
/// so that no request goes round in circles. Each entry has the place of its `backup`.
pub(super) fn check_backups(origins: &[(Check<'_>, Origin, usize)], names: &Names) {
    for (check, origin, at) in origins {
        let Some(backup) = &origin.backup else { continue };
        if let Err(wrong) = names.resolve(backup.as_str(), "[[origins]]") {
            check.problem(*at, format!("`backup`: {wrong}"));
        } else if *backup == origin.name {
            check.problem(
                *at,
                format!("`backup`: `{backup}` is the origin itself. Name another, or leave it out."),
            );
        } else if origins.iter().any(|(_, other, _)| other.name == *backup && other.function.is_some()) {
            check.problem(
                *at,
                format!(
                    "`backup`: `{backup}` is answered by a function. Name one with servers, or leave it out."
                ),
            );
        } else if origins.iter().any(|(_, other, _)| other.name == *backup && other.backup.is_some()) {
            check.problem(
                *at,
                format!(
                    "`backup`: `{backup}` has a backup itself. Leave it out there, or name another here."
                ),
            );
        }
    }
}

/// Checks that the handlers that origins name are there.
pub(super) fn check_functions(origins: &[(Check<'_>, Origin, usize)], functions: &Names) {
    for (check, origin, at) in origins {
        if let Some(function) = &origin.function
            && let Err(wrong) = functions.resolve(function.as_str(), "[[functions]]")
        {
            check.problem(*at, format!("`function`: {wrong}"));
        }
    }
}

/// RFC 9110 §7.2: host and optional port.
fn parse_host_header(text: &str) -> Result<String, String> {
    match text.parse::<Authority>() {
        Ok(authority) if !authority.as_str().contains('@') && !authority.host().is_empty() => {
            Ok(authority.as_str().to_ascii_lowercase())
        }
        _ => Err(format!(
            "`{text}` is not what a Host field holds. Write a host and, if need be, a port, such as `origin.example`."
        )),
    }
}
