//! Problem documents (RFC 9457): the one shape of every error of this API, and the one place that picks its status.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of problem documents (RFC 9457 §3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What kinds of problem there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The body is not JSON.
    MalformedBody,
    /// The query has a field or value that it cannot have.
    InvalidQuery,
    /// The body is JSON, and not a purge.
    InvalidPurge,
    /// The `Idempotency-Key` is none.
    InvalidKey,
    /// Something else was ordered under this `Idempotency-Key`.
    KeyUsed,
    /// It would match more than may be purged without saying so.
    ConfirmationNeeded,
    /// The body is JSON, and describes no request, or one that the node refuses.
    InvalidRequest,
    /// No token, or one that nobody has.
    Unauthorized,
    /// The token may read and not write, or is for other sites.
    Forbidden,
    /// No such path.
    NotFound,
    /// The path is there, and does not take this method.
    MethodNotAllowed,
    /// The body did not come in time.
    BodyTimeout,
    /// The body is too large.
    BodyTooLarge,
    /// The body does not say that it is JSON.
    NotJson,
    /// The log holds no such purge.
    UnknownPurge,
    /// The control log took nothing.
    LogUnavailable,
    /// The node does not take requests yet, or any more.
    NotReady,
    /// No function, or no version, of that name.
    UnknownFunction,
    /// What was sent is not a function, or its settings make no sense.
    InvalidFunction,
    /// It cannot be done as things are.
    FunctionConflict,
    /// The config file is refused: the node goes on as it was.
    ConfigRefused,
    /// There is no config file to read again.
    NoConfigFile,
    /// The node does this for somebody else.
    Busy,
    /// Our fault.
    Internal,
}

impl Kind {
    /// The word in the problem's type, the logs and the labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedBody => "malformed-body",
            Self::InvalidQuery => "invalid-query",
            Self::InvalidPurge => "invalid-purge",
            Self::InvalidKey => "invalid-key",
            Self::KeyUsed => "key-used",
            Self::ConfirmationNeeded => "confirmation-needed",
            Self::InvalidRequest => "invalid-request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::BodyTimeout => "body-timeout",
            Self::BodyTooLarge => "body-too-large",
            Self::NotJson => "not-json",
            Self::UnknownPurge => "unknown-purge",
            Self::LogUnavailable => "log-unavailable",
            Self::NotReady => "not-ready",
            Self::UnknownFunction => "unknown-function",
            Self::InvalidFunction => "invalid-function",
            Self::FunctionConflict => "function-conflict",
            Self::ConfigRefused => "config-refused",
            Self::NoConfigFile => "no-config-file",
            Self::Busy => "busy",
            Self::Internal => "internal",
        }
    }

    /// The status that goes with it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody | Self::InvalidQuery | Self::InvalidKey => StatusCode::BAD_REQUEST,
            Self::InvalidPurge | Self::InvalidRequest | Self::KeyUsed => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ConfirmationNeeded => StatusCode::CONFLICT,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownPurge => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::LogUnavailable | Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnknownFunction => StatusCode::NOT_FOUND,
            Self::InvalidFunction => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ConfigRefused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::FunctionConflict | Self::NoConfigFile => StatusCode::CONFLICT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::MalformedBody => "The body is not JSON",
            Self::InvalidQuery => "The query is not valid",
            Self::InvalidPurge => "The purge is not valid",
            Self::InvalidKey => "The Idempotency-Key is not valid",
            Self::KeyUsed => "The Idempotency-Key stands for another purge",
            Self::ConfirmationNeeded => "The purge must be confirmed",
            Self::InvalidRequest => "The request is not valid",
            Self::Unauthorized => "A token is needed",
            Self::Forbidden => "The token may not do this",
            Self::NotFound => "There is nothing at this path",
            Self::MethodNotAllowed => "This path does not take this method",
            Self::BodyTimeout => "The body did not come in time",
            Self::BodyTooLarge => "The body is too large",
            Self::NotJson => "The body must be JSON",
            Self::UnknownPurge => "There is no such purge",
            Self::LogUnavailable => "The control log took nothing",
            Self::NotReady => "The node is not ready",
            Self::UnknownFunction => "There is no such function",
            Self::InvalidFunction => "This is not a function",
            Self::FunctionConflict => "This cannot be done as things are",
            Self::ConfigRefused => "The config is refused, and the old one is in force",
            Self::NoConfigFile => "There is no config file",
            Self::Busy => "The node is busy",
            Self::Internal => "The node failed",
        }
    }
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where in the body, as a JSON pointer in a URI fragment (RFC 6901 §6), or which query field; of a config file,
    /// `file:line:column`.
    pub pointer: String,
    /// What is wrong, and what to write instead.
    pub detail: String,
}

/// A problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    #[serde(skip)]
    #[schema(ignore)]
    kind: Kind,
    /// Names the kind of problem.
    #[serde(rename = "type")]
    uri: String,
    /// The kind in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// This problem in words.
    detail: String,
    /// Everything that is wrong, where there can be several things.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            uri: format!("urn:seawall:problem:{}", kind.as_str()),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// Lists what is wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind;
        let mut response = (kind.status(), Json(self)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}
