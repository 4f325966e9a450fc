//! A look at what is stored for a request, for people who ask why: it claims nothing and wakes nobody.

use std::sync::Arc;

use seawall_policy::Reuse;
use seawall_policy::select::most_recent;

use crate::claim::{Ask, judge};
use crate::entry::Entry;
use crate::store::Store;

/// What is there.
#[derive(Debug)]
pub struct Look {
    /// Every response that is stored under the key, newest first.
    pub seen: Vec<Seen>,
    /// Fills of it that are under way.
    pub fills: usize,
    /// It proved uncacheable a moment ago, so that nobody waits for another's fill.
    pub marked: bool,
}

/// One stored response.
#[derive(Debug)]
pub struct Seen {
    /// It.
    pub entry: Arc<Entry>,
    /// What a request that selects it may do with it.
    pub verdict: Reuse,
    /// This request selects it, and of several it is the one.
    pub selected: bool,
    /// A purge of everything has passed it; it is as good as gone.
    pub purged: bool,
    /// A soft purge has named it.
    pub soft_purged: bool,
}

impl Store {
    /// Looks.
    #[must_use]
    pub fn look(&self, ask: &Ask<'_>) -> Look {
        let held = self.get(&ask.key);
        let variants = held.as_ref().map(|held| held.resource.variants.as_slice()).unwrap_or_default();
        let usable = variants.iter().filter(|entry| {
            ask.shelf.holds(entry)
                && entry.head.part.is_none()
                && entry.head.is_selected_by(ask.headers, ask.normalise)
        });
        let selected = most_recent(usable.map(|entry| (entry, &entry.head.terms)));
        let seen = variants.iter().map(|entry| Seen {
            verdict: judge(ask, entry),
            selected: selected.is_some_and(|one| Arc::ptr_eq(one, entry)),
            purged: !ask.shelf.holds(entry),
            soft_purged: ask.shelf.is_soft_purged(entry),
            entry: Arc::clone(entry),
        });
        let seen = seen.collect();
        let mut shard = self.shard(&ask.key);
        let marked = shard.markers.marks(&ask.key, ask.now);
        Look { seen, fills: shard.in_flight.get(&ask.key).map_or(0, Vec::len), marked }
    }
}
