//! Which edits a guest may make: the rules for names, values and the fields that belong to the host.

use http::header::{self, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, Method, StatusCode};
use wasmtime::component::{ComponentType, Lift, Lower};

/// Most edits of one call of a hook.
pub const EDITS_MAX: u32 = 128;
/// Bytes of all edits of one call of a hook, names and values: what servers commonly accept as a header section.
pub const EDITS_MAX_BYTES: usize = 32 << 10;
/// Longest path and query, in bytes: the longest URI that RFC 9110 §4.1 asks everyone to support.
pub const PATH_MAX_BYTES: usize = 8000;

/// Why an edit was refused: `edit-error` of the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum EditError {
    #[component(name = "wrong-phase")]
    WrongPhase,
    #[component(name = "forbidden")]
    Forbidden,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "limit")]
    Limit,
}

/// Whose fields are edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    OriginRequest,
    Response,
}

/// Fields that say how a message travels on one connection (RFC 9110 §7.6.1), or where a message ends (RFC 9112 §6).
/// A guest that sets them could smuggle a second message.
const CONNECTION_OWNED: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields that a proxy must keep truthful: `via` and `cdn-loop` stop loops (RFC 9110 §7.6.3, RFC 8586), `host` is the key.
const REQUEST_OWNED: [HeaderName; 4] =
    [HeaderName::from_static("cdn-loop"), header::EXPECT, header::HOST, header::VIA];

/// Fields that caches behind us reckon with: RFC 9110 §6.6.1, RFC 9111 §5.1, RFC 9211.
/// `content-range` says which part the body is (RFC 9110 §14.4).
const RESPONSE_OWNED: [HeaderName; 5] =
    [header::AGE, HeaderName::from_static("cache-status"), header::CONTENT_RANGE, header::DATE, header::VIA];

/// Fields by which the host asks an origin for less than everything (RFC 9110 §13.1, §14.2): it must understand the answer.
const ORIGIN_REQUEST_OWNED: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// What nodes say to each other.
const OWN_PREFIX: &str = "seawall-";

/// The name of a field that a guest may edit.
pub(crate) fn field_name(name: &str, side: Side) -> Result<HeaderName, EditError> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| EditError::Invalid)?;
    let owned = match side {
        Side::Request => REQUEST_OWNED.contains(&name),
        Side::OriginRequest => REQUEST_OWNED.contains(&name) || ORIGIN_REQUEST_OWNED.contains(&name),
        Side::Response => RESPONSE_OWNED.contains(&name),
    };
    if owned || CONNECTION_OWNED.contains(&name) || name.as_str().starts_with(OWN_PREFIX) {
        return Err(EditError::Forbidden);
    }
    Ok(name)
}

/// The value of a field.
pub(crate) fn field_value(value: Vec<u8>) -> Result<HeaderValue, EditError> {
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).map_err(|_| EditError::Invalid)
}

/// A method that a guest may ask for. `CONNECT` and `TRACE` mean something else to a proxy (RFC 9110 §9.3.6, §9.3.8).
pub(crate) fn method(text: &str) -> Result<Method, EditError> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT | Method::TRACE) => Err(EditError::Forbidden),
        Ok(method) => Ok(method),
        Err(_) => Err(EditError::Invalid),
    }
}

/// Path and query in origin form (RFC 9112 §3.2.1).
pub(crate) fn path_and_query(text: &str) -> Result<PathAndQuery, EditError> {
    if text.len() > PATH_MAX_BYTES {
        return Err(EditError::Limit);
    }
    if !text.starts_with('/') || text.contains('#') {
        return Err(EditError::Invalid);
    }
    PathAndQuery::try_from(text).map_err(|_| EditError::Invalid)
}

/// A host with or without a port, and without user information.
pub(crate) fn authority(text: &str) -> Result<Authority, EditError> {
    match Authority::try_from(text) {
        Ok(authority) if !authority.host().is_empty() && !text.contains('@') => Ok(authority),
        _ => Err(EditError::Invalid),
    }
}

/// The status of a final response (RFC 9110 §15).
pub(crate) fn status(code: u16) -> Result<StatusCode, EditError> {
    match code {
        200..=599 => StatusCode::from_u16(code).map_err(|_| EditError::Invalid),
        _ => Err(EditError::Invalid),
    }
}

/// How a field changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Set,
    Add,
}

/// Makes a checked change.
pub(crate) fn change(
    headers: &mut HeaderMap,
    how: Change,
    name: HeaderName,
    value: HeaderValue,
) -> Result<(), EditError> {
    let changed = match how {
        Change::Set => headers.try_insert(name, value).map(drop),
        Change::Add => headers.try_append(name, value).map(drop),
    };
    changed.map_err(|_| EditError::Limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_host_cannot_be_set_in_any_spelling() {
        for name in
            ["Connection", "content-length", "TRANSFER-ENCODING", "upgrade", "via", "Seawall-Position"]
        {
            assert_eq!(field_name(name, Side::Request), Err(EditError::Forbidden), "{name}");
            assert_eq!(field_name(name, Side::Response), Err(EditError::Forbidden), "{name}");
        }
        for (name, side, result) in [
            ("host", Side::Request, true),
            ("host", Side::Response, false),
            ("CDN-Loop", Side::Request, true),
            ("age", Side::Response, true),
            ("age", Side::Request, false),
            ("Cache-Status", Side::Response, true),
            ("set-cookie", Side::Response, false),
            ("Content-Range", Side::Response, true),
            ("If-None-Match", Side::Request, false),
            ("If-None-Match", Side::OriginRequest, true),
            ("range", Side::OriginRequest, true),
        ] {
            assert_eq!(field_name(name, side).is_err(), result, "{name} {side:?}");
        }
        for bad in ["", "a b", ":path", "a\r\nb", "é"] {
            assert_eq!(field_name(bad, Side::Request), Err(EditError::Invalid), "{bad:?}");
        }
    }

    #[test]
    fn the_sdks_mock_keeps_the_same_fields_for_the_host() {
        let rules = include_str!("../../../edge-functions/sdk/src/mock/rules.rs");
        let names = |list: &str| -> Vec<String> {
            let after = rules.split(&format!("const {list}:")).nth(1).unwrap();
            let text = after.split("= [").nth(1).unwrap().split(']').next().unwrap();
            text.split(',')
                .map(|name| name.trim().trim_matches('"').to_owned())
                .filter(|n| !n.is_empty())
                .collect()
        };
        for (side, list, own) in [
            (Side::Request, "REQUEST_OWNED", REQUEST_OWNED.len()),
            (Side::OriginRequest, "ORIGIN_REQUEST_OWNED", REQUEST_OWNED.len() + ORIGIN_REQUEST_OWNED.len()),
            (Side::Response, "RESPONSE_OWNED", RESPONSE_OWNED.len()),
        ] {
            let mocked: Vec<String> = [names("CONNECTION_OWNED"), names(list)].concat();
            assert_eq!(mocked.len(), CONNECTION_OWNED.len() + own, "{list}: {mocked:?}");
            for name in &mocked {
                assert_eq!(field_name(name, side), Err(EditError::Forbidden), "{name}");
            }
        }
    }

    #[test]
    fn values_are_octets_and_cannot_split_a_message() {
        assert_eq!(field_value(b"\xc3\xa9 \xff".to_vec()).unwrap().as_bytes(), b"\xc3\xa9 \xff");
        for bad in [&b"a\r\nx: y"[..], b"a\nb", b"\0", b"\x7f"] {
            assert_eq!(field_value(bad.to_vec()), Err(EditError::Invalid), "{bad:?}");
        }
    }

    #[test]
    fn paths_methods_hosts_and_statuses_are_checked() {
        assert_eq!(path_and_query("/a?b=%20").unwrap().as_str(), "/a?b=%20");
        for bad in ["", "a", "*", "http://x/", "/a b", "/a#b", "/a\r\n"] {
            assert_eq!(path_and_query(bad), Err(EditError::Invalid), "{bad:?}");
        }
        assert_eq!(path_and_query(&"/".repeat(PATH_MAX_BYTES + 1)), Err(EditError::Limit));
        assert_eq!(method("PURGE").unwrap().as_str(), "PURGE");
        assert_eq!(method("CONNECT"), Err(EditError::Forbidden));
        assert_eq!(method("G T"), Err(EditError::Invalid));
        assert_eq!(authority("img.example:8443").unwrap().as_str(), "img.example:8443");
        for bad in ["", "a@b", "a/b", ":80"] {
            assert_eq!(authority(bad), Err(EditError::Invalid), "{bad:?}");
        }
        assert_eq!(
            (status(101), status(199), status(600)),
            (Err(EditError::Invalid), Err(EditError::Invalid), Err(EditError::Invalid))
        );
        assert_eq!(status(418).unwrap().as_u16(), 418);
    }
}
