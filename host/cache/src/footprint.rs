//! What a purge would match, without purging.

use std::collections::HashSet;
use std::sync::Arc;

use seawall_base::{Purge, Selector};

use crate::key::Key;
use crate::purge::names;
use crate::shelf::Shelf;
use crate::store::Store;

/// URLs that are looked up under one lock of a site's index: some microseconds' wait for who stores meanwhile.
const STEP_URLS: usize = 1024;

/// What a purge would match on this node now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Stored responses, each variant for itself, each once.
    pub objects: u64,
    /// Their bytes, as weighed.
    pub bytes: u64,
    /// How many of the last hits were of URLs with such a response.
    pub recent_hits: u64,
    /// How many hits are remembered at all.
    pub recent_hits_all: u64,
}

/// What was counted so far. Selectors overlap: a response may be named by its URL and by two tags.
#[derive(Default)]
struct Tally {
    found: Footprint,
    /// Numbers of the fills that brought what was counted; no two stored responses share one.
    entries: HashSet<u64>,
    keys: HashSet<u64>,
}

impl Store {
    /// Counts what `purge` would match. Takes as long as the purge would, and no lock for longer than a moment: not for
    /// a thread that serves.
    #[must_use]
    pub fn footprint(&self, purge: &Purge) -> Footprint {
        let mut tally = Tally::default();
        for shelf in self.in_scope(&purge.scope) {
            for selector in &purge.selectors {
                self.each_key(&shelf, selector, |key| self.tally(&mut tally, &shelf, selector, key));
            }
        }
        let (recent_hits, recent_hits_all) = self.recent_hits.share(|short| tally.keys.contains(&short));
        Footprint { recent_hits, recent_hits_all, ..tally.found }
    }

    fn tally(&self, tally: &mut Tally, shelf: &Shelf, selector: &Selector, key: &Key) {
        let Some(held) = self.get(key) else { return };
        for entry in held.resource.variants.iter().filter(|entry| shelf.holds(entry)) {
            if names(selector, entry) && tally.entries.insert(entry.number) {
                tally.found.objects += 1;
                tally.found.bytes += entry.weight_bytes();
                tally.keys.insert(key.short());
            }
        }
    }

    /// Every key that the index names for a selector, a few at a time.
    fn each_key(&self, shelf: &Arc<Shelf>, selector: &Selector, mut look: impl FnMut(&Key)) {
        let prefix = match selector {
            Selector::Url(url) => return shelf.index.lock().at_url(url).iter().for_each(look),
            Selector::Tag(tag) => {
                let keys = shelf.index.lock().tagged(tag);
                return keys.iter().for_each(look);
            }
            Selector::Prefix(prefix) => prefix.clone(),
            Selector::Host(host) => format!("{host}/"),
            Selector::All => String::new(),
        };
        let mut after: Option<Arc<str>> = None;
        loop {
            let (keys, last) = shelf.index.lock().under_after(&prefix, after.as_deref(), STEP_URLS);
            keys.iter().for_each(&mut look);
            match last {
                Some(last) => after = Some(last),
                None => return,
            }
        }
    }
}
