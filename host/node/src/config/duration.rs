//! Durations: `500ms`, `5s`, `2m`, `1h`, `1d`.

use std::time::Duration;

use serde::Serializer;

/// Longest duration: ten years. Longer than any object lives, and short enough that adding it to any clock's reading
/// cannot overflow.
pub const DURATION_MAX: Duration = Duration::from_secs(3650 * 86_400);

/// Largest first, in milliseconds.
const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not digits followed by a unit.
    #[error("`{0}` is not a duration. Write a whole number and a unit (ms, s, m, h, d), such as `5s`.")]
    Malformed(String),
    /// A unit nobody defined, or none.
    #[error("`{given}` has no unit that is known. Write `{instead}`.")]
    Unit {
        /// What was written.
        given: String,
        /// The same with a unit.
        instead: String,
    },
    /// Longer than [`DURATION_MAX`].
    #[error("`{0}` is longer than ten years. Write a shorter time, such as `30d`.")]
    TooLong(String),
}

/// Reads a duration.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let given = || text.chars().take(40).collect::<String>();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    if digits.is_empty() || unit.starts_with('.') {
        return Err(DurationError::Malformed(given()));
    }
    let number: u64 = digits.parse().map_err(|_| DurationError::TooLong(given()))?;
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(DurationError::Unit {
            given: given(),
            instead: format!("{digits}{}", likely_unit(unit)),
        });
    };
    let duration = number.checked_mul(*factor).map(Duration::from_millis);
    duration.filter(|duration| *duration <= DURATION_MAX).ok_or_else(|| DurationError::TooLong(given()))
}

/// `sec`, ` S` → `s`; `min` → `m`; nothing at all → `s`.
fn likely_unit(unit: &str) -> &'static str {
    let unit = unit.trim_start().to_ascii_lowercase();
    match unit.as_bytes() {
        _ if unit.starts_with("ms") || unit.starts_with("mil") => "ms",
        [b'm', ..] => "m",
        [b'h', ..] => "h",
        [b'd', ..] => "d",
        _ => "s",
    }
}

/// As [`parse`] reads it, in the largest unit that divides. Parts below a millisecond are left out.
#[must_use]
pub fn text(duration: Duration) -> String {
    let millis = duration.as_millis();
    let divides = |unit: &&(&str, u64)| millis != 0 && millis.is_multiple_of(u128::from(unit.1));
    let (name, factor) = UNITS.iter().find(divides).copied().unwrap_or(("s", 1_000));
    format!("{}{name}", millis / u128::from(factor))
}

/// The units as a regular expression has them.
pub(super) fn units() -> String {
    UNITS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("|")
}

/// For `#[serde(serialize_with)]`.
pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*duration))
}

/// For `#[serde(serialize_with)]`.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(super) fn serialize_option<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serialize(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        for (text, millis) in
            [("0s", 0), ("500ms", 500), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), ("1d", 86_400_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_bad_duration_says_what_to_write() {
        for (given, words) in [
            ("", "is not a duration"),
            ("s", "is not a duration"),
            ("-5s", "is not a duration"),
            ("1.5h", "Write a whole number"),
            ("5", "Write `5s`"),
            ("5 s", "Write `5s`"),
            ("5sec", "Write `5s`"),
            ("5min", "Write `5m`"),
            ("5millis", "Write `5ms`"),
            ("1H", "Write `1h`"),
            ("3651d", "longer than ten years"),
            ("99999999999999999999999d", "longer than ten years"),
        ] {
            let said = parse(given).unwrap_err().to_string();
            assert!(said.contains(words), "{given}: {said}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(number in 0u64..3_000, unit in 0usize..5) {
            let duration = parse(&format!("{number}{}", UNITS[unit].0)).unwrap();
            prop_assert_eq!(parse(&text(duration)), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
