//! What `on_request` answers.

use std::fmt;

/// What becomes of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on: to the cache, and from there to an origin if need be.
    Next,
    /// It is answered with this. The answer is not stored; `on_response` still runs.
    Respond(Reply),
}

/// A response that the function makes by itself.
///
/// ```
/// # use seawall_edge::{Reply, Verdict};
/// let verdict: Verdict = Reply::text(503, "back at noon\n").header("retry-after", "600").into();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// An empty response. `status` is 200 to 599.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Plain text.
    #[must_use]
    pub fn text(status: u16, body: impl fmt::Display) -> Self {
        Self::new(status).header("content-type", "text/plain; charset=utf-8").body(body.to_string())
    }

    /// A page.
    #[must_use]
    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", "text/html; charset=utf-8").body(body)
    }

    /// A redirect: 301 or 308 for good, 302 or 307 for now (RFC 9110 section 15.4).
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("location", location)
    }

    /// Adds a field. `content-length` and `date` are the host's.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets the body, at most 64 KiB.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Its body.
    #[must_use]
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }
}

impl From<Reply> for Verdict {
    fn from(reply: Reply) -> Self {
        Self::Respond(reply)
    }
}
