//! RFC 9875: HTTP cache groups.
//!
//! Owns the reading of `Cache-Groups` and `Cache-Group-Invalidation`, both lists of strings.

use http::header::{HeaderMap, HeaderName};
use http::{Method, StatusCode};
use sfv::{BareItem, List, ListEntry, Parser};

use crate::{invalidation, list};

/// The groups a response belongs to (RFC 9875 §2).
pub const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");

/// The groups a response to an unsafe request invalidates (RFC 9875 §3).
pub const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// The most groups of one field; the RFC asks for at least 32 (§2). Later members are not read.
pub const MAX_GROUPS: usize = 128;

/// The longest name of a group, in bytes; the RFC asks for at least 32 (§2). Longer ones are not read.
pub const MAX_GROUP_BYTES: usize = 256;

/// The groups that a response belongs to (RFC 9875 §2). A field that does not parse is ignored.
pub fn groups(response: &HeaderMap) -> Vec<String> {
    read(response, &CACHE_GROUPS)
}

/// The groups that a response invalidates (RFC 9875 §3): none for a safe method, nor for a response that is neither a
/// success nor a redirect.
pub fn invalidated_groups(method: &Method, status: StatusCode, response: &HeaderMap) -> Vec<String> {
    if invalidation::is_safe(method) || !(status.is_success() || status.is_redirection()) {
        return Vec::new();
    }
    read(response, &CACHE_GROUP_INVALIDATION)
}

/// The tag under which a response of `group` is kept: a group is of its origin, and of no other that shares a site with
/// it (RFC 9875 §1). `origin` is the scheme and the authority, as in `https://shop.example`.
pub fn tag(origin: &str, group: &str) -> Box<str> {
    // No field's tag holds a space beside `://`, so none can pass for a group's.
    format!("{origin} {group}").into_boxed_str()
}

fn read(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let Some(value) = list::joined(headers, name) else {
        return Vec::new();
    };
    let Ok(members) = Parser::new(&value).parse::<List>() else {
        return Vec::new();
    };
    let strings = members.into_iter().filter_map(|member| match member {
        ListEntry::Item(item) => match item.bare_item {
            BareItem::String(text) => Some(String::from(text)),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    });
    strings.filter(|group| group.len() <= MAX_GROUP_BYTES).take(MAX_GROUPS).collect()
}

#[cfg(test)]
mod tests;
