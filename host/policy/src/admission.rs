//! Which request heads are taken at all: RFC 9112 §3 and §6.1, RFC 9110 §7.2 and §10.1.1, RFC 9113 §8.2 and §8.3.
//!
//! Owns the refusals of what a parser takes and a careful recipient does not, because the next one may read it otherwise:
//! odd targets, hosts, codings and expectations; and the bounds on how large a head may be. The paths that are refused are
//! in [`crate::path`]. Refuses to mend anything but a host's spelling: what is odd is not made plain, it is not served.

use std::borrow::Cow;

use http::header::{EXPECT, HeaderMap, TRANSFER_ENCODING};
use http::{Method, Uri, Version};

use crate::glance::Glance;

/// Longest host, in bytes (RFC 1035 §2.3.4).
pub const HOST_MAX_BYTES: usize = 255;

/// How large a request's head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Most bytes of a target: of its path and query, or of the whole where it is an absolute URI.
    pub uri_bytes: usize,
    /// Most fields.
    pub fields: usize,
    /// Most bytes of one field: its name and its value.
    pub field_bytes: usize,
    /// Most bytes of all fields: their names and values, and [`FIELD_OVERHEAD_BYTES`] for each.
    pub fields_bytes: usize,
}

/// What a field costs on an HTTP/1 connection besides its name and its value: a colon, a space and a line end.
pub const FIELD_OVERHEAD_BYTES: usize = 4;

impl Default for HeadLimits {
    /// A target above the 8000 bytes that RFC 9110 §4.1 asks everybody to take; fields as nginx and Apache take them, and
    /// no more than an origin will.
    fn default() -> Self {
        Self { uri_bytes: 8 << 10, fields: 100, field_bytes: 16 << 10, fields_bytes: 32 << 10 }
    }
}

/// Why a head is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The target is longer than it may be.
    UriTooLong,
    /// The fields are more, or larger, than they may be.
    FieldsTooLarge,
    /// The target is of a form that its method does not have (RFC 9112 §3.2).
    TargetForm,
    /// The target has bytes that no URI has (RFC 3986 §2).
    TargetBytes,
    /// No host, more than one, or one that is none (RFC 9112 §3.2).
    Host,
    /// `Host` says another host than the target (RFC 9113 §8.3.1).
    HostMismatch,
    /// A transfer coding besides one `chunked` (RFC 9112 §6.1): nobody would take it off the body.
    Coding,
    /// `chunked` twice, or a coding that is no word (RFC 9112 §6.1).
    MalformedCoding,
    /// Fields of an HTTP/1 connection in a version that has none of them (RFC 9113 §8.2.2).
    ConnectionFields,
    /// An expectation that nobody here meets (RFC 9110 §10.1.1).
    Expectation,
}

impl Refusal {
    /// The word for it in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UriTooLong => "uri-too-long",
            Self::FieldsTooLarge => "fields-too-large",
            Self::TargetForm => "target-form",
            Self::TargetBytes => "target-bytes",
            Self::Host => "host",
            Self::HostMismatch => "host-mismatch",
            Self::Coding => "coding",
            Self::MalformedCoding => "malformed-coding",
            Self::ConnectionFields => "connection-fields",
            Self::Expectation => "expectation",
        }
    }
}

/// Whether a head is taken, its host aside. `glance` is of the same fields.
pub fn judge(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    glance: Glance,
    limits: &HeadLimits,
) -> Result<(), Refusal> {
    target(method, uri, limits)?;
    let too_large = headers.len() > limits.fields
        || glance.longest_field() > limits.field_bytes
        || glance.fields_bytes(headers.len()) > limits.fields_bytes;
    if too_large {
        return Err(Refusal::FieldsTooLarge);
    }
    if glance.hop_by_hop() {
        coding(version, headers)?;
    }
    if glance.expects() { expectation(headers) } else { Ok(()) }
}

/// RFC 9112 §3.2: a path, or an absolute URI, or `*` for OPTIONS.
fn target(method: &Method, uri: &Uri, limits: &HeadLimits) -> Result<(), Refusal> {
    let Some(path_and_query) = uri.path_and_query() else { return Err(Refusal::TargetForm) };
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let scheme = uri.scheme_str().map_or(0, str::len);
    let text = path_and_query.as_str();
    let bytes = text.len().saturating_add(authority).saturating_add(scheme);
    if bytes > limits.uri_bytes {
        return Err(Refusal::UriTooLong);
    }
    let is_web = uri.scheme_str().is_none_or(|scheme| scheme == "http" || scheme == "https");
    let is_form = match text.as_bytes().first() {
        Some(b'/') => true,
        Some(b'*') => *method == Method::OPTIONS && text.len() == 1,
        _ => false,
    };
    if !is_web || !is_form {
        return Err(Refusal::TargetForm);
    }
    if text.bytes().all(is_target_byte) { Ok(()) } else { Err(Refusal::TargetBytes) }
}

/// What may stand in a path or a query: visible ASCII, without what only ever stands for something else (RFC 3986 §2).
/// Some of what the RFC leaves out is what browsers send as it is (`|`, `[`, `{`, `^`), and is the same for everybody.
fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#')
}

/// RFC 9112 §6.1: `chunked`, once, is what a parser takes off. HTTP/2 has its own framing, and forbids these fields.
fn coding(version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
    if version > Version::HTTP_11 {
        let of_http_1 = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
        let found = of_http_1.iter().any(|name| headers.contains_key(*name));
        return if found { Err(Refusal::ConnectionFields) } else { Ok(()) };
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(refused_coding(headers)),
    }
}

fn refused_coding(headers: &HeaderMap) -> Refusal {
    let members = || {
        let values = headers.get_all(TRANSFER_ENCODING).iter();
        values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
    };
    let is_chunked = |member: &&[u8]| member.eq_ignore_ascii_case(b"chunked");
    let token = |member: &[u8]| {
        let name = member.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(byte))
    };
    let is_known_to_http = members().all(token) && members().filter(is_chunked).count() == 1;
    if is_known_to_http { Refusal::Coding } else { Refusal::MalformedCoding }
}

/// RFC 9110 §10.1.1: there is one expectation, and whoever has another is told that it is not met.
fn expectation(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut all = headers.get_all(EXPECT).iter();
    let only = all.next().filter(|_| all.next().is_none());
    match only {
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(()),
        _ => Err(Refusal::Expectation),
    }
}

/// A host and its port in their one form (RFC 9110 §4.2.3, §7.2): in lower case, without the scheme's default port, an
/// empty port or the root's dot. What is not a name, an address or a port from 1 to 65535 is refused.
pub fn host<'t>(text: &'t str, is_https: bool) -> Result<Cow<'t, str>, Refusal> {
    if text.len() > HOST_MAX_BYTES {
        return Err(Refusal::Host);
    }
    let end = if text.starts_with('[') {
        text.find(']').map(|at| at.saturating_add(1)).ok_or(Refusal::Host)?
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, port) = text.split_at_checked(end).ok_or(Refusal::Host)?;
    let name = host.strip_suffix('.').unwrap_or(host);
    if !(is_name(name) || is_bracketed_address(name)) {
        return Err(Refusal::Host);
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => "",
        Some("") => "",
        Some(digits) if is_port(digits) => digits,
        _ => return Err(Refusal::Host),
    };
    let default = if is_https { "443" } else { "80" };
    let port = Some(port).filter(|port| !port.is_empty() && *port != default);
    let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
    Ok(match port {
        None if is_lower => Cow::Borrowed(name),
        None => Cow::Owned(name.to_ascii_lowercase()),
        Some(_) if is_lower && name.len() == host.len() => Cow::Borrowed(text),
        Some(port) => Cow::Owned(format!("{}:{port}", name.to_ascii_lowercase())),
    })
}

/// Labels of letters, digits, `-` and `_`: what resolvers take, and what no reader takes for anything but a host.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.split('.').all(is_label)
}

fn is_bracketed_address(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_port(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
        && digits.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests;
