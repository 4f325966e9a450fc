//! Applying a purge: seal first, then remove.

use std::sync::Arc;

use seawall_base::{Depth, Position, Purge, Scope, Selector, SiteName};
use smallvec::SmallVec;

use crate::entry::{Entry, Resource};
use crate::key::Key;
use crate::obligation::Lead;
use crate::shelf::Shelf;
use crate::store::{Held, Place, Store};

/// What a purge matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// Stored responses.
    pub objects: u64,
    /// Their bytes, as weighed.
    pub bytes: u64,
}

/// Everything of one shelf that started before a position is to be removed, a little at a time. It is purged already:
/// the floor saw to that. This only gives the memory back.
#[derive(Debug)]
pub(crate) struct Sweep {
    shelf: Arc<Shelf>,
    after: Arc<str>,
}

/// URLs that one step of a sweep looks at: a few milliseconds' work.
const SWEEP_STEP_URLS: usize = 10_000;

impl Store {
    /// Applies the purge at `position`. When this returns, no claim answers with what matched.
    ///
    /// Positions must come in order; the log's follower sees to that.
    pub fn apply(&self, position: Position, purge: &Purge) -> Matched {
        self.seals.record(position, purge);
        let mut matched = Matched::default();
        for shelf in self.in_scope(&purge.scope) {
            for selector in &purge.selectors {
                if matches!(selector, Selector::All) {
                    matched.objects += shelf.raise(purge.depth, position);
                    if purge.depth == Depth::Hard {
                        self.begin_sweep(&shelf);
                    }
                    continue;
                }
                for key in keys(&shelf, selector) {
                    matched.add(self.purge_key(&shelf, &key, selector, purge.depth, position));
                }
            }
        }
        self.metrics.purged.inc_by(matched.objects);
        self.set_applied(position);
        matched
    }

    /// The log held nothing for the cache up to `position`.
    pub fn advance(&self, position: Position) {
        self.seals.advance(position);
        self.set_applied(position);
    }

    /// The log no longer reaches back to where this node stood: drops everything, and everything in flight
    /// (promise 6: a gap empties).
    pub fn empty(&self, position: Position) {
        self.seals.raise_floor(position);
        for shelf in self.shelves() {
            shelf.raise(Depth::Hard, position);
            self.begin_sweep(&shelf);
        }
        self.set_applied(position);
    }

    /// An unsafe request succeeded on this URL (RFC 9111 §4.4): what is stored of it goes, what is on its way is not
    /// stored. On this node only: nothing promises more, and the log is for what was promised.
    pub fn invalidate(&self, shelf: &Arc<Shelf>, url: &str) {
        self.invalidate_but(shelf, url, None);
    }

    /// The same, by the very request whose response may be stored: all goes but what it brings itself.
    pub fn invalidate_by(&self, shelf: &Arc<Shelf>, url: &str, writer: &Lead) {
        self.invalidate_but(shelf, url, Some(writer));
    }

    /// Drops a step of what is stored of a site: its keys have come to mean something else, or nobody asks for it any
    /// more. `after` says how far earlier steps came; begin with an empty text. Answers whether more may be there. On this
    /// node only. Not on a worker: a step takes milliseconds.
    pub fn forget(&self, site: &SiteName, after: &mut Arc<str>) -> bool {
        let shelf = self.shelf(site);
        let (keys, last) = shelf.index.lock().after(after, SWEEP_STEP_URLS);
        for key in keys {
            let _shard = self.shard(&key);
            if let Some(held) = self.get(&key) {
                self.put(&key, &shelf, Some(&held.resource), None);
            }
        }
        last.map(|last| *after = last).is_some()
    }

    fn invalidate_but(&self, shelf: &Arc<Shelf>, url: &str, writer: Option<&Lead>) {
        // Fills first: one that settles in between has stored by the time its key is looked at.
        self.each_fill(|fill| {
            if *fill.url == *url && writer.is_none_or(|writer| !writer.is_of(fill)) {
                fill.invalidate();
            }
        });
        for key in keys(shelf, &Selector::Url(url.to_owned())) {
            let _shard = self.shard(&key);
            if let Some(held) = self.get(&key) {
                self.put(&key, shelf, Some(&held.resource), None);
            }
        }
    }

    /// Removes one entry, if it is still what is stored.
    pub(crate) fn remove(&self, at: &Place, entry: &Arc<Entry>) {
        let _shard = self.shard(&at.key);
        if let Some(held) = self.get(&at.key) {
            self.retain(&at.key, &at.shelf, &held, |other| !Arc::ptr_eq(other, entry));
        }
    }

    /// Keeps of what is stored under a key only what `stays`. The caller holds the key's shard.
    fn retain(&self, key: &Key, shelf: &Arc<Shelf>, held: &Held, stays: impl Fn(&Arc<Entry>) -> bool) {
        let old = &held.resource;
        let variants: SmallVec<_> = old.variants.iter().filter(|entry| stays(entry)).cloned().collect();
        if variants.len() < old.variants.len() {
            let rest = Resource { url: Arc::clone(&old.url), variants };
            self.put(key, shelf, Some(old), (!rest.variants.is_empty()).then_some(rest));
        }
    }

    pub(crate) fn in_scope(&self, scope: &Scope) -> Vec<Arc<Shelf>> {
        match scope {
            Scope::AllSites => self.shelves(),
            Scope::Site(site) => vec![self.shelf(site)],
        }
    }

    fn purge_key(
        &self,
        shelf: &Arc<Shelf>,
        key: &Key,
        selector: &Selector,
        depth: Depth,
        at: Position,
    ) -> Matched {
        let mut matched = Matched::default();
        let _shard = self.shard(key);
        let Some(held) = self.get(key) else { return matched };
        // A fill that started after the purge was applied may have stored already, when a node catches up.
        let purged = |entry: &Entry| entry.started < at && names(selector, entry);
        let goes: Vec<&Arc<Entry>> = held.resource.variants.iter().filter(|entry| purged(entry)).collect();
        if goes.is_empty() {
            return matched;
        }
        for entry in goes {
            match depth {
                Depth::Hard => matched.count(entry),
                Depth::Soft if entry.mark_soft() => matched.count(entry),
                Depth::Soft => {}
            }
        }
        if depth == Depth::Hard {
            self.retain(key, shelf, &held, |entry| !purged(entry));
        }
        matched
    }

    /// Sweeps a shelf from its first URL; one sweep of a shelf is enough.
    fn begin_sweep(&self, shelf: &Arc<Shelf>) {
        let mut sweeps = self.sweeps.lock();
        sweeps.retain(|sweep| !Arc::ptr_eq(&sweep.shelf, shelf));
        sweeps.push(Sweep { shelf: Arc::clone(shelf), after: Arc::from("") });
    }

    /// One step of every sweep under way.
    pub(crate) fn sweep(&self) {
        let sweeps = std::mem::take(&mut *self.sweeps.lock());
        for mut sweep in sweeps {
            let (keys, last) = sweep.shelf.index.lock().after(&sweep.after, SWEEP_STEP_URLS);
            for key in keys {
                self.drop_dead(&sweep.shelf, &key);
            }
            if let Some(last) = last {
                sweep.after = last;
                self.sweeps.lock().push(sweep);
            }
        }
    }

    fn drop_dead(&self, shelf: &Arc<Shelf>, key: &Key) {
        let _shard = self.shard(key);
        if let Some(held) = self.get(key) {
            self.retain(key, shelf, &held, |entry| shelf.holds(entry));
        }
    }
}

fn keys(shelf: &Shelf, selector: &Selector) -> Vec<Key> {
    let index = shelf.index.lock();
    match selector {
        Selector::Url(url) => index.at_url(url),
        Selector::Tag(tag) => index.tagged(tag),
        Selector::Prefix(prefix) => index.under(prefix),
        Selector::Host(host) => index.under(&format!("{host}/")),
        Selector::All => index.under(""),
    }
}

/// Whether the selector names this variant, given that it names its URL or is a tag.
pub(crate) fn names(selector: &Selector, entry: &Entry) -> bool {
    match selector {
        Selector::Tag(tag) => entry.has_tag(tag),
        Selector::Url(_) | Selector::Prefix(_) | Selector::Host(_) | Selector::All => true,
    }
}

impl Matched {
    fn count(&mut self, entry: &Entry) {
        self.objects += 1;
        self.bytes += entry.weight_bytes();
    }

    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
    }
}
