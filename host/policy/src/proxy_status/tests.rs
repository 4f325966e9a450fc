use http::StatusCode;

use super::{ProxyError, ProxyStatus};

#[test]
fn a_failure_in_full() {
    let status = ProxyStatus {
        next_hop: Some("10.0.0.1:443"),
        received_status: Some(StatusCode::BAD_GATEWAY),
        details: Some("reset by peer"),
        ..ProxyStatus::failed("fra-1", ProxyError::ConnectionTerminated)
    };
    assert_eq!(
        status.to_value().unwrap(),
        "fra-1; error=connection_terminated; next-hop=\"10.0.0.1:443\"; received-status=502; details=\"reset by peer\""
    );
}

#[test]
fn statuses_are_those_of_the_registry() {
    for (error, status) in [
        (ProxyError::DnsTimeout, 504),
        (ProxyError::DnsError, 502),
        (ProxyError::DestinationUnavailable, 503),
        (ProxyError::ConnectionRefused, 502),
        (ProxyError::ConnectionTimeout, 504),
        (ProxyError::HttpRequestDenied, 403),
        (ProxyError::HttpResponseTimeout, 504),
        (ProxyError::HttpProtocolError, 502),
        (ProxyError::ProxyInternalError, 500),
        (ProxyError::ProxyLoopDetected, 502),
    ] {
        assert_eq!(error.recommended_status().as_u16(), status, "{}", error.as_str());
    }
}
