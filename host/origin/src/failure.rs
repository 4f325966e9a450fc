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
    /// There is more of it than there may be.
    TooLarge(u64),
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
            Self::TooLarge(most) => write!(f, "the client's body has more than {most} bytes"),
            Self::GivenUp => f.write_str("the request failed before all of its body was sent"),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

impl Error for UploadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Stalled(_) | Self::TooLarge(_) | Self::GivenUp => None,
            Self::Broken(error) => error.source(),
        }
    }
}

/// A failure before a response head.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) fault: Fault,
    /// The connection had been used before and ended without a word: most likely it was idle for too long (RFC 9112
    /// §9.3.1), and the server never saw the request.
    pub(crate) stale_connection: bool,
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self { fault, stale_connection: false }
    }
}

/// What a library says of a request. `first_use` says whether the connection, where there was one, was a new one;
/// `had_body` whether the client's body could have been at fault.
pub(crate) fn of_request(error: &legacy::Error, first_use: bool, had_body: bool, blame: Blame) -> Failed {
    let detail = chain(error);
    if error.is_connect() {
        return Fault::new(of_connect(error), blame, detail).retry(Retry::Safe).into();
    }
    // RFC 9113 §8.7: the server says that it has not looked at it.
    let reason = find::<h2::Error>(error).and_then(h2::Error::reason);
    if reason == Some(h2::Reason::REFUSED_STREAM) {
        return Fault::new(Cause::ConnectionTerminated, blame, detail).retry(Retry::Safe).into();
    }
    if let Some(UploadError::Stalled(_)) = find(error) {
        return Fault::new(Cause::RequestTimeout, Blame::Client, detail).into();
    }
    if let Some(UploadError::TooLarge(_)) = find(error) {
        return Fault::new(Cause::BodyTooLarge, Blame::Client, detail).into();
    }
    let inner = find::<hyper::Error>(error);
    // A connection whose task ended counts as the user's error too: without a body it is not.
    if had_body && inner.is_some_and(hyper::Error::is_user) {
        return Fault::new(Cause::RequestBody, Blame::Client, detail).into();
    }
    if inner.is_some_and(hyper::Error::is_parse) {
        return Fault::new(Cause::ProtocolError, blame, detail).retry(Retry::IfIdempotent).into();
    }
    let fault = Fault::new(Cause::ConnectionTerminated, blame, detail).retry(Retry::IfIdempotent);
    Failed { fault, stale_connection: !first_use }
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
    let is_of = |kinds: &[io::ErrorKind]| {
        let mut errors = causes(error).filter_map(<dyn Error>::downcast_ref::<io::Error>);
        errors.any(|error| kinds.contains(&error.kind()))
    };
    if is_of(&[io::ErrorKind::TimedOut]) {
        Cause::ConnectionTimeout
    } else if is_of(&[io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof]) {
        // A handshake that ended, or was none.
        Cause::TlsError
    } else {
        Cause::ConnectionRefused
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref::<E>())
}

/// The error and all that it came of. An `io::Error` is no `source` to what it wraps: that is looked into.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    })
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
