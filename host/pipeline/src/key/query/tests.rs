use proptest::prelude::*;

use super::*;

fn globs(patterns: &[&str]) -> Box<[Glob]> {
    patterns.iter().map(|pattern| Glob::new(pattern).unwrap()).collect()
}

fn ignoring(patterns: &[&str]) -> QueryRules {
    QueryRules { parameters: Parameters::Ignore(globs(patterns)), sort: false }
}

fn sorting() -> QueryRules {
    QueryRules { parameters: Parameters::All, sort: true }
}

#[test]
fn ignored_parameters_go_and_the_rest_stays_as_it_stands() {
    let rules = ignoring(&["utm_*", "gclid"]);
    for (given, key) in [
        ("/p", "/p"),
        ("/p?", "/p?"),
        ("/p?a=1&b", "/p?a=1&b"),
        ("/p?utm_source=x", "/p"),
        ("/p?a=1&utm_source=x&b=2&gclid", "/p?a=1&b=2"),
        ("/p?gclid=1&gclid=2", "/p"),
        ("/p?a=1&&b=?utm_x", "/p?a=1&&b=?utm_x"),
        ("/p?UTM_x=1", "/p?UTM_x=1"),
        ("/p?%75tm_x=1", "/p?%75tm_x=1"),
    ] {
        assert_eq!(rules.normal(given), key, "{given}");
    }
}

#[test]
fn only_kept_parameters_stay() {
    let rules = QueryRules { parameters: Parameters::Keep(globs(&["id", "page"])), sort: false };
    assert_eq!(rules.normal("/p?x=1&page=2&id=3&y"), "/p?page=2&id=3");
    assert_eq!(rules.normal("/p?x=1"), "/p");
    assert_eq!(rules.normal("/p?"), "/p");
}

#[test]
fn sorting_is_by_name_and_repeated_names_keep_their_order() {
    assert_eq!(sorting().normal("/p?b=1&a=2&b=0&a=1"), "/p?a=2&a=1&b=1&b=0");
    assert_eq!(sorting().normal("/p?a-b=1&a=1"), "/p?a=1&a-b=1");
    let many: Vec<String> = (0..=SORTED_PARAMETERS_MAX).rev().map(|number| format!("{number:04}")).collect();
    let many = format!("/p?{}", many.join("&"));
    assert_eq!(sorting().normal(&many), many.as_str());
}

#[test]
fn nothing_to_change_is_nothing_allocated() {
    let rules = QueryRules { sort: true, ..ignoring(&["utm_*"]) };
    for given in ["/p", "/p?", "/p?a=1&b=2&b=1", "/?"] {
        assert!(matches!(rules.normal(given), Cow::Borrowed(_)), "{given}");
    }
}

proptest! {
    /// A purge by the text that is stored must find it.
    #[test]
    fn the_normal_form_is_its_own(query in "[abu=&?]{0,40}", sort in any::<bool>(), keep in any::<bool>()) {
        let globs = globs(&["a*", "*u"]);
        let parameters = if keep { Parameters::Keep(globs) } else { Parameters::Ignore(globs) };
        let rules = QueryRules { parameters, sort };
        let once = rules.normal(&query).into_owned();
        prop_assert_eq!(rules.normal(&once), once.as_str());
    }
}
