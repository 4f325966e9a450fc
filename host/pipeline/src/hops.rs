//! Stage *hops*: `Max-Forwards` of TRACE and OPTIONS (RFC 9110 §7.6.2), the two methods that may ask about a node on the
//! way rather than about the origin.
//!
//! A TRACE that ends here is refused rather than reflected: what a browser sends along would come back as content that
//! scripts can read. That is what other CDNs and nginx do.

use http::header::{ALLOW, HeaderValue, MAX_FORWARDS};
use http::{HeaderMap, Method, Response, StatusCode};

use crate::context::Context;
use crate::reply::Reply;

/// What this node handles or sends on.
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY");

/// The answer, where the request may go no further; else one hop less is left.
pub(crate) fn last(cx: &mut Context) -> Option<Response<Reply>> {
    let is_trace = match cx.head.method {
        Method::TRACE => true,
        Method::OPTIONS => false,
        _ => return None,
    };
    match left(&cx.head.headers)? {
        0 => Some(answer(is_trace)),
        hops => {
            cx.head.headers.insert(MAX_FORWARDS, HeaderValue::from(hops - 1));
            None
        }
    }
}

/// The hops that are left; `None` where nothing is said, or nothing that can be read. Digits beyond `u64` are its largest
/// number: the RFC lets a recipient have a largest one.
fn left(headers: &HeaderMap) -> Option<u64> {
    let mut values = headers.get_all(MAX_FORWARDS).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else {
        return None;
    };
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

fn answer(is_trace: bool) -> Response<Reply> {
    let mut response = Response::new(Reply::empty());
    *response.status_mut() = if is_trace { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NO_CONTENT };
    response.headers_mut().insert(ALLOW, ALLOWED);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_is_a_limit() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(MAX_FORWARDS, HeaderValue::from_static(value));
            }
            left(&headers)
        };
        assert_eq!(read(&["0"]), Some(0));
        assert_eq!(read(&["10"]), Some(10));
        assert_eq!(read(&["99999999999999999999999"]), Some(u64::MAX));
        for unreadable in [&[][..], &[""], &["-1"], &["1.0"], &["x"], &["1", "2"]] {
            assert_eq!(read(unreadable), None, "{unreadable:?}");
        }
    }
}
