//! What a node is told to do: one TOML file, or a few flags.
//!
//! Two tiers. `raw` holds the file's tables as written, read by `reader`, which reports every unknown key and wrong
//! type with its place. Each table's own file turns that into a type that cannot be wrong, by destructuring, so that a
//! new key cannot be forgotten. Owns: every default, every message about a wrong configuration. Refuses: stopping at
//! the first problem, showing a secret, and starting anything. The only files it touches are the config file, secret
//! files, and a look at whether function files are there.

use std::path::Path;

use serde::{Serialize, Serializer};
use toml::de::DeTable;

mod admin;
mod cache;
mod caching;
mod certificate;
mod change;
mod check;
mod cluster;
mod data_dir;
pub mod duration;
mod error_page;
mod flags;
mod function;
mod guards;
mod host;
mod keys;
mod listen;
mod log;
mod nats;
mod node;
mod origin;
mod problem;
mod raw;
mod reader;
mod reference;
mod rule;
mod schema;
mod secret;
mod server;
mod share;
mod site;
mod size;
mod suggest;
mod syntax;
mod telemetry;
mod validate;

#[cfg(test)]
mod tests;

pub use admin::{Admin, DEFAULT_ADMIN, PurgeConfirm, Role, TOKEN_NAME_MAX_BYTES, Token};
pub use cache::{Cache, DEFAULT_MAX_OBJECT, DEFAULT_MEMORY, MEMORY_MIN};
pub use caching::{
    Caching, KEY_NAME_MAX_BYTES, KeyParts, LANGUAGES_MAX, LIST_MAX, Languages, NoStore, Normalise, Query,
    Strip,
};
pub use certificate::Certificate;
pub use cluster::{Cluster, DEFAULT_MAX_LAG};
pub use data_dir::default_data_dir;
pub use duration::{DURATION_MAX, DurationError};
pub use error_page::ErrorPageFile;
pub use flags::{ONLY_NAME, RunFlags};
pub use function::{Function, FunctionName, Grant};
pub use guards::{Guards, HEAD_MAX, HEADERS_MAX, Head};
pub use host::{HOST_MAX_BYTES, HostError, HostPattern};
pub use listen::{
    Connections, DEFAULT_BODY_TIMEOUT, DEFAULT_HANDSHAKE_TIMEOUT, DEFAULT_HEAD_TIMEOUT, DEFAULT_HTTP,
    DEFAULT_IDLE_TIMEOUT, DEFAULT_MAX_CONNECTIONS, DEFAULT_MAX_CONNECTIONS_PER_CLIENT,
    DEFAULT_MAX_HANDSHAKES, DEFAULT_MAX_STREAMS, DEFAULT_STALL_TIMEOUT, DEFAULT_TOTAL_TIMEOUT,
    DEFAULT_TUNNEL_TIMEOUT, ForwardedBy, Listen, NETWORKS_MAX, ProxyKeys, TlsMin,
};
pub use log::{
    AccessLog, AccessTo, DEFAULT_ACCESS_LOG, DEFAULT_LOG_FORMAT, DEFAULT_LOG_LEVEL, Log, LogFormat, LogLevel,
};
pub use nats::{MAX_BYTES_MIN, Nats, NatsLogin, RETENTION_MIN};
pub use node::{DEFAULT_NAME, DEFAULT_REGION, Node, THREADS_MAX};
pub use origin::{
    CAP_MAX, COUNT_MAX, DEFAULT_BETWEEN_BYTES_TIMEOUT, DEFAULT_CONNECT_TIMEOUT, DEFAULT_FIRST_BYTE_TIMEOUT,
    Eject, HEALTH_INTERVAL_MIN, Health, LinkKeys, Origin, OriginServer, PoolKeys, RETRY_PERCENT_MAX, Retry,
};
pub use problem::{Place, Problem, Problems};
pub use reference::markdown;
pub use rule::{RULES_MAX, Rule};
pub use schema::json_schema;
pub use secret::{REDACTED, SECRET_MAX_BYTES, SECRET_MIN_BYTES, Secret, SecretError};
pub use server::{Scheme, ServerUrl, ServerUrlError};
pub use share::Share;
pub use site::{Site, WhenCutOff};
pub use size::{Bytes, SizeError};
pub use telemetry::{DEFAULT_SAMPLE, Telemetry};

use check::Check;
use raw::RawConfig;
use reader::{Report, TableReader};
use syntax::Syntax;

/// Largest config file, in bytes: far above any real one, and small enough that a wrong path does no harm.
pub const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A whole configuration. Every reference in it resolves and every name in it is unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Who this process is.
    pub node: Node,
    /// Where requests come in.
    pub listen: Listen,
    /// What it shows to clients over TLS. Clients that name no host are shown the first.
    pub certificates: Vec<Certificate>,
    /// How much is held.
    pub cache: Cache,
    /// The operator's door.
    pub admin: Admin,
    /// How this node knows the others.
    pub cluster: Cluster,
    /// Who owns the content.
    pub origins: Vec<Origin>,
    /// What runs at the edge.
    pub functions: Vec<Function>,
    /// What host names map to. At least one.
    pub sites: Vec<Site>,
    /// What is written to standard error.
    pub log: Log,
    /// Traces.
    pub telemetry: Telemetry,
}

impl Config {
    /// Reads and checks a config file, then applies the flags on top of it.
    pub fn load(file: &Path, flags: RunFlags) -> Result<Self, Problems> {
        Self::from_text(&Self::read(file)?, file, flags)
    }

    /// The content of a config file.
    pub fn read(file: &Path) -> Result<String, Problems> {
        let unreadable = |message: String| Problems::of_file(file, message);
        let size =
            std::fs::metadata(file).map_err(|error| unreadable(format!("cannot be read: {error}")))?.len();
        if size > FILE_MAX_BYTES {
            return Err(unreadable(format!("has {size} bytes and cannot be a config file")));
        }
        std::fs::read_to_string(file).map_err(|error| unreadable(format!("cannot be read: {error}")))
    }

    /// Checks `text`, the content of `file`, then applies the flags on top of it.
    pub fn from_text(text: &str, file: &Path, flags: RunFlags) -> Result<Self, Problems> {
        let named = flags.name.is_some();
        flags.apply(Self::check(text, file, named)?)
    }

    /// Checks `text`, the content of `file`. Relative paths in it start from the file's folder.
    ///
    /// Reports everything that is wrong at once. Secret files are read and function files looked at.
    pub fn from_toml(text: &str, file: &Path) -> Result<Self, Problems> {
        Self::check(text, file, false)
    }

    /// `named` where a flag names the node, so that one file can serve several nodes.
    fn check(text: &str, file: &Path, named: bool) -> Result<Self, Problems> {
        let report = Report::new(file, text);
        let (document, errors) = DeTable::parse_recoverable(text);
        let slips = match syntax::judge(&report, text, &errors) {
            Syntax::Sound { slips } => slips,
            Syntax::Broken(problems) => return Err(problems),
        };
        let reader = TableReader::new(&report, &keys::FILE, Some(document.get_ref()), 0);
        let raw = RawConfig::read(&reader);
        let config = validate::config(raw, &report, file.parent().unwrap_or(Path::new("")), named);
        match (report.finish(slips), config) {
            (Some(problems), _) => Err(problems),
            (None, Some(config)) => Ok(config),
            // Every table that gives up says why first; should one forget to, nothing runs on half a config.
            (None, None) => Err(Problems::of_file(file, "is refused, and no reason was found".to_owned())),
        }
    }

    /// The configuration of `seawall run --origin URL`: any host, one origin, loopback admin.
    pub fn for_origin(flags: RunFlags) -> Result<Self, Problems> {
        flags.into_config()
    }

    /// What only time has made wrong with a configuration: certificates of `file` that are not valid now.
    pub fn check_expiry(&self, file: &Path, now: std::time::SystemTime) -> Result<(), Problems> {
        let expired = self.certificates.iter().filter_map(|pair| pair.expiry_problem(file, now));
        Problems::of(expired.collect()).map_or(Ok(()), Err)
    }

    /// For `GET /v1/config`: as it is in force, without secrets and without the values that functions are given.
    #[must_use]
    pub fn to_redacted_json(&self) -> serde_json::Value {
        // Only maps with keys other than strings and refusing `Serialize`s can fail, and there are none here.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// A place to listen, for the command line.
fn parse_address(text: &str) -> Result<std::net::SocketAddr, String> {
    Check::address(text)
}

/// For `#[serde(serialize_with)]`: paths need not be Unicode, and JSON must be.
fn path_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
