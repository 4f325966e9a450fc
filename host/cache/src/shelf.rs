//! One site's part of the cache: its index, and the floors below which everything is purged.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use seawall_base::{Depth, Position, SiteName};

use crate::entry::{Entry, Resource};
use crate::index::Index;
use crate::key::Key;

/// One site's part of the cache. The path holds it, so that a hit looks nothing up.
#[derive(Debug)]
pub struct Shelf {
    /// The site.
    pub site: SiteName,
    /// What started before this is gone.
    hard_floor: AtomicU64,
    /// What started before this is stale.
    soft_floor: AtomicU64,
    pub(crate) index: Mutex<Index>,
}

impl Shelf {
    pub(crate) fn new(site: SiteName) -> Self {
        Self { site, hard_floor: AtomicU64::new(0), soft_floor: AtomicU64::new(0), index: Mutex::default() }
    }

    /// Purges everything that started before `position`, in one store. Answers how many responses that is.
    pub(crate) fn raise(&self, depth: Depth, position: Position) -> u64 {
        let mut index = self.index.lock();
        let floor = match depth {
            Depth::Hard => &self.hard_floor,
            Depth::Soft => &self.soft_floor,
        };
        floor.fetch_max(position.0, Ordering::AcqRel);
        match depth {
            Depth::Hard => std::mem::take(&mut index.alive),
            Depth::Soft => index.alive,
        }
    }

    /// `key` now holds `new` in place of `old`.
    pub(crate) fn replace(&self, key: Key, old: Option<&Resource>, new: Option<&Resource>) {
        let mut index = self.index.lock();
        index.alive = (index.alive + self.alive(new)).saturating_sub(self.alive(old));
        index.replace(key, old, new);
    }

    /// `gone` was evicted from `key`, which holds `current` by now.
    pub(crate) fn evict(&self, key: Key, gone: &Resource, current: Option<&Resource>) {
        let mut index = self.index.lock();
        index.alive = index.alive.saturating_sub(self.alive(Some(gone)));
        index.replace(key, Some(gone), current);
    }

    fn alive(&self, resource: Option<&Resource>) -> u64 {
        let variants = resource.map(|resource| resource.variants.as_slice()).unwrap_or_default();
        variants.iter().filter(|entry| self.holds(entry)).count() as u64
    }

    /// So many responses were marked as gone: the next purge of everything does not count them.
    pub(crate) fn lose(&self, responses: u64) {
        let mut index = self.index.lock();
        index.alive = index.alive.saturating_sub(responses);
    }

    /// Whether no hard purge has named `entry`, nor everything since its content was fetched.
    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        entry.started.0 >= self.hard_floor.load(Ordering::Acquire) && !entry.is_marked_gone()
    }

    /// Whether a soft purge named the entry, or everything.
    #[must_use]
    pub fn is_soft_purged(&self, entry: &Entry) -> bool {
        entry.is_marked_soft() || entry.started.0 < self.soft_floor.load(Ordering::Acquire)
    }
}
