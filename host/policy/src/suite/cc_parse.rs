//! `cc-parse`: how `Cache-Control` is read.

use super::Seen::{Cached, NotCached};
use super::check;

#[test]
fn cc_parse() {
    let cc = "cache-control";
    check(&[
        // Of duplicates the first counts (RFC 9111 §4.2.1).
        ("freshness-max-age-two-fresh-stale-sameline", &[(cc, "max-age=1800, max-age=1")], Cached),
        ("freshness-max-age-two-fresh-stale-sepline", &[(cc, "max-age=1800"), (cc, "max-age=1")], Cached),
        ("freshness-max-age-two-stale-fresh-sameline", &[(cc, "max-age=1, max-age=1800")], NotCached),
        ("freshness-max-age-two-stale-fresh-sepline", &[(cc, "max-age=1"), (cc, "max-age=1800")], NotCached),
        ("freshness-max-age-quoted", &[(cc, "max-age=\"3600\"")], Cached),
        ("freshness-max-age-ignore-quoted", &[(cc, "extension=\"max-age=3600\", max-age=1")], NotCached),
        ("freshness-max-age-ignore-quoted-rev", &[(cc, "max-age=1, extension=\"max-age=3600\"")], NotCached),
        ("freshness-max-age-leading-zero", &[(cc, "max-age=003600")], Cached),
        ("freshness-max-age-single-quoted", &[(cc, "max-age='3600'")], NotCached),
        // A malformed directive restricts, it never permits.
        ("freshness-max-age-space-before-equals", &[(cc, "max-age =3600")], NotCached),
        ("freshness-max-age-space-after-equals", &[(cc, "max-age= 3600")], NotCached),
        ("freshness-max-age-decimal-zero", &[(cc, "max-age=3600.0")], NotCached),
        ("freshness-max-age-decimal-five", &[(cc, "max-age=3600.5")], NotCached),
        ("freshness-max-age-a100", &[(cc, "max-age=a3600")], NotCached),
        ("freshness-max-age-100a", &[(cc, "max-age=3600a")], NotCached),
    ]);
}
