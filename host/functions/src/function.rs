//! One prepared function: compiled, checked, and ready to be instantiated.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use seawall_base::OriginName;
use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::runtime::Shared;
use crate::state::State;

/// When a function may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// Before the cache is asked.
    OnRequest,
    /// Before a response goes to the client.
    OnResponse,
}

impl Hook {
    /// Every hook, in the order in which a request meets them.
    pub const ALL: [Self; 2] = [Self::OnRequest, Self::OnResponse];

    /// The word for logs and metric labels: the name of the WIT interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnRequest => "on-request",
            Self::OnResponse => "on-response",
        }
    }
}

/// What the operator sets for one function. Part of its version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FunctionSettings {
    /// What `config.get` answers.
    pub config: BTreeMap<String, String>,
    /// The origins that `route.set-origin` may name. Others do not exist for the function.
    pub origins: BTreeSet<OriginName>,
}

/// One prepared function, bound to the runtime that prepared it.
pub struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) version: String,
    pub(crate) settings: FunctionSettings,
    pub(crate) pre: InstancePre<State>,
    pub(crate) on_request: Option<ComponentExportIndex>,
    pub(crate) on_response: Option<ComponentExportIndex>,
    pub(crate) shared: Arc<Shared>,
}

impl Function {
    /// What the operator calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Digest of the uploaded bytes and the settings, in hexadecimal: the same version behaves the same everywhere.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether the function has this hook. A hook that it does not have is never called and costs nothing.
    #[must_use]
    pub fn has(&self, hook: Hook) -> bool {
        self.export(hook).is_some()
    }

    /// The hooks that it has.
    pub fn hooks(&self) -> impl Iterator<Item = Hook> + '_ {
        Hook::ALL.into_iter().filter(|hook| self.has(*hook))
    }

    pub(crate) fn export(&self, hook: Hook) -> Option<&ComponentExportIndex> {
        match hook {
            Hook::OnRequest => self.on_request.as_ref(),
            Hook::OnResponse => self.on_response.as_ref(),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("hooks", &self.hooks().map(Hook::as_str).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The version of a function: BLAKE3 over its bytes and its settings, each behind its length so that they cannot run
/// into each other.
pub(crate) fn version(bytes: &[u8], settings: &FunctionSettings) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(bytes);
    part(&(settings.config.len() as u64).to_le_bytes());
    for (name, value) in &settings.config {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    settings.origins.iter().for_each(|origin| part(origin.as_str().as_bytes()));
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_covers_bytes_and_settings() {
        let settings = |pairs: &[(&str, &str)], origins: &[&str]| FunctionSettings {
            config: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            origins: origins.iter().map(|o| OriginName::new(o).unwrap()).collect(),
        };
        let all = [
            version(b"x", &settings(&[], &[])),
            version(b"y", &settings(&[], &[])),
            version(b"x", &settings(&[("a", "b")], &[])),
            version(b"x", &settings(&[("ab", "")], &[])),
            version(b"x", &settings(&[], &["a", "b"])),
            version(b"x", &settings(&[("a", "b")], &["a"])),
        ];
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[0], version(b"x", &settings(&[], &[])), "the same is the same");
        assert_eq!(all[0].len(), 64);
    }
}
