//! "Did you mean": the known word nearest to a mistyped one.

/// One slip is forgiven in a short word, and one more for every three letters.
const LETTERS_PER_SLIP: usize = 3;

/// The candidate nearest to `given`, if one is near enough to be what was meant.
pub(super) fn nearest<'c>(given: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let given = given.to_ascii_lowercase().replace('-', "_");
    let allowed = (given.chars().count() / LETTERS_PER_SLIP).max(1);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&given, &candidate.replace('-', "_")), candidate))
        .filter(|(slips, _)| *slips <= allowed)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// What to write instead of `given`, as a sentence: the nearest candidate, or all of them. `none` is said where there
/// are none to choose from.
pub(super) fn instead(given: &str, candidates: &[&str], what: &str, none: &str) -> String {
    if let Some(near) = nearest(given, candidates.iter().copied()) {
        return format!("Did you mean `{near}`?");
    }
    match candidates {
        [] => none.to_owned(),
        all => format!("{what}: {}.", listed(all)),
    }
}

/// "`a`, `b`, `c`".
pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_and_a_far_one_is_not() {
        let words = ["origin", "hosts", "name", "when_cut_off"];
        for (given, near) in [
            ("orgin", Some("origin")),
            ("Origin", Some("origin")),
            ("host", Some("hosts")),
            ("nmae", Some("name")),
            ("when-cut-off", Some("when_cut_off")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, words.into_iter()), near, "{given}");
        }
    }
}
