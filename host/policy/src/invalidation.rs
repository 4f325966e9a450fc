//! RFC 9111 §4.4: what a write makes stale.
//!
//! Owns which methods invalidate and which URIs they take with them.

use http::header::{CONTENT_LOCATION, HeaderMap, LOCATION};
use http::{Method, StatusCode, Uri};
use smallvec::SmallVec;

use crate::reference;

/// The URIs that one response invalidates: the target, `Location` and `Content-Location`.
pub type Invalidated = SmallVec<[Uri; 3]>;

/// Methods that the registry calls safe and that are not among `http`'s constants (RFC 9110 §16.1.1).
const OTHER_SAFE: [&str; 4] = ["PROPFIND", "REPORT", "SEARCH", "PRI"];

/// Whether a method is known to be safe (RFC 9110 §9.2.1). A method that is not known counts as unsafe (§4.4).
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::QUERY)
        || OTHER_SAFE.contains(&method.as_str())
}

/// The URIs to invalidate after a response to an unsafe method (RFC 9111 §4.4): the target, and what `Location` and
/// `Content-Location` name on the same origin. Empty unless the method is unsafe and the response a success or redirect.
pub fn invalidates(method: &Method, target: &Uri, status: StatusCode, response: &HeaderMap) -> Invalidated {
    let mut found = Invalidated::new();
    let succeeded = status.is_success() || status.is_redirection();
    if is_safe(method) || !succeeded {
        return found;
    }
    let Some(target) = reference::normalised(target) else {
        return found;
    };
    for name in [LOCATION, CONTENT_LOCATION] {
        let named = response.get(name).and_then(|value| value.to_str().ok());
        if let Some(uri) = named.and_then(|named| reference::resolve(&target, named))
            && reference::same_origin(&uri, &target)
            && uri != target
            && !found.contains(&uri)
        {
            found.push(uri);
        }
    }
    found.insert(0, target);
    found
}
