//! The servers of an origin: a URL each, or a table that says more.

use std::fmt;
use std::num::NonZeroU32;

use seawall_origin::Role;
use seawall_origin::pool::SERVERS_MAX;
use seawall_origin::server::WEIGHT_MAX;
use serde::{Serialize, Serializer};

use crate::config::check::Check;
use crate::config::keys;
use crate::config::raw::RawServer;
use crate::config::reader::{Field, TextOrTable, TextsOrTables};
use crate::config::server::ServerUrl;

/// One server of an origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OriginServer {
    /// Where it listens.
    pub url: ServerUrl,
    /// Its share of the requests, relative to the others'. Default 1.
    pub weight: NonZeroU32,
    /// Default [`Role::Primary`].
    #[serde(serialize_with = "role")]
    pub role: Role,
}

fn role<S: Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(role.as_str())
}

impl fmt::Display for OriginServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl From<ServerUrl> for OriginServer {
    fn from(url: ServerUrl) -> Self {
        Self { url, weight: NonZeroU32::MIN, role: Role::Primary }
    }
}

impl OriginServer {
    /// All that are right. An empty or missing list is reported, as is each wrong element.
    pub(super) fn read(check: &Check<'_>, servers: TextsOrTables<RawServer>) -> Vec<Self> {
        let TextsOrTables { at, items, broken } = servers;
        match at {
            None if !broken => check.missing("servers"),
            Some(at) if items.is_empty() && !broken => {
                let example = keys::ORIGIN.example("servers");
                check.problem(at, format!("`servers` is empty. Write `servers = {example}`."));
            }
            Some(at) if items.len() > SERVERS_MAX => {
                check.problem(
                    at,
                    format!("`servers` has {} elements. Write at most {SERVERS_MAX}.", items.len()),
                );
            }
            _ => {}
        }
        let (given, mut read) = (items.len(), Vec::new());
        for item in items {
            read.extend(match item {
                TextOrTable::Text(spot) => check
                    .optional("servers", Field::Given(spot), str::parse::<ServerUrl>)
                    .map(|spot| spot.value.into()),
                TextOrTable::Table(raw) => Self::from_raw(check, raw),
            });
        }
        if let Some(at) = at
            && given > 0
            && read.len() == given
            && read.iter().all(|server: &Self| server.role == Role::Backup)
        {
            check.problem(
                at,
                "`servers` are all backups. Leave `backup` out where a server is to be asked first.",
            );
        }
        read
    }

    fn from_raw(check: &Check<'_>, raw: RawServer) -> Option<Self> {
        let RawServer { at, url, weight, backup } = raw;
        let check = check.within(&keys::SERVER, at);
        let url = check.required("url", url, str::parse::<ServerUrl>);
        let weight = check.number("weight", &weight, 1..=WEIGHT_MAX).and_then(NonZeroU32::new);
        let is_backup = matches!(&backup, Field::Given(flag) if flag.value);
        Some(Self {
            url: url?.value,
            weight: weight.unwrap_or(NonZeroU32::MIN),
            role: if is_backup { Role::Backup } else { Role::Primary },
        })
    }
}
