//! One prepared function: compiled, checked, and ready to be instantiated.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use seawall_base::OriginName;
use serde::{Deserialize, Serialize};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use crate::breaker::Breaker;
use crate::handler;
use crate::runtime::Shared;
use crate::state::State;
use crate::upload::UploadError;

/// When a function may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Before the cache is asked.
    OnRequest,
    /// Before an origin is asked.
    OnOriginRequest,
    /// Before an origin's response is stored.
    OnOriginResponse,
    /// Before a response goes to the client.
    OnResponse,
    /// In an origin's place: not a hook of a filter, but the call of a handler.
    Handle,
}

impl Hook {
    /// Every hook of a filter, in the order in which a request meets them.
    pub const ALL: [Self; 4] =
        [Self::OnRequest, Self::OnOriginRequest, Self::OnOriginResponse, Self::OnResponse];

    /// The word for logs and metric labels: the name of the WIT interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnRequest => "on-request",
            Self::OnOriginRequest => "on-origin-request",
            Self::OnOriginResponse => "on-origin-response",
            Self::OnResponse => "on-response",
            Self::Handle => "handle",
        }
    }
}

/// What becomes of a request when a hook fails on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// It fails as well: a 503, or something stale where that is allowed.
    FailClosed,
    /// It goes on as if the function were not there.
    FailOpen,
    /// The origin's response is handed on as it came, and nothing is stored. For `on-origin-response` only.
    DeliverOnly,
}

impl OnError {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::FailClosed, Self::FailOpen, Self::DeliverOnly];

    /// Whether it makes sense for this hook.
    #[must_use]
    pub fn is_for(self, hook: Hook) -> bool {
        hook != Hook::Handle && (self != Self::DeliverOnly || hook == Hook::OnOriginResponse)
    }

    /// The word in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FailClosed => "fail-closed",
            Self::FailOpen => "fail-open",
            Self::DeliverOnly => "deliver-only",
        }
    }

    /// What holds where the operator says nothing: whatever guards a site fails closed, and what only adorns a response
    /// that is there does not take it away.
    #[must_use]
    pub fn default_of(hook: Hook) -> Self {
        match hook {
            Hook::OnRequest | Hook::OnOriginRequest | Hook::Handle => Self::FailClosed,
            Hook::OnOriginResponse => Self::DeliverOnly,
            Hook::OnResponse => Self::FailOpen,
        }
    }
}

/// What the operator sets for one function. Part of its version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FunctionSettings {
    /// What `config.get` answers.
    pub config: BTreeMap<String, String>,
    /// The origins that `route.set-origin` and a retry may name. Others do not exist for the function.
    pub origins: BTreeSet<OriginName>,
    /// Whether `store-policy.set-ttl` may make storable what the origin calls `private` or `no-store`.
    pub store_private: bool,
    /// Whether the version before is activated, everywhere, where this one keeps failing. See [`crate::breaker`].
    pub rollback_on_traps: bool,
    /// Whether its instances may serve one request after another. See [`crate::reuse`].
    pub reuse: bool,
    /// What a failure does, where it should not be [`OnError::default_of`] the hook.
    pub on_error: BTreeMap<Hook, OnError>,
}

impl FunctionSettings {
    /// What a failure in this hook does.
    #[must_use]
    pub fn on_error(&self, hook: Hook) -> OnError {
        self.on_error.get(&hook).copied().unwrap_or_else(|| OnError::default_of(hook))
    }

    /// What makes no sense in them, in words.
    pub(crate) fn mistake(&self) -> Option<String> {
        let (hook, then) = self.on_error.iter().find(|(hook, then)| !then.is_for(**hook))?;
        Some(format!(
            "on-error of `{}` is `{}`, which is not for that hook. Write `fail-closed` or `fail-open`",
            hook.as_str(),
            then.as_str()
        ))
    }
}

/// One prepared function, bound to the runtime that prepared it.
pub struct Function {
    pub(crate) name: Arc<str>,
    pub(crate) version: String,
    pub(crate) tag: Box<str>,
    pub(crate) settings: FunctionSettings,
    pub(crate) imports: Vec<String>,
    pub(crate) code_bytes: usize,
    pub(crate) guest: Guest,
    pub(crate) breaker: Breaker,
    pub(crate) shared: Arc<Shared>,
}

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It acts on requests and responses that others answer.
    Filter,
    /// It answers requests in an origin's place.
    Handler,
}

impl Role {
    /// The word for the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Handler => "handler",
        }
    }
}

/// What is instantiated.
pub(crate) enum Guest {
    Filter(Filter),
    Handler(handler::Prepared),
}

/// A filter, ready to be instantiated.
pub(crate) struct Filter {
    pub(crate) pre: InstancePre<State>,
    /// By hook, in the order of [`Hook::ALL`].
    pub(crate) exports: [Option<ComponentExportIndex>; Hook::ALL.len()],
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

    /// The tag of what this version shaped: `fn:<name>@<version>`.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// What the operator set.
    #[must_use]
    pub fn settings(&self) -> &FunctionSettings {
        &self.settings
    }

    /// Whether it may stand where the config wants such a one.
    pub fn is_for(&self, role: Role) -> Result<(), UploadError> {
        match (self.role(), role) {
            (Role::Handler, Role::Filter) => Err(UploadError::NotFilter),
            (Role::Filter, Role::Handler) => Err(UploadError::NotHandler),
            _ => Ok(()),
        }
    }

    /// What it does.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.guest {
            Guest::Filter(_) => Role::Filter,
            Guest::Handler(_) => Role::Handler,
        }
    }

    /// The interfaces that it really imports, sorted.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Size of its machine code in memory.
    #[must_use]
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
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
        self.filter()?.exports.get(hook as usize)?.as_ref()
    }

    pub(crate) fn filter(&self) -> Option<&Filter> {
        match &self.guest {
            Guest::Filter(filter) => Some(filter),
            Guest::Handler(_) => None,
        }
    }
}

/// Size of a component's machine code, in bytes.
pub(crate) fn code_bytes(component: &Component) -> usize {
    let code = component.image_range();
    code.end.addr().saturating_sub(code.start.addr())
}

/// The tag of what a version shaped.
#[must_use]
pub fn tag(name: &str, version: &str) -> String {
    format!("{TAG_PREFIX}{name}@{version}")
}

/// What the tags of versions begin with. Functions cannot add tags that do.
pub const TAG_PREFIX: &str = "fn:";

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("role", &self.role().as_str())
            .field("hooks", &self.hooks().map(Hook::as_str).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The version of a function: BLAKE3 over its bytes and its settings, each behind its length so that they cannot run
/// into each other.
#[must_use]
pub fn version(bytes: &[u8], settings: &FunctionSettings) -> String {
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
    part(&(settings.origins.len() as u64).to_le_bytes());
    settings.origins.iter().for_each(|origin| part(origin.as_str().as_bytes()));
    part(&[u8::from(settings.store_private)]);
    // Only where it is there: versions that were kept before there was such a setting are still what they were.
    if settings.reuse {
        part(b"reuse");
    }
    for hook in Hook::ALL {
        part(settings.on_error(hook).as_str().as_bytes());
    }
    // Only where it is set, so that versions from before there was such a setting keep their names.
    if settings.rollback_on_traps {
        part(b"rollback-on-traps");
    }
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
            ..FunctionSettings::default()
        };
        let stores = FunctionSettings { store_private: true, ..FunctionSettings::default() };
        let reuses = FunctionSettings { reuse: true, ..FunctionSettings::default() };
        let on_error = BTreeMap::from([(Hook::OnResponse, OnError::FailClosed)]);
        let closed = FunctionSettings { on_error, ..FunctionSettings::default() };
        let all = [
            version(b"x", &settings(&[], &[])),
            version(b"y", &settings(&[], &[])),
            version(b"x", &settings(&[("a", "b")], &[])),
            version(b"x", &settings(&[("ab", "")], &[])),
            version(b"x", &settings(&[], &["a", "b"])),
            version(b"x", &settings(&[("a", "b")], &["a"])),
            version(b"x", &stores),
            version(b"x", &reuses),
            version(b"x", &closed),
            version(b"x", &FunctionSettings { rollback_on_traps: true, ..FunctionSettings::default() }),
        ];
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[0], version(b"x", &settings(&[], &[])), "the same is the same");
        assert_eq!(all[0].len(), 64);
    }
}
