//! What a reload may not change, and which of it a new file changes.

use serde_json::Value;
use toml::de::DeTable;

use super::keys::{self, Change, Key};
use super::reader::Report;
use super::{Config, Problems, Site};

impl Config {
    /// Refuses `new`, which was read from `text` in `file`, where it differs from this in a key that only a restart
    /// changes: every such key, with its place.
    ///
    /// Refused as a whole, rather than applied but for these keys: what runs is then always what one file says, and a
    /// later restart brings no surprise.
    pub fn may_become(&self, new: &Self, file: &std::path::Path, text: &str) -> Result<(), Problems> {
        let report = Report::new(file, text);
        let (document, _) = DeTable::parse_recoverable(text);
        let (before, after) = (self.to_redacted_json(), new.to_redacted_json());
        for top in keys::FILE.keys {
            let Some(table) = top.table() else { continue };
            let section = document.get_ref().get(top.name);
            let at = |name: &str| {
                let own =
                    section.and_then(|section| section.get_ref().get(name).map(|value| value.span().start));
                own.or_else(|| section.map(|section| section.span().start)).unwrap_or(0)
            };
            let differs = |key: &&Key| value(&before, top.name, key) != value(&after, top.name, key);
            let changed: Vec<&Key> = table.keys.iter().filter(is_fixed).filter(differs).collect();
            // Secrets are not in what is shown.
            if changed.is_empty() && top.name == "cluster" && self.cluster != new.cluster {
                report.at(at("secret"), table.label, refusal("a secret"));
            }
            changed
                .iter()
                .for_each(|key| report.at(at(key.name), table.label, refusal(&format!("`{}`", key.name))));
        }
        report.finish(Vec::new()).map_or(Ok(()), Err)
    }
}

impl Site {
    /// Whether what is stored under this site's keys is what `other` would find under its own: the key, and what is
    /// stored beside it, are made in the same way. An origin, lifetimes and functions may change: they speak of what is
    /// fetched from then on.
    #[must_use]
    pub fn means_the_same_by_its_keys(&self, other: &Self) -> bool {
        let (own, others) = (&self.caching, &other.caching);
        own.query == others.query
            && own.key == others.key
            && own.normalise == others.normalise
            && own.strip_request_cookies == others.strip_request_cookies
            && own.strip_set_cookie == others.strip_set_cookie
    }
}

fn is_fixed(key: &&Key) -> bool {
    key.change == Change::Restart
}

fn refusal(what: &str) -> String {
    format!("{what} changes only with a restart. Write what was there before, or restart the node.")
}

/// What a key has come to. Those of `[cluster]` that are about NATS are shown together.
fn value<'v>(config: &'v Value, table: &str, key: &Key) -> Option<&'v Value> {
    let table = config.get(table)?;
    match (key.name, table.get("nats")) {
        ("nats", Some(nats)) => nats.get("servers"),
        (name, nats) => table.get(name).or_else(|| nats?.get(name)),
    }
}

#[cfg(test)]
mod tests;
