//! A share of something: a number from 0 to 1.

use serde::Serialize;

use super::check::Check;
use super::reader::{Field, Spot};

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
pub struct Share(f64);

/// A share is always a number, never NaN.
impl Eq for Share {}

impl Share {
    /// All of it.
    pub const ALL: Self = Self(1.0);

    /// `None` for what is no share.
    #[must_use]
    pub fn new(number: f64) -> Option<Self> {
        (0.0..=1.0).contains(&number).then_some(Self(number))
    }

    /// As a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    pub(super) fn from_raw(check: &Check<'_>, key: &str, field: &Field<f64>) -> Option<Self> {
        let Field::Given(Spot { value, at }) = field else { return None };
        let share = Self::new(*value);
        if share.is_none() {
            check.problem(
                *at,
                format!("`{key}`: {value} is no share. Write a number from 0 to 1, such as `0.01`."),
            );
        }
        share
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn a_share_is_from_nothing_to_all() {
        assert!([0.0, 0.01, 1.0].into_iter().all(|number| Share::new(number).is_some()));
        assert!([-0.1, 1.01, f64::NAN, f64::INFINITY].into_iter().all(|number| Share::new(number).is_none()));
    }
}
