use http::{Method, StatusCode};

use super::{MAX_GROUPS, groups, invalidated_groups};
use crate::suite::fields;

#[test]
fn groups_are_strings_over_all_lines() {
    let headers = fields(&[("cache-groups", "\"scripts\", \"a b\""), ("cache-groups", "\"c\";x=1, token")]);
    assert_eq!(groups(&headers), ["scripts", "a b", "c"]);
    assert!(groups(&fields(&[("cache-groups", "\"open")])).is_empty());
    assert!(groups(&fields::<&str>(&[])).is_empty());
}

#[test]
fn only_a_successful_write_invalidates() {
    let headers = fields(&[("cache-group-invalidation", "\"scripts\"")]);
    let gone = |method: Method, status| invalidated_groups(&method, status, &headers);
    assert_eq!(gone(Method::POST, StatusCode::OK), ["scripts"]);
    assert_eq!(gone(Method::POST, StatusCode::SEE_OTHER), ["scripts"]);
    assert!(gone(Method::POST, StatusCode::INTERNAL_SERVER_ERROR).is_empty());
    assert!(gone(Method::GET, StatusCode::OK).is_empty());
}

#[test]
fn there_is_a_limit() {
    let many = "\"g\", ".repeat(1000) + "\"g\"";
    assert_eq!(groups(&fields(&[("cache-groups", many)])).len(), MAX_GROUPS);
}
