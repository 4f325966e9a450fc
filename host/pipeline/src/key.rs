//! Stage *key*: what makes two requests ask for the same thing.

use seawall_cache::{Key, KeyParts};

use crate::context::Context;

/// The request's key. Host and scheme are always in it (invariant 10).
pub(crate) fn of(cx: &Context) -> Key {
    of_path(cx, cx.head.path_and_query.as_str())
}

/// The key of another path of the same host, as this client would ask for it.
pub(crate) fn of_path(cx: &Context, path_and_query: &str) -> Key {
    Key::new(&KeyParts {
        site: cx.site.name.as_str(),
        scheme: cx.head.scheme.as_str(),
        authority: cx.head.authority.as_str(),
        path_and_query,
        extra: &cx.edits.key_parts,
    })
}
