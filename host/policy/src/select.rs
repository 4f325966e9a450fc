//! RFC 9111 §4: choosing among several stored responses that match.

use crate::terms::Terms;

/// The response with the most recent `Date`; of equal ones the one received last (RFC 9111 §4, §4.1).
pub fn most_recent<'a, T>(candidates: impl IntoIterator<Item = (T, &'a Terms)>) -> Option<T> {
    candidates
        .into_iter()
        .max_by_key(|(_, terms)| (terms.date(), terms.received_at()))
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests;
