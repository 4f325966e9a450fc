//! `vary` and `vary-parse`: which requests select a stored response.

use super::Seen::{Cached, NotCached};
use super::{Exchange, Pairs, Seen};

fn see(vary: Pairs<'_>, first: Pairs<'_>, later: Pairs<'_>) -> Seen {
    let mut response = vec![("cache-control", "max-age=5000")];
    response.extend(vary);
    Exchange::with(&response).first(first).later(later).see()
}

const ABC: Pairs<'static> = &[("foo", "1"), ("bar", "abc"), ("baz", "789")];

#[test]
fn vary() {
    let foo: Pairs<'_> = &[("vary", "Foo")];
    let two: Pairs<'_> = &[("vary", "Foo, Bar")];
    let three: Pairs<'_> = &[("vary", "Foo, Bar, Baz")];
    let rows: &[(&str, Pairs<'_>, Pairs<'_>, Pairs<'_>, Seen)] = &[
        ("vary-match", foo, &[("foo", "1")], &[("foo", "1")], Cached),
        ("vary-no-match", foo, &[("foo", "1")], &[("foo", "2")], NotCached),
        ("vary-omit-stored", foo, &[], &[("foo", "1")], NotCached),
        ("vary-omit", foo, &[("foo", "1")], &[], NotCached),
        ("an empty field is not an absent one", foo, &[("foo", "")], &[], NotCached),
        ("vary-cache-key", foo, &[("foo", "1"), ("other", "2")], &[("foo", "1"), ("other", "3")], Cached),
        ("vary-2-match", two, &[("foo", "1"), ("bar", "abc")], &[("foo", "1"), ("bar", "abc")], Cached),
        ("vary-2-no-match", two, &[("foo", "1"), ("bar", "abc")], &[("foo", "2"), ("bar", "abc")], NotCached),
        ("vary-2-match-omit", two, &[("foo", "1"), ("bar", "abc")], &[], NotCached),
        (
            "values do not swap fields",
            two,
            &[("foo", "1"), ("bar", "2")],
            &[("foo", "2"), ("bar", "1")],
            NotCached,
        ),
        ("presence does not swap fields", two, &[("foo", "1")], &[("bar", "1")], NotCached),
        ("vary-3-match", three, ABC, ABC, Cached),
        ("vary-3-no-match", three, ABC, &[("foo", "2"), ("bar", "abc"), ("baz", "789")], NotCached),
        ("vary-3-order", three, ABC, &[("foo", "1"), ("baz", "789"), ("bar", "abcde")], NotCached),
        ("vary-3-omit", three, &[("foo", "1"), ("baz", "789")], &[("foo", "1"), ("baz", "789")], Cached),
        ("vary-normalise-combine", foo, &[("foo", "1, 2")], &[("foo", "1"), ("foo", "2")], Cached),
        ("vary-normalise-space", foo, &[("foo", "1,2")], &[("foo", " 1, 2 ")], Cached),
    ];
    for (id, vary, first, later, expected) in rows {
        assert_eq!(see(vary, first, later), *expected, "{id}");
    }
}

#[test]
fn vary_normalise_lang() {
    let language: Pairs<'_> = &[("vary", "Accept-Language")];
    let stored: Pairs<'_> = &[("accept-language", "en, de")];
    for (id, later, expected) in [
        ("vary-normalise-lang-order", "de, en", Cached),
        ("vary-normalise-lang-case", "eN, De", Cached),
        ("vary-normalise-lang-space", " en ,   de", Cached),
        ("a weight is part of the meaning", "en, de;q=0.5", NotCached),
        ("the full weight is the default", "en;q=1.0, de;q=1", Cached),
    ] {
        assert_eq!(see(language, stored, &[("accept-language", later)]), expected, "{id}");
    }
}

#[test]
fn vary_parse() {
    for (id, lines) in [
        ("vary-syntax-star", &["*"][..]),
        ("vary-syntax-star-star", &["*, *"]),
        ("vary-syntax-star-star-lines", &["*", "*"]),
        ("vary-syntax-empty-star", &[", *"]),
        ("vary-syntax-empty-star-lines", &["", "*"]),
        ("vary-syntax-star-foo", &["*, Foo"]),
        ("vary-syntax-foo-star", &["Foo, *"]),
        ("a list that cannot be read", &["Foo Bar"]),
    ] {
        let vary: Vec<_> = lines.iter().map(|line| ("vary", *line)).collect();
        let request: Pairs<'_> = &[("foo", "1"), ("baz", "789")];
        assert_eq!(see(&vary, request, request), NotCached, "{id}");
    }
}
