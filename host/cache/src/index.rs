//! Which keys carry a tag or a URL, so that a purge costs what it matches.
//!
//! Invariant: while a key's shard is locked, the index names the key under every tag of the key's stored resource, and
//! under its URL. It may name more (a resource that moka evicted a moment ago); it never names less.

#[cfg(test)]
use std::collections::BTreeSet;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::entry::Resource;
use crate::key::{BuildKeyHasher, Key};

/// Keys of a tag that are kept in a list. Most tags are of one response, or of a few.
const FEW: usize = 8;

/// Capacity, in entries, from which a map that has become nearly empty is made smaller.
const SLIM_FROM: usize = 1024;

/// The keys of one tag.
#[derive(Debug)]
enum Keys {
    Few(SmallVec<[Key; 1]>),
    Many(HashSet<Key, BuildKeyHasher>),
}

impl Keys {
    fn insert(&mut self, key: Key) {
        match self {
            Self::Few(few) if few.contains(&key) => {}
            Self::Few(few) if few.len() < FEW => few.push(key),
            Self::Few(few) => *self = Self::Many(few.iter().copied().chain([key]).collect()),
            Self::Many(many) => drop(many.insert(key)),
        }
    }

    fn remove(&mut self, key: &Key) {
        match self {
            Self::Few(few) => few.retain(|other| other != key),
            Self::Many(many) => {
                many.remove(key);
                if many.len() <= FEW / 2 {
                    *self = Self::Few(many.iter().copied().collect());
                } else if is_sparse(many.len(), many.capacity()) {
                    many.shrink_to(many.len() * 2);
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_empty(),
            Self::Many(many) => many.is_empty(),
        }
    }

    fn to_vec(&self) -> Vec<Key> {
        match self {
            Self::Few(few) => few.to_vec(),
            Self::Many(many) => many.iter().copied().collect(),
        }
    }
}

/// Seven eighths of it is air: to make it smaller costs less than what has been removed from it.
fn is_sparse(len: usize, capacity: usize) -> bool {
    capacity >= SLIM_FROM && len < capacity / 8
}

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
                Some(keys) => keys.insert(key),
                None => drop(self.tags.insert(Box::from(tag), Keys::Few(SmallVec::from_buf([key])))),
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
        if is_sparse(self.tags.len(), self.tags.capacity()) {
            self.tags.shrink_to(self.tags.len() * 2);
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
        self.tags.get(tag).map(Keys::to_vec).unwrap_or_default()
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

    /// Every tag and every URL with its keys, for comparing with what is held.
    #[cfg(test)]
    pub(crate) fn listed(&self) -> (BTreeMap<String, BTreeSet<Key>>, BTreeMap<String, BTreeSet<Key>>) {
        let tags = self.tags.iter().map(|(tag, keys)| (tag.to_string(), keys.to_vec().into_iter().collect()));
        let urls = self.urls.iter().map(|(url, keys)| (url.to_string(), keys.iter().copied().collect()));
        (tags.collect(), urls.collect())
    }

    #[cfg(test)]
    pub(crate) fn tags_capacity(&self) -> usize {
        self.tags.capacity()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.urls.is_empty()
    }
}
