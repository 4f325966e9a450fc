//! The certificates in force, and their files watched.
//!
//! A pair is read again when its files have changed and then stayed the same for one look: whoever writes two files, or one
//! in pieces, is not read in between. A new pair that cannot be used leaves the old one in force.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use seawall_base::Clock;

use super::metrics::Metrics;
use super::names::Names;
use crate::certificate::Pair;
use crate::config;
use crate::node::StartError;

/// How often files are looked at. A look is two `stat`s for a pair.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The certificates in force.
#[derive(Debug)]
pub(crate) struct Certificates {
    names: ArcSwap<Names>,
    watched: Mutex<Vec<Watched>>,
    /// Whether the first is not shown to clients that name no host of any.
    strict: bool,
    metrics: Metrics,
}

/// A pair, and what its files looked like.
#[derive(Debug)]
struct Watched {
    cert: PathBuf,
    key: PathBuf,
    pair: Pair,
    /// When they were read last.
    read: Stamp,
    /// At the last look.
    seen: Stamp,
}

/// What tells one content of two files from another without reading them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp([Option<FileStamp>; 2]);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(cert: &Path, key: &Path) -> Self {
        Self([cert, key].map(|file| {
            let found = std::fs::metadata(file).ok()?;
            Some(FileStamp {
                device: found.dev(),
                inode: found.ino(),
                bytes: found.size(),
                modified: (found.mtime(), found.mtime_nsec()),
                changed: (found.ctime(), found.ctime_nsec()),
            })
        }))
    }
}

impl Watched {
    fn load(cert: PathBuf, key: PathBuf) -> Result<Self, String> {
        let stamp = Stamp::of(&cert, &key);
        let pair = Pair::load(&cert, &key).map_err(|error| error.to_string())?;
        Ok(Self { cert, key, pair, read: stamp.clone(), seen: stamp })
    }

    /// Looks at the files; the new pair, where there is one.
    fn look(&mut self) -> Option<Result<Pair, String>> {
        let now = Stamp::of(&self.cert, &self.key);
        let settled = now == std::mem::replace(&mut self.seen, now.clone());
        if !settled || now == self.read {
            return None;
        }
        self.read = now;
        Some(Pair::load(&self.cert, &self.key).map_err(|error| error.to_string()))
    }
}

/// Certificates as they were read, not in force yet.
#[derive(Debug)]
pub(crate) struct Pairs(Vec<Watched>);

impl Pairs {
    /// Reads all pairs; the first that cannot be used is the error. An expired one is used, and said.
    pub(crate) fn load(files: &[config::Certificate], clock: &Clock) -> Result<Self, StartError> {
        let load = |pair: &config::Certificate| Watched::load(pair.cert.clone(), pair.key.clone());
        let loaded: Result<Vec<_>, _> = files.iter().map(load).collect();
        let watched = loaded.map_err(|why| StartError::Config(format!("[[certificates]]: {why}")))?;
        for Watched { cert, pair, .. } in &watched {
            if clock.now() > pair.not_after {
                tracing::warn!(certificate = %cert.display(), "the certificate has expired and is shown nevertheless");
            }
        }
        Ok(Self(watched))
    }
}

impl Certificates {
    pub(crate) fn new(Pairs(watched): Pairs, strict: bool, metrics: Metrics) -> Self {
        let names = Names::of(watched.iter().map(|watched| &watched.pair), !strict);
        let own = Self { names: ArcSwap::from_pointee(names), watched: Mutex::new(watched), strict, metrics };
        own.tell_expiry();
        own
    }

    /// Shows these from now on, and watches their files instead.
    pub(crate) fn replace(&self, Pairs(pairs): Pairs) {
        let mut watched = self.watched.lock();
        self.names.store(Arc::new(Names::of(pairs.iter().map(|one| &one.pair), !self.strict)));
        self.metrics.forget_expiry();
        *watched = pairs;
        drop(watched);
        self.tell_expiry();
    }

    /// Reads what has changed. Blocks for as long as the disk does.
    pub(crate) fn look(&self) {
        let mut watched = self.watched.lock();
        let mut changed = false;
        for one in watched.iter_mut() {
            let certificate = one.cert.display().to_string();
            match one.look() {
                None => {}
                Some(Ok(pair)) => {
                    tracing::info!(%certificate, names = ?pair.names, "the certificate was read again");
                    one.pair = pair;
                    changed = true;
                    self.metrics.certificate_reloads.inc();
                }
                Some(Err(error)) => {
                    tracing::error!(%certificate, %error, "the certificate has changed and stays as it was in this node");
                    self.metrics.certificate_reload_failures.inc();
                }
            }
        }
        if changed {
            self.names.store(Arc::new(Names::of(watched.iter().map(|one| &one.pair), !self.strict)));
            drop(watched);
            self.tell_expiry();
        }
    }

    fn tell_expiry(&self) {
        for Watched { cert, pair, .. } in self.watched.lock().iter() {
            let not_after = pair.not_after.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            self.metrics.tell_not_after(cert, i64::try_from(not_after).unwrap_or(i64::MAX));
        }
    }

    /// Looks at the files for ever.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let own = Arc::clone(&self);
            if tokio::task::spawn_blocking(move || own.look()).await.is_err() {
                tracing::error!("looking at the certificates failed: they are not read again");
                return;
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.names.load().choose(hello.server_name(), hello.signature_schemes())
    }
}
