//! Where the versions of functions are kept: what was uploaded, and which version of each function is active.
//!
//! Owns the files: one folder per function, in it `<version>.wasm` and `<version>.json`, and beside them `active.json`.
//! Versions never change. A version that does not match its name when it is read is not a version. Refuses: to know what
//! the bytes mean; `catalog.rs` does.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parking_lot::Mutex;
use seawall_base::Position;
use serde::{Deserialize, Serialize};

use crate::function::{self, FunctionSettings};

/// Versions of one function that are kept. The oldest that is not active and was not lately goes first.
pub const VERSIONS_KEPT: usize = 20;
/// Activations of one function that are remembered, for rolling back step by step.
pub const HISTORY_KEPT: usize = 10;

const ACTIVE_FILE: &str = "active.json";

/// One version as it was deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The function.
    pub name: String,
    /// Its version: the digest of all that follows but the time.
    pub version: String,
    /// What the operator set.
    pub settings: FunctionSettings,
    /// What was uploaded.
    pub bytes: Bytes,
    /// When, for people.
    pub deployed_unix_ms: u64,
}

/// One version without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What the operator set.
    pub settings: FunctionSettings,
    /// Size of what was uploaded, in bytes.
    pub size_bytes: u64,
    /// When, for people.
    pub deployed_unix_ms: u64,
}

/// What was activated of one function: the last is active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Versions, oldest first.
    pub versions: Vec<String>,
    /// Where in the control log the last activation stands.
    pub position: Position,
}

impl History {
    /// The active version.
    #[must_use]
    pub fn active(&self) -> Option<&str> {
        self.versions.last().map(String::as_str)
    }

    /// What was active before.
    #[must_use]
    pub fn previous(&self) -> Option<&str> {
        self.versions.iter().nth_back(1).map(String::as_str)
    }

    /// Takes an activation in, unless it is an older one. Going back to the version before forgets the one that is left.
    fn take(&mut self, version: &str, position: Position) {
        if position <= self.position {
            return;
        }
        self.position = position;
        if self.previous() == Some(version) {
            self.versions.pop();
        } else if self.active() != Some(version) {
            self.versions.push(version.to_owned());
        }
        let surplus = self.versions.len().saturating_sub(HISTORY_KEPT);
        self.versions.drain(..surplus);
    }
}

/// Why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// The file system said no.
    #[error("`{}`: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is not what its name says.
    #[error("`{}` is damaged: {why}. Remove it, and deploy the version again", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// The versions of all functions. Shared by the nodes of a process.
pub struct Depot {
    /// Absent where nothing outlives the process.
    folder: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: BTreeMap<String, BTreeMap<String, Kept>>,
    active: BTreeMap<String, History>,
    /// Bytes by version, where there is no folder.
    bytes: BTreeMap<String, Bytes>,
}

impl Depot {
    /// A depot that ends with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { folder: None, state: Mutex::default() }
    }

    /// The depot in a folder, which is made if need be. What cannot be read of it is an error: a node must not start
    /// without the functions that guard its sites.
    pub fn open(folder: &Path) -> Result<Self, DepotError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| DepotError::Io { path: folder.to_owned(), error })?;
        let mut state =
            State { active: read_json(&folder.join(ACTIVE_FILE))?.unwrap_or_default(), ..State::default() };
        for name in entries(folder)? {
            let own = folder.join(&name);
            if !own.is_dir() {
                continue;
            }
            for file in entries(&own)? {
                let Some(version) = file.strip_suffix(".json") else { continue };
                if let Some(kept) = read_json::<Kept>(&own.join(&file))? {
                    state.kept.entry(name.clone()).or_default().insert(version.to_owned(), kept);
                }
            }
        }
        Ok(Self { folder: Some(folder.to_owned()), state: Mutex::new(state) })
    }

    /// Keeps a version. It is on disk when this returns.
    pub fn put(&self, deployment: &Deployment) -> Result<(), DepotError> {
        let Deployment { name, version, settings, bytes, deployed_unix_ms } = deployment;
        let kept = Kept {
            settings: settings.clone(),
            size_bytes: bytes.len() as u64,
            deployed_unix_ms: *deployed_unix_ms,
        };
        if let Some(folder) = &self.folder {
            let own = folder.join(name);
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&own);
            made.map_err(|error| DepotError::Io { path: own.clone(), error })?;
            write(&own.join(format!("{version}.wasm")), bytes)?;
            // The description comes last: without it the version is not there.
            write_json(&own.join(format!("{version}.json")), &kept)?;
        }
        let mut state = self.state.lock();
        if self.folder.is_none() {
            state.bytes.insert(version.clone(), bytes.clone());
        }
        state.kept.entry(name.clone()).or_default().insert(version.clone(), kept);
        let surplus = surplus(&state, name);
        drop(state);
        surplus.iter().try_for_each(|version| self.remove(name, version))
    }

    /// A version, if it is kept.
    pub fn get(&self, name: &str, version: &str) -> Result<Option<Deployment>, DepotError> {
        let (kept, in_memory) = {
            let state = self.state.lock();
            let kept = state.kept.get(name).and_then(|versions| versions.get(version)).cloned();
            (kept, state.bytes.get(version).cloned())
        };
        let Some(kept) = kept else { return Ok(None) };
        let path = self.folder.iter().map(|folder| folder.join(name).join(format!("{version}.wasm"))).next();
        let bytes = match (&path, in_memory) {
            (Some(path), _) => {
                let read = fs::read(path);
                Bytes::from(read.map_err(|error| DepotError::Io { path: path.clone(), error })?)
            }
            (None, Some(bytes)) => bytes,
            (None, None) => return Ok(None),
        };
        if function::version(&bytes, &kept.settings) != version {
            let path = path.unwrap_or_default();
            return Err(DepotError::Damaged { path, why: "its digest is not its version".to_owned() });
        }
        let Kept { settings, deployed_unix_ms, .. } = kept;
        Ok(Some(Deployment {
            name: name.to_owned(),
            version: version.to_owned(),
            settings,
            bytes,
            deployed_unix_ms,
        }))
    }

    /// Forgets a version. Not an error where it is not kept.
    pub fn remove(&self, name: &str, version: &str) -> Result<(), DepotError> {
        let mut state = self.state.lock();
        if let Some(versions) = state.kept.get_mut(name) {
            versions.remove(version);
        }
        state.bytes.remove(version);
        drop(state);
        let Some(folder) = &self.folder else { return Ok(()) };
        for suffix in ["json", "wasm"] {
            let path = folder.join(name).join(format!("{version}.{suffix}"));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(DepotError::Io { path, error });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The versions of a function.
    #[must_use]
    pub fn versions(&self, name: &str) -> BTreeMap<String, Kept> {
        self.state.lock().kept.get(name).cloned().unwrap_or_default()
    }

    /// What was activated of a function.
    #[must_use]
    pub fn history(&self, name: &str) -> History {
        self.state.lock().active.get(name).cloned().unwrap_or_default()
    }

    /// Notes that the control log made a version the active one. It is on disk when this returns.
    pub fn activated(&self, name: &str, version: &str, position: Position) -> Result<(), DepotError> {
        let mut state = self.state.lock();
        let history = state.active.entry(name.to_owned()).or_default();
        let before = history.clone();
        history.take(version, position);
        if *history == before {
            return Ok(());
        }
        match &self.folder {
            // Under the lock, or an older table could be written over a newer one.
            Some(folder) => write_json(&folder.join(ACTIVE_FILE), &state.active),
            None => Ok(()),
        }
    }
}

/// The versions beyond [`VERSIONS_KEPT`], oldest first, without those that a rollback may want.
fn surplus(state: &State, name: &str) -> Vec<String> {
    let Some(versions) = state.kept.get(name) else { return Vec::new() };
    let wanted = state.active.get(name).map(|history| history.versions.as_slice()).unwrap_or_default();
    let mut idle: Vec<_> = versions.iter().filter(|(version, _)| !wanted.contains(version)).collect();
    idle.sort_by_key(|(_, kept)| kept.deployed_unix_ms);
    let surplus = versions.len().saturating_sub(VERSIONS_KEPT);
    idle.into_iter().take(surplus).map(|(version, _)| version.clone()).collect()
}

fn entries(folder: &Path) -> Result<Vec<String>, DepotError> {
    let failed = |error| DepotError::Io { path: folder.to_owned(), error };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, DepotError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DepotError::Io { path: path.to_owned(), error }),
    };
    let damaged =
        |error: serde_json::Error| DepotError::Damaged { path: path.to_owned(), why: error.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), DepotError> {
    let damaged =
        |error: serde_json::Error| DepotError::Damaged { path: path.to_owned(), why: error.to_string() };
    write(path, &serde_json::to_vec(value).map_err(damaged)?)
}

/// Whole or not at all, and on disk when this returns.
fn write(path: &Path, bytes: &[u8]) -> Result<(), DepotError> {
    let draft = path.with_extension("draft");
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().map_err(|error| DepotError::Io { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests;
