//! One site's part of the cache: its index, and the floors below which everything is purged.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use seawall_base::{Depth, Position, SiteName};

use crate::entry::Entry;
use crate::index::Index;

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
        Self {
            site,
            hard_floor: AtomicU64::new(0),
            soft_floor: AtomicU64::new(0),
            index: Mutex::default(),
        }
    }

    /// Purges everything that started before `position`, in one store.
    pub(crate) fn raise(&self, depth: Depth, position: Position) {
        let floor = match depth {
            Depth::Hard => &self.hard_floor,
            Depth::Soft => &self.soft_floor,
        };
        floor.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Whether nothing has purged all since `entry`'s content was fetched.
    pub(crate) fn holds(&self, entry: &Entry) -> bool {
        entry.head.position.0 >= self.hard_floor.load(Ordering::Acquire)
    }

    pub(crate) fn is_soft_purged(&self, entry: &Entry) -> bool {
        entry.is_marked_soft() || entry.head.position.0 < self.soft_floor.load(Ordering::Acquire)
    }
}
