use super::{MAX_PREFERENCES, lookup_language, most_wanted_language, truncations, weight, write_preferences};
use crate::suite::fields;
use http::header::{ACCEPT_ENCODING, HeaderMap};
use smallvec::SmallVec;

fn written(headers: &HeaderMap) -> String {
    let mut out = SmallVec::new();
    write_preferences(headers, &ACCEPT_ENCODING, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn encoding(value: &str) -> String {
    written(&fields(&[("accept-encoding", value)]))
}

#[test]
fn order_case_and_full_weight_do_not_matter() {
    assert_eq!(encoding("gzip, br"), encoding("BR;q=1.0 , GZip; q=1"));
    assert_eq!(encoding("gzip;q=0.5, br"), encoding("br,gzip;q=0.500"));
    assert_eq!(encoding("gzip, gzip"), encoding("gzip"));
}

#[test]
fn weights_and_names_matter() {
    assert_ne!(encoding("gzip;q=0.5"), encoding("gzip"));
    assert_ne!(encoding("gzip;q=0.5"), encoding("gzip;q=0.501"));
    assert_ne!(encoding("gzip;q=0"), encoding("gzip"));
    assert_ne!(encoding("gzip"), encoding("br"));
}

#[test]
fn what_cannot_be_read_is_compared_as_written() {
    assert_ne!(encoding("gzip;q=2, br"), encoding("br, gzip;q=2"));
    let long: Vec<String> = (0..=MAX_PREFERENCES).map(|index| format!("a{index}")).collect();
    let reversed: Vec<String> = long.iter().rev().cloned().collect();
    assert_ne!(encoding(&long.join(",")), encoding(&reversed.join(",")));
}

#[test]
fn weights() {
    for (value, expected) in
        [("1", Some(1000)), ("0", Some(0)), ("0.5", Some(500)), ("1.000", Some(1000)), ("0.123", Some(123))]
    {
        assert_eq!(weight(value.as_bytes()), expected, "{value}");
    }
    for invalid in ["", "2", "1.1", "0.1234", ".5", "0,5", "-1"] {
        assert_eq!(weight(invalid.as_bytes()), None, "{invalid}");
    }
}

#[test]
fn the_most_wanted_language() {
    let wanted = |value: &str| {
        let headers = fields(&[("accept-language", value)]);
        most_wanted_language(&headers).map(|found| String::from_utf8(found.to_vec()).unwrap())
    };
    assert_eq!(wanted("fr;q=0.5, de;q=1.0").as_deref(), Some("de"));
    assert_eq!(wanted("fr, de"), None);
    assert_eq!(wanted("*"), None);
    assert_eq!(wanted("de;q=0"), None);
}

fn best(field: &str, supported: &[&'static str]) -> Option<&'static str> {
    lookup_language(&fields(&[("accept-language", field)]), supported).copied()
}

/// RFC 4647 §3.4.
#[test]
fn a_language_is_looked_up_from_the_most_wanted_on() {
    let supported = ["en", "de", "zh-hant", "fr-ca"];
    for (field, expected) in [
        ("de", Some("de")),
        ("DE-ch-1996", Some("de")),
        ("en;q=0.2, de;q=0.8", Some("de")),
        // Of one weight, the order of the field decides.
        ("de, en", Some("de")),
        ("en, de", Some("en")),
        ("zh-Hant-TW", Some("zh-hant")),
        ("zh-Hant-x-private", Some("zh-hant")),
        // A lookup shortens what is asked for, never what there is.
        ("fr", None),
        ("zh", None),
        ("fr-CA", Some("fr-ca")),
        ("it, *", None),
        ("*, en;q=0.1", Some("en")),
        ("en;q=0", None),
        // Who refuses `en` does not get it for `en-US`.
        ("en-US, en;q=0, de;q=0.1", Some("de")),
        ("", None),
        // What cannot be read asks for nothing.
        ("de;level=1", None),
    ] {
        assert_eq!(best(field, &supported), expected, "{field}");
    }
    assert_eq!(best("de", &[]), None);
}

#[test]
fn a_single_letter_is_never_left_at_the_end() {
    let left = |range: &'static str| {
        truncations(range.as_bytes()).map(|left| std::str::from_utf8(left).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(
        left("zh-Hant-CN-x-private1-private2"),
        ["zh-Hant-CN-x-private1-private2", "zh-Hant-CN-x-private1", "zh-Hant-CN", "zh-Hant", "zh"]
    );
    assert_eq!(left("a-b-c"), ["a-b-c", "a"]);
    assert_eq!(left("*"), Vec::<&str>::new());
    assert_eq!(left("-"), ["-", ""]);
}
