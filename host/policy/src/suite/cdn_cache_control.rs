//! `cdn-cache-control`: targeted fields.

use super::Seen::{Cached, NotCached};
use super::{at, check};

#[test]
fn cdn_cache_control() {
    let (past, soon, date) = (at(-10_000), at(10_000), at(0));
    let (past, soon, date) =
        (("expires", past.as_str()), ("expires", soon.as_str()), ("date", date.as_str()));
    let (cc, cdn) = ("cache-control", "cdn-cache-control");
    check(&[
        ("cdn-max-age", &[(cdn, "max-age=3600")], Cached),
        ("cdn-max-age-max", &[(cdn, "max-age=2147483648")], Cached),
        ("cdn-max-age-max-plus", &[(cdn, "max-age=99999999999")], Cached),
        ("cdn-max-age-age", &[date, (cdn, "max-age=3600"), ("age", "7200")], NotCached),
        ("cdn-max-age-space-before-equals", &[(cc, "max-age=1"), (cdn, "max-age =100")], NotCached),
        ("cdn-max-age-space-after-equals", &[(cc, "max-age=1"), (cdn, "max-age= 100")], NotCached),
        ("cdn-max-age-0", &[(cdn, "max-age=0")], NotCached),
        ("cdn-max-age-extension", &[(cdn, "foobar, max-age=3600")], Cached),
        // A structured field's keys are lower case; anything else does not parse and is ignored.
        ("cdn-max-age-case-insensitive", &[(cdn, "MaX-aGe=3600")], NotCached),
        ("cdn-max-age-expires", &[(cdn, "max-age=3600"), past, date], Cached),
        ("cdn-max-age-cc-max-age-invalid-expires", &[(cdn, "max-age=3600"), ("expires", "0"), date], Cached),
        ("cdn-max-age-0-expires", &[(cdn, "max-age=0"), soon, date], NotCached),
        ("cdn-max-age-short-cc-max-age", &[(cc, "max-age=1"), (cdn, "max-age=3600")], Cached),
        ("cdn-max-age-long-cc-max-age", &[(cc, "max-age=3600"), (cdn, "max-age=1")], NotCached),
        ("cdn-private", &[(cdn, "private"), (cc, "max-age=10000"), soon, date], NotCached),
        ("cdn-no-cache", &[(cdn, "no-cache"), (cc, "max-age=10000"), soon, date], NotCached),
        ("cdn-no-store-cc-fresh", &[(cc, "max-age=10000"), (cdn, "no-store"), soon, date], NotCached),
        ("cdn-fresh-cc-nostore", &[(cc, "no-store"), (cdn, "max-age=10000")], Cached),
        ("cdn-cc-invalid-sh-type-unknown", &[(cdn, "max-age=10000, &&&&&"), (cc, "no-store")], NotCached),
        ("cdn-cc-invalid-sh-type-wrong", &[(cdn, "max-age=\"10000\""), (cc, "no-store")], NotCached),
        ("the target list is in order", &[(cdn, "no-store"), ("seawall-cache-control", "max-age=9")], Cached),
        ("an empty field is ignored", &[(cc, "max-age=3600"), (cdn, "")], Cached),
    ]);
}
