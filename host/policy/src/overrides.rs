//! Fields that would have an origin answer for another URL, host or method than the one that was asked for.
//!
//! Owns their names. None of them is part of a key: what an origin answers because of one would be stored for everybody
//! who asks for the URL itself. RFC 9111 has no word on them, since none is of HTTP. `X-Forwarded-For`, `-Host`, `-Proto`
//! and `Forwarded` are not here: a node writes those itself.

use http::Method;
use http::header::{HeaderMap, HeaderName};

/// Those that name another URL, host, port or scheme, or lead a server into another protocol.
pub const OF_TARGET: [&str; 19] = [
    "base-url",
    "front-end-https",
    "http2-settings",
    "proxy",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-uri",
    "x-host",
    "x-http-host-override",
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
];

/// Those that name another method. Where the method is not cached they are a common way to reach others, and stay.
pub const OF_METHOD: [&str; 4] =
    ["x-http-method", "x-http-method-override", "x-method-override", "x-request-method"];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static str> {
    OF_TARGET.into_iter().chain(OF_METHOD)
}

/// Whether this is the name of one, in lower case.
pub fn is_one(name: &str) -> bool {
    // Nearly every field of a browser is out after its first byte.
    matches!(name.as_bytes().first(), Some(b'x' | b'b' | b'f' | b'h' | b'p'))
        && (OF_TARGET.contains(&name) || OF_METHOD.contains(&name))
}

/// Takes them from a request with this method, but for those in `allowed`.
pub fn strip(method: &Method, headers: &mut HeaderMap, allowed: &[HeaderName]) {
    let is_cached = matches!(*method, Method::GET | Method::HEAD);
    let of_method = OF_METHOD.iter().filter(|_| is_cached);
    for name in OF_TARGET.iter().chain(of_method) {
        if !allowed.iter().any(|allowed| allowed == name) {
            headers.remove(*name);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn left(method: &Method, allowed: &[HeaderName]) -> Vec<&'static str> {
        let mut headers = HeaderMap::new();
        for name in all() {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        strip(method, &mut headers, allowed);
        all().filter(|name| headers.contains_key(*name)).collect()
    }

    #[test]
    fn they_go_but_for_those_that_are_allowed() {
        assert!(left(&Method::GET, &[]).is_empty());
        assert!(left(&Method::HEAD, &[]).is_empty());
        assert_eq!(left(&Method::GET, &[HeaderName::from_static("x-host")]), ["x-host"]);
        assert_eq!(left(&Method::POST, &[]), OF_METHOD);
    }

    #[test]
    fn each_is_known_by_its_name() {
        assert!(all().all(|name| is_one(name) && HeaderName::from_static(name) == name));
        assert!(!is_one("x-forwarded-for") && !is_one("host") && !is_one("accept"));
    }
}
