//! RFC 9110 §5.6.7: dates.
//!
//! Reads the three formats that the RFC knows, in any letter case, and nothing else: a date that is not one of them is
//! invalid, and for freshness invalid means stale (RFC 9111 §5.3). `httpdate` is used to write dates; it is not used to
//! read them because it is case-sensitive and because the century of an RFC 850 date depends on the present.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
const SHORT_DAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
const LONG_DAYS: [&[u8]; 7] =
    [b"monday", b"tuesday", b"wednesday", b"thursday", b"friday", b"saturday", b"sunday"];

/// The last second that an HTTP date can name: 31 December 9999, 23:59:59.
const LAST_SECOND: u64 = 253_402_300_799;

const SECONDS_PER_DAY: i64 = 86_400;

/// A calendar date and time of day, not yet checked.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Reads an HTTP date: IMF-fixdate, RFC 850 or asctime (RFC 9110 §5.6.7). `now` places the two-digit year of RFC 850.
pub fn parse(value: &[u8], now: SystemTime) -> Option<SystemTime> {
    let value = crate::list::trim(value);
    let civil = imf_fixdate(value).or_else(|| asctime(value)).or_else(|| rfc850(value, now))?;
    civil.into_time()
}

/// The same for a field's value.
pub fn parse_value(value: &HeaderValue, now: SystemTime) -> Option<SystemTime> {
    parse(value.as_bytes(), now)
}

/// Writes an IMF-fixdate. `None` outside the years 1970 to 9999, which the format cannot carry.
pub fn render(at: SystemTime) -> Option<HeaderValue> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    if since.as_secs() > LAST_SECOND {
        return None;
    }
    HeaderValue::from_str(&httpdate::fmt_http_date(at)).ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf_fixdate(value: &[u8]) -> Option<Civil> {
    let [w1, w2, w3, b',', b' ', d1, d2, b' ', m1, m2, m3, b' ', rest @ ..] = value else {
        return None;
    };
    let [y1, y2, y3, y4, b' ', time @ ..] = rest else {
        return None;
    };
    short_day(&[*w1, *w2, *w3])?;
    let (hour, minute, second) = time_gmt(time)?;
    let year = number(&[*y1, *y2, *y3, *y4])?;
    Some(Civil { year, month: month(&[*m1, *m2, *m3])?, day: number(&[*d1, *d2])?, hour, minute, second })
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc850(value: &[u8], now: SystemTime) -> Option<Civil> {
    let comma = value.iter().position(|&byte| byte == b',')?;
    let (name, rest) = value.split_at_checked(comma)?;
    if !LONG_DAYS.iter().any(|day| day.eq_ignore_ascii_case(name)) {
        return None;
    }
    let [b',', b' ', d1, d2, b'-', m1, m2, m3, b'-', y1, y2, b' ', time @ ..] = rest else {
        return None;
    };
    let (hour, minute, second) = time_gmt(time)?;
    let year = century(number(&[*y1, *y2])?, now);
    Some(Civil { year, month: month(&[*m1, *m2, *m3])?, day: number(&[*d1, *d2])?, hour, minute, second })
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(value: &[u8]) -> Option<Civil> {
    let [w1, w2, w3, b' ', m1, m2, m3, b' ', d1, d2, b' ', rest @ ..] = value else {
        return None;
    };
    let [t1, t2, t3, t4, t5, t6, t7, t8, b' ', y1, y2, y3, y4] = rest else {
        return None;
    };
    short_day(&[*w1, *w2, *w3])?;
    let (hour, minute, second) = time_of_day(&[*t1, *t2, *t3, *t4, *t5, *t6, *t7, *t8])?;
    let day = if *d1 == b' ' { number(&[*d2])? } else { number(&[*d1, *d2])? };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    Some(Civil { year, month: month(&[*m1, *m2, *m3])?, day, hour, minute, second })
}

/// A two-digit year that seems more than fifty years ahead means the past century (RFC 9110 §5.6.7).
fn century(two_digits: i64, now: SystemTime) -> i64 {
    let this_year = year_of(now);
    let guess = this_year.saturating_sub(this_year.rem_euclid(100)).saturating_add(two_digits);
    if guess > this_year.saturating_add(50) { guess.saturating_sub(100) } else { guess }
}

fn short_day(name: &[u8; 3]) -> Option<()> {
    SHORT_DAYS.iter().any(|day| day.eq_ignore_ascii_case(name)).then_some(())
}

fn month(name: &[u8; 3]) -> Option<i64> {
    let index = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    i64::try_from(index).ok()?.checked_add(1)
}

/// `08:49:37 GMT`
fn time_gmt(value: &[u8]) -> Option<(i64, i64, i64)> {
    let (time, zone) = value.split_at_checked(8)?;
    if !zone.eq_ignore_ascii_case(b" GMT") {
        return None;
    }
    time_of_day(time)
}

fn time_of_day(value: &[u8]) -> Option<(i64, i64, i64)> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = value else {
        return None;
    };
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
    // 60 is a leap second.
    (hour < 24 && minute < 60 && second <= 60).then_some((hour, minute, second))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |total, digit| {
        digit.is_ascii_digit().then(|| total.saturating_mul(10).saturating_add(i64::from(digit - b'0')))
    })
}

impl Civil {
    fn into_time(self) -> Option<SystemTime> {
        if self.day < 1 || self.day > days_in_month(self.year, self.month) {
            return None;
        }
        let days = days_from_civil(self.year, self.month, self.day);
        let of_day = self.hour.checked_mul(3600)?.checked_add(self.minute.checked_mul(60)?)?;
        let seconds = days.checked_mul(SECONDS_PER_DAY)?.checked_add(of_day)?.checked_add(self.second)?;
        let distance = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1 January 1970 in the proleptic Gregorian calendar. Years start in March so that the leap day is last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The calendar year that `at` falls in; 1970 for anything before it and 9999 for anything after.
fn year_of(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().min(LAST_SECOND);
    let days = i64::try_from(since).unwrap_or(0) / SECONDS_PER_DAY;
    // The mean Gregorian year is 365.2425 days: the estimate is at most one year off.
    let estimate = 1970 + days * 10_000 / 3_652_425;
    let next_starts = days_from_civil(estimate + 1, 1, 1);
    if days >= next_starts {
        estimate + 1
    } else if days < days_from_civil(estimate, 1, 1) {
        estimate - 1
    } else {
        estimate
    }
}

#[cfg(test)]
mod tests;
