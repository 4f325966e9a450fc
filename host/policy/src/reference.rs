//! RFC 3986 §5 and §6: resolving a reference against a URI, and one form for equal URIs.
//!
//! Owns just enough of RFC 3986 to compare what `Location` and `Content-Location` name with a cache key: http and https,
//! no user information, no fragments.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

/// The longest reference that is resolved, in bytes: the longest request target that servers commonly take.
pub const MAX_REFERENCE_BYTES: usize = 8 * 1024;

/// Resolves `reference` against the absolute URI `base` (RFC 3986 §5.2) and normalises it. `None` when it is not an http
/// or https URI in the end.
pub fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    if reference.len() > MAX_REFERENCE_BYTES {
        return None;
    }
    let reference = reference.trim_matches([' ', '\t']).split('#').next()?;
    if let Some(absolute) = absolute(base, reference) {
        return normalised(&absolute);
    }
    let (path, query) = split_query(reference);
    if path.contains(':') && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
        // A scheme that is not ours, such as `mailto:`.
        return None;
    }
    let merged = match (path.is_empty(), query) {
        (true, None) => base.path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
        (true, Some(query)) => format!("{}?{query}", base.path()),
        (false, query) => {
            let path = if path.starts_with('/') { path.to_owned() } else { merge(base.path(), path) };
            let path = remove_dot_segments(&path);
            query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
        }
    };
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(merged).ok()?);
    normalised(&Uri::from_parts(parts).ok()?)
}

/// `http://host/x` as it is, `//host/x` with the scheme of `base`; `None` for anything relative.
fn absolute(base: &Uri, reference: &str) -> Option<Uri> {
    if reference.starts_with("//") {
        return format!("{}:{reference}", base.scheme_str()?).parse().ok();
    }
    let (scheme, _) = reference.split_once("://")?;
    let ours = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if ours { reference.parse().ok() } else { None }
}

fn split_query(reference: &str) -> (&str, Option<&str>) {
    match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    }
}

/// RFC 3986 §5.2.3: everything of the base path up to its last slash, then the reference.
fn merge(base: &str, reference: &str) -> String {
    let directory = base.rfind('/').and_then(|slash| base.get(..=slash)).unwrap_or("/");
    format!("{directory}{reference}")
}

/// RFC 3986 §5.2.4.
fn remove_dot_segments(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." if is_last => out.push(""),
            "." => {}
            ".." => {
                out.pop();
                if is_last {
                    out.push("");
                }
            }
            _ => out.push(segment),
        }
    }
    let mut joined = String::with_capacity(path.len());
    for segment in out {
        joined.push('/');
        joined.push_str(segment);
    }
    if joined.is_empty() { "/".to_owned() } else { joined }
}

/// One form for equal URIs (RFC 9110 §4.2.3): scheme and host in lower case, no default port, no empty path. `None` for
/// what is not http or https.
pub fn normalised(uri: &Uri) -> Option<Uri> {
    let scheme = uri.scheme()?;
    let authority = uri.authority()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let default_port = match scheme {
        scheme if *scheme == Scheme::HTTP => 80,
        scheme if *scheme == Scheme::HTTPS => 443,
        _ => return None,
    };
    let host = authority.host().to_ascii_lowercase();
    let authority = match authority.port_u16() {
        Some(port) if port != default_port => format!("{host}:{port}"),
        _ => host,
    };
    let path =
        uri.path_and_query().map_or("/", |path| if path.as_str().is_empty() { "/" } else { path.as_str() });
    Uri::builder()
        .scheme(scheme.clone())
        .authority(Authority::try_from(authority).ok()?)
        .path_and_query(path)
        .build()
        .ok()
}

/// Whether two URIs have the same origin (RFC 9110 §4.3.1). Both must be [`normalised`].
pub fn same_origin(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

#[cfg(test)]
mod tests;
