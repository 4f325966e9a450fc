//! `cc-freshness`: lifetimes from `Cache-Control`.

use super::Seen::{Cached, NotCached};
use super::{at, check};

#[test]
fn cc_freshness() {
    let (past, soon, date) = (at(-7200), at(3600), at(0));
    let (past, soon, date, slow) = (past.as_str(), soon.as_str(), date.as_str(), at(-7200));
    let cc = "cache-control";
    check(&[
        ("freshness-none", &[], NotCached),
        ("freshness-max-age", &[(cc, "max-age=3600")], Cached),
        ("freshness-max-age-stale", &[(cc, "max-age=2")], NotCached),
        ("freshness-max-age-0", &[(cc, "max-age=0")], NotCached),
        ("freshness-max-age-max-minus-1", &[(cc, "max-age=2147483647")], Cached),
        ("freshness-max-age-max", &[(cc, "max-age=2147483648")], Cached),
        ("freshness-max-age-max-plus-1", &[(cc, "max-age=2147483649")], Cached),
        ("freshness-max-age-max-plus", &[(cc, "max-age=99999999999")], Cached),
        ("freshness-max-age-date", &[("date", &slow), (cc, "max-age=3600")], NotCached),
        ("freshness-max-age-expires", &[(cc, "max-age=3600"), ("expires", past), ("date", date)], Cached),
        (
            "freshness-max-age-expires-invalid",
            &[(cc, "max-age=3600"), ("expires", "0"), ("date", date)],
            Cached,
        ),
        ("freshness-max-age-0-expires", &[("expires", soon), (cc, "max-age=0"), ("date", date)], NotCached),
        ("freshness-max-age-extension", &[(cc, "foobar, max-age=3600")], Cached),
        ("freshness-max-age-case-insenstive", &[(cc, "MaX-aGe=3600")], Cached),
        ("freshness-max-age-negative", &[(cc, "max-age=-3600")], NotCached),
        ("freshness-s-maxage-shared", &[(cc, "s-maxage=3600")], Cached),
        ("freshness-max-age-s-maxage-shared-longer", &[(cc, "max-age=3600, s-maxage=1")], NotCached),
        ("freshness-max-age-s-maxage-shared-longer-reversed", &[(cc, "s-maxage=1, max-age=3600")], NotCached),
        (
            "freshness-max-age-s-maxage-shared-longer-multiple",
            &[(cc, "max-age=3600"), (cc, "s-maxage=1")],
            NotCached,
        ),
        ("freshness-max-age-s-maxage-shared-shorter", &[(cc, "max-age=1, s-maxage=3600")], Cached),
        (
            "freshness-max-age-s-maxage-shared-shorter-expires",
            &[("expires", past), (cc, "max-age=0, s-maxage=3600")],
            Cached,
        ),
    ]);
}
