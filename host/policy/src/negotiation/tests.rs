use super::{MAX_PREFERENCES, most_wanted_language, weight, write_preferences};
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
