use super::{MAX_ONE_TAG_BYTES, MAX_TAGS, TagsRefusal, tags};
use crate::suite::fields;

#[test]
fn every_field_that_carries_tags() {
    let found = tags(&fields(&[
        ("surrogate-key", "sk-1  sk-2"),
        ("cache-tag", "ct 1, ct-2"),
        ("edge-cache-tag", "ect"),
        ("xkey", "x-1 x-2,x-3"),
        ("xkey", "x-4"),
        ("cdn-tag", "cdn,, cdn"),
        ("cache-groups", "\"group one\""),
    ]))
    .unwrap();
    let found: Vec<&str> = found.iter().map(|tag| &**tag).collect();
    assert_eq!(
        found,
        ["cdn", "ct 1", "ct-2", "ect", "group one", "sk-1", "sk-2", "x-1", "x-2", "x-3", "x-4"]
    );
    assert!(tags(&fields::<&str>(&[])).unwrap().is_empty());
}

#[test]
fn limits_refuse() {
    let refusal = |value: &[u8]| tags(&fields(&[("surrogate-key", value)])).unwrap_err();
    assert_eq!(refusal("a ".repeat(MAX_TAGS + 1).as_bytes()), TagsRefusal::TooMany);
    assert_eq!(refusal(&[b'a'; MAX_ONE_TAG_BYTES + 1]), TagsRefusal::TagTooLong);
    let long = vec!["a".repeat(MAX_ONE_TAG_BYTES); 17].join(" ");
    assert_eq!(refusal(long.as_bytes()), TagsRefusal::TooLong);
    assert_eq!(refusal(b"\xff"), TagsRefusal::NotText);
    assert!(tags(&fields(&[("surrogate-key", "a ".repeat(MAX_TAGS))])).is_ok());
}
