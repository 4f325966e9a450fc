//! All versions of all functions that a process knows: deployed, made ready, and activated.
//!
//! Owns: the way from an upload to a function that a roster can run, and back to an earlier one without compiling it
//! again. Refuses: when to activate, which the control log says, and on which sites, which a node knows.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use lru::LruCache;
use parking_lot::Mutex;
use seawall_base::{Clock, Position};

use crate::code::Compiler;
use crate::config::Config;
use crate::depot::{Deployment, Depot, DepotError, History, Kept};
use crate::error::RuntimeError;
use crate::function::{Function, FunctionSettings, Role};
use crate::runtime::Runtime;
use crate::upload::UploadError;

/// Versions that are kept compiled, over all functions: each takes some hundred KiB, and going back to one takes no
/// time.
pub const READY_KEPT: usize = 64;
/// Machine code of those versions together, in bytes; at least one is kept. A function in JavaScript has some 40 MiB of it.
pub const READY_MAX_BYTES: usize = 256 << 20;

/// How versions come to the other processes of a cluster. The nodes of one process share a catalog and need none.
pub trait Courier: Send + Sync {
    /// Makes a version known to all. When this answers, every process can fetch it.
    fn publish(&self, deployment: Arc<Deployment>) -> BoxFuture<'_, Result<(), String>>;

    /// A version that another process made known.
    fn fetch<'a>(
        &'a self,
        name: &'a str,
        version: &'a str,
    ) -> BoxFuture<'a, Result<Option<Deployment>, String>>;
}

/// The courier where there is one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyElse;

impl Courier for NobodyElse {
    fn publish(&self, _: Arc<Deployment>) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn fetch<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<Deployment>, String>> {
        Box::pin(async { Ok(None) })
    }
}

/// Why a version is not there.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It is not a function.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// There is no engine to run it.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// It could not be kept or read.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// It was never deployed here, or is no longer kept.
    #[error("function `{name}` has no version `{version}` here: deploy it first")]
    NoSuch {
        /// The function.
        name: String,
        /// The version.
        version: String,
    },
}

/// All versions of all functions. Shared by the nodes of a process.
pub struct Catalog {
    depot: Depot,
    courier: Box<dyn Courier>,
    compiler: Box<dyn Compiler>,
    config: Config,
    clock: Clock,
    /// Made for the first function: it reserves some 4 TiB of addresses for its slots, and a process has 128.
    runtime: Mutex<Option<Runtime>>,
    ready: Mutex<LruCache<(String, String), Arc<Function>>>,
}

impl Catalog {
    /// A catalog over a depot.
    #[must_use]
    pub fn new(
        depot: Depot,
        courier: Box<dyn Courier>,
        compiler: Box<dyn Compiler>,
        config: Config,
        clock: Clock,
    ) -> Self {
        const READY: NonZeroUsize = NonZeroUsize::new(READY_KEPT).expect("it is not zero");
        Self {
            depot,
            courier,
            compiler,
            config,
            clock,
            runtime: Mutex::default(),
            ready: Mutex::new(LruCache::new(READY)),
        }
    }

    /// The engine of this process.
    pub fn runtime(&self) -> Result<Runtime, RuntimeError> {
        let mut made = self.runtime.lock();
        if let Some(runtime) = made.as_ref() {
            return Ok(runtime.clone());
        }
        let runtime = Runtime::new(&self.config, self.clock.clone())?;
        Ok(made.insert(runtime).clone())
    }

    /// Checks, compiles, tries and keeps an upload. Takes tens of milliseconds of CPU time at least and writes files:
    /// not for a thread that serves requests. Deploying the same again is no error and changes nothing.
    pub fn deploy(
        &self,
        name: &str,
        bytes: Bytes,
        settings: FunctionSettings,
        role: Role,
    ) -> Result<(Arc<Function>, Arc<Deployment>), CatalogError> {
        let function = self.compiled(name, &bytes, settings.clone())?;
        function.is_for(role)?;
        let since = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let deployment = Arc::new(Deployment {
            name: name.to_owned(),
            version: function.version().to_owned(),
            settings,
            bytes,
            deployed_unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        });
        if !self.depot.versions(name).contains_key(&deployment.version) {
            self.depot.put(&deployment)?;
        }
        self.keep_ready(&function);
        Ok((function, deployment))
    }

    /// Makes a version known to the other processes.
    pub async fn publish(&self, deployment: Arc<Deployment>) -> Result<(), String> {
        self.courier.publish(deployment).await
    }

    /// Fetches a version that another process made known, if it is not kept here.
    pub async fn fetch(&self, name: &str, version: &str) -> Result<(), String> {
        if self.depot.versions(name).contains_key(version) {
            return Ok(());
        }
        match self.courier.fetch(name, version).await? {
            Some(deployment) => self.depot.put(&deployment).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// A version that is compiled already. Costs a look-up.
    #[must_use]
    pub fn ready(&self, name: &str, version: &str) -> Option<Arc<Function>> {
        self.ready.lock().get(&(name.to_owned(), version.to_owned())).map(Arc::clone)
    }

    /// A version, compiled from what is kept if need be: not for a thread that serves requests.
    pub fn prepare(&self, name: &str, version: &str) -> Result<Arc<Function>, CatalogError> {
        if let Some(function) = self.ready(name, version) {
            return Ok(function);
        }
        let no_such = || CatalogError::NoSuch { name: name.to_owned(), version: version.to_owned() };
        let Deployment { settings, bytes, .. } = self.depot.get(name, version)?.ok_or_else(no_such)?;
        let function = self.compiled(name, &bytes, settings)?;
        self.keep_ready(&function);
        Ok(function)
    }

    /// Checks come first: what is too large, or no function at all, starts no compiler.
    fn compiled(
        &self,
        name: &str,
        bytes: &[u8],
        settings: FunctionSettings,
    ) -> Result<Arc<Function>, CatalogError> {
        let max = self.config.any_upload_max_bytes();
        if bytes.len() > max {
            return Err(UploadError::TooLarge { bytes: bytes.len(), max }.into());
        }
        self.compiler.compile(bytes).map_err(UploadError::Compiler)?;
        Ok(self.runtime()?.prepare(name, bytes, settings)?)
    }

    fn keep_ready(&self, function: &Arc<Function>) {
        let key = (function.name().to_owned(), function.version().to_owned());
        let mut ready = self.ready.lock();
        ready.put(key, Arc::clone(function));
        let mut bytes: usize = ready.iter().map(|(_, function)| function.code_bytes()).sum();
        while bytes > READY_MAX_BYTES && ready.len() > 1 {
            let Some((_, oldest)) = ready.pop_lru() else { break };
            bytes = bytes.saturating_sub(oldest.code_bytes());
        }
    }

    /// The versions that are kept of a function.
    #[must_use]
    pub fn versions(&self, name: &str) -> BTreeMap<String, Kept> {
        self.depot.versions(name)
    }

    /// What was activated of a function.
    #[must_use]
    pub fn history(&self, name: &str) -> History {
        self.depot.history(name)
    }

    /// Notes that the control log made a version the active one; for good when this returns.
    pub fn activated(&self, name: &str, version: &str, position: Position) -> Result<(), DepotError> {
        self.depot.activated(name, version, position)
    }

    /// Forgets a version.
    pub fn remove(&self, name: &str, version: &str) -> Result<(), DepotError> {
        self.ready.lock().pop(&(name.to_owned(), version.to_owned()));
        self.depot.remove(name, version)
    }
}
