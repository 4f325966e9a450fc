use super::{MAX_SELECTING_BYTES, MAX_VARY_FIELDS, Vary};
use crate::Normalise;
use crate::suite::fields;

fn vary(value: &str) -> Vary {
    Vary::from_headers(&fields(&[("vary", value)]))
}

#[test]
fn order_case_and_repetition_do_not_matter() {
    assert_eq!(vary("Foo, bar, FOO"), vary("BAR,foo"));
    assert_eq!(vary(" , "), Vary::None);
}

#[test]
fn limits_match_nothing() {
    let many: Vec<String> = (0..=MAX_VARY_FIELDS).map(|index| format!("f{index}")).collect();
    assert_eq!(vary(&many.join(",")), Vary::Any);
    let long = fields(&[("foo", "x".repeat(MAX_SELECTING_BYTES + 1))]);
    assert_eq!(vary("foo").selecting(&long, Normalise::default()), None);
}

#[test]
fn selecting_can_be_a_key() {
    let normalise = Normalise::default();
    let of = |value: &str| vary("foo").selecting(&fields(&[("foo", value)]), normalise).unwrap();
    assert_eq!(of("a, b"), of("a,b"));
    assert_ne!(of("a"), of("b"));
    assert!(Vary::None.selecting(&fields(&[("foo", "a")]), normalise).unwrap().is_empty());
}

#[test]
fn normalising_can_be_switched_off() {
    let off = Normalise { accept_encoding: false, accept_language: false };
    let (one, other) =
        (fields(&[("accept-encoding", "gzip, br")]), fields(&[("accept-encoding", "br, gzip")]));
    assert!(vary("accept-encoding").matches(&one, &other, Normalise::default()));
    assert!(!vary("accept-encoding").matches(&one, &other, off));
}

#[test]
fn different_members_never_look_alike() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("a weight, and what only looks like ours", &["gzip;q=0.5"], &["gzip;500"]),
        ("a comma in quotes, and one between lines", &["\"a,b\""], &["\"a", "b\""]),
    ];
    for (what, one, other) in rows {
        let request =
            |lines: &[&str]| fields(&lines.iter().map(|line| ("accept-encoding", *line)).collect::<Vec<_>>());
        let vary = vary("accept-encoding");
        assert!(!vary.matches(&request(one), &request(other), Normalise::default()), "{what}");
        assert!(vary.matches(&request(other), &request(other), Normalise::default()), "{what}");
    }
}
