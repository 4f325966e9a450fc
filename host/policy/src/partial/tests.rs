use http::StatusCode;

use super::*;
use crate::suite::{fields, present};

fn part(first: u64, last: u64, complete: Option<u64>) -> Part {
    Part { span: Span { first, last }, complete }
}

#[test]
fn a_part_answers_what_lies_within_it() {
    let ask = |range: &str, complete| {
        let none = fields::<&str>(&[]);
        within(&fields(&[("range", range)]), &none, part(4, 9, complete), present())
            .map(|span| (span.first, span.last))
    };
    assert_eq!(ask("bytes=6-8", Some(10)), Some((6, 8)));
    assert_eq!(ask("bytes=6-", Some(10)), Some((6, 9)));
    assert_eq!(ask("bytes=-1", Some(10)), Some((9, 9)));
    assert_eq!(ask("bytes=6-8", None), Some((6, 8)));
    for outside in ["bytes=3-8", "bytes=-7", "bytes=6-6,8-8", "bytes=20-"] {
        assert_eq!(ask(outside, Some(10)), None, "{outside}");
    }
    assert_eq!(ask("bytes=-1", None), None);
}

#[test]
fn if_range_is_judged_by_the_stored_part() {
    let ask = |condition: &str| {
        let request = fields(&[("range", "bytes=6-8"), ("if-range", condition)]);
        within(&request, &fields(&[("etag", "\"a\"")]), part(4, 9, Some(10)), present())
    };
    assert!(ask("\"a\"").is_some());
    assert_eq!(ask("\"b\""), None);
    assert_eq!(ask("W/\"a\""), None);
}

#[test]
fn parts_join_where_nothing_is_missing_between_them() {
    let ten = Some(10);
    for (one, other, joined) in [
        (part(0, 4, ten), part(5, 9, ten), Some(part(0, 9, ten))),
        (part(5, 9, ten), part(0, 4, ten), Some(part(0, 9, ten))),
        (part(0, 6, ten), part(3, 4, ten), Some(part(0, 6, ten))),
        (part(0, 4, None), part(5, 9, ten), Some(part(0, 9, ten))),
        (part(0, 4, None), part(5, 9, None), Some(part(0, 9, None))),
        (part(0, 3, ten), part(5, 9, ten), None),
        (part(0, 4, ten), part(5, 9, Some(11)), None),
        (part(0, 4, Some(8)), part(5, 9, None), None),
    ] {
        assert_eq!(one.joined(other), joined, "{one:?} {other:?}");
    }
    assert!(part(0, 9, ten).is_whole());
    assert!(!part(0, 9, None).is_whole());
    assert!(!part(1, 9, ten).is_whole());
}

#[test]
fn a_part_that_broke_off_is_a_shorter_part() {
    assert_eq!(part(4, 9, Some(10)).cut_to(5), Some(part(4, 8, Some(10))));
    assert_eq!(part(4, 9, None).cut_to(6), Some(part(4, 9, None)));
    assert_eq!(part(4, 9, None).cut_to(7), None, "more than it said");
    assert_eq!(part(4, 9, None).cut_to(0), None);
    assert_eq!(Part::start_of(10, 4), Some(part(0, 3, Some(10))));
    assert_eq!(Part::start_of(0, 0), None);
}

#[test]
fn the_rest_is_asked_for_by_a_strong_tag_alone() {
    let rest = |part, etag: &str| Rest::of(part, &fields(&[("etag", etag)]));
    let mut request = HeaderMap::new();
    rest(part(0, 4, Some(10)), "\"a\"").unwrap().ask(&mut request);
    assert_eq!(request[RANGE], "bytes=5-");
    assert_eq!(request[IF_RANGE], "\"a\"");
    assert_eq!(rest(part(0, 4, Some(10)), "W/\"a\""), None);
    assert_eq!(rest(part(1, 4, Some(10)), "\"a\""), None, "its start is missing");
    assert_eq!(rest(part(0, 9, Some(10)), "\"a\""), None, "nothing is missing");
    assert_eq!(rest(part(0, 4, None), "\"a\""), None, "how much is missing is not known");
    assert_eq!(rest(part(0, u64::MAX, None), "\"a\""), None);
}

#[test]
fn only_the_same_strong_tag_combines() {
    let with = |etag: &str| fields(&[("etag", etag), ("last-modified", "Thu, 01 Jan 2015 00:00:00 GMT")]);
    assert!(may_combine(&with("\"a\""), &with("\"a\"")));
    assert!(!may_combine(&with("\"a\""), &with("\"b\"")));
    assert!(!may_combine(&with("W/\"a\""), &with("W/\"a\"")));
    let dated = fields(&[("last-modified", "Thu, 01 Jan 2015 00:00:00 GMT")]);
    assert!(!may_combine(&dated, &dated));
}

#[test]
fn which_ranges_are_asked_for_by_themselves() {
    let far = |value: &str| asked(&fields(&[("range", value)])).map(ByteRange::is_far);
    assert_eq!(far("bytes=0-"), Some(false));
    assert_eq!(far("bytes=1048575-"), Some(false));
    assert_eq!(far("bytes=1048576-1048577"), Some(true));
    assert_eq!(far("bytes=-1"), Some(true));
    assert_eq!(far("bytes=0-1,5-6"), None);
    assert_eq!(far("lines=0-1"), None);
    assert_eq!(asked(&fields(&[("range", "bytes=-1"), ("if-range", "\"a\"")])), None);
}

#[test]
fn a_range_is_written_as_it_was_read() {
    for value in ["bytes=0-1", "bytes=5-", "bytes=-5"] {
        assert_eq!(asked(&fields(&[("range", value)])).unwrap().to_value().unwrap(), value);
    }
}

#[test]
fn the_head_says_what_the_body_holds() {
    let mut headers = fields(&[("content-range", "bytes 4-9/10"), ("content-length", "6")]);
    assert_eq!(head_for(part(2, 9, Some(10)), &mut headers), StatusCode::PARTIAL_CONTENT);
    assert_eq!(headers, fields(&[("content-range", "bytes 2-9/10"), ("content-length", "8")]));
    assert_eq!(head_for(part(0, 9, Some(10)), &mut headers), StatusCode::OK);
    assert_eq!(headers, fields(&[("content-length", "10")]));
}

#[test]
fn what_can_be_completed() {
    let ok = StatusCode::OK;
    assert!(is_resumable(ok, &fields(&[("etag", "\"a\"")])));
    assert!(!is_resumable(ok, &fields(&[("etag", "W/\"a\"")])));
    assert!(!is_resumable(ok, &fields(&[("etag", "\"a\""), ("accept-ranges", "none")])));
    assert!(!is_resumable(StatusCode::NOT_FOUND, &fields(&[("etag", "\"a\"")])));
}
