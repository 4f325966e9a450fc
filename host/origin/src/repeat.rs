//! What it takes to send a request again.

use http::{Extensions, HeaderMap, Method, Request, Uri};

use crate::body::{Lender, Outgoing};

/// A request without its body.
pub(crate) struct Repeat {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    extensions: Extensions,
    body: Whose,
}

/// Where the body of a repetition comes from.
enum Whose {
    Nobodys,
    /// The client's: it can be sent for as long as nobody has read from it.
    Lent(Lender),
}

impl Repeat {
    /// Notes the request. Its body, where there is one, comes back from a try that has not read from it.
    pub(crate) fn of(request: &mut Request<Outgoing>) -> Self {
        let body =
            if request.body().is_empty() { Whose::Nobodys } else { Whose::Lent(request.body_mut().lend()) };
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
            body,
        }
    }

    /// Whether it has no body.
    pub(crate) fn is_bodiless(&self) -> bool {
        matches!(self.body, Whose::Nobodys)
    }

    /// Whether there is a body, and nobody has asked for any of it.
    pub(crate) fn has_its_body(&self) -> bool {
        matches!(&self.body, Whose::Lent(lender) if lender.has_it())
    }

    /// Whether sending it twice is the same as sending it once (RFC 9110 §9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// The request once more; `None` where its body has been read from.
    pub(crate) fn again(&self) -> Option<Request<Outgoing>> {
        let body = match &self.body {
            Whose::Nobodys => Outgoing::empty(),
            Whose::Lent(lender) => {
                let mut body = lender.take_back()?;
                body.lend_by(lender);
                body
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        Some(request)
    }
}
