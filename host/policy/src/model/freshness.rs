//! Lifetime (RFC 9111 §4.2.1, §4.2.2) and age (§4.2.3).

use super::directives::Says;
use super::{Message, Millis, Moments, SECOND, dates, list};
use crate::Rules;

/// "the number of seconds ... [that] cannot be represented": 2^31 (RFC 9111 §1.2.2).
const LARGEST: Millis = (1 << 31) * SECOND;

const DAY: Millis = 86_400 * SECOND;

/// The lifetime and the word for where it came from.
pub(super) fn lifetime(
    status: u16,
    response: &Message,
    received: Millis,
    rules: &Rules,
) -> (Millis, &'static str) {
    let says = Says::of(response);
    if says.targeted {
        if let Some(seconds) = says.s_maxage.or(says.max_age) {
            return (seconds * SECOND, "targeted");
        }
    } else {
        if let Some(seconds) = says.s_maxage {
            return (seconds * SECOND, "s-maxage");
        }
        if let Some(seconds) = says.max_age {
            return (seconds * SECOND, "max-age");
        }
        if let Some(expires) = response.first("expires") {
            let made = date(response, received).unwrap_or(received);
            let lifetime = dates::read(expires, received).map_or(0, |expires| expires - made);
            return (lifetime.clamp(0, LARGEST), "expires");
        }
    }
    if !(is_heuristically_cacheable(status) || says.public) {
        return (0, "none");
    }
    let set = if (400..600).contains(&status) { rules.negative_ttl } else { rules.default_ttl };
    if let Some(set) = set {
        return (set.as_millis() as Millis, "site");
    }
    let made = date(response, received).unwrap_or(received);
    match response.first("last-modified").and_then(|text| dates::read(text, received)) {
        Some(modified) if rules.heuristics && modified <= made => {
            (((made - modified) / 10).min(DAY), "heuristic")
        }
        _ => (0, "none"),
    }
}

/// RFC 9110 §15.1.
pub(super) fn is_heuristically_cacheable(status: u16) -> bool {
    [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501].contains(&status)
}

/// `date_value`, if there is one that can be read.
pub(super) fn date(response: &Message, received: Millis) -> Option<Millis> {
    dates::read(response.first("date")?, received)
}

/// `age_value`: the first member; nothing readable is nothing said.
pub(super) fn age_value(response: &Message) -> Millis {
    let first = response.first("age").and_then(|line| line.split(',').next()).map(list::trim);
    first.and_then(list::seconds).unwrap_or(0) * SECOND
}

/// `apparent_age = max(0, response_time - date_value)`, in the whole seconds that `Date` is written in.
pub(super) fn apparent_age(response: &Message, received: Millis) -> Millis {
    let received = received.div_euclid(SECOND) * SECOND;
    date(response, received).map_or(0, |date| (received - date).max(0))
}

/// `current_age` (RFC 9111 §4.2.3).
pub(super) fn current_age(response: &Message, moments: Moments, now: Millis) -> Millis {
    let response_delay = (moments.received - moments.requested).max(0);
    let corrected_age_value = age_value(response) + response_delay;
    let corrected_initial_age = apparent_age(response, moments.received).max(corrected_age_value);
    let resident_time = (now - moments.received).max(0);
    corrected_initial_age + resident_time
}
