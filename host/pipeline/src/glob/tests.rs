use super::*;

fn matches(pattern: &str, text: &str) -> bool {
    Glob::new(pattern).unwrap().matches(text)
}

#[test]
fn a_star_stands_for_anything_and_the_rest_for_itself() {
    for (pattern, fits, does_not) in [
        ("/a", &["/a"][..], &["/a/", "/b", "/A", ""][..]),
        ("/a/*", &["/a/", "/a/b/c"], &["/a", "/b/a/"]),
        ("*.jpg", &[".jpg", "/x/y.jpg"], &["/x.jpg/", "/x.jpeg"]),
        ("*", &["", "/x"], &[]),
        ("/a*b", &["/ab", "/a/b", "/abab"], &["/a", "/b", "/abc"]),
        ("*/img/*/x*", &["/img//x", "/a/img/b/img/c/xy"], &["/img/x", "/img/"]),
        // What stands at both ends must not be the same bytes.
        ("aba*ba", &["ababa", "aba-ba"], &["aba"]),
        ("a**b", &["ab", "a-b"], &["a"]),
    ] {
        for text in fits {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for text in does_not {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}

/// The definition, slowly.
fn naive(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
        (Some((one, pattern)), Some((other, text))) => one == other && naive(pattern, text),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[test]
fn every_short_pattern_matches_as_defined() {
    let words = |letters: &[u8], longest: u32| -> Vec<String> {
        let count = letters.len();
        (0..=longest)
            .flat_map(|length| (0..count.pow(length)).map(move |number| (length, number)))
            .map(|(length, number)| {
                (0..length).map(|place| letters[number / count.pow(place) % count] as char).collect()
            })
            .collect()
    };
    for pattern in words(b"ab*", 5).iter().filter(|pattern| !pattern.is_empty()) {
        for text in words(b"ab", 5) {
            assert_eq!(
                matches(pattern, &text),
                naive(pattern.as_bytes(), text.as_bytes()),
                "{pattern} {text}"
            );
        }
    }
}

#[test]
fn what_is_no_pattern_says_why() {
    assert_eq!(Glob::new(""), Err(GlobError::Empty));
    assert_eq!(Glob::new(&"a".repeat(257)), Err(GlobError::TooLong(257)));
    assert!(matches!(Glob::new("/a b"), Err(GlobError::NotPlain(_))));
}
