//! Sizes: `64KiB`, `2MiB`, `1GB`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// Largest first, and binary before decimal, so that printing picks the largest that divides.
const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// Why a text is not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not digits followed by a unit.
    #[error(
        "`{0}` is not a size. Write a whole number and a unit (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB), such \
         as `512MiB`."
    )]
    Malformed(String),
    /// A unit nobody defined, or none.
    #[error("`{given}` has no unit that is known. Write `{instead}`.")]
    Unit {
        /// What was written.
        given: String,
        /// The same with a unit.
        instead: String,
    },
    /// More than 2^64 bytes.
    #[error("`{0}` is more than any machine holds. Write a smaller size, such as `512MiB`.")]
    TooLarge(String),
}

impl Bytes {
    /// This many KiB.
    #[must_use]
    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// This many MiB.
    #[must_use]
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }
}

impl FromStr for Bytes {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let given = || text.chars().take(40).collect::<String>();
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
        if digits.is_empty() || unit.starts_with('.') {
            return Err(SizeError::Malformed(given()));
        }
        let number: u64 = digits.parse().map_err(|_| SizeError::TooLarge(given()))?;
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(SizeError::Unit {
                given: given(),
                instead: format!("{digits}{}", likely_unit(unit)),
            });
        };
        number.checked_mul(*factor).map(Self).ok_or_else(|| SizeError::TooLarge(given()))
    }
}

/// `g`, `G`, `gb`, ` GiB` → `GiB`; nothing at all → `MiB`, the usual one in this file.
fn likely_unit(unit: &str) -> &'static str {
    let first = unit.trim_start().chars().next().map(|c| c.to_ascii_uppercase());
    match first {
        Some('B') => "B",
        Some('K') => "KiB",
        Some('G') => "GiB",
        Some('T') => "TiB",
        _ => "MiB",
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |unit: &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(unit.1);
        let (name, factor) = UNITS.iter().find(divides).copied().unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / factor)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, bytes) in [
            ("0B", 0),
            ("64KiB", 64 << 10),
            ("2MiB", 2 << 20),
            ("1GiB", 1 << 30),
            ("64KB", 64_000),
            ("1TB", 1_000_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn a_bad_size_says_what_to_write() {
        for (text, words) in [
            ("", "is not a size"),
            ("GiB", "is not a size"),
            ("-1GiB", "is not a size"),
            ("1.5GiB", "Write a whole number"),
            ("64", "Write `64MiB`"),
            ("2gb", "Write `2GiB`"),
            ("2 GiB", "Write `2GiB`"),
            ("7k", "Write `7KiB`"),
            ("99999999TiB", "Write a smaller size"),
            ("99999999999999999999999B", "Write a smaller size"),
        ] {
            let said = text.parse::<Bytes>().unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(n in any::<u64>(), shift in 0u32..50) {
            for bytes in [Bytes(n), Bytes(n >> 40 << shift.min(20)), Bytes(1 << shift)] {
                prop_assert_eq!(bytes.to_string().parse(), Ok(bytes));
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Bytes>();
        }
    }
}
