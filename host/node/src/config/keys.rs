//! Every table and key that a config file may have: its type, what holds without it, whether a reload may change it, a
//! value one could write there, and what it means.
//!
//! Owns the words of the file: unknown keys are told from known ones here, every message that says what to write takes
//! its example from here, and `docs/CONFIG.md` and the JSON schema are written from here (`cargo xtask config`). Refuses
//! to know what a value means; `raw` reads it and the typed tables check it.

/// One line of a table: its doc comment is its documentation, and there is no key without one.
///
/// ```text
/// /// What it means.
/// name: KIND, WITHOUT, Live or Restart, "an example as TOML";
/// ```
macro_rules! table {
    ($label:literal: $( $(#[doc = $doc:literal])+ $name:ident: $kind:expr, $without:expr, $change:ident, $example:literal; )*) => {
        Table {
            label: $label,
            keys: &[$( Key {
                name: stringify!($name),
                example: $example,
                kind: $kind,
                without: $without,
                change: Change::$change,
                doc: concat!($($doc),+),
            } ),*],
        }
    };
}

mod cluster;
mod origins;
mod process;
mod sites;

pub(super) use cluster::CLUSTER;
pub(super) use origins::{EJECT, HEALTH, ORIGIN, RETRY, SERVER};
pub(super) use process::{ADMIN, CACHE, CERTIFICATE, LISTEN, LOG, NODE, PURGE_CONFIRM, TELEMETRY, TOKEN};
pub(super) use sites::{FUNCTION, KEY, NORMALISE, QUERY, RULE, SITE};

/// One key.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// A value one could write, as TOML.
    pub(super) example: &'static str,
    pub(super) kind: Kind,
    pub(super) without: Without,
    pub(super) change: Change,
    /// What it means, as Markdown.
    pub(super) doc: &'static str,
}

/// What a value looks like.
pub(super) enum Kind {
    /// A string. What it may say is checked when it is read.
    Text,
    /// The name of something: lower-case letters, digits, `-` and `_`.
    Name,
    /// `true` or `false`.
    Flag,
    /// A whole number of such things.
    Count(&'static str),
    /// A number from 0 to 1.
    Share,
    /// Such as `"5s"`.
    Duration,
    /// Such as `"64MiB"`.
    Size,
    /// An IP address and a port.
    Address,
    /// A file or folder, from the config file's folder.
    Path,
    /// 16 to 1024 bytes of RFC 6750 `b64token`.
    Secret,
    /// One of these.
    Words(&'static [&'static str]),
    /// A list of strings.
    Texts,
    /// A list of addresses.
    Addresses,
    /// `true`, `false` or a list of strings.
    FlagOrTexts,
    /// A table of strings by keys of one's own.
    Pairs,
    /// A table.
    Table(&'static Table),
    /// Any number of tables.
    Tables(&'static Table),
    /// A list of strings and tables.
    TextsOrTables(&'static Table),
}

/// What holds where a key is not written.
pub(super) enum Without {
    /// It must be written.
    Needed,
    /// Nothing of the kind.
    Nothing,
    /// The same as with this value, as TOML.
    Is(&'static str),
    /// What this says, as Markdown.
    Says(&'static str),
}

/// What it takes to change a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A reload.
    Live,
    /// A restart; a reload that changes it is refused.
    Restart,
}

/// One table of the file.
pub(super) struct Table {
    /// The header as people write it; empty for the file itself.
    pub(super) label: &'static str,
    pub(super) keys: &'static [Key],
}

impl Table {
    pub(super) fn example(&self, name: &str) -> &'static str {
        self.keys.iter().find(|key| key.name == name).map_or("...", |key| key.example)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

impl Key {
    /// The table that its value is, or has.
    pub(super) fn table(&self) -> Option<&'static Table> {
        match self.kind {
            Kind::Table(table) | Kind::Tables(table) | Kind::TextsOrTables(table) => Some(table),
            _ => None,
        }
    }
}

impl Change {
    /// The word in the docs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Live => "reload",
            Self::Restart => "restart",
        }
    }
}

/// The file itself. The examples are headers: nothing but tables stands at the top.
pub(super) const FILE: Table = table! { "":
    /// Who this process is.
    node: Kind::Table(&NODE), Without::Nothing, Live, "[node]";
    /// Where requests come in.
    listen: Kind::Table(&LISTEN), Without::Nothing, Live, "[listen]";
    /// What is shown to clients over TLS. Clients that name no host are shown the first. See [TLS](OPERATING.md#tls).
    certificates: Kind::Tables(&CERTIFICATE), Without::Nothing, Live, "[[certificates]]";
    /// How much is held.
    cache: Kind::Table(&CACHE), Without::Nothing, Live, "[cache]";
    /// The operator's door.
    admin: Kind::Table(&ADMIN), Without::Nothing, Live, "[admin]";
    /// How this node knows the others.
    cluster: Kind::Table(&CLUSTER), Without::Nothing, Live, "[cluster]";
    /// Who owns the content: a named pool of servers each. See [origins](OPERATING.md#origins).
    origins: Kind::Tables(&ORIGIN), Without::Needed, Live, "[[origins]]";
    /// What runs at the edge. See [FUNCTIONS.md](FUNCTIONS.md).
    functions: Kind::Tables(&FUNCTION), Without::Nothing, Live, "[[functions]]";
    /// What host names map to. At least one.
    sites: Kind::Tables(&SITE), Without::Needed, Live, "[[sites]]";
    /// What is written to standard error, and of requests perhaps elsewhere.
    log: Kind::Table(&LOG), Without::Nothing, Live, "[log]";
    /// Traces. See [traces](OPERATING.md#traces).
    telemetry: Kind::Table(&TELEMETRY), Without::Nothing, Live, "[telemetry]";
};

/// All tables below the file itself.
pub(super) const TABLES: &[&Table] = &[
    &NODE,
    &LISTEN,
    &CERTIFICATE,
    &CACHE,
    &ADMIN,
    &TOKEN,
    &PURGE_CONFIRM,
    &CLUSTER,
    &ORIGIN,
    &SERVER,
    &HEALTH,
    &EJECT,
    &RETRY,
    &FUNCTION,
    &SITE,
    &QUERY,
    &KEY,
    &NORMALISE,
    &RULE,
    &LOG,
    &TELEMETRY,
];

/// The tables that have this key.
pub(super) fn homes(key: &str) -> Vec<&'static str> {
    TABLES.iter().filter(|table| table.names().any(|name| name == key)).map(|table| table.label).collect()
}
