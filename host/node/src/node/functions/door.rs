//! The operator's door to a node's functions: deploying, and finding versions by their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use seawall_admin::functions::{
    DeployOrder, DeployView, FunctionView, Functions, Refusal, Tail, VERSION_PREFIX_MIN, VersionView,
};
use seawall_base::{Clock, OriginName, Position};
use seawall_cluster::Activation;
use seawall_functions::{CatalogError, Function, FunctionSettings, Hook, OnError, Role};
use tokio::sync::Semaphore;

use super::{Switchboard, tail};
use crate::node::live::Live;

/// Uploads that are compiled at once. One: it takes a whole core, which the workers would lack.
const COMPILING_MAX: usize = 1;

const STORE_PRIVATE: &str = "store-private";
const REUSE: &str = "reuse";

/// The door.
pub(crate) struct Door {
    live: Live,
    compiling: Arc<Semaphore>,
    clock: Clock,
}

impl Door {
    pub(crate) fn new(live: Live, clock: Clock) -> Self {
        Self { live, compiling: Arc::new(Semaphore::new(COMPILING_MAX)), clock }
    }

    /// Those of the configuration in force.
    fn board(&self) -> Arc<Switchboard> {
        Arc::clone(&self.live.now().functions)
    }

    fn known(&self, name: &str) -> Result<(), Refusal> {
        if self.board().fixed.contains_key(name) {
            return Err(Refusal::Conflict(format!(
                "the file of `{name}` is in the config. Remove `file` there, and its versions can be deployed."
            )));
        }
        if !self.board().deployed.contains(name) {
            return Err(Refusal::NotFound(format!(
                "no function is named `{name}`. Write `[[functions]]` and `name = \"{name}\"` into the config, and name \
                 it in a site's `functions`."
            )));
        }
        Ok(())
    }

    fn settings(&self, order: DeployOrder) -> Result<FunctionSettings, String> {
        let DeployOrder { wasm: _, config, origins, grants, on_error, rollback_on_traps } = order;
        let origins: Result<BTreeSet<OriginName>, String> =
            origins.iter().map(|name| self.origin(name)).collect();
        if let Some(unknown) = grants.iter().find(|grant| ![STORE_PRIVATE, REUSE].contains(&grant.as_str())) {
            return Err(format!("`{unknown}` cannot be granted: only `{STORE_PRIVATE}` and `{REUSE}` can"));
        }
        let mut read = BTreeMap::new();
        for (hook, then) in &on_error {
            let known = Hook::ALL.into_iter().find(|known| known.as_str() == hook);
            let known = known.ok_or_else(|| format!("on_error: `{hook}` is no hook"))?;
            let chosen = OnError::ALL.into_iter().find(|word| word.as_str() == then && word.is_for(known));
            read.insert(known, chosen.ok_or_else(|| format!("on_error of `{hook}` cannot be `{then}`"))?);
        }
        let granted = |grant: &str| grants.iter().any(|given| given == grant);
        Ok(FunctionSettings {
            config,
            origins: origins?,
            store_private: granted(STORE_PRIVATE),
            reuse: granted(REUSE),
            rollback_on_traps,
            on_error: read,
        })
    }

    fn origin(&self, name: &str) -> Result<OriginName, String> {
        let board = self.board();
        let known: Vec<&str> = board.origins.iter().map(OriginName::as_str).collect();
        let missing = || format!("there is no origin `{name}`; there are: {}", known.join(", "));
        board.origins.get(name).cloned().ok_or_else(missing)
    }

    /// The versions that begin so.
    fn matching(&self, name: &str, version: &str) -> Vec<String> {
        let kept = self.board().catalog.versions(name);
        kept.into_keys().filter(|known| known.starts_with(version)).collect()
    }
}

impl Functions for Door {
    fn list(&self) -> Vec<FunctionView> {
        let board = self.board();
        board.deployed.iter().map(|name| view(&board, name)).collect()
    }

    fn deploy(
        &self,
        name: String,
        order: DeployOrder,
        wasm: Bytes,
    ) -> BoxFuture<'_, Result<DeployView, Refusal>> {
        Box::pin(async move {
            self.known(&name)?;
            let settings = self.settings(order).map_err(Refusal::Invalid)?;
            let busy =
                |_| Refusal::Busy("another upload is being compiled: try again in a second".to_owned());
            let permit = Arc::clone(&self.compiling).try_acquire_owned().map_err(busy)?;
            let board = self.board();
            let (catalog, role) = (Arc::clone(&board.catalog), board.role(&name));
            let before = self.clock.ticks();
            let prepared = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                catalog.deploy(&name, wasm, settings, role)
            });
            let (function, deployment) = match prepared.await {
                Ok(Ok(done)) => done,
                Ok(Err(CatalogError::Upload(error))) => return Err(Refusal::Invalid(error.to_string())),
                Ok(Err(error)) => return Err(Refusal::Failed(error.to_string())),
                Err(error) => return Err(Refusal::Failed(error.to_string())),
            };
            let elapsed = self.clock.ticks().saturating_sub(before);
            let size = deployment.bytes.len() as u64;
            self.board().catalog.publish(deployment).await.map_err(Refusal::Failed)?;
            Ok(deployed(&function, size, u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)))
        })
    }

    fn resolve<'a>(&'a self, name: &'a str, version: &'a str) -> BoxFuture<'a, Result<String, Refusal>> {
        Box::pin(async move {
            self.known(name)?;
            let whole = match self.matching(name, version).as_slice() {
                [] => return Err(no_version(name, version)),
                [one] if version.len() >= VERSION_PREFIX_MIN => one.clone(),
                [_] => {
                    return Err(Refusal::Invalid(format!(
                        "`{version}` is short for a version: write at least {VERSION_PREFIX_MIN} characters"
                    )));
                }
                several => {
                    return Err(Refusal::Invalid(format!(
                        "`{version}` begins {} versions: write more of it",
                        several.len()
                    )));
                }
            };
            // Here, where nobody waits but the operator, and not when the log says so.
            let board = self.board();
            let (catalog, role) = (Arc::clone(&board.catalog), board.role(name));
            let (name, version) = (name.to_owned(), whole.clone());
            let prepared = tokio::task::spawn_blocking(move || catalog.prepare(&name, &version)).await;
            match prepared {
                // It may have been deployed when the config wanted the other kind under this name.
                Ok(Ok(function)) => function
                    .is_for(role)
                    .map(|()| whole)
                    .map_err(|error| Refusal::Conflict(error.to_string())),
                Ok(Err(error)) => Err(Refusal::Failed(error.to_string())),
                Err(error) => Err(Refusal::Failed(error.to_string())),
            }
        })
    }

    fn previous(&self, name: &str) -> Result<(String, String), Refusal> {
        self.known(name)?;
        let history = self.board().catalog.history(name);
        match (history.active(), history.previous()) {
            (Some(left), Some(to)) => Ok((left.to_owned(), to.to_owned())),
            (Some(_), None) => {
                Err(Refusal::Conflict(format!("nothing was active before the active version of `{name}`")))
            }
            (None, _) => Err(Refusal::Conflict(format!("no version of `{name}` is active"))),
        }
    }

    fn tag(&self, name: &str, version: &str) -> String {
        seawall_functions::tag(name, version)
    }

    fn activated(&self, activation: &Activation, position: Position) -> Result<(), String> {
        let Activation { function, version } = activation;
        self.board().catalog.activated(function, version, position).map_err(|error| error.to_string())
    }

    fn tail(&self, name: &str, site: Option<&str>) -> Result<Tail, Refusal> {
        let board = self.board();
        if !board.fixed.contains_key(name) {
            self.known(name)?;
        }
        tail::begin(&board.watch, name, site)
    }

    fn remove(&self, name: &str, version: &str) -> Result<(), Refusal> {
        self.known(name)?;
        if !self.board().catalog.versions(name).contains_key(version) {
            return Err(no_version(name, version));
        }
        if self.board().catalog.history(name).versions.iter().any(|active| active == version) {
            return Err(Refusal::Conflict(format!("`{version}` is active, or a rollback would want it")));
        }
        self.board().catalog.remove(name, version).map_err(|error| Refusal::Failed(error.to_string()))
    }
}

fn no_version(name: &str, version: &str) -> Refusal {
    Refusal::NotFound(format!(
        "`{name}` has no version `{version}`. `GET /v1/functions/{name}` lists those there are."
    ))
}

fn view(board: &Switchboard, name: &str) -> FunctionView {
    let history = board.catalog.history(name);
    let mut versions: Vec<VersionView> = board
        .catalog
        .versions(name)
        .into_iter()
        .map(|(version, kept)| VersionView {
            version,
            deployed_unix_ms: kept.deployed_unix_ms,
            size_bytes: kept.size_bytes,
        })
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.deployed_unix_ms));
    FunctionView {
        name: name.to_owned(),
        active: history.active().map(str::to_owned),
        previous: history.previous().map(str::to_owned),
        versions,
    }
}

/// What a function imports against what it was granted.
fn deployed(function: &Function, size_bytes: u64, prepared_in_us: u64) -> DeployView {
    let settings = function.settings();
    let imports = |interface: &str| function.imports().iter().any(|name| name.starts_with(interface));
    let origins = settings.origins.iter().map(|origin| (format!("origin {origin}"), "seawall:edge/route"));
    let private = settings.store_private.then(|| (STORE_PRIVATE.to_owned(), "seawall:edge/store-policy"));
    // Every function has a use for its own memory.
    let reuse = settings.reuse.then(|| (REUSE.to_owned(), ""));
    let grants: Vec<(String, &str)> = origins.chain(private).chain(reuse).collect();
    let may_retry = function.has(Hook::OnOriginResponse);
    let asks = imports("wasi:http/outgoing-handler");
    let used = |needs: &str| imports(needs) || (may_retry || asks) && needs == "seawall:edge/route";
    DeployView {
        function: function.name().to_owned(),
        version: function.version().to_owned(),
        hooks: match function.role() {
            Role::Filter => function.hooks().map(|hook| hook.as_str().to_owned()).collect(),
            Role::Handler => vec![Hook::Handle.as_str().to_owned()],
        },
        imports: function.imports().to_vec(),
        unused_grants: grants
            .iter()
            .filter(|(_, needs)| !used(needs))
            .map(|(grant, _)| grant.clone())
            .collect(),
        grants: grants.into_iter().map(|(grant, _)| grant).collect(),
        size_bytes,
        prepared_in_us,
    }
}
