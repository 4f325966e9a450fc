//! Looks after the files of functions, and puts a rebuilt one in the place of what runs.
//!
//! A file counts as changed when its time or size is another than before, has been the same for one more look, so that
//! no half-written file is read, and its content is another too. A build that is no function changes nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, channel};
use std::time::{Duration, SystemTime};

use seawall_base::{Depth, Purge, Scope, Selector};
use seawall_cluster::{ClusterError, Wait};
use tokio::runtime::Runtime;

use super::Event;
use crate::config::Config;
use crate::node::live::Live;
use crate::node::{Running, StartError};

/// How often files are looked at: sooner than a hand gets from the keyboard to the browser.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Characters of a version that are shown.
const VERSION_SHOWN: usize = 8;

/// How long a purge may take here: it is this node's own log.
const PURGE_LIMIT: Duration = Duration::from_secs(5);

/// Who ordered a purge, for the audit trail.
const ACTOR: &str = "dev";

/// Dropping it ends the watch over the files.
pub(super) struct Reloading {
    _end: std::sync::mpsc::Sender<()>,
}

/// When a file was written, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    written: SystemTime,
    bytes: u64,
}

/// One file that is looked after.
struct File {
    name: String,
    path: PathBuf,
    /// What runs, or was refused, is of this stamp.
    known: Option<Stamp>,
    /// Seen at the last look, and not known.
    coming: Option<Stamp>,
    digest: Option<blake3::Hash>,
}

struct Reloader {
    live: Live,
    runtime: Runtime,
    files: Vec<File>,
    events: SyncSender<Event>,
}

/// Begins to look after the files of a node's functions.
pub(super) fn begin(
    config: &Config,
    running: &Running,
    events: SyncSender<Event>,
) -> Result<Reloading, StartError> {
    let failed = |source| StartError::Io { what: "the watch over the functions' files", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let file = |function: &crate::config::Function| {
        let path = function.file.clone()?;
        Some(File::new(function.name.as_str(), path))
    };
    let files = config.functions.iter().filter_map(file).collect();
    let live = running.live().clone();
    let mut reloader = Reloader { live, runtime, files, events };
    let (end, ended) = channel();
    super::thread("reload", move || {
        while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            reloader.look();
        }
    })?;
    Ok(Reloading { _end: end })
}

impl File {
    fn new(name: &str, path: PathBuf) -> Self {
        let known = stamp(&path);
        let digest = std::fs::read(&path).ok().map(|bytes| blake3::hash(&bytes));
        Self { name: name.to_owned(), path, known, coming: None, digest }
    }

    /// The new content, once it is whole.
    fn look(&mut self) -> Option<Vec<u8>> {
        let now = stamp(&self.path);
        // A file that is gone is about to be written.
        if now.is_none() || now == self.known {
            self.coming = None;
            return None;
        }
        if self.coming != now {
            self.coming = now;
            return None;
        }
        (self.known, self.coming) = (now, None);
        let bytes = std::fs::read(&self.path).ok()?;
        let digest = blake3::hash(&bytes);
        (self.digest.replace(digest) != Some(digest)).then_some(bytes)
    }
}

fn stamp(path: &PathBuf) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some(Stamp { written: found.modified().ok()?, bytes: found.len() })
}

impl Reloader {
    fn look(&mut self) {
        for at in 0..self.files.len() {
            let Some(file) = self.files.get_mut(at) else { continue };
            let Some(bytes) = file.look() else { continue };
            let name = file.name.clone();
            let text = match self.live.now().functions.reload(&name, &bytes) {
                Err(why) => format!("reload: {name} stays as it is: {why}\n"),
                Ok(reloaded) => {
                    let version: String = reloaded.version.chars().take(VERSION_SHOWN).collect();
                    let hooks = reloaded.hooks.join(", ");
                    let purged = reloaded.left.map_or("", |tag| self.purge(tag));
                    format!("reload: {name}@{version} ({hooks}){purged}\n")
                }
            };
            // Nobody listens any more where the node has ended.
            let _ = self.events.send(Event::Said(text));
        }
    }

    /// What the version before has stored would hide what this one does.
    fn purge(&self, tag: String) -> &'static str {
        let cluster = Arc::clone(&self.live.edge().cluster);
        let id = cluster.new_purge_id();
        let purge =
            Purge { id, scope: Scope::AllSites, selectors: vec![Selector::Tag(tag)], depth: Depth::Hard };
        let purged = async {
            let published = cluster.publish_purge(purge, ACTOR).await?;
            cluster.wait(&published, Wait::Local, PURGE_LIMIT).await;
            Ok::<_, ClusterError>(())
        };
        match self.runtime.block_on(purged) {
            Ok(()) => "; what the version before stored is purged",
            Err(_) => "; what the version before stored could not be purged",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_it_is_whole_and_only_if_it_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("front.wasm");
        let write = |text: &str, second: u64| {
            std::fs::write(&path, text).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
        };
        write("one", 1);
        let mut file = File::new("front", path.clone());
        assert_eq!(file.look(), None);
        write("tw", 2);
        assert_eq!(file.look(), None, "it may still grow");
        write("two", 2);
        assert_eq!(file.look(), None, "it has grown");
        assert_eq!(file.look().as_deref(), Some(b"two".as_slice()));
        assert_eq!(file.look(), None);
        write("two", 3);
        assert_eq!((file.look(), file.look()), (None, None), "the same was built again");
        std::fs::remove_file(&path).unwrap();
        assert_eq!((file.look(), file.look()), (None, None), "it is about to be written");
    }
}
