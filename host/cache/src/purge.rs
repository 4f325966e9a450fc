//! Applying a purge: seal first, then mark what is stored as gone, and give the memory back later.

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

/// What is purged and still takes memory, to be removed a little at a time. Nobody finds it any more: floors and marks
/// saw to that when the purge was applied.
#[derive(Debug)]
pub(crate) enum Sweep {
    /// Everything of a shelf that is gone, from one URL on.
    All {
        /// Where.
        shelf: Arc<Shelf>,
        /// The last URL that was looked at.
        after: Arc<str>,
    },
    /// What is gone under these keys.
    Keys {
        /// Where.
        shelf: Arc<Shelf>,
        /// What is left of them.
        keys: Vec<Key>,
    },
}

/// Keys that one step of sweeping looks at: some two milliseconds, so that a purge which comes meanwhile hardly waits.
const SWEEP_STEP_KEYS: usize = 512;

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
                } else {
                    matched.add(self.purge_keys(&shelf, selector, purge.depth, position));
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
        let (keys, last) = shelf.index.lock().after(after, SWEEP_STEP_KEYS);
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

    /// Marks what a selector matches. The removal is left to the sweep: taking a response out of moka and the index
    /// costs ten times what marking it does, and nobody is to wait for it.
    fn purge_keys(&self, shelf: &Arc<Shelf>, selector: &Selector, depth: Depth, at: Position) -> Matched {
        let mut matched = Matched::default();
        let mut keys = keys(shelf, selector);
        keys.retain(|key| {
            let found = self.mark(shelf, key, selector, depth, at);
            matched.add(found);
            found.objects > 0
        });
        if depth == Depth::Hard && !keys.is_empty() {
            shelf.lose(matched.objects);
            self.sweeps.lock().push_back(Sweep::Keys { shelf: Arc::clone(shelf), keys });
        }
        matched
    }

    fn mark(&self, shelf: &Shelf, key: &Key, selector: &Selector, depth: Depth, at: Position) -> Matched {
        let mut matched = Matched::default();
        let _shard = self.shard(key);
        let Some(held) = self.get(key) else { return matched };
        // A fill that started after the purge was applied may have stored already, when a node catches up.
        let purged = |entry: &&Arc<Entry>| entry.started < at && names(selector, entry) && shelf.holds(entry);
        for entry in held.resource.variants.iter().filter(purged) {
            let counts = match depth {
                Depth::Hard => {
                    entry.mark_gone();
                    true
                }
                Depth::Soft => entry.mark_soft(),
            };
            if counts {
                matched.count(entry);
            }
        }
        matched
    }

    /// Sweeps a shelf from its first URL; one such sweep of a shelf is enough.
    fn begin_sweep(&self, shelf: &Arc<Shelf>) {
        let mut sweeps = self.sweeps.lock();
        sweeps.retain(|sweep| !matches!(sweep, Sweep::All { shelf: other, .. } if Arc::ptr_eq(other, shelf)));
        sweeps.push_back(Sweep::All { shelf: Arc::clone(shelf), after: Arc::from("") });
    }

    /// One step of sweeping.
    pub(crate) fn sweep(&self) {
        let mut left = SWEEP_STEP_KEYS;
        while left > 0 {
            let Some(sweep) = self.sweeps.lock().pop_front() else { return };
            let (keys, shelf, rest) = sweep.step(left);
            left = left.saturating_sub(keys.len());
            for key in keys {
                self.drop_dead(&shelf, &key);
            }
            if let Some(rest) = rest {
                self.sweeps.lock().push_front(rest);
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

impl Sweep {
    /// About so many keys to look at now, and what is left.
    fn step(self, most: usize) -> (Vec<Key>, Arc<Shelf>, Option<Self>) {
        match self {
            Self::All { shelf, after } => {
                let (keys, last) = shelf.index.lock().after(&after, most);
                let rest = last.map(|after| Self::All { shelf: Arc::clone(&shelf), after });
                (keys, shelf, rest)
            }
            Self::Keys { shelf, mut keys } => {
                let now = keys.split_off(keys.len().saturating_sub(most));
                let rest = (!keys.is_empty()).then(|| Self::Keys { shelf: Arc::clone(&shelf), keys });
                (now, shelf, rest)
            }
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
