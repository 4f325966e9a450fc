//! RFC 9213: targeted cache control.
//!
//! Owns the target list and the reading of a targeted field. The first field of the list that is present, parses as a
//! structured-field dictionary and is not empty replaces `Cache-Control` and `Expires` for this cache (§2.2).

use std::borrow::Cow;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::cache_control::{Argument, Directive, MAX_DELTA_SECONDS, ResponseDirectives};
use crate::list;

/// The field for this cache alone.
pub const SEAWALL_CACHE_CONTROL: HeaderName = HeaderName::from_static("seawall-cache-control");

/// The field for every CDN (RFC 9213 §3).
pub const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The target list, most specific first (RFC 9213 §2.2).
pub const TARGET_LIST: [HeaderName; 2] = [SEAWALL_CACHE_CONTROL, CDN_CACHE_CONTROL];

/// The directives of the first usable targeted field (RFC 9213 §2.2). `None` when no field of the list is usable: then
/// `Cache-Control` and `Expires` hold.
pub fn directives(headers: &HeaderMap) -> Option<ResponseDirectives> {
    TARGET_LIST.iter().find_map(|name| read(&list::joined(headers, name)?))
}

/// One field's value. `None` when it does not parse or is empty.
fn read(value: &[u8]) -> Option<ResponseDirectives> {
    let dictionary = Parser::new(value).parse::<Dictionary>().ok().filter(|found| !found.is_empty())?;
    let mut directives = ResponseDirectives::default();
    for (key, member) in &dictionary {
        let ListEntry::Item(item) = member else {
            // No directive takes an inner list: what restricts still does, what permits does not.
            directives.take(&Directive { name: key.as_str().as_bytes(), argument: Argument::Malformed });
            continue;
        };
        take(&mut directives, key.as_str(), &item.bare_item);
    }
    Some(directives)
}

/// Takes one member. A value of the wrong type is not consumed (§2.1); a lifetime of the wrong type is stale, as for
/// `Cache-Control` (RFC 9111 §4.2.1).
fn take(directives: &mut ResponseDirectives, key: &str, value: &BareItem) {
    let name = key.as_bytes();
    match value {
        BareItem::Boolean(true) => directives.take(&Directive { name, argument: Argument::Absent }),
        // `?0` says that the directive is not meant.
        BareItem::Boolean(false) => {}
        BareItem::String(text) if matches!(key, "private" | "no-cache") => {
            let argument = Argument::Value(Cow::Borrowed(text.as_str().as_bytes()));
            directives.take(&Directive { name, argument });
        }
        BareItem::Integer(number) => {
            let seconds = u64::try_from(i64::from(*number)).ok();
            take_seconds(directives, key, seconds.map(|s| Duration::from_secs(s.min(MAX_DELTA_SECONDS))));
        }
        _ => directives.take(&Directive { name, argument: Argument::Malformed }),
    }
}

/// Takes an integer member; a negative one is `None`.
fn take_seconds(directives: &mut ResponseDirectives, key: &str, seconds: Option<Duration>) {
    match key {
        "max-age" => directives.max_age = Some(seconds.unwrap_or_default()),
        "s-maxage" => directives.s_maxage = Some(seconds.unwrap_or_default()),
        "stale-while-revalidate" => directives.stale_while_revalidate = seconds,
        "stale-if-error" => directives.stale_if_error = seconds,
        _ => directives.take(&Directive { name: key.as_bytes(), argument: Argument::Malformed }),
    }
}

#[cfg(test)]
mod tests;
