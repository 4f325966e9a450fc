//! `expires` and `expires-parse`: lifetimes from `Expires`.

use super::Seen::{Cached, NotCached};
use super::{Exchange, at, check};

#[test]
fn expires_freshness() {
    let dates: Vec<String> = [0, 10, 20, 300, 400, 2_592_000, -2_592_000, -10].map(at).into();
    let [now, s10, s20, s300, s400, month, ago, slow] = &dates[..] else { unreachable!() };
    check(&[
        ("freshness-expires-future", &[("expires", month), ("date", now)], Cached),
        ("freshness-expires-past", &[("expires", ago), ("date", now)], NotCached),
        ("freshness-expires-present", &[("expires", now), ("date", now)], NotCached),
        ("freshness-expires-old-date", &[("expires", s300), ("date", s400)], NotCached),
        ("freshness-expires-invalid", &[("expires", "0"), ("date", now)], NotCached),
        ("freshness-expires-invalid-date", &[("date", "foo"), ("expires", s10)], Cached),
        ("freshness-expires-age-slow-date", &[("date", slow), ("expires", s10), ("age", "25")], NotCached),
        ("freshness-expires-age-fast-date", &[("date", s10), ("expires", s20), ("age", "15")], NotCached),
    ]);
}

#[test]
fn expires_parse() {
    let rows = [
        ("freshness-expires-32bit", "Tue, 19 Jan 2038 14:14:08 GMT", Cached),
        ("freshness-expires-far-future", "Sun, 21 Nov 2286 04:46:39 GMT", Cached),
        ("freshness-expires-rfc850", "Thursday, 18-Aug-50 02:01:18 GMT", Cached),
        ("freshness-expires-ansi-c", "Thu Aug  8 02:01:18 2050", Cached),
        ("freshness-expires-wrong-case-weekday", "THU, 18 Aug 2050 02:01:18 GMT", Cached),
        ("freshness-expires-wrong-case-month", "Thu, 18 AUG 2050 02:01:18 GMT", Cached),
        ("freshness-expires-wrong-case-tz", "Thu, 18 Aug 2050 02:01:18 gMT", Cached),
        ("freshness-expires-invalid-utc", "Thu, 18 Aug 2050 02:01:18 UTC", NotCached),
        ("freshness-expires-invalid-aest", "Thu, 18 Aug 2050 02:01:18 AEST", NotCached),
        ("freshness-expires-invalid-2-digit-year", "Thu, 18 Aug 50 02:01:18 GMT", NotCached),
        ("freshness-expires-invalid-no-comma", "Thu 18 Aug 2050 02:01:18 GMT", NotCached),
        ("freshness-expires-invalid-multiple-spaces", "Thu, 18  Aug  2050 02:01:18 GMT", NotCached),
        ("freshness-expires-invalid-date-dashes", "Thu, 18-Aug-2050 02:01:18 GMT", NotCached),
        ("freshness-expires-invalid-time-periods", "Thu, 18 Aug 2050 02.01.18 GMT", NotCached),
        ("freshness-expires-invalid-1-digit-hour", "Thu, 18 Aug 2050 2:01:18 GMT", NotCached),
    ];
    let date = at(0);
    for (id, expires, expected) in rows {
        assert_eq!(Exchange::with(&[("expires", expires), ("date", &date)]).see(), expected, "{id}");
    }
    let lines = [("expires", "Thu, 18 Aug 2050 2:01:18 GMT"), ("expires", "Thu, 18 Aug 2050 2:01:19 GMT")];
    assert_eq!(Exchange::with(&lines).see(), NotCached, "freshness-expires-invalid-multiple-lines");
}
