use http::uri::Scheme;
use http::{HeaderValue, Version};

use super::*;
use crate::context::Connection;

fn hints(link: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("link", HeaderValue::try_from(link).unwrap());
    headers
}

fn text(line: &Line) -> Option<String> {
    line.take().map(|bytes| String::from_utf8(bytes).unwrap())
}

/// Polls once, with nobody to be woken.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_head_is_written_as_it_came_without_what_is_the_connections() {
    let mut headers = hints("</a.css>; rel=preload");
    for (name, value) in
        [("connection", "x-hop"), ("x-hop", "1"), ("keep-alive", "timeout=5"), ("content-length", "3")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(peer::SCHEME, HeaderValue::from_static("http"));
    let mut out = Vec::new();
    write(&mut out, StatusCode::EARLY_HINTS, &headers);
    let expected = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn only_http_1_1_has_a_line() {
    let interim = Some(Arc::new(Line::default()));
    let last_host = crate::context::LastHost::default();
    let connection =
        Connection { ip: None, scheme: Scheme::HTTP, tls_version: None, last_host, interim, tunnels: None };
    assert!(connection.interim_for(Version::HTTP_11).is_some());
    for version in [Version::HTTP_09, Version::HTTP_10, Version::HTTP_2, Version::HTTP_3] {
        assert!(connection.interim_for(version).is_none(), "{version:?}");
    }
}

#[test]
fn what_is_said_outside_its_turn_goes_nowhere() {
    let line = Arc::new(Line::default());
    let first = Turn::begin(&line);
    let number = first.number;
    line.say(number, StatusCode::EARLY_HINTS, &hints("first"));
    assert!(text(&line).is_some_and(|text| text.contains("first")));
    assert_eq!(text(&line), None, "taken once");
    line.say(number, StatusCode::EARLY_HINTS, &hints("not taken"));
    drop(first);
    assert_eq!(text(&line), None, "its final response is out");
    line.say(number, StatusCode::EARLY_HINTS, &hints("late"));
    assert_eq!(text(&line), None);

    let second = Turn::begin(&line);
    line.say(number, StatusCode::EARLY_HINTS, &hints("of another request"));
    assert_eq!(text(&line), None);
    line.say(second.number, StatusCode::EARLY_HINTS, &hints("second"));
    assert!(text(&line).is_some());
}

#[test]
fn a_turn_is_bounded_in_count_and_in_bytes() {
    let line = Arc::new(Line::default());
    let turn = Turn::begin(&line);
    for _ in 0..1000 {
        line.say(turn.number, StatusCode::EARLY_HINTS, &hints("x"));
    }
    let heads = text(&line).unwrap().matches("HTTP/1.1 103").count();
    assert_eq!(heads, INTERIM_MAX as usize);
    line.say(turn.number, StatusCode::EARLY_HINTS, &hints("x"));
    assert_eq!(text(&line), None, "what was taken counts as well");

    let turn = Turn::begin(&line);
    line.say(turn.number, StatusCode::EARLY_HINTS, &hints(&"x".repeat(INTERIM_MAX_BYTES)));
    assert_eq!(text(&line), None);
    line.say(turn.number, StatusCode::EARLY_HINTS, &hints("a small one"));
    assert!(text(&line).is_some());
}

#[tokio::test]
async fn the_final_response_waits_until_its_interim_ones_are_taken() {
    let line = Arc::new(Line::default());
    let turn = Turn::begin(&line);
    let mut last = Box::pin(before(Some(&turn), std::future::ready("final")));
    assert_eq!(poll_once(&mut last), Poll::Ready("final"), "nothing was said");

    let mut last = Box::pin(before(Some(&turn), async {
        line.say(turn.number, StatusCode::EARLY_HINTS, &hints("x"));
        "final"
    }));
    assert_eq!(poll_once(&mut last), Poll::Pending);
    assert!(line.take().is_some());
    assert_eq!(poll_once(&mut last), Poll::Ready("final"));

    // A connection that takes nothing does not hold it for ever.
    let last = before_within(Duration::from_millis(1), &line, async {
        line.say(turn.number, StatusCode::EARLY_HINTS, &hints("x"));
        "final"
    });
    assert_eq!(last.await, "final");
}
