//! A node's functions: those of its config, read and compiled before it listens to anyone, and those that are deployed,
//! which the control log activates while it runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_base::{OriginName, Position};
use seawall_cluster::Activation;
use seawall_functions::{
    Catalog, Chain, Function, FunctionSettings, Hook, Mount, Role, Roster, Runtime, Watch,
};

use super::{Shared, StartError};
use crate::config::{self, Config};

mod door;
mod reload;
mod retreat;
mod tail;

pub(crate) use door::Door;
pub(crate) use retreat::retreat;

/// Which version of each function runs, and on which sites.
pub(crate) struct Switchboard {
    catalog: Arc<Catalog>,
    /// Absent on a node without functions: the engine reserves much.
    pub(crate) runtime: Option<Runtime>,
    /// Those whose file the config names.
    fixed: HashMap<String, Fixed>,
    /// Those whose versions are deployed.
    deployed: BTreeSet<String>,
    /// Those that answer in the place of servers.
    mounts: HashMap<String, Arc<Mount>>,
    origins: BTreeSet<OriginName>,
    /// Who watches them at work.
    pub(crate) watch: Arc<Watch>,
    now: Mutex<Now>,
}

/// A function of the config's, and what it was made of.
struct Fixed {
    function: Arc<Function>,
    of: config::Function,
    bytes: blake3::Hash,
}

/// What an activation changes.
#[derive(Default)]
struct Now {
    active: HashMap<String, Arc<Function>>,
    /// The place in the log of each function's last activation here.
    at: HashMap<String, Position>,
    sites: Vec<Named>,
}

/// The functions of one site.
struct Named {
    site: String,
    names: Vec<String>,
    roster: Arc<Roster>,
}

impl Switchboard {
    pub(crate) fn prepare(
        config: &Config,
        shared: &Shared,
        before: Option<&Self>,
    ) -> Result<Arc<Self>, StartError> {
        let Config { functions, origins, .. } = config;
        // Who watches goes on doing so.
        let watch = before.map_or_else(Watch::new, |before| Arc::clone(&before.watch));
        let catalog = Arc::clone(&shared.catalog);
        let mounted = origins.iter().filter_map(|origin| origin.function.as_ref());
        let mut mounts: HashMap<String, Arc<Mount>> =
            mounted.map(|name| (name.to_string(), place(name.as_str(), functions, before))).collect();
        let origins: BTreeSet<OriginName> = origins.iter().map(|origin| origin.name.clone()).collect();
        // They may name any origin, so that all origins are what each is made of.
        let before = before.filter(|before| before.origins == origins);
        let runtime = if functions.is_empty() { None } else { Some(catalog.runtime()?) };
        let mut fixed = HashMap::new();
        let mut deployed = BTreeSet::new();
        for function in functions {
            let name = function.name.as_str().to_owned();
            match (&function.file, &runtime) {
                (Some(file), Some(runtime)) => {
                    let known = before.and_then(|before| before.fixed.get(&name));
                    let made = read(runtime, function, file, &origins, known, role_of(&mounts, &name))?;
                    if let Some(mount) = mounts.get_mut(&name)
                        && !mount.is(&made.function)
                    {
                        // Not in the old place: what is in force must not change before all of it does.
                        *mount = Arc::new(Mount::new(&name));
                        mount.replace(Arc::clone(&made.function));
                    }
                    fixed.insert(name, made);
                }
                _ => drop(deployed.insert(name)),
            }
        }
        let now = Mutex::default();
        let board = Self { catalog, runtime, fixed, deployed, mounts, origins, watch, now };
        board.resume()?;
        Ok(Arc::new(board))
    }

    /// Compiles what is active, so that a node is whole before it serves, and what was active before, so that going back
    /// takes no compiling.
    fn resume(&self) -> Result<(), StartError> {
        for name in &self.deployed {
            let history = self.catalog.history(name);
            let Some(version) = history.active() else { continue };
            let failed = |why: seawall_functions::CatalogError| StartError::Deployed {
                name: name.clone(),
                version: version.to_owned(),
                why: why.to_string(),
            };
            let function = self.catalog.prepare(name, version).map_err(failed)?;
            // It may have been deployed when the config wanted the other kind under this name.
            function.is_for(self.role(name)).map_err(|error| failed(error.into()))?;
            tracing::info!(function = name, version, "prepared");
            self.mounted(&function);
            if let Some(previous) = history.previous()
                && let Err(error) = self.catalog.prepare(name, previous)
            {
                tracing::warn!(function = name, version = previous, %error, "there is no going back to it");
            }
            let mut now = self.now.lock();
            now.active.insert(name.clone(), function);
            now.at.insert(name.clone(), history.position);
        }
        Ok(())
    }

    /// The place of a handler among the origins.
    pub(crate) fn mount(&self, name: &str) -> Result<Arc<Mount>, StartError> {
        let missing = || StartError::Config(format!("no function is named `{name}`"));
        self.mounts.get(name).map(Arc::clone).ok_or_else(missing)
    }

    /// What the config wants a function to be.
    fn role(&self, name: &str) -> Role {
        role_of(&self.mounts, name)
    }

    /// Puts a handler in its place.
    fn mounted(&self, function: &Arc<Function>) {
        if let Some(mount) = self.mounts.get(function.name()) {
            mount.replace(Arc::clone(function));
        }
    }

    /// The functions of a site. What is activated later takes its place there.
    pub(crate) fn roster(&self, site: &config::Site) -> Result<Arc<Roster>, StartError> {
        let names: Vec<String> = site.functions.iter().map(|name| name.as_str().to_owned()).collect();
        if names.is_empty() {
            return Ok(Arc::new(Roster::none()));
        }
        let refused = |why: String| StartError::Chain { site: site.name.to_string(), why };
        let unknown =
            names.iter().find(|name| !self.fixed.contains_key(*name) && !self.deployed.contains(*name));
        if let Some(name) = unknown {
            return Err(refused(format!("no function is named `{name}`")));
        }
        let mut now = self.now.lock();
        let site = site.name.to_string();
        let chain = self.chain(&now, &site, &names).map_err(|error| refused(error.to_string()))?;
        let roster = Arc::new(Roster::of(chain));
        now.sites.push(Named { site, names, roster: Arc::clone(&roster) });
        Ok(roster)
    }

    fn chain(
        &self,
        now: &Now,
        site: &str,
        names: &[String],
    ) -> Result<Chain, seawall_functions::ChainTooLong> {
        let find = |name: &String| {
            let fixed = self.fixed.get(name).map(|fixed| &fixed.function);
            now.active.get(name).or(fixed).map(Arc::clone)
        };
        let absent = names.iter().find(|name| find(name).is_none());
        // How many there are does not depend on which are active.
        let chain = Chain::new(names.iter().filter_map(find).collect())?.watched(site, &self.watch);
        Ok(absent.map_or_else(|| chain.clone(), |name| chain.clone().without(name)))
    }

    /// Does what the log says. A version that is compiled is in force when this returns; one that is not, because
    /// another process took the order, is as soon as it is there.
    pub(crate) fn apply(self: &Arc<Self>, activation: &Activation, position: Position) {
        let Activation { function, version } = activation;
        if !self.deployed.contains(function) {
            return;
        }
        if let Err(error) = self.catalog.activated(function, version, position) {
            tracing::error!(function, version, %error, "the activation could not be noted: a restart would miss it");
        }
        if let Some(ready) = self.catalog.ready(function, version) {
            return self.switch(ready, position);
        }
        let (board, activation) = (Arc::clone(self), activation.clone());
        drop(tokio::spawn(async move { board.fetch(activation, position).await }));
    }

    async fn fetch(self: Arc<Self>, activation: Activation, position: Position) {
        let Activation { function, version } = activation;
        if let Err(error) = self.catalog.fetch(&function, &version).await {
            return tracing::error!(function, version, error, "an activated version could not be fetched");
        }
        let (catalog, name, wanted) = (Arc::clone(&self.catalog), function.clone(), version.clone());
        let prepared = tokio::task::spawn_blocking(move || catalog.prepare(&name, &wanted)).await;
        match prepared {
            Ok(Ok(ready)) => self.switch(ready, position),
            Ok(Err(error)) => tracing::error!(function, version, %error, "an activated version is not here"),
            Err(error) => tracing::error!(function, version, %error, "an activated version was not prepared"),
        }
    }

    /// Puts a version into every site that names it, unless it or a later one is there.
    fn switch(&self, function: Arc<Function>, position: Position) {
        let name = function.name().to_owned();
        if let Err(error) = function.is_for(self.role(&name)) {
            return tracing::error!(function = name, version = function.version(), %error, "it cannot be activated");
        }
        let mut now = self.now.lock();
        if now.at.get(&name).is_some_and(|at| *at >= position) {
            return;
        }
        tracing::info!(function = name, version = function.version(), position = position.0, "activated");
        now.at.insert(name, position);
        self.put(&mut now, function);
    }

    /// Puts a version into every site that names it.
    fn put(&self, now: &mut Now, function: Arc<Function>) {
        let name = function.name().to_owned();
        self.mounted(&function);
        now.active.insert(name.clone(), function);
        for Named { site, names, roster } in now.sites.iter().filter(|named| named.names.contains(&name)) {
            match self.chain(now, site, names) {
                Ok(chain) => roster.replace(chain),
                Err(error) => {
                    tracing::error!(function = name, %error, "the functions of a site stay as they are");
                }
            }
        }
    }

    /// What other nodes of this process have activated meanwhile: the log is followed from its head.
    pub(crate) fn catch_up(self: &Arc<Self>) {
        for name in &self.deployed {
            let history = self.catalog.history(name);
            let Some(version) = history.active() else { continue };
            let function = name.clone();
            self.apply(&Activation { function, version: version.to_owned() }, history.position);
        }
    }
}

/// The place of a handler: where its versions are deployed, the one of the configuration before, so that what is activated
/// reaches requests that hold either.
fn place(name: &str, functions: &[config::Function], before: Option<&Switchboard>) -> Arc<Mount> {
    let is_fixed = |function: &config::Function| function.name.as_str() == name && function.file.is_some();
    let before = before.filter(|before| {
        let was_fixed = before.fixed.contains_key(name);
        was_fixed == functions.iter().any(is_fixed)
    });
    let known = before.and_then(|before| before.mounts.get(name)).map(Arc::clone);
    known.unwrap_or_else(|| Arc::new(Mount::new(name)))
}

fn role_of(mounts: &HashMap<String, Arc<Mount>>, name: &str) -> Role {
    if mounts.contains_key(name) { Role::Handler } else { Role::Filter }
}

fn read(
    runtime: &Runtime,
    function: &config::Function,
    file: &std::path::Path,
    origins: &BTreeSet<OriginName>,
    known: Option<&Fixed>,
    role: Role,
) -> Result<Fixed, StartError> {
    let of = function.clone();
    let config::Function { name, config, grants, on_error, .. } = function;
    let refused =
        |why: String| StartError::Function { name: name.as_str().to_owned(), file: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|error| refused(format!("cannot be read: {error}")))?;
    let digest = blake3::hash(&bytes);
    let same = |known: &&Fixed| known.of == of && known.bytes == digest;
    if let Some(known) = known.filter(same) {
        known.function.is_for(role).map_err(|error| refused(error.to_string()))?;
        return Ok(Fixed { function: Arc::clone(&known.function), of, bytes: digest });
    }
    let settings = FunctionSettings {
        config: config.clone(),
        origins: origins.clone(),
        store_private: grants.contains(&config::Grant::StorePrivate),
        reuse: grants.contains(&config::Grant::Reuse),
        on_error: on_error.clone(),
        // There is no version before the one of a file.
        rollback_on_traps: false,
    };
    let function =
        runtime.prepare(name.as_str(), &bytes, settings).map_err(|error| refused(error.to_string()))?;
    function.is_for(role).map_err(|error| refused(error.to_string()))?;
    let hooks: Vec<&str> = function.hooks().map(Hook::as_str).collect();
    let role = role.as_str();
    tracing::info!(function = name.as_str(), version = function.version(), role, ?hooks, "prepared");
    Ok(Fixed { function, of, bytes: digest })
}
