//! `method`: which methods' responses are stored.

use http::{Method, StatusCode, Uri};

use super::{Pairs, fields, present};
use crate::terms::Times;
use crate::{RequestView, ResponseView, Rules, Storing, storing};

const FRESH: (&str, &str) = ("cache-control", "max-age=3600");
const ITSELF: (&str, &str) = ("content-location", "/test/1");

fn is_stored(method: &Method, status: u16, response: Pairs<'_>) -> bool {
    let target = Uri::from_static("http://suite.example/test/1");
    let (asked, response) = (fields::<&str>(&[]), fields(response));
    let request = RequestView { method, headers: &asked, target: Some(&target) };
    let times = Times { requested_at: present(), received_at: present() };
    let response = ResponseView { status: StatusCode::from_u16(status).unwrap(), headers: &response, times };
    matches!(storing::may_store(&request, &response, &Rules::default()), Storing::Store(_))
}

#[test]
fn method_post() {
    let rows: [(&str, &Method, u16, Pairs<'_>, bool); 8] = [
        ("method-POST", &Method::POST, 200, &[FRESH, ITSELF], true),
        ("of another URL", &Method::POST, 200, &[FRESH, ("content-location", "/test/2")], false),
        ("of no URL", &Method::POST, 200, &[FRESH], false),
        (
            "heuristic freshness is not explicit",
            &Method::POST,
            200,
            &[ITSELF, ("last-modified", "Fri, 01 Jan 2027 08:00:00 GMT")],
            false,
        ),
        ("what came to be, not what a GET gets", &Method::POST, 201, &[FRESH, ITSELF], false),
        ("a failure", &Method::POST, 404, &[FRESH, ITSELF], false),
        ("only POST", &Method::PUT, 200, &[FRESH, ITSELF], false),
        ("an unknown method", &Method::from_bytes(b"M-SEARCH").unwrap(), 200, &[FRESH, ITSELF], false),
    ];
    for (id, method, status, response, expected) in rows {
        assert_eq!(is_stored(method, status, response), expected, "{id}");
    }
}
