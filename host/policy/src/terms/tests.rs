use std::time::Duration;

use http::StatusCode;

use super::{Terms, Times};
use crate::suite::{Exchange, at, fields, present};
use crate::{LifetimeSource, Rules};

fn after(seconds: u64) -> std::time::SystemTime {
    present() + Duration::from_secs(seconds)
}

#[test]
fn ttl_counts_down_through_zero() {
    let terms = Exchange::with(&[("cache-control", "max-age=60"), ("age", "10")]).stored();
    assert_eq!(terms.ttl(after(0)), 50);
    assert_eq!(terms.ttl(after(50)), 0);
    assert_eq!(terms.ttl(after(60)), -10);
    assert!(terms.is_fresh(after(49)) && !terms.is_fresh(after(50)));
    assert_eq!(terms.age(after(5)).as_secs(), 15);
}

#[test]
fn the_time_the_answer_took_counts_as_age() {
    let times = Times { requested_at: present(), received_at: after(5) };
    let headers =
        fields(&[("cache-control", "max-age=60".to_owned()), ("date", at(5)), ("age", "1".to_owned())]);
    let terms = Terms::read(StatusCode::OK, &headers, times, &Rules::default());
    assert_eq!(terms.age(after(5)).as_secs(), 6);
}

#[test]
fn a_fraction_of_the_clock_is_not_age() {
    let received_at = present() + Duration::from_millis(900);
    let times = Times { requested_at: received_at, received_at };
    let headers = fields(&[("cache-control", "max-age=1".to_owned()), ("date", at(0))]);
    let terms = Terms::read(StatusCode::OK, &headers, times, &Rules::default());
    assert_eq!(terms.age(received_at), Duration::ZERO);
}

#[test]
fn a_clock_that_goes_back_takes_no_age_away() {
    let terms = Exchange::with(&[("cache-control", "max-age=60"), ("age", "10")]).stored();
    assert_eq!(terms.age(present() - Duration::from_secs(100)).as_secs(), 10);
}

#[test]
fn sources() {
    let source = |pairs: &[(&str, &str)]| Exchange::with(pairs).stored().source();
    assert_eq!(source(&[("cdn-cache-control", "max-age=9")]), LifetimeSource::Targeted);
    assert_eq!(source(&[("cache-control", "s-maxage=9")]), LifetimeSource::SMaxage);
    assert_eq!(source(&[("cache-control", "max-age=9")]), LifetimeSource::MaxAge);
    assert_eq!(source(&[("expires", &at(9))]), LifetimeSource::Expires);
    assert_eq!(source(&[("etag", "\"a\"")]), LifetimeSource::None);
}

#[test]
fn useful_for_covers_every_stale_use() {
    let rules = Rules { stale_when_disconnected: Some(Duration::from_secs(5)), ..Rules::default() };
    let useful = |pairs: &[(&str, &str)]| {
        Exchange::with(pairs).stored().useful_for(present(), &rules).map(|time| time.as_secs())
    };
    assert_eq!(useful(&[("cache-control", "max-age=60")]), Some(65));
    assert_eq!(useful(&[("cache-control", "max-age=60, stale-if-error=30")]), Some(90));
    assert_eq!(
        useful(&[("cache-control", "max-age=60, stale-while-revalidate=30, must-revalidate")]),
        Some(60)
    );
    assert_eq!(useful(&[("cache-control", "s-maxage=60")]), Some(60));
    assert_eq!(useful(&[("cache-control", "max-age=60"), ("etag", "\"a\"")]), None);
}

#[test]
fn a_date_before_1970_is_as_old_as_it_says() {
    let terms = Exchange::with(&[("date", "Thu, 01 Jan 1903 00:00:00 GMT"), ("etag", "\"a\"")]).stored();
    let since_1970 = present().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    assert_eq!(terms.age(present()).as_secs(), since_1970.as_secs() + 2_114_380_800);
}
