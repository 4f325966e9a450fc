use std::time::Duration;

use super::directives;
use crate::ResponseDirectives;
use crate::cache_control::Scope;
use crate::suite::fields;

fn read(value: &str) -> Option<ResponseDirectives> {
    directives(&fields(&[("cdn-cache-control", value)]))
}

#[test]
fn values_have_types() {
    assert_eq!(read("max-age=60").unwrap().max_age, Some(Duration::from_secs(60)));
    // Stale, like a max-age that is not a number in Cache-Control.
    for wrong in ["max-age=60.5", "max-age=\"60\"", "max-age=-1", "max-age=a60", "max-age=(1 2)", "max-age"] {
        assert_eq!(read(wrong).unwrap().max_age, Some(Duration::ZERO), "{wrong}");
    }
    assert_eq!(read("stale-if-error=\"60\"").unwrap().stale_if_error, None);
    assert!(read("no-store=1").unwrap().no_store);
    assert!(!read("no-store=?0, max-age=1").unwrap().no_store);
}

#[test]
fn field_lists_are_strings() {
    assert_eq!(read("private=\"a, b\"").unwrap().private.fields(), ["a", "b"]);
    assert_eq!(read("no-cache").unwrap().no_cache, Scope::Everything);
    assert_eq!(read("no-cache=token").unwrap().no_cache, Scope::Everything);
}

#[test]
fn lines_combine_and_parameters_are_ignored() {
    let two = fields(&[("cdn-cache-control", "max-age=60;x=1"), ("cdn-cache-control", "must-revalidate")]);
    let found = directives(&two).unwrap();
    assert!(found.must_revalidate && found.max_age == Some(Duration::from_secs(60)));
}

#[test]
fn what_does_not_parse_is_as_if_absent() {
    for broken in ["", "max-age=", "max-age=60,", "Max-Age=60", "max-age=60 no-store"] {
        assert_eq!(read(broken), None, "{broken}");
    }
    let next = fields(&[("seawall-cache-control", "&&&"), ("cdn-cache-control", "max-age=1")]);
    assert_eq!(directives(&next).unwrap().max_age, Some(Duration::from_secs(1)));
}
