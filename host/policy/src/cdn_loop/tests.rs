use http::HeaderValue;

use super::{MAX_MEMBERS, Visits, append, visits};
use crate::suite::fields;

#[test]
fn visits_are_counted_by_name() {
    let headers = fields(&[
        ("cdn-loop", "foo123.foocdn.example, barcdn.example; trace=\"seawall, seawall\""),
        ("cdn-loop", "SeaWall; v=1, seawall"),
    ]);
    assert_eq!(visits(&headers, "seawall"), Visits { own: 2, all: 4 });
    assert_eq!(visits(&headers, "sea"), Visits { own: 0, all: 4 });
}

#[test]
fn appending_keeps_what_is_there() {
    let mut headers = fields(&[("cdn-loop", "other")]);
    append(&mut headers, &HeaderValue::from_static("seawall"));
    assert_eq!(headers, fields(&[("cdn-loop", "other"), ("cdn-loop", "seawall")]));
}

#[test]
fn counting_ends_somewhere() {
    let long = "x, ".repeat(10_000);
    assert_eq!(visits(&fields(&[("cdn-loop", long)]), "seawall").all, MAX_MEMBERS);
}
