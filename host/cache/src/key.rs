//! The cache key: a digest of everything that makes two requests ask for the same thing before `Vary`.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use bytes::Bytes;
use smallvec::SmallVec;

/// What a key is made of. Site, scheme, authority, path and query are always part of it (invariant 10): nothing can
/// leave the host out.
#[derive(Clone, Copy, Debug)]
pub struct KeyParts<'a> {
    /// Name of the site.
    pub site: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host, and port where it is not the scheme's default, in lower case.
    pub authority: &'a str,
    /// Path and query, as the origin would be asked.
    pub path_and_query: &'a str,
    /// What functions added: a name and a value each.
    pub extra: &'a [(Box<str>, Bytes)],
}

/// Names a URL's stored responses. 256 bits of blake3, so that no two URLs can be made to collide.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// The digest of `parts`. Every part is preceded by its length, so that parts can't run into each other.
    #[must_use]
    pub fn new(parts: &KeyParts<'_>) -> Self {
        let mut text = SmallVec::<[u8; 512]>::new();
        for part in [parts.site, parts.scheme, parts.authority, parts.path_and_query] {
            push(&mut text, part.as_bytes());
        }
        for (name, value) in parts.extra {
            push(&mut text, name.as_bytes());
            push(&mut text, value);
        }
        Self(*blake3::hash(&text).as_bytes())
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn shard(&self, shards: usize) -> usize {
        usize::from(self.0[31]) % shards
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn push(text: &mut SmallVec<[u8; 512]>, part: &[u8]) {
    text.extend_from_slice(&(part.len() as u64).to_le_bytes());
    text.extend_from_slice(part);
}

/// A key is a digest already: hashing it again would only cost time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

pub(crate) type BuildKeyHasher = BuildHasherDefault<KeyHasher>;

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some((head, _)) = bytes.split_first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*head);
        }
    }

    // The length prefix that `Hash` writes before the array's bytes.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    const PARTS: KeyParts<'_> =
        KeyParts { site: "s", scheme: "http", authority: "a", path_and_query: "/b", extra: &[] };

    #[test]
    fn every_part_makes_another_key_and_parts_do_not_run_together() {
        let extra = [(Box::from("k"), Bytes::from_static(b"v"))];
        let all = [
            PARTS,
            KeyParts { site: "sh", scheme: "ttp", ..PARTS },
            KeyParts { scheme: "https", ..PARTS },
            KeyParts { authority: "a/", path_and_query: "b", ..PARTS },
            KeyParts { path_and_query: "/b?c", ..PARTS },
            KeyParts { extra: &extra, ..PARTS },
        ];
        let keys: std::collections::HashSet<Key> = all.iter().map(Key::new).collect();
        assert_eq!(keys.len(), all.len());
        assert_eq!(Key::new(&PARTS), Key::new(&PARTS));
    }

    #[test]
    fn the_hasher_spreads_keys() {
        let build = BuildKeyHasher::default();
        let one = build.hash_one(Key::new(&PARTS));
        let two = build.hash_one(Key::new(&KeyParts { site: "t", ..PARTS }));
        assert_ne!(one, two);
        assert_ne!(one, 0);
    }
}
