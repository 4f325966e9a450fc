//! RFC 9111 §4.2.3 and §5.1: how old a response is.
//!
//! Owns the age arithmetic. Nothing here is negative: a clock that went backwards counts as no time passed.

use std::time::{Duration, SystemTime};

use http::header::{AGE, DATE, HeaderMap};

use crate::cache_control::delta_seconds;
use crate::{date, list};

/// What the `Age` field says (RFC 9111 §5.1): its first member, or nothing if that is not a non-negative integer.
pub fn age_value(headers: &HeaderMap) -> Duration {
    headers
        .get(AGE)
        .map(|line| line.as_bytes())
        .and_then(|line| line.split(|&byte| byte == b',').next())
        .and_then(|first| delta_seconds(list::trim(first)))
        .unwrap_or_default()
}

/// `corrected_initial_age` (RFC 9111 §4.2.3): how old the response was when it arrived at `response_time`, asked for
/// at `request_time`.
pub fn corrected_initial_age(
    headers: &HeaderMap,
    request_time: SystemTime,
    response_time: SystemTime,
) -> Duration {
    let date = headers.get(DATE).and_then(|value| date::parse_value(value, response_time));
    let apparent_age = date.map(|date| apparent_age(date, response_time)).unwrap_or_default();
    let response_delay = response_time.duration_since(request_time).unwrap_or_default();
    let corrected_age_value = age_value(headers).saturating_add(response_delay);
    apparent_age.max(corrected_age_value)
}

/// `apparent_age` in whole seconds. `Date` has no fraction, so the clock's is dropped as well: otherwise every response
/// would look half a second old on average.
fn apparent_age(date: SystemTime, response_time: SystemTime) -> Duration {
    Duration::from_secs(response_time.duration_since(date).unwrap_or_default().as_secs())
}

/// `current_age` (RFC 9111 §4.2.3) from the two stored numbers.
pub fn current_age(initial_age: Duration, response_time: SystemTime, now: SystemTime) -> Duration {
    initial_age.saturating_add(now.duration_since(response_time).unwrap_or_default())
}
