//! The tags of a response: the names by which it can be purged.
//!
//! Owns the reading of every field that carries tags and the limits on them. The fields are those that the large CDNs
//! and Varnish use, and RFC 9875's groups.

use http::header::{HeaderMap, HeaderName};

use crate::{groups, list};

/// Space-separated (Fastly).
pub const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
/// Comma-separated (Cloudflare).
pub const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
/// Comma-separated (Akamai).
pub const EDGE_CACHE_TAG: HeaderName = HeaderName::from_static("edge-cache-tag");
/// Space- or comma-separated, often in several lines (Varnish).
pub const XKEY: HeaderName = HeaderName::from_static("xkey");
/// Comma-separated.
pub const CDN_TAG: HeaderName = HeaderName::from_static("cdn-tag");

/// The most tags of one response. Every tag is an entry in the purge index, so that purging costs what matches.
pub const MAX_TAGS: usize = 1000;

/// The most bytes of all tags of one response together: what the large CDNs accept.
pub const MAX_TAG_BYTES: usize = 16 * 1024;

/// The longest single tag, in bytes: what the large CDNs accept.
pub const MAX_ONE_TAG_BYTES: usize = 1024;

/// Why a response's tags are not accepted. Storing it anyway would leave it out of reach of a purge: it must be declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagsRefusal {
    /// More than [`MAX_TAGS`].
    TooMany,
    /// More than [`MAX_TAG_BYTES`] together.
    TooLong,
    /// One longer than [`MAX_ONE_TAG_BYTES`].
    TagTooLong,
    /// One that is not UTF-8, so no purge could name it.
    NotText,
}

impl TagsRefusal {
    /// The word for it in logs, metrics and `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooMany => "too-many-tags",
            Self::TooLong => "tags-too-long",
            Self::TagTooLong => "tag-too-long",
            Self::NotText => "tag-not-text",
        }
    }
}

/// The tags of a response, sorted and without duplicates.
pub fn tags(response: &HeaderMap) -> Result<Vec<Box<str>>, TagsRefusal> {
    let mut found = Tags::default();
    for (name, separators) in [
        (SURROGATE_KEY, &b" \t"[..]),
        (CACHE_TAG, b","),
        (EDGE_CACHE_TAG, b","),
        (XKEY, b", \t"),
        (CDN_TAG, b","),
    ] {
        for line in response.get_all(name) {
            for tag in line.as_bytes().split(|byte| separators.contains(byte)) {
                found.add(list::trim(tag))?;
            }
        }
    }
    if response.contains_key(groups::CACHE_GROUPS) {
        for group in groups::groups(response) {
            found.add(group.as_bytes())?;
        }
    }
    Ok(found.finish())
}

#[derive(Default)]
struct Tags {
    tags: Vec<Box<str>>,
    bytes: usize,
}

impl Tags {
    fn add(&mut self, tag: &[u8]) -> Result<(), TagsRefusal> {
        if tag.is_empty() {
            return Ok(());
        }
        if tag.len() > MAX_ONE_TAG_BYTES {
            return Err(TagsRefusal::TagTooLong);
        }
        self.bytes = self.bytes.saturating_add(tag.len());
        if self.bytes > MAX_TAG_BYTES {
            return Err(TagsRefusal::TooLong);
        }
        if self.tags.len() >= MAX_TAGS {
            return Err(TagsRefusal::TooMany);
        }
        let text = std::str::from_utf8(tag).map_err(|_| TagsRefusal::NotText)?;
        self.tags.push(text.into());
        Ok(())
    }

    fn finish(mut self) -> Vec<Box<str>> {
        self.tags.sort_unstable();
        self.tags.dedup();
        self.tags
    }
}

#[cfg(test)]
mod tests;
