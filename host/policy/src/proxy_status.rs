//! RFC 9209: the `Proxy-Status` field.
//!
//! Owns the list of error types that this intermediary can run into, the status each is answered with, and the rendering
//! of one member.

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};

use crate::cache_status::{push_name, push_string};

/// The field's name.
pub const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// What went wrong on the way to the answer (RFC 9209 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyError {
    /// §2.3.1: no address for the next hop in time.
    DnsTimeout,
    /// §2.3.2: the resolver failed.
    DnsError,
    /// §2.3.3: the name leads nowhere that can be used.
    DestinationNotFound,
    /// §2.3.4: the next hop is known to be down.
    DestinationUnavailable,
    /// §2.3.5: its address may not be connected to.
    DestinationIpProhibited,
    /// §2.3.6: no route to it.
    DestinationIpUnroutable,
    /// §2.3.7: it refused.
    ConnectionRefused,
    /// §2.3.8: it closed before the answer was complete.
    ConnectionTerminated,
    /// §2.3.9: it did not accept in time.
    ConnectionTimeout,
    /// §2.3.10: it sent or took nothing for too long.
    ConnectionReadTimeout,
    /// §2.3.11: it took nothing for too long.
    ConnectionWriteTimeout,
    /// §2.3.12: too many connections to it.
    ConnectionLimitReached,
    /// §2.3.13: the TLS handshake or record layer failed.
    TlsProtocolError,
    /// §2.3.14: its certificate is not to be trusted.
    TlsCertificateError,
    /// §2.3.15: it sent a TLS alert.
    TlsAlertReceived,
    /// §2.3.16: the client's request is not acceptable.
    HttpRequestError,
    /// §2.3.17: policy denied the request.
    HttpRequestDenied,
    /// §2.3.18: the answer ended too early.
    HttpResponseIncomplete,
    /// §2.3.19: its header section is too large.
    HttpResponseHeaderSectionSize,
    /// §2.3.20: one of its fields is too large.
    HttpResponseHeaderSize,
    /// §2.3.21: its content is too large.
    HttpResponseBodySize,
    /// §2.3.24: its transfer coding cannot be decoded.
    HttpResponseTransferCoding,
    /// §2.3.25: its content coding cannot be decoded.
    HttpResponseContentCoding,
    /// §2.3.26: it did not answer in time.
    HttpResponseTimeout,
    /// §2.3.27: it refused to switch protocols.
    HttpUpgradeFailed,
    /// §2.3.28: what it sent is not HTTP.
    HttpProtocolError,
    /// §2.3.29: this proxy answered by itself.
    ProxyInternalResponse,
    /// §2.3.30: this proxy failed.
    ProxyInternalError,
    /// §2.3.31: this proxy is not configured for it.
    ProxyConfigurationError,
    /// §2.3.32: the request has been here before.
    ProxyLoopDetected,
}

impl ProxyError {
    /// The token of the registry (RFC 9209 §2.3).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DnsTimeout => "dns_timeout",
            Self::DnsError => "dns_error",
            Self::DestinationNotFound => "destination_not_found",
            Self::DestinationUnavailable => "destination_unavailable",
            Self::DestinationIpProhibited => "destination_ip_prohibited",
            Self::DestinationIpUnroutable => "destination_ip_unroutable",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionTerminated => "connection_terminated",
            Self::ConnectionTimeout => "connection_timeout",
            Self::ConnectionReadTimeout => "connection_read_timeout",
            Self::ConnectionWriteTimeout => "connection_write_timeout",
            Self::ConnectionLimitReached => "connection_limit_reached",
            Self::TlsProtocolError => "tls_protocol_error",
            Self::TlsCertificateError => "tls_certificate_error",
            Self::TlsAlertReceived => "tls_alert_received",
            Self::HttpRequestError => "http_request_error",
            Self::HttpRequestDenied => "http_request_denied",
            Self::HttpResponseIncomplete => "http_response_incomplete",
            Self::HttpResponseHeaderSectionSize => "http_response_header_section_size",
            Self::HttpResponseHeaderSize => "http_response_header_size",
            Self::HttpResponseBodySize => "http_response_body_size",
            Self::HttpResponseTransferCoding => "http_response_transfer_coding",
            Self::HttpResponseContentCoding => "http_response_content_coding",
            Self::HttpResponseTimeout => "http_response_timeout",
            Self::HttpUpgradeFailed => "http_upgrade_failed",
            Self::HttpProtocolError => "http_protocol_error",
            Self::ProxyInternalResponse => "proxy_internal_response",
            Self::ProxyInternalError => "proxy_internal_error",
            Self::ProxyConfigurationError => "proxy_configuration_error",
            Self::ProxyLoopDetected => "proxy_loop_detected",
        }
    }

    /// The status that the registry recommends for a generated answer (RFC 9209 §2.3).
    pub fn recommended_status(self) -> StatusCode {
        match self {
            Self::DnsTimeout
            | Self::ConnectionTimeout
            | Self::ConnectionReadTimeout
            | Self::ConnectionWriteTimeout
            | Self::HttpResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::DestinationUnavailable | Self::ConnectionLimitReached => StatusCode::SERVICE_UNAVAILABLE,
            Self::HttpRequestError => StatusCode::BAD_REQUEST,
            Self::HttpRequestDenied => StatusCode::FORBIDDEN,
            Self::DestinationNotFound | Self::ProxyInternalError | Self::ProxyConfigurationError => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::ProxyInternalResponse => StatusCode::OK,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

/// One member of `Proxy-Status`.
#[derive(Debug, Clone, Copy)]
pub struct ProxyStatus<'a> {
    /// The name of this intermediary.
    pub name: &'a str,
    /// §2.1.1: what went wrong.
    pub error: Option<ProxyError>,
    /// §2.1.2: the next hop.
    pub next_hop: Option<&'a str>,
    /// §2.1.4: the status that came from the next hop.
    pub received_status: Option<StatusCode>,
    /// §2.1.5: more, for people.
    pub details: Option<&'a str>,
}

impl<'a> ProxyStatus<'a> {
    /// A member for an error.
    pub fn failed(name: &'a str, error: ProxyError) -> Self {
        Self { name, error: Some(error), next_hop: None, received_status: None, details: None }
    }

    /// Appends the member to `out` (RFC 9209 §2).
    pub fn render(&self, out: &mut Vec<u8>) {
        push_name(out, self.name);
        if let Some(error) = self.error {
            out.extend_from_slice(b"; error=");
            out.extend_from_slice(error.as_str().as_bytes());
        }
        if let Some(next_hop) = self.next_hop {
            out.extend_from_slice(b"; next-hop=");
            push_name(out, next_hop);
        }
        if let Some(status) = self.received_status {
            out.extend_from_slice(b"; received-status=");
            out.extend_from_slice(status.as_str().as_bytes());
        }
        if let Some(details) = self.details {
            out.extend_from_slice(b"; details=");
            push_string(out, details);
        }
    }

    /// The member as a field value.
    pub fn to_value(&self) -> Option<HeaderValue> {
        let mut out = Vec::new();
        self.render(&mut out);
        HeaderValue::from_bytes(&out).ok()
    }
}

#[cfg(test)]
mod tests;
