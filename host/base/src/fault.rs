//! What went wrong with one request: who is to blame, whether it may be asked again, and why.
//!
//! Rooms make faults; exactly one file of the pipeline turns a fault into a status. The public word is
//! [`Cause::as_str`]; the detail is for the log alone and never reaches a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Who could have prevented a fault. The word stands in the request's log line and in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The client sent something that can't be served.
    Client,
    /// The origin, or the way to it.
    Origin,
    /// The shield or another peer.
    Peer,
    /// A function of the operator's.
    Function,
    /// This node.
    Node,
}

impl Blame {
    /// The word for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Origin => "origin",
            Self::Peer => "peer",
            Self::Function => "function",
            Self::Node => "node",
        }
    }
}

/// Whether the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Nothing reached the other side.
    Safe,
    /// It may have reached the other side, which gave no answer. Safe for idempotent methods (RFC 9110 §9.2.2).
    IfIdempotent,
    /// It may have had its effect.
    Never,
}

/// Why a request could not be served as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No site takes this host.
    NoSite,
    /// The request line, `Host` or framing can't be used.
    BadRequest,
    /// The request's target is longer than it may be.
    UriTooLong,
    /// The request's fields are more, or larger, than they may be.
    FieldsTooLarge,
    /// The request's body is larger than it may be.
    BodyTooLarge,
    /// The request's body has a transfer coding that is not known here.
    TransferCoding,
    /// The request expects something that nobody here does.
    Expectation,
    /// The client has asked more often than its site lets it.
    RateLimited,
    /// This node has as much under way as it may have.
    Overloaded,
    /// This node stands in the request's `CDN-Loop` already.
    Loop,
    /// `only-if-cached`, and it is not.
    NotCached,
    /// The origin's name has no address.
    DnsError,
    /// The origin's machine refused the connection, or can't be reached.
    ConnectionRefused,
    /// Connecting took longer than the origin's connect timeout.
    ConnectionTimeout,
    /// The TLS handshake with the origin failed.
    TlsError,
    /// The response's first byte took longer than the origin's first-byte timeout.
    ResponseTimeout,
    /// The connection ended before a response.
    ConnectionTerminated,
    /// The response ended before its body was whole.
    ResponseIncomplete,
    /// What came back is not HTTP.
    ProtocolError,
    /// The time between two pieces of the body was longer than the origin's between-bytes timeout.
    BodyTimeout,
    /// No server of the origin is free, and as many requests as may wait for one do.
    QueueFull,
    /// No server of the origin became free in time.
    QueueTimeout,
    /// Every server of the origin is out, and none may be tried.
    NoServer,
    /// The client's own body broke off or was malformed.
    RequestBody,
    /// The client stopped sending its own body.
    RequestTimeout,
    /// A function trapped, ran out of its limits, or refused.
    Function,
    /// A handler failed before it answered.
    Handler,
    /// No place for one more handler became free in time.
    HandlerBusy,
    /// The fill was dropped without an answer: a bug or a shutdown.
    FillDropped,
    /// A peer's request had no valid credentials.
    PeerRefused,
    /// This node cannot say that what it holds has not been purged, and its site refuses to answer then.
    CutOff,
}

impl Cause {
    /// The word for `Cache-Status` details, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSite => "no-site",
            Self::BadRequest => "bad-request",
            Self::UriTooLong => "uri-too-long",
            Self::FieldsTooLarge => "fields-too-large",
            Self::BodyTooLarge => "body-too-large",
            Self::TransferCoding => "transfer-coding",
            Self::Expectation => "expectation",
            Self::RateLimited => "rate-limited",
            Self::Overloaded => "overloaded",
            Self::Loop => "loop",
            Self::NotCached => "not-cached",
            Self::DnsError => "dns-error",
            Self::ConnectionRefused => "connection-refused",
            Self::ConnectionTimeout => "connection-timeout",
            Self::TlsError => "tls-error",
            Self::ResponseTimeout => "response-timeout",
            Self::ConnectionTerminated => "connection-terminated",
            Self::ResponseIncomplete => "response-incomplete",
            Self::ProtocolError => "protocol-error",
            Self::BodyTimeout => "body-timeout",
            Self::QueueFull => "queue-full",
            Self::QueueTimeout => "queue-timeout",
            Self::NoServer => "no-server",
            Self::RequestBody => "request-body",
            Self::RequestTimeout => "request-timeout",
            Self::Function => "function",
            Self::Handler => "handler",
            Self::HandlerBusy => "handler-busy",
            Self::FillDropped => "fill-dropped",
            Self::PeerRefused => "peer-refused",
            Self::CutOff => "cut-off",
        }
    }
}

/// One fault. Cheap to clone: a leader's fault is told to every follower.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Why, as a closed word.
    pub cause: Cause,
    /// Who could have prevented it.
    pub blame: Blame,
    /// Whether asking again is safe.
    pub retry: Retry,
    /// A stable code for people to search for, where there is one. It may be told to clients.
    pub code: Option<&'static str>,
    /// After how long asking again may help, where that is known.
    pub after: Option<Duration>,
    /// The whole story, for the log only.
    pub detail: Arc<str>,
}

impl Fault {
    /// A fault that must not be retried.
    #[must_use]
    pub fn new(cause: Cause, blame: Blame, detail: impl AsRef<str>) -> Self {
        Self {
            cause,
            blame,
            retry: Retry::Never,
            code: None,
            after: None,
            detail: Arc::from(detail.as_ref()),
        }
    }

    /// The same fault with a stable code.
    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same fault with another answer to "may it be asked again?".
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// The same fault, and when asking again may help.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { after: Some(wait), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.as_str(), self.detail)
    }
}

impl std::error::Error for Fault {}
