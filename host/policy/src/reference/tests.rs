use http::Uri;

use super::{MAX_REFERENCE_BYTES, normalised, resolve};

const BASE: &str = "http://a.example/b/c/d;p?q";

fn resolved(reference: &str) -> Option<String> {
    resolve(&Uri::from_static(BASE), reference).map(|uri| uri.to_string())
}

/// RFC 3986 §5.4.
#[test]
fn the_examples_of_the_rfc() {
    for (reference, expected) in [
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        (";x", "/b/c/;x"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("./", "/b/c/"),
        ("..", "/b/"),
        ("../", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../g", "/g"),
        ("../../../g", "/g"),
        ("/./g", "/g"),
        ("/../g", "/g"),
        ("g.", "/b/c/g."),
        ("..g", "/b/c/..g"),
        ("./../g", "/b/g"),
        ("./g/.", "/b/c/g/"),
        ("g/../h", "/b/c/h"),
    ] {
        assert_eq!(resolved(reference), Some(format!("http://a.example{expected}")), "{reference}");
    }
    assert_eq!(resolved("//g.example").as_deref(), Some("http://g.example/"));
    assert_eq!(resolved("g:h"), None);
    assert_eq!(resolved("ftp://g.example/"), None);
}

#[test]
fn equal_uris_have_one_form() {
    for (uri, expected) in [
        ("HTTP://A.Example:80/x", "http://a.example/x"),
        ("https://a.example:443", "https://a.example/"),
        ("https://a.example:80/", "https://a.example:80/"),
    ] {
        assert_eq!(normalised(&uri.parse().unwrap()).unwrap().to_string(), expected);
    }
    assert_eq!(normalised(&"http://me@a.example/".parse().unwrap()), None);
    assert_eq!(normalised(&"/only/a/path".parse().unwrap()), None);
}

#[test]
fn a_reference_has_a_limit() {
    assert_eq!(resolved(&"g".repeat(MAX_REFERENCE_BYTES + 1)), None);
}

#[test]
fn a_base_that_is_not_ours_resolves_nothing() {
    let base = Uri::from_static("ftp://shop.example/a/b");
    assert_eq!(resolve(&base, "c"), None);
    assert_eq!(normalised(&base), None);
}
