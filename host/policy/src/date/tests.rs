use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{century, days_from_civil, parse, render, year_of};
use crate::suite::present;

fn seconds(value: &str) -> Option<u64> {
    parse(value.as_bytes(), present()).map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs())
}

#[test]
fn the_three_formats_name_the_same_second() {
    for value in
        ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
    {
        assert_eq!(seconds(value), Some(784_111_777), "{value}");
    }
    assert_eq!(seconds("  Sun, 06 Nov 1994 08:49:37 GMT "), Some(784_111_777));
}

#[test]
fn the_calendar_is_kept() {
    assert!(seconds("Thu, 29 Feb 2024 00:00:00 GMT").is_some());
    for invalid in [
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Sun, 29 Feb 2100 00:00:00 GMT",
        "Sun, 31 Apr 2023 00:00:00 GMT",
        "Sun, 00 Apr 2023 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Foo, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:37",
        "",
        "0",
    ] {
        assert_eq!(seconds(invalid), None, "{invalid}");
    }
}

#[test]
fn a_two_digit_year_is_at_most_fifty_years_ahead() {
    assert_eq!(century(77, present()), 2077);
    assert_eq!(century(78, present()), 1978);
    assert_eq!(century(99, present()), 1999);
    assert_eq!(century(27, present()), 2027);
}

#[test]
fn dates_before_1970_are_dates() {
    let at = parse(b"Wed, 31 Dec 1969 23:59:59 GMT", present()).unwrap();
    assert_eq!(UNIX_EPOCH.duration_since(at).unwrap().as_secs(), 1);
}

#[test]
fn the_year_of_a_moment() {
    for year in 1970..2500 {
        let first = u64::try_from(days_from_civil(year, 1, 1)).unwrap() * 86_400;
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(year_of(at(first)), year);
        assert_eq!(year_of(at(first + 364 * 86_400)), year);
    }
}

#[test]
fn what_is_written_can_be_read() {
    for since in [0, 784_111_777, 1_800_000_000, 253_402_300_799] {
        let at = UNIX_EPOCH + Duration::from_secs(since);
        assert_eq!(parse(render(at).unwrap().as_bytes(), present()), Some(at));
    }
    assert_eq!(render(UNIX_EPOCH + Duration::from_secs(253_402_300_800)), None);
    assert_eq!(render(UNIX_EPOCH - Duration::from_secs(1)), None);
    let _: Option<SystemTime> = parse(&[0xff; 29], present());
}
