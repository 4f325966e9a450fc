//! The cache key: a digest of everything that makes two requests ask for the same thing before `Vary`.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use bytes::Bytes;

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
        let fixed = [parts.site, parts.scheme, parts.authority, parts.path_and_query];
        let length: usize = fixed.iter().map(|part| part.len() + LENGTH_BYTES).sum();
        let mut text = [0_u8; STACK_BYTES];
        if parts.extra.is_empty()
            && let Some(text) = text.get_mut(..length)
        {
            // Nearly all keys: no allocation, and one pass of the hash.
            let mut rest = &mut *text;
            for part in fixed {
                rest = put(rest, part.as_bytes());
            }
            return Self(*blake3::hash(text).as_bytes());
        }
        let mut hasher = blake3::Hasher::new();
        let extra = parts.extra.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_ref()]);
        for part in fixed.into_iter().map(str::as_bytes).chain(extra) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest's first bytes: enough to tell the keys of one cache apart where a mistake costs a percent.
    pub(crate) fn short(&self) -> u64 {
        self.0.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head))
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

/// Bytes of a part's length.
const LENGTH_BYTES: usize = 8;

/// Longest key text that is put together on the stack: longer than nearly every URL.
const STACK_BYTES: usize = 512;

/// Writes a part behind its length, and answers the room that is left.
fn put<'a>(room: &'a mut [u8], part: &[u8]) -> &'a mut [u8] {
    let (length, room) = room.split_at_mut(LENGTH_BYTES);
    length.copy_from_slice(&(part.len() as u64).to_le_bytes());
    let (own, room) = room.split_at_mut(part.len());
    own.copy_from_slice(part);
    room
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
    fn a_long_key_is_digested_as_a_short_one_is() {
        let path = "/".repeat(STACK_BYTES);
        let text = |parts: &KeyParts<'_>| {
            let fixed = [parts.site, parts.scheme, parts.authority, parts.path_and_query];
            fixed
                .iter()
                .flat_map(|part| [&(part.len() as u64).to_le_bytes(), part.as_bytes()].concat())
                .collect::<Vec<_>>()
        };
        for parts in [PARTS, KeyParts { path_and_query: &path, ..PARTS }] {
            assert_eq!(Key::new(&parts).as_bytes(), blake3::hash(&text(&parts)).as_bytes());
        }
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
