//! RFC 9110 §7.6.1 and RFC 9111 §3.1: fields that end at this hop, and fields that are not stored.

use std::time::SystemTime;

use http::header::{
    AGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, COOKIE, DATE, ETAG, EXPIRES, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED, LOCATION, PRAGMA, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VARY, VIA,
};
use smallvec::SmallVec;

use crate::{cdn_loop, date, list, targeted};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");

/// Fields of one connection, whether or not `Connection` lists them (RFC 9110 §7.6.1).
pub const HOP_BY_HOP: [HeaderName; 6] =
    [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE];

/// Fields between a proxy and its neighbour, which are not stored either (RFC 9111 §3.1).
pub const PROXY_ONLY: [HeaderName; 3] = [PROXY_AUTHENTICATE, PROXY_AUTHENTICATION_INFO, PROXY_AUTHORIZATION];

/// The most names of one `Connection` that are followed.
pub const MAX_CONNECTION_OPTIONS: usize = 64;

/// The best known of them: who asks and for what, what a body is, and who may keep it.
pub const END_TO_END: [HeaderName; 19] = [
    AGE,
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    COOKIE,
    DATE,
    ETAG,
    EXPIRES,
    FORWARDED,
    HOST,
    LAST_MODIFIED,
    LOCATION,
    PRAGMA,
    SET_COOKIE,
    VARY,
    VIA,
];

/// Fields that `Connection` cannot take away. They are meant for every recipient, and RFC 9110 §7.6.1 forbids a sender to
/// list such: a request could otherwise hide its credentials, a response its `no-store`, from the next hop's decision.
fn is_end_to_end(name: &HeaderName) -> bool {
    END_TO_END.contains(name)
        || targeted::TARGET_LIST.contains(name)
        || *name == cdn_loop::CDN_LOOP
        || name.as_str().starts_with("x-forwarded-")
        || name.as_str().starts_with("access-control-")
}

/// Removes the fields of one connection, and those that `Connection` lists (RFC 9110 §7.6.1). For forwarding.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // Most requests have none of them.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    let listed: SmallVec<[HeaderName; 4]> = list::members(headers, CONNECTION)
        .take(MAX_CONNECTION_OPTIONS)
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .filter(|name| !is_end_to_end(name))
        .collect();
    for name in listed.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Removes what is not stored (RFC 9111 §3.1): the fields of one connection and those between proxies, and the
/// announcement of trailers, which are not stored either.
pub fn strip_unstorable(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.remove(TRAILER);
    for name in PROXY_ONLY {
        headers.remove(name);
    }
}

/// Whether the sender takes trailers and hands them on (RFC 9110 §10.1.4). Ask before [`strip_hop_by_hop`].
pub fn takes_trailers(headers: &HeaderMap) -> bool {
    list::members(headers, TE).any(|member| member.eq_ignore_ascii_case(b"trailers"))
}

/// The protocols that a request would rather speak from here on (RFC 9110 §7.8). Ask before [`strip_hop_by_hop`].
///
/// Not HTTP/2 in clear text: RFC 9113 §3.1 has no such upgrade any more, and a proxy that passed it on would no longer see
/// which requests come after it.
pub fn upgrade(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut values = headers.get_all(UPGRADE).iter();
    let (protocols, None) = (values.next()?, values.next()) else { return None };
    let is_listed = list::members(headers, CONNECTION).any(|option| option.eq_ignore_ascii_case(b"upgrade"));
    let is_http = list::split(protocols.as_bytes()).any(|protocol| {
        protocol.get(..2).is_some_and(|name| name.eq_ignore_ascii_case(b"h2"))
            || protocol.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"http"))
    });
    (is_listed && !is_http).then_some(protocols)
}

/// Whether a server has chosen among the protocols that it was offered (RFC 9110 §7.8). Names have no case.
pub fn has_chosen(offered: &HeaderValue, chosen: &HeaderValue) -> bool {
    let mut all = list::split(chosen.as_bytes());
    let (Some(one), None) = (all.next(), all.next()) else { return false };
    list::split(offered.as_bytes()).any(|offer| offer.eq_ignore_ascii_case(one))
}

/// Adds the `Date` that a response lacks: the time of its receipt (RFC 9110 §6.6.1). For storing and for forwarding.
pub fn add_date(headers: &mut HeaderMap, received_at: SystemTime) {
    if !headers.contains_key(DATE)
        && let Some(date) = date::render(received_at)
    {
        headers.insert(DATE, date);
    }
}

/// Removes the fields that a qualified directive names: `private` before storing, `no-cache` before an answer that was not
/// validated (RFC 9111 §5.2.2.7, §5.2.2.4).
pub fn strip_named(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
