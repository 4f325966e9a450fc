//! References, what a write invalidates, and the selectors of purges.

use http::header::{CONTENT_LOCATION, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode, Uri};
use seawall_base::Selector;
use seawall_policy::{invalidation, reference};

use crate::play::lines;

/// The first line is a base, the others are references.
pub(crate) fn reference(data: &[u8]) {
    let mut lines = lines(data).filter_map(|line| std::str::from_utf8(line).ok());
    let Some(base) = lines.next().and_then(|line| line.parse::<Uri>().ok()) else { return };
    for reference in lines {
        selectors(reference);
        invalidates(&base, reference);
        let Some(resolved) = reference::resolve(&base, reference) else { continue };
        assert!(
            matches!(resolved.scheme_str(), Some("http" | "https")) || base.scheme() == resolved.scheme()
        );
        assert!(resolved.path().starts_with('/') && !resolved.to_string().contains('#'));
        // One form, once and for all: the key that it is compared with is in that form too.
        assert_eq!(reference::normalised(&resolved).as_ref(), Some(&resolved));
        assert_eq!(reference::resolve(&base, &resolved.to_string()).as_ref(), Some(&resolved));
    }
}

fn invalidates(base: &Uri, named: &str) {
    let mut response = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(named) {
        response.insert(LOCATION, value.clone());
        response.insert(CONTENT_LOCATION, value);
    }
    assert!(invalidation::invalidates(&Method::GET, base, StatusCode::OK, &response).is_empty());
    let found = invalidation::invalidates(&Method::DELETE, base, StatusCode::OK, &response);
    assert_eq!(found.first().cloned(), reference::normalised(base));
    for (place, uri) in found.iter().enumerate() {
        assert!(found.first().is_some_and(|target| reference::same_origin(target, uri)));
        assert!(!found.iter().take(place).any(|other| other == uri));
    }
}

/// What a selector holds is in the one form that it is compared in.
fn selectors(text: &str) {
    if let Ok(Selector::Url(url)) = Selector::url(text) {
        assert_eq!(Selector::url(&url), Ok(Selector::Url(url.clone())));
    }
    if let Ok(Selector::Prefix(prefix)) = Selector::prefix(text) {
        assert_eq!(Selector::prefix(&prefix), Ok(Selector::Prefix(prefix.clone())));
    }
    if let Ok(Selector::Host(host)) = Selector::host(text) {
        assert_eq!(Selector::host(&host), Ok(Selector::Host(host.clone())));
    }
}
