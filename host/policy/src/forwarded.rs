//! RFC 7239 and its forerunners, `X-Forwarded-*`: what proxies before this one say of a request.
//!
//! Owns reading them as far as they can be believed, and writing them anew. Anybody can send them, so only what a trusted
//! proxy has added counts: from the right, up to the first address that is not a trusted one's. That one is the client's,
//! and what stands to its left is the client's word.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

use crate::list;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The fields that this node writes itself, and takes from nobody as they are.
pub const FIELDS: [HeaderName; 5] =
    [FORWARDED, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, X_REAL_IP];

/// Those that differ between clients with the same URL: a response that varies by one fits no other request.
pub const OF_CLIENTS: [HeaderName; 3] = [FORWARDED, X_FORWARDED_FOR, X_REAL_IP];

/// Most proxies that are followed: real chains have three. What stands further left is not looked at.
pub const MAX_HOPS: usize = 32;

/// Which fields the trusted proxies write. The other kind may be a client's, passed on as it came, and is not believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The scheme that a client used, by a proxy's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proto {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

/// What is believed of a request that came through proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The client.
    pub client: IpAddr,
    /// The trusted proxies between it and the one that is connected, the client's neighbour first.
    pub proxies: SmallVec<[IpAddr; 4]>,
    /// The client's scheme, where it is said.
    pub proto: Option<Proto>,
}

/// Reads what the trusted proxy at `peer` sent.
pub fn read(
    headers: &HeaderMap,
    dialect: Dialect,
    peer: IpAddr,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Path {
    let name = match dialect {
        Dialect::XForwarded => X_FORWARDED_FOR,
        Dialect::Forwarded => FORWARDED,
    };
    let mut hops: SmallVec<[&[u8]; 8]> = list::members(headers, name).collect();
    let mut path = Path { client: peer, proxies: SmallVec::new(), proto: None };
    let mut is_first = true;
    for _ in 0..MAX_HOPS {
        // What cannot be read, or is `unknown`, ends what is known (RFC 7239 §6.2).
        let hop = hops.pop().map(|hop| match dialect {
            Dialect::XForwarded => (address(hop), None),
            Dialect::Forwarded => element(hop),
        });
        let Some((Some(hop), proto)) = hop else { break };
        if !is_first {
            path.proxies.insert(0, path.client);
        }
        is_first = false;
        path.client = hop;
        path.proto = proto.or(path.proto);
        if !is_trusted(hop) {
            break;
        }
    }
    if dialect == Dialect::XForwarded {
        // The neighbour's own word is the last.
        path.proto = list::members(headers, X_FORWARDED_PROTO).last().and_then(proto);
    }
    path
}

/// Takes all of them away.
pub fn strip(headers: &mut HeaderMap) {
    for name in &FIELDS {
        headers.remove(name);
    }
}

/// Writes them for the next hop: the client and the proxies on its way, each as it was seen.
pub fn write(headers: &mut HeaderMap, hops: &[IpAddr], scheme: &str, host: &HeaderValue) {
    let (mut list, mut forwarded) = (String::new(), String::new());
    for hop in hops {
        if !list.is_empty() {
            list.push_str(", ");
            forwarded.push_str(", ");
        }
        // Writing to a string does not fail.
        let _ = write!(list, "{hop}");
        let _ = match hop {
            IpAddr::V4(hop) => write!(forwarded, "for={hop}"),
            IpAddr::V6(hop) => write!(forwarded, "for=\"[{hop}]\""),
        };
    }
    if !forwarded.is_empty() {
        forwarded.push(';');
    }
    let _ = write!(forwarded, "proto={scheme}");
    if let Ok(host) = host.to_str() {
        let _ = write!(forwarded, ";host=\"{host}\"");
    }
    let value = |text: String| HeaderValue::try_from(text).ok();
    if let Some(list) = value(list).filter(|list| !list.is_empty()) {
        headers.insert(X_FORWARDED_FOR, list);
    }
    headers.insert(X_FORWARDED_HOST, host.clone());
    if let Some(proto) = value(scheme.to_owned()) {
        headers.insert(X_FORWARDED_PROTO, proto);
    }
    if let Some(forwarded) = value(forwarded) {
        headers.insert(FORWARDED, forwarded);
    }
}

/// One element of `Forwarded` (RFC 7239 §4): whose request it was, and how that came.
fn element(element: &[u8]) -> (Option<IpAddr>, Option<Proto>) {
    let (mut from, mut scheme) = (None, None);
    let mut rest = element;
    while !rest.is_empty() {
        let end = pair_end(rest);
        let (pair, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = tail.get(1..).unwrap_or_default();
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = pair.split_at_checked(equals).unwrap_or_default();
        let value = unquoted(value.get(1..).unwrap_or_default().trim_ascii());
        match name.trim_ascii() {
            name if name.eq_ignore_ascii_case(b"for") => from = address(value),
            name if name.eq_ignore_ascii_case(b"proto") => scheme = proto(value),
            _ => {}
        }
    }
    (from, scheme)
}

/// Where the first pair ends: the index of its semicolon outside of quotes, or the end.
fn pair_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b';' => return at,
            b'"' => at = list::closing_quote(text, at).unwrap_or(at),
            _ => {}
        }
        at = at.saturating_add(1);
    }
    text.len()
}

/// What stands between quotes. Nothing that is read here has an escape.
fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// An address, which may have a port; an IPv6 one may stand in brackets (RFC 7239 §6).
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(unquoted(text)).ok()?;
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let parsed =
        inner.unwrap_or(text).parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    parsed.ok().map(|address: IpAddr| address.to_canonical())
}

fn proto(text: &[u8]) -> Option<Proto> {
    match text {
        _ if text.eq_ignore_ascii_case(b"https") => Some(Proto::Https),
        _ if text.eq_ignore_ascii_case(b"http") => Some(Proto::Http),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
