//! The one file that turns a fault into a response (invariant 5).

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use seawall_base::{Cause, Fault};
use seawall_policy::{ProxyError, ProxyStatus};

use crate::edge::Edge;
use crate::reply::Reply;
use crate::site::Site;

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// The status and the `Proxy-Status` error (RFC 9209 §2.3) of each cause.
fn meaning(cause: Cause) -> (StatusCode, Option<ProxyError>) {
    use ProxyError as P;
    use StatusCode as S;
    match cause {
        Cause::NoSite => (S::MISDIRECTED_REQUEST, None),
        Cause::BadRequest | Cause::RequestBody => (S::BAD_REQUEST, Some(P::HttpRequestError)),
        Cause::RequestTimeout => (S::REQUEST_TIMEOUT, Some(P::HttpRequestError)),
        Cause::UriTooLong => (S::URI_TOO_LONG, Some(P::HttpRequestError)),
        Cause::FieldsTooLarge => (S::REQUEST_HEADER_FIELDS_TOO_LARGE, Some(P::HttpRequestError)),
        Cause::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, Some(P::HttpRequestError)),
        Cause::TransferCoding => (S::NOT_IMPLEMENTED, Some(P::HttpRequestError)),
        Cause::Expectation => (S::EXPECTATION_FAILED, Some(P::HttpRequestError)),
        Cause::RateLimited => (S::TOO_MANY_REQUESTS, Some(P::HttpRequestDenied)),
        Cause::Overloaded => (S::SERVICE_UNAVAILABLE, Some(P::ConnectionLimitReached)),
        Cause::Loop => (S::LOOP_DETECTED, Some(P::ProxyLoopDetected)),
        Cause::NotCached => (S::GATEWAY_TIMEOUT, None),
        Cause::DnsError => (S::BAD_GATEWAY, Some(P::DnsError)),
        Cause::ConnectionRefused => (S::BAD_GATEWAY, Some(P::ConnectionRefused)),
        Cause::ConnectionTimeout => (S::GATEWAY_TIMEOUT, Some(P::ConnectionTimeout)),
        Cause::TlsError => (S::BAD_GATEWAY, Some(P::TlsProtocolError)),
        Cause::ResponseTimeout => (S::GATEWAY_TIMEOUT, Some(P::HttpResponseTimeout)),
        Cause::ConnectionTerminated => (S::BAD_GATEWAY, Some(P::ConnectionTerminated)),
        Cause::ResponseIncomplete => (S::BAD_GATEWAY, Some(P::HttpResponseIncomplete)),
        Cause::ProtocolError => (S::BAD_GATEWAY, Some(P::HttpProtocolError)),
        Cause::BodyTimeout => (S::GATEWAY_TIMEOUT, Some(P::ConnectionReadTimeout)),
        Cause::QueueFull | Cause::QueueTimeout => (S::SERVICE_UNAVAILABLE, Some(P::ConnectionLimitReached)),
        Cause::NoServer => (S::SERVICE_UNAVAILABLE, Some(P::DestinationUnavailable)),
        Cause::Function => (S::SERVICE_UNAVAILABLE, Some(P::ProxyInternalResponse)),
        Cause::Handler => (S::BAD_GATEWAY, Some(P::ProxyInternalError)),
        Cause::HandlerBusy => (S::SERVICE_UNAVAILABLE, Some(P::ConnectionLimitReached)),
        Cause::CutOff => (S::SERVICE_UNAVAILABLE, Some(P::DestinationUnavailable)),
        Cause::FillDropped => (S::INTERNAL_SERVER_ERROR, Some(P::ProxyInternalError)),
        Cause::PeerRefused => (S::FORBIDDEN, Some(P::HttpRequestDenied)),
    }
}

/// Whether the connection cannot go on: the rest of a body is not waited for (RFC 9110 §15.5.9, §15.5.14), or nobody can
/// say what the client takes for the next request.
fn ends_connection(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::BadRequest
            | Cause::RequestTimeout
            | Cause::UriTooLong
            | Cause::FieldsTooLarge
            | Cause::BodyTooLarge
            | Cause::TransferCoding
            | Cause::Expectation
    )
}

/// After how many seconds a client should come back to an origin that is busy or out: by then a queue has moved on, and
/// a server that was left alone has been tried.
const COME_BACK_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The response to a request that ended in `fault`. The detail stays in the log; the client learns the word.
pub(crate) fn response(edge: &Edge, site: Option<&Site>, fault: &Fault) -> Response<Reply> {
    let (status, error) = meaning(fault.cause);
    let own_page = site.and_then(|site| site.error_pages.of(status, fault.cause));
    let (media_type, page) = own_page.unwrap_or_else(|| {
        let reason = status.canonical_reason().unwrap_or("Error");
        let text = format!("{} {reason}: {}\n", status.as_str(), fault.cause.as_str());
        (HeaderValue::from_static("text/plain; charset=utf-8"), text.into())
    });
    let mut response = Response::new(Reply::whole(page));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if ends_connection(fault.cause) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(wait) = fault.after {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000).max(1) as u64));
    } else if matches!(
        fault.cause,
        Cause::QueueFull | Cause::QueueTimeout | Cause::NoServer | Cause::HandlerBusy | Cause::Overloaded
    ) {
        headers.insert(RETRY_AFTER, COME_BACK_SECONDS);
    }
    let proxy_status = error.and_then(|error| {
        // RFC 9209 §2.1.5. The code says which kind of failure it was, and nothing of what the guest chose to say.
        ProxyStatus { details: fault.code, ..ProxyStatus::failed(edge.name.as_str(), error) }.to_value()
    });
    if let Some(value) = proxy_status {
        headers.insert(PROXY_STATUS, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const S502: StatusCode = StatusCode::BAD_GATEWAY;
    const S503: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

    #[test]
    fn an_origin_that_is_unreachable_is_a_502_and_a_slow_one_a_504() {
        for cause in [Cause::DnsError, Cause::ConnectionRefused, Cause::TlsError, Cause::ConnectionTerminated]
        {
            assert_eq!(meaning(cause).0, 502, "{}", cause.as_str());
        }
        for cause in [Cause::ConnectionTimeout, Cause::ResponseTimeout, Cause::BodyTimeout, Cause::NotCached]
        {
            assert_eq!(meaning(cause).0, 504, "{}", cause.as_str());
        }
        assert_eq!((meaning(Cause::Handler).0, meaning(Cause::HandlerBusy).0), (S502, S503));
        assert_eq!(meaning(Cause::NoSite).0, 421);
        assert_eq!(meaning(Cause::RequestTimeout).0, 408);
    }
}
