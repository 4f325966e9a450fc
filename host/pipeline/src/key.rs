//! Stage *key*: what makes two requests ask for the same thing.

use seawall_cache::{Key, KeyParts};

use crate::context::Context;

/// The request's key. Host and scheme are always in it (invariant 10).
pub(crate) fn of(cx: &Context) -> Key {
    Key::new(&KeyParts {
        site: cx.site.name.as_str(),
        scheme: cx.head.scheme.as_str(),
        authority: cx.head.authority.as_str(),
        path_and_query: cx.head.path_and_query.as_str(),
        extra: &cx.edits.key_parts,
    })
}
