//! What the host allows: the same rules as in `host/functions`, without its HTTP library. A test there
//! compares the lists.

use crate::EditError;

/// Fields of the host, for requests and responses.
pub(super) const CONNECTION_OWNED: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
/// Fields of the host, for requests.
pub(super) const REQUEST_OWNED: [&str; 3] = ["cdn-loop", "expect", "host"];
/// Fields of the host, for requests to origins.
pub(super) const ORIGIN_REQUEST_OWNED: [&str; 9] = [
    "cdn-loop",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
];
/// Fields of the host, for responses.
pub(super) const RESPONSE_OWNED: [&str; 4] = ["age", "cache-status", "content-range", "date"];

pub(super) fn field_name(name: &str, owned: &[&str]) -> Result<String, EditError> {
    let name = token(name)?.to_ascii_lowercase();
    if CONNECTION_OWNED.contains(&&*name) || owned.contains(&&*name) || name.starts_with("seawall-") {
        return Err(EditError::Forbidden);
    }
    Ok(name)
}

pub(super) fn field_value(value: &[u8]) -> Result<Vec<u8>, EditError> {
    let allowed = |b: &u8| *b == b'\t' || (*b >= b' ' && *b != 0x7f);
    if value.iter().all(allowed) { Ok(value.to_vec()) } else { Err(EditError::Invalid) }
}

pub(super) fn method(text: &str) -> Result<&str, EditError> {
    match token(text)? {
        "CONNECT" | "TRACE" => Err(EditError::Forbidden),
        method => Ok(method),
    }
}

pub(super) fn path_and_query(text: &str) -> Result<&str, EditError> {
    let odd = |c: char| c == '#' || c.is_whitespace() || c.is_control();
    if text.starts_with('/') && !text.contains(odd) { Ok(text) } else { Err(EditError::Invalid) }
}

/// A token of RFC 9110 section 5.6.2.
fn token(text: &str) -> Result<&str, EditError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !text.is_empty() && text.bytes().all(allowed) { Ok(text) } else { Err(EditError::Invalid) }
}
