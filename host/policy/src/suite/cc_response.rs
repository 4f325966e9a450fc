//! `cc-response`: directives of responses beside freshness.

use super::Seen::{Cached, NotCached, Validated};
use super::{Exchange, at, check};

#[test]
fn cc_response() {
    let (soon, date) = (at(10_000), at(0));
    let (soon, date) = (("expires", soon.as_str()), ("date", date.as_str()));
    let (cc, etag) = ("cache-control", ("etag", "\"abcd\""));
    check(&[
        ("cc-resp-private-shared", &[(cc, "private, max-age=3600")], NotCached),
        ("cc-resp-no-store", &[(cc, "no-store")], NotCached),
        ("cc-resp-no-store-case-insensitive", &[(cc, "No-StOrE")], NotCached),
        ("cc-resp-no-store-fresh", &[(cc, "max-age=10000, no-store"), soon, date], NotCached),
        ("cc-resp-no-cache", &[(cc, "max-age=10000, no-cache"), soon, date], NotCached),
        ("cc-resp-no-cache-case-insensitive", &[(cc, "max-age=10000, No-CaChE"), soon, date], NotCached),
        ("cc-resp-no-cache-revalidate", &[(cc, "no-cache"), etag], Validated),
        (
            "cc-resp-no-cache-revalidate-fresh",
            &[(cc, "max-age=10000, no-cache"), soon, date, etag],
            Validated,
        ),
        ("cc-resp-must-revalidate-fresh", &[(cc, "max-age=10000, must-revalidate"), etag], Cached),
        ("cc-resp-must-revalidate-stale", &[(cc, "max-age=2, must-revalidate"), etag], Validated),
    ]);
}

#[test]
fn headers_omit_headers_listed_in_cache_control_no_cache() {
    let exchange =
        Exchange::with(&[("cache-control", "no-cache=\"a, b\""), ("cache-control", "max-age=3600")]);
    assert_eq!(exchange.see(), Cached);
    assert_eq!(exchange.stored().unvalidated_fields(), ["a", "b"]);
}

#[test]
fn private_with_fields_lets_the_rest_be_stored() {
    let exchange = Exchange::with(&[("cache-control", "private=\"Set-Cookie\", max-age=3600")]);
    assert_eq!(exchange.see(), Cached);
    assert_eq!(exchange.stored().private_fields(), ["set-cookie"]);
    let both = Exchange::with(&[("cache-control", "private=\"a\", private, max-age=3600")]);
    assert_eq!(both.see(), NotCached);
}
