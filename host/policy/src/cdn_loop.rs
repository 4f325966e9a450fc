//! RFC 8586: loop detection with the `CDN-Loop` field.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::list;

/// The field's name.
pub const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// The most members that are counted. A request that went through more CDNs than this is in a loop, whoever they are.
pub const MAX_MEMBERS: usize = 64;

/// What `CDN-Loop` says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Visits {
    /// How often this CDN's id is in it.
    pub own: usize,
    /// How many members there are, at most [`MAX_MEMBERS`].
    pub all: usize,
}

/// Counts the members, and those with this CDN's id (RFC 8586 §2). Parameters do not count.
pub fn visits(headers: &HeaderMap, id: &str) -> Visits {
    let mut visits = Visits { own: 0, all: 0 };
    for member in list::members(headers, CDN_LOOP).take(MAX_MEMBERS) {
        visits.all += 1;
        let name = member.split(|&byte| byte == b';').next().map(list::trim).unwrap_or_default();
        if name.eq_ignore_ascii_case(id.as_bytes()) {
            visits.own += 1;
        }
    }
    visits
}

/// Appends this CDN's id to a request that goes forward (RFC 8586 §2). `id` is a host name or token.
pub fn append(headers: &mut HeaderMap, id: &HeaderValue) {
    headers.append(CDN_LOOP, id.clone());
}

#[cfg(test)]
mod tests;
