//! Interim responses (RFC 9110 §15.2): what a server says before its final response.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Request, StatusCode};

type Tell = dyn Fn(StatusCode, &HeaderMap) + Send + Sync;

/// Who is told of the interim responses to a request: put it among the request's extensions.
///
/// It is called on the connection's task, so it must not wait. A 100 answers the expectation of whoever sent the body
/// (RFC 9110 §15.2.1), which is this client, and a 101 belongs to one connection: neither is told.
#[derive(Clone)]
pub struct OnInterim(Arc<Tell>);

impl OnInterim {
    /// Tells `tell`.
    pub fn new(tell: impl Fn(StatusCode, &HeaderMap) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for OnInterim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnInterim")
    }
}

/// Hands what a request carries over to hyper.
pub(crate) fn listen<B>(request: &mut Request<B>) {
    let Some(OnInterim(tell)) = request.extensions_mut().remove() else {
        return;
    };
    hyper::ext::on_informational(request, move |response| match response.status() {
        StatusCode::CONTINUE | StatusCode::SWITCHING_PROTOCOLS => {}
        status => tell(status, response.headers()),
    });
}
