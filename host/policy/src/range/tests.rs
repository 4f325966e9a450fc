use http::{Method, StatusCode};
use smallvec::SmallVec;

use super::{ContentRange, MAX_RANGES, RangeRequest, Span, WholeReason, resolve};
use crate::suite::{at, fields, present};

fn ask(request: &[(&str, &str)], stored: &[(&str, &str)], length: u64) -> RangeRequest {
    resolve(&Method::GET, &fields(request), StatusCode::OK, &fields(stored), length, present())
}

fn range(value: &str) -> RangeRequest {
    ask(&[("range", value)], &[], 100)
}

fn spans(pairs: &[(u64, u64)]) -> RangeRequest {
    RangeRequest::Spans(
        pairs.iter().map(|&(first, last)| Span { first, last }).collect::<SmallVec<[Span; 1]>>(),
    )
}

#[test]
fn satisfiable() {
    assert_eq!(range("bytes=0-0"), spans(&[(0, 0)]));
    assert_eq!(range("Bytes=90-200"), spans(&[(90, 99)]));
    assert_eq!(range("bytes=-200"), spans(&[(0, 99)]));
    assert_eq!(range("bytes=0-9, 50-59 , -10"), spans(&[(0, 9), (50, 59), (90, 99)]));
    assert_eq!(range("bytes=0-9,200-"), spans(&[(0, 9)]));
    assert_eq!(range("bytes=0-99999999999999999999999"), spans(&[(0, 99)]));
}

#[test]
fn not_satisfiable() {
    for value in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
        assert_eq!(range(value), RangeRequest::NotSatisfiable, "{value}");
    }
    assert_eq!(ask(&[("range", "bytes=0-")], &[], 0), RangeRequest::NotSatisfiable);
}

#[test]
fn ignored() {
    let whole = RangeRequest::Whole;
    for value in ["bytes=", "bytes", "bytes=-", "bytes=a-b", "bytes=9-0", "bytes=0-1,x", "bytes=1"] {
        assert_eq!(range(value), whole(WholeReason::Malformed), "{value}");
    }
    assert_eq!(range("lines=0-1"), whole(WholeReason::UnknownUnit));
    let many = format!("bytes={}", vec!["0-0"; MAX_RANGES + 1].join(","));
    assert_eq!(range(&many), whole(WholeReason::TooMany));
    assert_eq!(range("bytes=0-50,10-60,20-70"), whole(WholeReason::TooMany));
    assert_eq!(ask(&[], &[], 100), whole(WholeReason::Absent));
    let head = resolve(
        &Method::HEAD,
        &fields(&[("range", "bytes=0-")]),
        StatusCode::OK,
        &fields::<&str>(&[]),
        9,
        present(),
    );
    assert_eq!(head, whole(WholeReason::NotApplicable));
}

#[test]
fn if_range() {
    let (modified, date) = (at(-3000), at(0));
    let stored = [("etag", "\"a\""), ("last-modified", &*modified), ("date", &*date)];
    let holds = |condition: &str, stored: &[(&str, &str)]| {
        ask(&[("range", "bytes=0-0"), ("if-range", condition)], stored, 100) == spans(&[(0, 0)])
    };
    assert!(holds("\"a\"", &stored));
    assert!(!holds("\"b\"", &stored));
    assert!(!holds("W/\"a\"", &[("etag", "W/\"a\"")]));
    assert!(holds(&modified, &stored));
    assert!(!holds(&at(-2999), &stored));
    assert!(!holds(&date, &[("last-modified", &date), ("date", &date)]));
    assert!(!holds("nonsense", &stored));
    assert!(!holds("\"a\"", &[]));
}

#[test]
fn content_range() {
    for text in ["bytes 0-99/200", "bytes 0-99/*", "bytes */200"] {
        assert_eq!(ContentRange::parse(text.as_bytes()).unwrap().to_value().unwrap(), text);
    }
    for invalid in
        ["bytes 5-4/10", "bytes 0-10/10", "bytes */*", "lines 0-1/2", "bytes 0-1", "bytes", "bytes -1/2"]
    {
        assert_eq!(ContentRange::parse(invalid.as_bytes()), None, "{invalid}");
    }
    let twice = fields(&[("content-range", "bytes 0-1/2"), ("content-range", "bytes 0-1/2")]);
    assert_eq!(ContentRange::from_headers(&twice), None);
}

#[test]
fn spans_cover() {
    let whole = Span { first: 4, last: 9 };
    assert!(whole.covers(Span { first: 6, last: 8 }) && !whole.covers(Span { first: 3, last: 8 }));
    assert_eq!(whole.length(), 6);
}
