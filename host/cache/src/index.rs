//! Which keys carry a tag or a URL, so that a purge costs what it matches.
//!
//! Invariant: while a key's shard is locked, the index names the key under every tag of the key's stored resource, and
//! under its URL. It may name more (a resource that moka evicted a moment ago); it never names less.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::entry::Resource;
use crate::key::{BuildKeyHasher, Key};

type Keys = HashSet<Key, BuildKeyHasher>;

/// One site's index.
#[derive(Debug, Default)]
pub(crate) struct Index {
    tags: HashMap<Box<str>, Keys>,
    /// Ordered, so that a prefix or a host is one range.
    urls: BTreeMap<Arc<str>, SmallVec<[Key; 1]>>,
    /// Stored responses that no purge of everything has passed: what the next one will match.
    pub(crate) alive: u64,
}

impl Index {
    /// `key` now holds `new` in place of `old`.
    pub(crate) fn replace(&mut self, key: Key, old: Option<&Resource>, new: Option<&Resource>) {
        if let Some(new) = new {
            self.add(key, new);
        }
        if let Some(old) = old {
            self.remove(key, old, new);
        }
    }

    fn add(&mut self, key: Key, resource: &Resource) {
        for tag in resource.tags() {
            match self.tags.get_mut(tag) {
                Some(keys) => drop(keys.insert(key)),
                None => drop(self.tags.insert(Box::from(tag), Keys::from_iter([key]))),
            }
        }
        let keys = self.urls.entry(Arc::clone(&resource.url)).or_default();
        if !keys.contains(&key) {
            keys.push(key);
        }
    }

    fn remove(&mut self, key: Key, old: &Resource, new: Option<&Resource>) {
        let kept: HashSet<&str> = new.map(|new| new.tags().collect()).unwrap_or_default();
        for tag in old.tags().filter(|tag| !kept.contains(tag)) {
            if let Some(keys) = self.tags.get_mut(tag) {
                keys.remove(&key);
                if keys.is_empty() {
                    self.tags.remove(tag);
                }
            }
        }
        if new.is_none()
            && let Some(keys) = self.urls.get_mut(&old.url)
        {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.urls.remove(&old.url);
            }
        }
    }

    pub(crate) fn tagged(&self, tag: &str) -> Vec<Key> {
        self.tags.get(tag).map(|keys| keys.iter().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn at_url(&self, url: &str) -> Vec<Key> {
        self.urls.get(url).map(|keys| keys.to_vec()).unwrap_or_default()
    }

    pub(crate) fn under(&self, prefix: &str) -> Vec<Key> {
        let from: (Bound<&str>, Bound<&str>) = (Bound::Included(prefix), Bound::Unbounded);
        let matching = self.urls.range::<str, _>(from).take_while(|(url, _)| url.starts_with(prefix));
        matching.flat_map(|(_, keys)| keys.iter().copied()).collect()
    }

    /// Up to `most` URLs' keys under a prefix, behind `after`, and the last of those URLs.
    pub(crate) fn under_after(
        &self,
        prefix: &str,
        after: Option<&str>,
        most: usize,
    ) -> (Vec<Key>, Option<Arc<str>>) {
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let range = self.urls.range::<str, _>((from, Bound::Unbounded));
        let mut keys = Vec::new();
        let mut last = None;
        for (url, own) in range.take_while(|(url, _)| url.starts_with(prefix)).take(most) {
            keys.extend(own.iter().copied());
            last = Some(Arc::clone(url));
        }
        (keys, last)
    }

    /// Up to `most` keys of URLs after `after`, and the last of those URLs.
    pub(crate) fn after(&self, after: &str, most: usize) -> (Vec<Key>, Option<Arc<str>>) {
        let from: (Bound<&str>, Bound<&str>) = (Bound::Excluded(after), Bound::Unbounded);
        let mut keys = Vec::new();
        let mut last = None;
        for (url, own) in self.urls.range::<str, _>(from).take(most) {
            keys.extend(own.iter().copied());
            last = Some(Arc::clone(url));
        }
        (keys, last)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.urls.is_empty()
    }
}
