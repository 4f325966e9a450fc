//! HTTP dates (RFC 9110 §5.6.7), counted year by year and day by day.

use super::{Millis, SECOND, list};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The last second of the year 9999.
pub(super) const END_OF_DATES: i128 = 253_402_300_799;

/// Reads any of the three forms. `now` tells which century a year of two digits is in.
pub(super) fn read(text: &str, now: Millis) -> Option<Millis> {
    let text = list::trim(text).to_ascii_lowercase();
    let words: Vec<&str> = text.split(' ').collect();
    let seconds = match words.as_slice() {
        // sun, 06 nov 1994 08:49:37 gmt
        [day, date, month, year, time, "gmt"] if is_day(day.strip_suffix(',')?, 3) && date.len() == 2 => {
            count(four(year)?, month, date, time)
        }
        // sunday, 06-nov-94 08:49:37 gmt
        [day, date, time, "gmt"] if is_day(day.strip_suffix(',')?, 9) => {
            let parts: Vec<&str> = date.split('-').collect();
            let [date, month, year] = parts.as_slice() else { return None };
            let two = (date.len() == 2 && year.len() == 2).then(|| digits(year))??;
            count(nearest(two, now), month, date, time)
        }
        // sun nov  6 08:49:37 1994
        [day, month, "", date, time, year] if is_day(day, 3) && date.len() == 1 => {
            count(four(year)?, month, date, time)
        }
        [day, month, date, time, year] if is_day(day, 3) && date.len() == 2 => {
            count(four(year)?, month, date, time)
        }
        _ => None,
    }?;
    Some(seconds * SECOND)
}

/// Whether `text` begins a day's name with just `letters` letters, or is the whole of it.
fn is_day(text: &str, letters: usize) -> bool {
    DAYS.iter().any(|day| text == &day[..letters.min(day.len())])
}

fn digits(text: &str) -> Option<i128> {
    let all = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    all.then(|| text.parse().unwrap())
}

fn four(year: &str) -> Option<i128> {
    if year.len() == 4 { digits(year) } else { None }
}

/// "a timestamp that appears to be more than 50 years in the future" is "the most recent year in the past that had the
/// same last two digits".
fn nearest(two: i128, now: Millis) -> i128 {
    let this_year = civil(now.div_euclid(SECOND)).0;
    let guess = this_year - this_year % 100 + two;
    if guess > this_year + 50 { guess - 100 } else { guess }
}

/// Seconds since 1970.
fn count(year: i128, month: &str, date: &str, time: &str) -> Option<i128> {
    let month = MONTHS.iter().position(|name| *name == month)?;
    let date = digits(date)?;
    if date < 1 || date > length(year, month) {
        return None;
    }
    let parts: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return None };
    if [hour, minute, second].iter().any(|part| part.len() != 2) {
        return None;
    }
    let (hour, minute, second) = (digits(hour)?, digits(minute)?, digits(second)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut days = date - 1;
    days += (0..month).map(|month| length(year, month)).sum::<i128>();
    days += (1970..year).map(days_of).sum::<i128>();
    days -= (year..1970).map(days_of).sum::<i128>();
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i128) -> i128 {
    if is_leap(year) { 366 } else { 365 }
}

fn length(year: i128, month: usize) -> i128 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// Year, month from 0, day from 1, and the weekday from Monday, of a second since 1970.
fn civil(seconds: i128) -> (i128, usize, i128, usize) {
    let mut days = seconds.clamp(0, END_OF_DATES) / 86_400;
    // 1 January 1970 was a Thursday.
    let weekday = (days + 3) % 7;
    let mut year = 1970;
    while days >= days_of(year) {
        days -= days_of(year);
        year += 1;
    }
    let mut month = 0;
    while days >= length(year, month) {
        days -= length(year, month);
        month += 1;
    }
    (year, month, days + 1, weekday as usize)
}

/// The three forms, for a second of the years 1970 to 9999.
pub(super) fn write(seconds: i128) -> [String; 3] {
    let (year, month, day, weekday) = civil(seconds);
    let of_day = seconds % 86_400;
    let time = format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
    let (name, month) = (capital(DAYS[weekday]), capital(MONTHS[month]));
    let short = &name[..3];
    [
        format!("{short}, {day:02} {month} {year} {time} GMT"),
        format!("{name}, {day:02}-{month}-{:02} {time} GMT", year % 100),
        format!("{short} {month} {day:2} {time} {year}"),
    ]
}

fn capital(name: &str) -> String {
    name[..1].to_ascii_uppercase() + &name[1..]
}
