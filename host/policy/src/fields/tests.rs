use super::{add_date, strip_hop_by_hop, strip_named};
use crate::suite::{at, fields, present};

#[test]
fn connection_cannot_take_away_what_is_meant_for_all() {
    let kept = [
        ("cache-control", "no-store"),
        ("authorization", "x"),
        ("host", "a"),
        ("cdn-cache-control", "private"),
    ];
    let mut pairs = kept.to_vec();
    pairs.push(("connection", "cache-control, Authorization, host, cdn-cache-control, foo"));
    pairs.push(("foo", "1"));
    let mut headers = fields(&pairs);
    strip_hop_by_hop(&mut headers);
    assert_eq!(headers, fields(&kept));
}

#[test]
fn named_fields_go() {
    let mut headers = fields(&[("a", "1"), ("a", "2"), ("b", "3")]);
    strip_named(&mut headers, &["a".parse().unwrap(), "c".parse().unwrap()]);
    assert_eq!(headers, fields(&[("b", "3")]));
}

#[test]
fn a_missing_date_is_the_time_of_receipt() {
    let mut headers = fields::<&str>(&[]);
    add_date(&mut headers, present());
    assert_eq!(headers, fields(&[("date", at(0))]));
    let mut dated = fields(&[("date", at(-9))]);
    add_date(&mut dated, present());
    assert_eq!(dated, fields(&[("date", at(-9))]));
}
