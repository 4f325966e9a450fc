//! Which responses may be stored (RFC 9111 §3): every objection, each on its own.

use super::directives::{Asks, Part, Says};
use super::{Message, Millis, Moments, freshness, reuse, variants};
use crate::Rules;

/// The target that random requests are for.
pub(super) const TARGET: &str = "http://shop.example/a/b?c";

/// Statuses with caching requirements that the cache knows (RFC 9111 §5.2.2.3).
fn is_understood(status: u16) -> bool {
    match status {
        206 | 304 => status == 206,
        200..=205 | 300..=303 | 305 | 307 | 308 => true,
        400..=417 | 421 | 422 | 425 | 426 | 428 | 429 | 431 | 451 => true,
        500..=505 | 511 => true,
        _ => false,
    }
}

/// All that speaks against storing; nothing means that it may be stored.
pub(super) fn objections(
    method: &str,
    request: &Message,
    status: u16,
    response: &Message,
    moments: Moments,
    rules: &Rules,
) -> Vec<&'static str> {
    let says = Says::of(response);
    let asks = Asks::of(request);
    let expires = response.has("expires") && !says.targeted;
    let explicit = says.max_age.is_some() || says.s_maxage.is_some() || expires;
    let posted = rules.store_post && status == 200 && explicit && names_itself(response);
    let mut objections = Vec::new();
    let mut object = |when: bool, word| {
        if when {
            objections.push(word);
        }
    };
    object(!(method == "GET" || (method == "POST" && posted)), "method");
    object(status < 200 || status == 304, "status");
    object(asks.no_store, "request-no-store");
    object(says.must_understand && !is_understood(status), "not-understood");
    object(says.no_store && !says.must_understand, "no-store");
    object(says.private == Part::Everything, "private");
    let leave = says.public || says.must_revalidate || says.s_maxage.is_some();
    object(request.has("authorization") && !leave, "authorization");
    object(status == 206 && !(rules.store_partial && is_placeable(response)), "partial");
    object(response.has("set-cookie") && !rules.store_set_cookie, "set-cookie");
    object(variants::nominated(response) == variants::Nominated::All, "vary-any");
    let permitted = explicit || says.public || freshness::is_heuristically_cacheable(status);
    object(!permitted, "not-allowed");
    object(!is_of_use(status, response, moments, rules), "no-use");
    objections
}

/// Whether anything could ever be answered from it, or asked about it.
fn is_of_use(status: u16, response: &Message, moments: Moments, rules: &Rules) -> bool {
    if response.has("etag") || response.has("last-modified") {
        return true;
    }
    let now: Millis = moments.received;
    let (lifetime, _) = freshness::lifetime(status, response, now, rules);
    let age = freshness::current_age(response, moments, now);
    let window = reuse::windows(&Says::of(response), rules);
    let last = lifetime + window.while_revalidate.max(window.if_error);
    Says::of(response).no_cache != Part::Everything && age < last
}

/// Content-Location names the request's own target (RFC 9110 §9.3.3).
fn names_itself(response: &Message) -> bool {
    [TARGET, "/a/b?c", "HTTP://SHOP.EXAMPLE:80/a/b?c"]
        .contains(&response.first("content-location").unwrap_or(""))
}

/// `bytes FIRST-LAST/LENGTH` with numbers that can be (RFC 9110 §14.4).
fn is_placeable(response: &Message) -> bool {
    let lines = response.lines("content-range");
    let [line] = lines.as_slice() else { return false };
    let Some((range, length)) = line.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let Some((first, last)) = range.split_once('-') else { return false };
    let (Ok(first), Ok(last)) = (first.parse::<u64>(), last.parse::<u64>()) else { return false };
    let fits = match length {
        "*" => true,
        length => length.parse::<u64>().is_ok_and(|length| last < length),
    };
    first <= last && fits
}
