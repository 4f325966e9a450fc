//! Markers with an end: URLs that declined to be stored a short while ago, so that nobody queues on them; stale responses
//! whose refresh failed, so that nobody tries again at once.

use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use lru::LruCache;

use crate::config::{PASS_MARKERS_MAX, SHARDS};
use crate::key::Key;

/// One shard's markers; the least recently used goes first.
#[derive(Debug)]
pub(crate) struct Markers(LruCache<Key, SystemTime>);

impl Default for Markers {
    fn default() -> Self {
        let each = NonZeroUsize::new(PASS_MARKERS_MAX / SHARDS).unwrap_or(NonZeroUsize::MIN);
        // Grown as needed: most nodes have few uncacheable URLs.
        let mut markers = LruCache::unbounded();
        markers.resize(each);
        Self(markers)
    }
}

impl Markers {
    pub(crate) fn leave(&mut self, key: Key, now: SystemTime, ttl: Duration) {
        if let Some(until) = now.checked_add(ttl) {
            self.0.put(key, until);
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.0.pop(key);
    }

    pub(crate) fn marks(&mut self, key: &Key, now: SystemTime) -> bool {
        match self.0.get(key) {
            Some(until) if *until > now => true,
            Some(_) => {
                self.0.pop(key);
                false
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PASS_MARKER_TTL;
    use crate::key::KeyParts;

    #[test]
    fn a_marker_ends_by_time_or_by_hand() {
        let key = Key::new(&KeyParts {
            site: "s",
            scheme: "http",
            authority: "a",
            path_and_query: "/",
            extra: &[],
        });
        let mut markers = Markers::default();
        let start = SystemTime::UNIX_EPOCH;
        assert!(!markers.marks(&key, start));
        markers.leave(key, start, PASS_MARKER_TTL);
        assert!(markers.marks(&key, start + PASS_MARKER_TTL - Duration::from_secs(1)));
        assert!(!markers.marks(&key, start + PASS_MARKER_TTL));
        markers.leave(key, start, PASS_MARKER_TTL);
        markers.remove(&key);
        assert!(!markers.marks(&key, start));
    }
}
