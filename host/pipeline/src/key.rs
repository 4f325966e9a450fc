//! Stage *key*: what makes two requests ask for the same thing.
//!
//! Owns what a site's settings change of a request between its functions and the look-up: the query as the key has it,
//! parts taken from fields and cookies, cookies taken away, the language chosen. Refuses to change what another node
//! sent: the edge has done all of it, and says what its key has. Only the query is read anew, as it comes unchanged.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderName, HeaderValue};
use seawall_base::purge::url_text;
use seawall_cache::{Key, KeyParts};
use seawall_policy::{cache_status, negotiation};

use crate::context::Context;
use crate::site::Site;

mod cookies;
mod query;

pub use cookies::StripCookies;
pub use query::{Parameters, QueryRules, SORTED_PARAMETERS_MAX};

/// Most fields that one site takes into its keys, and most cookies: with what functions add, they fit into what one
/// node says to another.
pub const KEY_PARTS_MAX: usize = 8;

/// Longest value that stands in a key part as it is, in bytes; of a longer one there is a digest.
const KEY_VALUE_MAX_BYTES: usize = 256;

/// The request field that asks for the key, and what it must say. It goes no further than the node that is asked.
const DEBUG: HeaderName = HeaderName::from_static("seawall-debug");
const DEBUG_KEY: &[u8] = b"key";

/// What a site changes of a request before it is looked up.
#[derive(Clone, Debug, Default)]
pub struct Keying {
    /// The query as the key has it. What is sent to the origin stays.
    pub query: QueryRules,
    /// Fields that are part of the key.
    pub headers: Box<[HeaderName]>,
    /// Cookies that are part of the key, by name.
    pub cookies: Box<[Box<str>]>,
    /// Cookies that are taken away.
    pub strip_cookies: StripCookies,
    /// Languages of which `Accept-Language` becomes the best one (RFC 4647 §3.4). None: it stays.
    pub languages: Box<[HeaderValue]>,
}

/// The request's key. Host and scheme are always in it (invariant 10).
pub(crate) fn of(cx: &Context) -> Key {
    Key::new(&KeyParts {
        site: &cx.site.in_keys,
        scheme: cx.head.scheme.as_str(),
        authority: cx.head.authority.as_str(),
        path_and_query: cx.path_in_key(),
        extra: &cx.edits.key_parts,
    })
}

/// The key of a path of the same host without what is added to it: what says which node of a shield has the URL. All
/// that is stored of one URL lies together, so that an unsafe request needs to tell one node only.
pub(crate) fn without_parts(cx: &Context, path_and_query: &str) -> Key {
    Key::new(&KeyParts {
        site: cx.site.name.as_str(),
        scheme: cx.head.scheme.as_str(),
        authority: cx.head.authority.as_str(),
        path_and_query: &cx.site.path_in_key(path_and_query),
        extra: &[],
    })
}

/// A path of the same host as the store's index has it.
pub(crate) fn url(cx: &Context, path_and_query: &str) -> String {
    url_text(cx.head.authority.as_str(), &cx.site.path_in_key(path_and_query))
}

/// Does what the site's settings say, after its functions and before the look-up.
pub(crate) fn prepare(cx: &mut Context) {
    // Most sites have none, and their hits touch no count for it.
    if cx.site.keying.is_none() {
        return;
    }
    let site = Arc::clone(&cx.site);
    let Some(keying) = &site.keying else { return };
    if let Cow::Owned(path) = keying.query.normal(cx.head.path_and_query.as_str()) {
        cx.path_in_key = Some(path.into_boxed_str());
    }
    if cx.peer.is_some() {
        return;
    }
    let headers = &mut cx.head.headers;
    if !keying.languages.is_empty() && headers.contains_key(ACCEPT_LANGUAGE) {
        match negotiation::lookup_language(headers, &keying.languages).cloned() {
            Some(language) => drop(headers.insert(ACCEPT_LANGUAGE, language)),
            None => drop(headers.remove(ACCEPT_LANGUAGE)),
        }
    }
    for name in &keying.headers {
        let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        cx.edits.key_parts.push((format!("header:{name}").into_boxed_str(), part(values)));
    }
    for name in &keying.cookies {
        let value = part(cookies::values(headers, name));
        cx.edits.key_parts.push((format!("cookie:{name}").into_boxed_str(), value));
    }
    cookies::strip(headers, &keying.strip_cookies, &keying.cookies);
}

/// All values as one. Nothing, an empty value and several values are told apart: neither a field's line nor a cookie
/// has a line end.
fn part<'v>(values: impl Iterator<Item = &'v [u8]>) -> Bytes {
    let mut all = Vec::new();
    for value in values {
        all.push(b'\n');
        all.extend_from_slice(value);
    }
    if all.len() > KEY_VALUE_MAX_BYTES {
        return Bytes::from(blake3::hash(&all).to_hex().to_string());
    }
    Bytes::from(all)
}

/// Whether a request asks for its key.
pub(crate) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get(DEBUG).is_some_and(|value| value.as_bytes() == DEBUG_KEY)
}

/// Adds the key to this node's member of `Cache-Status` (RFC 9211 §2.7), if the cache was asked. Of added parts the
/// names alone: a value may be somebody's secret.
pub(crate) fn tell(cx: &Context, headers: &mut HeaderMap) {
    if cx.key.is_none() {
        return;
    }
    let (scheme, authority) = (&cx.head.scheme, &cx.head.authority);
    let mut key = format!("{} {scheme}://{authority}{}", cx.site.name, cx.path_in_key());
    for (name, _) in &cx.edits.key_parts {
        let _ = write!(key, " {name}");
    }
    cache_status::add_key(headers, &key);
}

impl Context {
    /// Path and query as the key has them.
    pub(crate) fn path_in_key(&self) -> &str {
        self.path_in_key.as_deref().unwrap_or(self.head.path_and_query.as_str())
    }
}

impl Site {
    /// A path and query of this site as the key has them.
    #[must_use]
    pub fn path_in_key<'t>(&self, path_and_query: &'t str) -> Cow<'t, str> {
        match &self.keying {
            Some(keying) => keying.query.normal(path_and_query),
            None => Cow::Borrowed(path_and_query),
        }
    }
}

#[cfg(test)]
mod tests;
