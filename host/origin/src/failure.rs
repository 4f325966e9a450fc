//! Which fault a library's error is.

use std::error::Error;
use std::time::Duration;
use std::{fmt, io};

use hyper_util::client::legacy;
use seawall_base::{Blame, Cause, Fault, Retry};

/// Why a client's body broke off on its way to an origin.
#[derive(Debug)]
pub enum UploadError {
    /// The client sent nothing for so long.
    Stalled(Duration),
    /// The request failed before all of it was sent.
    GivenUp,
    /// Its connection ended, or what it sent is not a body.
    Broken(hyper::Error),
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled(limit) => {
                write!(f, "the client sent nothing of its body for {} ms", limit.as_millis())
            }
            Self::GivenUp => f.write_str("the request failed before all of its body was sent"),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

impl Error for UploadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Stalled(_) | Self::GivenUp => None,
            Self::Broken(error) => error.source(),
        }
    }
}

/// A failure before a response head. `first_use` says whether the connection, where there was one, was a new one;
/// `had_body` whether the client's body could have been at fault.
pub(crate) fn of_request(error: &legacy::Error, first_use: bool, had_body: bool, blame: Blame) -> Fault {
    let detail = chain(error);
    if error.is_connect() {
        return Fault::new(of_connect(error), blame, detail).retry(Retry::Safe);
    }
    if let Some(UploadError::Stalled(_)) = find(error) {
        return Fault::new(Cause::RequestTimeout, Blame::Client, detail);
    }
    let inner = find::<hyper::Error>(error);
    // A connection whose task ended counts as the user's error too: without a body it is not.
    if had_body && inner.is_some_and(hyper::Error::is_user) {
        return Fault::new(Cause::RequestBody, Blame::Client, detail);
    }
    if inner.is_some_and(hyper::Error::is_parse) {
        return Fault::new(Cause::ProtocolError, blame, detail);
    }
    let retry = if first_use { Retry::Never } else { Retry::IfIdempotent };
    Fault::new(Cause::ConnectionTerminated, blame, detail).retry(retry)
}

/// A failure within a response body.
pub(crate) fn of_body(error: &hyper::Error, blame: Blame) -> Fault {
    let cause = if error.is_parse() { Cause::ProtocolError } else { Cause::ResponseIncomplete };
    Fault::new(cause, blame, chain(error))
}

fn of_connect(error: &legacy::Error) -> Cause {
    let text = chain(error);
    if text.contains("dns error") {
        return Cause::DnsError;
    }
    if find::<rustls::Error>(error).is_some() {
        return Cause::TlsError;
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => Cause::ConnectionTimeout,
        // hyper-rustls wraps what TLS says in these.
        Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => Cause::TlsError,
        _ => Cause::ConnectionRefused,
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The whole chain of sources in one line: the first error alone says only "client error".
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
