//! RFC 9110 §12.5: the request fields of content negotiation, brought to one form.
//!
//! Owns the rewriting that RFC 9111 §4.1 allows before two requests are compared: only what cannot change the meaning.
//! Order is not preference (RFC 9110 §12.5.4 warns against relying on it), letter case is not, and `q=1` is the default.

use http::header::{HeaderMap, HeaderName};
use smallvec::SmallVec;

use crate::list;

/// Which fields are compared by meaning rather than as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Normalise {
    /// `Accept-Encoding` (RFC 9110 §12.5.3).
    pub accept_encoding: bool,
    /// `Accept-Language` (RFC 9110 §12.5.4).
    pub accept_language: bool,
}

impl Default for Normalise {
    fn default() -> Self {
        Self { accept_encoding: true, accept_language: true }
    }
}

/// The most members of one field that are sorted. A field with more is compared as written: sorting what a client sends
/// must not be a way to spend our time.
pub const MAX_PREFERENCES: usize = 32;

/// A weight in thousandths (RFC 9110 §12.4.2).
type Weight = u16;

const FULL: Weight = 1000;

/// One member: a range and its weight.
#[derive(PartialEq, Eq)]
struct Preference<'a> {
    range: &'a [u8],
    weight: Weight,
}

/// Writes the members in lower case, most wanted first, equal ones by name, as `range;weight,`.
pub(crate) fn write_preferences(headers: &HeaderMap, name: &HeaderName, out: &mut SmallVec<[u8; 128]>) {
    let Some(mut wanted) = preferences(headers, name) else {
        return write_as_written(headers, name, out);
    };
    wanted.sort_unstable_by(|a, b| b.weight.cmp(&a.weight).then_with(|| cmp_lower(a.range, b.range)));
    wanted.dedup_by(|a, b| a.weight == b.weight && a.range.eq_ignore_ascii_case(b.range));
    for Preference { range, weight } in &wanted {
        out.extend(range.iter().map(u8::to_ascii_lowercase));
        if *weight != FULL {
            out.push(b';');
            out.extend([weight / 100, weight / 10, *weight].map(|place| b'0' | (place % 10) as u8));
        }
        out.push(b',');
    }
}

/// Writes the members as they are, each ended by a byte that no field holds: a member may hold a comma in quotes, and what
/// cannot be read as a preference may look like one that was.
pub(crate) fn write_as_written(headers: &HeaderMap, name: &HeaderName, out: &mut SmallVec<[u8; 128]>) {
    for member in list::members(headers, name) {
        out.extend_from_slice(member);
        out.push(b'\0');
    }
}

/// The members of a field. `None` when one is not `range [;q=weight]` or when there are too many.
fn preferences<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<SmallVec<[Preference<'a>; 8]>> {
    let mut found = SmallVec::new();
    for member in list::members(headers, name) {
        if found.len() >= MAX_PREFERENCES {
            return None;
        }
        found.push(preference(member)?);
    }
    Some(found)
}

fn preference(member: &[u8]) -> Option<Preference<'_>> {
    let Some(semicolon) = member.iter().position(|&byte| byte == b';') else {
        return list::is_token(member).then_some(Preference { range: member, weight: FULL });
    };
    let (range, rest) = member.split_at_checked(semicolon)?;
    let range = list::trim(range);
    let [b'q' | b'Q', b'=', value @ ..] = list::trim(rest.get(1..)?) else {
        return None;
    };
    list::is_token(range).then_some(())?;
    Some(Preference { range, weight: weight(value)? })
}

/// `0`, `1`, `0.5`, `1.000`: up to three digits after the point (RFC 9110 §12.4.2).
fn weight(value: &[u8]) -> Option<Weight> {
    let (whole, fraction) = match value {
        [whole @ (b'0' | b'1')] => (*whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', fraction @ ..] if fraction.len() <= 3 => (*whole, fraction),
        _ => return None,
    };
    let mut thousandths = 0;
    for place in 0..3 {
        let digit = fraction.get(place).copied().unwrap_or(b'0');
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths = thousandths * 10 + Weight::from(digit - b'0');
    }
    match (whole, thousandths) {
        (b'1', 0) => Some(FULL),
        (b'0', thousandths) => Some(thousandths),
        _ => None,
    }
}

fn cmp_lower(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase))
}

/// The one language that the client wants most, when there is exactly one such (RFC 9110 §12.5.4). A stored response in
/// that language is then the best answer there can be.
pub fn most_wanted_language(headers: &HeaderMap) -> Option<&[u8]> {
    let wanted = preferences(headers, &http::header::ACCEPT_LANGUAGE)?;
    let best = wanted.iter().max_by_key(|preference| preference.weight)?;
    let alone = wanted.iter().filter(|preference| preference.weight == best.weight).count() == 1;
    (alone && best.weight > 0 && best.range != b"*").then_some(best.range)
}

/// The one of the `supported` languages that answers a request best: the lookup of RFC 4647 §3.4, over the ranges of
/// `Accept-Language` from the most wanted on, those of one weight in the order in which they stand. `None` where none
/// is wanted, or where the field cannot be read: then the site's own default is the answer (§3.4.1).
pub fn lookup_language<'s, T: AsRef<[u8]>>(headers: &HeaderMap, supported: &'s [T]) -> Option<&'s T> {
    let mut wanted = preferences(headers, &http::header::ACCEPT_LANGUAGE)?;
    let refused = |tag: &[u8]| {
        wanted.iter().any(|preference| preference.weight == 0 && preference.range.eq_ignore_ascii_case(tag))
    };
    let supported: SmallVec<[&T; 8]> = supported.iter().filter(|tag| !refused(tag.as_ref())).collect();
    // Stable: the order of the field decides between equal weights.
    wanted.sort_by_key(|preference| std::cmp::Reverse(preference.weight));
    let ranges = wanted.iter().filter(|preference| preference.weight > 0).map(|preference| preference.range);
    ranges
        .flat_map(truncations)
        .find_map(|range| supported.iter().copied().find(|tag| tag.as_ref().eq_ignore_ascii_case(range)))
}

/// `zh-Hant-x-a`, `zh-Hant`, `zh`: a range and what is left of it subtag by subtag, single letters never last (RFC 4647
/// §3.4). The wildcard is skipped: it asks for the default.
fn truncations(range: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(range).filter(|range| *range != b"*"), |range| {
        let cut = |range: &[u8]| range.iter().rposition(|&byte| byte == b'-');
        let mut rest = range.get(..cut(range)?)?;
        while let Some(hyphen) = cut(rest)
            && rest.len() == hyphen + 2
        {
            rest = rest.get(..hyphen)?;
        }
        Some(rest)
    })
}

#[cfg(test)]
mod tests;
