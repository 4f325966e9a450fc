//! What of a fill stays where its body is a part of the representation, or broke off.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};
use seawall_base::Position;
use seawall_policy::terms::Times;
use seawall_policy::{Normalise, Rules, Terms};

use super::*;
use crate::fill::{Fill, Plan};

const WHOLE: &[u8] = b"0123456789";

fn head(fields: &[(&'static str, &str)]) -> Arc<Draft> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let times = Times { requested_at: now, received_at: now };
    let part = Part::from_headers(&headers);
    let status = if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let terms = Terms::read(status, &headers, times, &Rules::default());
    Arc::new(Draft {
        selecting: terms.vary().selecting(&HeaderMap::new(), Normalise::default()).unwrap(),
        length: headers.get("content-length").map(|value| value.to_str().unwrap().parse().unwrap()),
        status,
        headers,
        terms,
        tags: Box::default(),
        position: Position::START,
        part,
    })
}

fn part_of(range: &str, etag: &str) -> Arc<Draft> {
    head(&[("content-range", &format!("bytes {range}")), ("etag", etag)])
}

fn body(first: usize, last: usize) -> StoredBody {
    StoredBody::from(Bytes::from_static(&WHOLE[first..=last]))
}

fn entry(head: Arc<Draft>, body: StoredBody) -> Entry {
    Entry::new(head, body, &Fill::new("a/".into(), Position::START, 1, Plan::default()))
}

fn says(left: Option<(Arc<Draft>, StoredBody)>) -> (u16, String, Vec<u8>) {
    let (head, body) = left.expect("something is stored");
    let range = head.headers.get("content-range").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(head.length, Some(body.len()));
    assert_eq!(head.part.is_some(), head.status == StatusCode::PARTIAL_CONTENT);
    (head.status.as_u16(), range.unwrap_or_default(), body.pieces().concat())
}

#[test]
fn two_parts_that_touch_become_one_and_all_parts_the_whole() {
    let first = entry(part_of("0-4/10", "\"a\""), body(0, 4));
    for (range, from, to, expected) in [
        ("5-7/10", 5, 7, (206, "bytes 0-7/10", 0..=7)),
        ("3-7/10", 3, 7, (206, "bytes 0-7/10", 0..=7)),
        ("5-9/10", 5, 9, (200, "", 0..=9)),
        ("1-2/10", 1, 2, (206, "bytes 0-4/10", 0..=4)),
        ("6-9/10", 6, 9, (206, "bytes 6-9/10", 6..=9)),
    ] {
        let left = of_fill(&part_of(range, "\"a\""), body(from, to), Some(&first), u64::MAX);
        let (status, range, bytes) = expected;
        assert_eq!(says(left), (status, range.to_owned(), WHOLE[bytes].to_vec()), "{from}-{to}");
    }
    let last = entry(part_of("6-9/10", "\"a\""), body(6, 9));
    let left = of_fill(&part_of("0-7/10", "\"a\""), body(0, 7), Some(&last), u64::MAX);
    assert_eq!(says(left), (200, String::new(), WHOLE.to_vec()));
}

#[test]
fn parts_of_another_representation_do_not_join() {
    for (old, new) in [("\"a\"", "\"b\""), ("W/\"a\"", "W/\"a\"")] {
        let first = entry(part_of("0-4/10", old), body(0, 4));
        let left = of_fill(&part_of("5-9/10", new), body(5, 9), Some(&first), u64::MAX);
        assert_eq!(says(left), (206, "bytes 5-9/10".to_owned(), b"56789".to_vec()), "{old} {new}");
    }
}

#[test]
fn a_part_is_as_long_as_what_came_and_never_longer_than_it_said() {
    let left = of_fill(&part_of("4-9/10", "\"a\""), body(4, 8), None, u64::MAX);
    assert_eq!(says(left), (206, "bytes 4-8/10".to_owned(), b"45678".to_vec()));
    assert!(of_fill(&part_of("4-5/10", "\"a\""), body(4, 8), None, u64::MAX).is_none());
    assert!(of_fill(&part_of("4-5/10", "\"a\""), StoredBody::default(), None, u64::MAX).is_none());
}

#[test]
fn a_body_that_broke_off_stays_as_a_part_where_it_can_be_completed() {
    let length = usize::try_from(2 * partial::INCOMPLETE_MIN_BYTES).unwrap();
    let text = length.to_string();
    let half = || vec![Bytes::from(vec![7; length / 2])];
    let fields = [("content-length", text.as_str()), ("etag", "\"a\"")];
    let left = of_broken(&head(&fields), half());
    let range = format!("bytes 0-{}/{length}", length / 2 - 1);
    assert_eq!(says(left), (206, range, vec![7; length / 2]));

    let little = vec![Bytes::from(vec![7; length / 2 - 1])];
    assert!(of_broken(&head(&fields), little).is_none(), "too little to be worth it");
    assert!(of_broken(&head(&fields[..1]), half()).is_none(), "nothing to ask for the rest by");
    assert!(of_broken(&head(&fields[1..]), half()).is_none(), "how much is missing is not known");
    assert!(of_broken(&head(&fields), [half(), half()].concat()).is_none(), "nothing is missing");
}

/// A client that slides a range along holds no more than the bytes that are counted.
#[test]
fn joined_parts_hold_what_they_weigh() {
    let block = vec![7_u8; 300_000];
    let etag = "\"a\"";
    let place = |first: usize| format!("{first}-{}/9000000", first + block.len() - 1);
    let body = || StoredBody::from(Bytes::from(block.clone()));
    let (head, first) = of_fill(&part_of(&place(0), etag), body(), None, u64::MAX).unwrap();
    let mut last = entry(head, first);
    for at in 1..400 {
        let (head, body) = of_fill(&part_of(&place(at), etag), body(), Some(&last), u64::MAX).unwrap();
        assert_eq!(body.len(), (block.len() + at) as u64);
        drop(std::mem::replace(&mut last, entry(head, body)));
        let pieces = last.body.pieces();
        assert!(pieces.iter().all(|piece| piece.is_unique()), "nothing that was dropped is still held");
        assert!(pieces.len() < 100, "{}", pieces.len());
    }
}

#[test]
fn a_part_does_not_grow_past_the_limit_for_an_object() {
    let first = entry(part_of("0-4/10", "\"a\""), body(0, 4));
    let left = of_fill(&part_of("5-9/10", "\"a\""), body(5, 9), Some(&first), 9);
    assert_eq!(says(left), (206, "bytes 5-9/10".to_owned(), b"56789".to_vec()));
}
