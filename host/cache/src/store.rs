//! The store: moka's resources, the fills in flight, and the one lock order that keeps them true.
//!
//! Locks, outermost first: a key's shard → the seals (read) → a shelf's index. moka is called inside all of them; its
//! eviction listener therefore only queues, and [`Store::housekeep`] unregisters later, each key under its own shard.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use moka::notification::RemovalCause;
use parking_lot::{Mutex, MutexGuard};
use seawall_base::{Position, SiteName};

use crate::config::{Config, PASS_MARKER_TTL, REFRESH_REST, SHARDS};
use crate::entry::{Entry, Resource};
use crate::fill::Fill;
use crate::hits::RecentHits;
use crate::key::{BuildKeyHasher, Key};
use crate::marker::Markers;
use crate::metrics::Metrics;
use crate::purge::Sweep;
use crate::seal::{Seals, Subject};
use crate::shelf::Shelf;

/// One node's cache.
#[derive(Debug)]
pub struct Store {
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    pub(crate) seals: Seals,
    applied: AtomicU64,
    fills: AtomicU64,
    /// Bytes that fills in flight keep for storing.
    filling: AtomicU64,
    held: moka::sync::Cache<Key, Held, BuildKeyHasher>,
    shards: Box<[Mutex<Shard>]>,
    shelves: Mutex<HashMap<SiteName, Arc<Shelf>>>,
    evicted: Arc<Mutex<Vec<(Key, Held)>>>,
    pub(crate) recent_hits: RecentHits,
    pub(crate) sweeps: Mutex<VecDeque<Sweep>>,
}

/// What moka holds for a key.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) resource: Arc<Resource>,
}

/// What is guarded together: claims, settling and purging of one key all hold its shard.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) in_flight: HashMap<Key, Vec<Arc<Fill>>, BuildKeyHasher>,
    pub(crate) markers: Markers,
    /// Stale responses whose refresh failed a moment ago.
    pub(crate) resting: Markers,
}

/// What became of a settled fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is stored.
    Stored,
    /// A purge that came while it was under way matches it.
    Sealed,
    /// A later fetch of the same was quicker, and is stored.
    Older,
    /// The body passed the object limit.
    TooLarge,
    /// The body is not as long as its `Content-Length` says.
    WrongLength,
}

impl Settled {
    /// The word for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Sealed => "sealed",
            Self::Older => "older",
            Self::TooLarge => "too-large",
            Self::WrongLength => "wrong-length",
        }
    }
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(config: Config, metrics: Metrics) -> Arc<Self> {
        let evicted: Arc<Mutex<Vec<(Key, Held)>>> = Arc::default();
        let queue = Arc::clone(&evicted);
        let held = moka::sync::Cache::builder()
            .max_capacity(config.memory_bytes)
            .weigher(|_: &Key, held: &Held| held.resource.weight())
            .eviction_listener(move |key: Arc<Key>, held: Held, cause| {
                if matches!(cause, RemovalCause::Size | RemovalCause::Expired) {
                    queue.lock().push((*key, held));
                }
            })
            .build_with_hasher(BuildKeyHasher::default());
        Arc::new(Self {
            config,
            metrics,
            seals: Seals::default(),
            applied: AtomicU64::new(0),
            fills: AtomicU64::new(0),
            filling: AtomicU64::new(0),
            held,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            shelves: Mutex::default(),
            evicted,
            recent_hits: RecentHits::default(),
            sweeps: Mutex::default(),
        })
    }

    /// The shelf of a site; made when first asked for.
    #[must_use]
    pub fn shelf(&self, site: &SiteName) -> Arc<Shelf> {
        let mut shelves = self.shelves.lock();
        Arc::clone(shelves.entry(site.clone()).or_insert_with(|| Arc::new(Shelf::new(site.clone()))))
    }

    pub(crate) fn shelves(&self) -> Vec<Arc<Shelf>> {
        self.shelves.lock().values().map(Arc::clone).collect()
    }

    /// The position up to which the control log is applied here, removals and all. A fill starts at it; a purge that is
    /// still being applied is later than that, and seals the fill.
    #[must_use]
    pub fn applied(&self) -> Position {
        Position(self.applied.load(Ordering::Acquire))
    }

    pub(crate) fn next_fill(&self) -> u64 {
        self.fills.fetch_add(1, Ordering::Relaxed)
    }

    /// A fill keeps so many bytes more. `false`: all fills together keep more than they may.
    pub(crate) fn keep_more(&self, bytes: u64) -> bool {
        let before = self.filling.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) <= self.config.fills_max_bytes()
    }

    /// A fill keeps so many bytes less.
    pub(crate) fn keep_less(&self, bytes: u64) {
        self.filling.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_applied(&self, position: Position) {
        self.applied.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Limits and sizes.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        self.shards[key.shard(SHARDS)].lock()
    }

    /// Looks at every fill in flight. They are few: as many as the origins are asked at once.
    pub(crate) fn each_fill(&self, mut look: impl FnMut(&Fill)) {
        for shard in &self.shards {
            shard.lock().in_flight.values().flatten().for_each(|fill| look(fill));
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Held> {
        self.held.get(key)
    }

    /// Stores `entry`, unless a purge later than `start` matches it, or the `prior` response that it refreshes. The
    /// caller holds the key's shard.
    pub(crate) fn insert(
        &self,
        _shard: &mut Shard,
        at: &Place,
        start: Position,
        entry: &Arc<Entry>,
        prior: Option<&Entry>,
    ) -> Settled {
        let recent = self.seals.read();
        let subject = Subject { site: at.shelf.site.as_str(), url: &at.url, tags: &entry.head.tags };
        let mut sealed = recent.check(start, &subject);
        if let Some(prior) = prior {
            // A 304 may drop a tag; the content that it keeps alive was purged by it all the same.
            sealed = sealed.or(recent.check(start, &Subject { tags: &prior.head.tags, ..subject }));
        }
        if sealed.hard.is_some() {
            self.metrics.sealed.inc();
            return Settled::Sealed;
        }
        if sealed.soft.is_some() {
            entry.mark_soft();
        }
        let old = self.held.get(&at.key);
        let old = old.as_ref().map(|held| held.resource.as_ref());
        let is_held = |entry: &Entry| at.shelf.holds(entry);
        if old.is_some_and(|old| old.has_newer_than(entry, is_held)) {
            return Settled::Older;
        }
        let new = Resource::with(old, Arc::clone(&at.url), entry, is_held);
        self.put(&at.key, &at.shelf, old, Some(new));
        Settled::Stored
    }

    /// All that moka holds, once it has done what it put off.
    #[cfg(test)]
    pub(crate) fn everything(&self) -> Vec<(Key, Held)> {
        self.measure();
        self.held.iter().map(|(key, held)| (*key, held)).collect()
    }

    /// Puts `new` in place of `old`. The index learns of new tags before moka holds them.
    pub(crate) fn put(&self, key: &Key, shelf: &Arc<Shelf>, old: Option<&Resource>, new: Option<Resource>) {
        shelf.replace(*key, old, new.as_ref());
        match new {
            Some(new) => {
                let held = Held { shelf: Arc::clone(shelf), resource: Arc::new(new) };
                self.held.insert(*key, held);
            }
            None => self.held.invalidate(key),
        }
    }

    /// Takes a fill off the table, so that nobody joins it any more.
    pub(crate) fn leave(shard: &mut Shard, key: &Key, fill: &Arc<Fill>) {
        if let Some(fills) = shard.in_flight.get_mut(key) {
            fills.retain(|other| !Arc::ptr_eq(other, fill));
            if fills.is_empty() {
                shard.in_flight.remove(key);
            }
        }
    }

    /// Unregisters what moka evicted. Called after every fill: it is as much as that fill displaced.
    pub(crate) fn unregister_evicted(&self) {
        let evicted = std::mem::take(&mut *self.evicted.lock());
        self.metrics.evicted.inc_by(evicted.len() as u64);
        for (key, gone) in evicted {
            let _shard = self.shard(&key);
            let current = self.held.get(&key);
            let current = current.as_ref().map(|held| held.resource.as_ref());
            gone.shelf.evict(key, &gone.resource, current);
        }
    }

    /// Unregisters what moka evicted, and removes a little of what is purged for good. Answers whether more is to be
    /// removed. Not on a worker: a step takes milliseconds.
    pub fn housekeep(&self) -> bool {
        self.unregister_evicted();
        self.sweep();
        !self.sweeps.lock().is_empty()
    }

    /// Brings gauges up to date; for a timer or before metrics are read.
    pub fn measure(&self) {
        self.held.run_pending_tasks();
        self.unregister_evicted();
        self.metrics.bytes.set(i64::try_from(self.held.weighted_size()).unwrap_or(i64::MAX));
        self.metrics.resources.set(i64::try_from(self.held.entry_count()).unwrap_or(i64::MAX));
    }

    /// Leaves a pass marker at a URL, for a response that was declined.
    pub(crate) fn leave_marker(&self, key: Key, now: SystemTime, known_for: Option<Duration>) {
        self.shard(&key).markers.leave(key, now, known_for.unwrap_or(PASS_MARKER_TTL));
    }

    /// Lets a stale response rest before it is refreshed again: the origin failed.
    pub(crate) fn rest(&self, key: Key, now: SystemTime) {
        self.shard(&key).resting.leave(key, now, REFRESH_REST);
    }
}

/// Where a response is stored.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) url: Arc<str>,
}
