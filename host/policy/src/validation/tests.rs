use super::{Validators, conditional_request, strip_preconditions};
use crate::suite::fields;

#[test]
fn our_condition_replaces_the_clients() {
    let stored = fields(&[("etag", "W/\"a\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
    let mut request = fields(&[
        ("accept", "*/*"),
        ("if-none-match", "\"client\""),
        ("if-match", "\"client\""),
        ("if-unmodified-since", "x"),
        ("if-range", "x"),
        ("range", "bytes=0-1"),
    ]);
    conditional_request(&mut request, &Validators::from_headers(&stored));
    let expected = fields(&[
        ("accept", "*/*"),
        ("if-none-match", "W/\"a\""),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ]);
    assert_eq!(request, expected);
    strip_preconditions(&mut request);
    assert_eq!(request, fields(&[("accept", "*/*")]));
}

#[test]
fn nothing_to_ask_with() {
    assert!(Validators::from_headers(&fields::<&str>(&[])).is_empty());
}
