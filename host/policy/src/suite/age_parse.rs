//! `age-parse`: how the `Age` field is read.

use super::Seen::{Cached, NotCached};
use super::{at, check};

#[test]
fn age_parse() {
    let date = at(0);
    let date = date.as_str();
    let hour = ("cache-control", "max-age=3600");
    check(&[
        ("freshness-max-age-age", &[("date", date), hour, ("age", "7200")], NotCached),
        ("age-parse-nonnumeric", &[("date", date), hour, ("age", "abc")], Cached),
        ("age-parse-negative", &[("date", date), hour, ("age", "-7200")], Cached),
        ("age-parse-float", &[("date", date), hour, ("age", "7200.0")], Cached),
        ("age-parse-large-minus-one", &[("date", date), hour, ("age", "2147483647")], NotCached),
        ("age-parse-large", &[("date", date), hour, ("age", "2147483648")], NotCached),
        ("age-parse-larger", &[("date", date), hour, ("age", "2147483649")], NotCached),
        ("age-parse-suffix", &[("date", date), hour, ("age", "7200, 0")], NotCached),
        ("age-parse-prefix", &[("date", date), hour, ("age", "0, 7200")], Cached),
        ("age-parse-suffix-twoline", &[("date", date), hour, ("age", "7200"), ("age", "0")], NotCached),
        ("age-parse-prefix-twoline", &[("date", date), hour, ("age", "0"), ("age", "7200")], Cached),
        ("age-parse-dup-0", &[("date", date), hour, ("age", "0, 0")], Cached),
        ("age-parse-dup-0-twoline", &[("date", date), hour, ("age", "0"), ("age", "0")], Cached),
        (
            "age-parse-dup-old",
            &[("date", date), ("cache-control", "max-age=10000"), ("age", "3600"), ("age", "3600")],
            Cached,
        ),
    ]);
}
