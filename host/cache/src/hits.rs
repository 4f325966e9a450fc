//! The last hits, so that a dry run can say how much of the traffic a purge would send to the origin.
//!
//! A ring of digests' first bytes: a hit writes one word and forgets the oldest. Nothing is counted for each stored
//! response, nothing decays with time, and what was evicted meanwhile still counts as a hit of its URL.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::Key;

/// How many hits are remembered: half a MiB, and a purge that names one hit in a thousand still shows.
pub const RECENT_HITS: usize = 65_536;

/// The ring. Zero is a place that no hit has taken yet.
#[derive(Debug)]
pub(crate) struct RecentHits {
    taken: AtomicU64,
    ring: Box<[AtomicU64]>,
}

impl Default for RecentHits {
    fn default() -> Self {
        Self { taken: AtomicU64::new(0), ring: (0..RECENT_HITS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl RecentHits {
    /// A request was answered with what is stored under `key`.
    pub(crate) fn note(&self, key: &Key) {
        let turn = self.taken.fetch_add(1, Ordering::Relaxed);
        // The remainder is smaller than the ring, whatever the width of `usize`.
        let place = usize::try_from(turn % RECENT_HITS as u64).unwrap_or_default();
        if let Some(slot) = self.ring.get(place) {
            slot.store(key.short(), Ordering::Relaxed);
        }
    }

    /// How many of the remembered hits were of a key that `counts`, and how many are remembered.
    pub(crate) fn share(&self, counts: impl Fn(u64) -> bool) -> (u64, u64) {
        let hits = self.ring.iter().map(|slot| slot.load(Ordering::Relaxed)).filter(|key| *key != 0);
        hits.fold((0, 0), |(some, all), key| (some + u64::from(counts(key)), all + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyParts;

    fn key(path: &str) -> Key {
        Key::new(&KeyParts { site: "s", scheme: "http", authority: "a", path_and_query: path, extra: &[] })
    }

    #[test]
    fn the_oldest_hits_make_room_for_new_ones() {
        let (old, new) = (key("/old"), key("/new"));
        let hits = RecentHits::default();
        assert_eq!(hits.share(|_| true), (0, 0), "nothing was asked for yet");
        for _ in 0..RECENT_HITS {
            hits.note(&old);
        }
        for _ in 0..100 {
            hits.note(&new);
        }
        assert_eq!(hits.share(|short| short == new.short()), (100, RECENT_HITS as u64));
    }
}
