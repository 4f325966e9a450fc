//! Reloads: the config file is read and checked again, everything is built of it, and then it comes into force at once;
//! or nothing changes, and every reason why not is said.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_core::future::BoxFuture;
use seawall_admin::{Configured, InForce, Mistake, NotReloaded, Reloaded};
use seawall_base::SiteName;
use tokio::sync::{Mutex, watch};

use super::build::{Base, Text};
use super::front::Pairs;
use super::live::{Live, Now, Source};
use crate::config::{Config, Log, Place, Problems};

mod metrics;
pub(crate) mod watching;

pub(crate) use metrics::Metrics;

/// Sets what the process's log says. The process has one, whatever nodes it has.
pub type SetLog = Box<dyn Fn(&Log) + Send + Sync>;

/// What a node needs to reload.
#[derive(Default)]
pub struct Reloads {
    /// Where its configuration came from: the file, and its text as it was read. Without it, nothing can be reloaded.
    pub from: Option<(Source, String)>,
    /// Told of each new configuration.
    pub set_log: Option<SetLog>,
}

impl Reloads {
    pub(crate) fn text(&self) -> Option<(PathBuf, String)> {
        self.from.as_ref().map(|(source, text)| (source.file.clone(), text.clone()))
    }
}

/// Reloads a node's configuration, one at a time.
pub(crate) struct Reloader {
    base: Arc<Base>,
    live: Live,
    source: Option<Source>,
    set_log: Option<SetLog>,
    metrics: Metrics,
    /// The number of the last attempt.
    attempts: AtomicU64,
    one_at_a_time: Mutex<()>,
    /// Counts configurations; wakes those who follow them.
    changed: watch::Sender<u64>,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// SIGHUP.
    Signal,
    /// The file changed.
    Watch,
    /// The admin API, with the token of that name.
    Api(Arc<str>),
}

impl Trigger {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Watch => "watch",
            Self::Api(_) => "api",
        }
    }
}

impl Reloader {
    pub(crate) fn new(base: Base, live: Live, reloads: Reloads, metrics: Metrics) -> Self {
        let Reloads { from, set_log } = reloads;
        let source = from.map(|(source, _)| source);
        let now = live.now();
        metrics.loaded(&now.in_force.digest, now.in_force.loaded_unix_ms);
        Self {
            base: Arc::new(base),
            live,
            source,
            set_log,
            metrics,
            attempts: AtomicU64::new(0),
            one_at_a_time: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Tells of each configuration that comes into force.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Reloads. Runs on the control thread: between two records of the log nothing changes.
    pub(crate) async fn reload(self: &Arc<Self>, trigger: Trigger) -> Result<Reloaded, NotReloaded> {
        let Some(source) = self.source.clone() else { return Err(NotReloaded::NoFile) };
        let _one = self.one_at_a_time.lock().await;
        let number = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let (base, before) = (Arc::clone(&self.base), self.live.now());
        let actor = if let Trigger::Api(actor) = &trigger { actor.as_ref() } else { "" };
        let file = source.file.display().to_string();
        let built = tokio::task::spawn_blocking(move || next(&base, &before, &source, number)).await;
        let built = built.unwrap_or_else(|error| Err(vec![mistake(String::new(), error.to_string())]));
        match built {
            Ok((next, certificates)) => {
                self.base.front.show(certificates);
                let done = self.put_in_force(next).await;
                let (by, digest, previous) = (trigger.as_str(), &done.digest, &done.previous_digest);
                tracing::info!(
                    target: "audit", action = "reload", by, actor, file, digest, previous,
                    origins_kept = done.origins_kept.len(), sites_dropped = ?done.sites_dropped, "reloaded"
                );
                Ok(done)
            }
            Err(mistakes) => {
                self.metrics.refused(self.base.shared.clock.now());
                for Mistake { place, message } in &mistakes {
                    tracing::error!(place, "{message}");
                }
                tracing::error!(
                    target: "audit", action = "reload", by = trigger.as_str(), actor, file, problems = mistakes.len(),
                    "refused: the configuration stays as it was"
                );
                Err(NotReloaded::Refused(mistakes))
            }
        }
    }

    async fn put_in_force(&self, next: Now) -> Reloaded {
        let next = Arc::new(next);
        let before = self.live.replace(Arc::clone(&next));
        self.changed.send_modify(|count| *count += 1);
        // What was activated while this was being built.
        next.functions.catch_up();
        if let Some(set_log) = &self.set_log
            && before.config.log != next.config.log
        {
            set_log(&next.config.log);
        }
        for (name, old) in &before.pools {
            let new = next.pools.get(name);
            if new.is_none_or(|new| !Arc::ptr_eq(&new.pool, &old.pool)) {
                self.base.origins.retire(&old.pool, new.map(|new| new.pool.as_ref()));
            }
        }
        self.metrics.loaded(&next.in_force.digest, next.in_force.loaded_unix_ms);
        let dropped = dropped(&before, &next);
        for site in &dropped {
            let mut after = Arc::from("");
            while self.base.store.forget(site, &mut after) {
                tokio::task::yield_now().await;
            }
        }
        Reloaded {
            digest: next.in_force.digest.clone(),
            previous_digest: before.in_force.digest.clone(),
            loaded_unix_ms: next.in_force.loaded_unix_ms,
            origins_kept: kept(&before, &next),
            sites_dropped: dropped.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Reads, checks and builds; nothing of it is in force yet.
fn next(base: &Base, before: &Now, source: &Source, number: u64) -> Result<(Now, Pairs), Vec<Mistake>> {
    let Source { file, flags } = source;
    let text = Config::read(file).map_err(|problems| mistakes(&problems))?;
    let config = Config::from_text(&text, file, flags.clone()).map_err(|problems| mistakes(&problems))?;
    before.config.may_become(&config, file, &text).map_err(|problems| mistakes(&problems))?;
    let text = Text { file, text: &text };
    let failed = |place: &Path, error: String| vec![mistake(place.display().to_string(), error)];
    let certificates = Pairs::load(&config.certificates, &base.shared.clock);
    let next = base.build(config, Some(&text), Some(before), number);
    certificates
        .and_then(|certificates| Ok((next?, certificates)))
        .map_err(|error| failed(file, error.to_string()))
}

fn mistakes(problems: &Problems) -> Vec<Mistake> {
    let place = |place: &Place| place.to_string();
    problems.iter().map(|problem| mistake(place(&problem.place), problem.message.clone())).collect()
}

fn mistake(place: String, message: String) -> Mistake {
    Mistake { place, message }
}

/// Sites of which nothing that is stored is served any more.
fn dropped(before: &Now, next: &Now) -> Vec<SiteName> {
    let goes = |(name, edition): &(&SiteName, &u64)| next.editions.get(*name) != Some(*edition);
    let mut dropped: Vec<SiteName> =
        before.editions.iter().filter(goes).map(|(name, _)| name.clone()).collect();
    dropped.sort_unstable();
    dropped
}

fn kept(before: &Now, next: &Now) -> Vec<String> {
    let same = |name| Some(Arc::ptr_eq(&before.pools.get(name)?.pool, &next.pools.get(name)?.pool));
    let mut kept: Vec<String> =
        next.pools.keys().filter(|name| same(*name) == Some(true)).map(ToString::to_string).collect();
    kept.sort_unstable();
    kept
}

/// The operator's door to the configuration.
pub(crate) struct ConfigDoor(pub(crate) Arc<Reloader>);

impl Configured for ConfigDoor {
    fn now(&self) -> Arc<InForce> {
        Arc::clone(&self.0.live.now().in_force)
    }

    fn reload(&self, actor: Arc<str>) -> BoxFuture<'_, Result<Reloaded, NotReloaded>> {
        let reloader = Arc::clone(&self.0);
        Box::pin(async move {
            // A task of its own: who hangs up does not leave it half done.
            let task = tokio::spawn(async move { reloader.reload(Trigger::Api(actor)).await });
            task.await.unwrap_or_else(|error| {
                Err(NotReloaded::Refused(vec![mistake(String::new(), error.to_string())]))
            })
        })
    }
}
