//! A host for tests: the same hooks run natively, on a request that the test makes up.
//!
//! It keeps the rules of the real host that a test can run into: which fields belong to the host, what is a valid name
//! or value, what a hook may change. It does not count limits of time, memory or number.
//!
//! ```
//! use seawall_edge::{CacheStatus, EditError, mock};
//!
//! let request = mock::request("GET", "https://shop.example/a?b=1")
//!     .header("cookie", "ab=b")
//!     .config("split", "50")
//!     .build();
//! assert_eq!(request.cookie("ab").as_deref(), Some("b"));
//! assert_eq!(request.query_param("b").as_deref(), Some("1"));
//!
//! let mut response = mock::response(&request, 200).header("server", "x").cache(CacheStatus::Hit).build();
//! assert_eq!(response.set_header("connection", "close"), Err(EditError::Forbidden));
//! assert_eq!(response.header("Server").as_deref(), Some("x"));
//! ```

mod host;
mod rules;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

pub(crate) use host::Host;

use crate::{CacheStatus, FetchReason, Level, OriginRequest, OriginResponse, Request, Response};

/// A request to be. `url` is absolute.
///
/// # Panics
///
/// If `url` does not begin with `http://` or `https://` and a host.
#[must_use]
pub fn request(method: &str, url: &str) -> RequestBuilder {
    RequestBuilder(state(method, url))
}

/// A request to an origin, to be: a miss, of everybody. `url` is absolute, and the client's.
///
/// # Panics
///
/// If `url` does not begin with `http://` or `https://` and a host.
#[must_use]
pub fn origin_request(url: &str) -> OriginRequestBuilder {
    OriginRequestBuilder(State { at_origin: true, client_ip: None, ..state("GET", url) })
}

#[expect(clippy::panic, reason = "a test with a broken URL should say so at once")]
fn state(method: &str, url: &str) -> State {
    let parts = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
    let Some((scheme, rest)) = parts.filter(|(_, rest)| !rest.is_empty() && !rest.starts_with('/')) else {
        panic!("mock::request wants a URL such as https://shop.example/path, not {url:?}")
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    State {
        method: method.to_owned(),
        scheme: scheme.to_owned(),
        authority: authority.to_owned(),
        path_and_query: path,
        client_ip: Some("192.0.2.1".to_owned()),
        headers: Vec::new(),
        response: None,
        config: BTreeMap::new(),
        origins: Vec::new(),
        vars: BTreeMap::new(),
        recorded: Recorded::default(),
        at_origin: false,
        reason: FetchReason::Miss,
        ttl: None,
        store_private: false,
    }
}

/// The response to `request`, to be. From here on the request cannot be changed, as in a real `on_response`.
#[must_use]
pub fn response(request: &Request, status: u16) -> ResponseBuilder {
    let host = request.host.clone();
    host.edit(|state| {
        state.response = Some(Head { status, cache: CacheStatus::Miss, headers: Vec::new() });
    });
    ResponseBuilder(host)
}

/// The answer of an origin to `request`, to be. From here on the request cannot be changed.
#[must_use]
pub fn origin_response(request: &OriginRequest, status: u16) -> OriginResponseBuilder {
    let host = request.host.clone();
    host.edit(|state| {
        state.response = Some(Head { status, cache: CacheStatus::Miss, headers: Vec::new() });
    });
    OriginResponseBuilder(host)
}

/// Makes a [`Request`].
#[derive(Debug)]
pub struct RequestBuilder(State);

/// Makes an [`OriginRequest`].
#[derive(Debug)]
pub struct OriginRequestBuilder(State);

macro_rules! building {
    ($on:ident) => {
        impl $on {
            /// Adds a field, of the host's own too.
            #[must_use]
            pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
                self.0.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
                self
            }

            /// Sets what `config` answers.
            #[must_use]
            pub fn config(mut self, name: &str, value: &str) -> Self {
                self.0.config.insert(name.to_owned(), value.to_owned());
                self
            }

            /// Grants an origin. Without this there is none.
            #[must_use]
            pub fn origin(mut self, name: &str) -> Self {
                self.0.origins.push(name.to_owned());
                self
            }
        }
    };
}

building!(RequestBuilder);
building!(OriginRequestBuilder);

impl OriginRequestBuilder {
    /// Why the origin is asked; a miss where the test does not care.
    #[must_use]
    pub fn reason(mut self, reason: FetchReason) -> Self {
        self.0.reason = reason;
        self
    }

    /// Grants storing what the origin calls `private` or `no-store`.
    #[must_use]
    pub fn store_private(mut self) -> Self {
        self.0.store_private = true;
        self
    }

    /// The request.
    #[must_use]
    pub fn build(self) -> OriginRequest {
        OriginRequest { host: Host(Rc::new(RefCell::new(self.0))) }
    }
}

impl RequestBuilder {
    /// The client's address; `192.0.2.1` where the test does not care.
    #[must_use]
    pub fn client_ip(mut self, ip: &str) -> Self {
        self.0.client_ip = Some(ip.to_owned());
        self
    }

    /// The request.
    #[must_use]
    pub fn build(self) -> Request {
        Request { host: Host(Rc::new(RefCell::new(self.0))) }
    }
}

/// Makes a [`Response`].
#[derive(Debug)]
pub struct ResponseBuilder(Host);

/// Makes an [`OriginResponse`].
#[derive(Debug)]
pub struct OriginResponseBuilder(Host);

macro_rules! answering {
    ($on:ident) => {
        impl $on {
            /// Adds a field, of the host's own too.
            #[must_use]
            pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
                self.0.edit(|state| {
                    if let Some(response) = &mut state.response {
                        response.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
                    }
                });
                self
            }
        }
    };
}

answering!(ResponseBuilder);
answering!(OriginResponseBuilder);

impl OriginResponseBuilder {
    /// How long the host would keep it: what `ttl` answers. None where the test does not care.
    #[must_use]
    pub fn ttl(self, seconds: u32) -> Self {
        self.0.edit(|state| state.ttl = Some(seconds));
        self
    }

    /// The response.
    #[must_use]
    pub fn build(self) -> OriginResponse {
        OriginResponse { host: self.0 }
    }
}

impl ResponseBuilder {
    /// Where it comes from; a miss where the test does not care.
    #[must_use]
    pub fn cache(self, status: CacheStatus) -> Self {
        self.0.edit(|state| {
            if let Some(response) = &mut state.response {
                response.cache = status;
            }
        });
        self
    }

    /// The response.
    #[must_use]
    pub fn build(self) -> Response {
        Response { host: self.0 }
    }
}

/// What a function decided and wrote, besides its edits: those are seen on the request and the response themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The origin that it chose.
    pub origin: Option<String>,
    /// The host that it chose to ask that origin for.
    pub origin_host: Option<String>,
    /// The key parts that it added, by name.
    pub key_parts: Vec<(String, Vec<u8>)>,
    /// Whether it passed by the cache.
    pub pass: bool,
    /// The lines that it wrote.
    pub lines: Vec<(Level, String)>,
    /// The access-log fields that it added.
    pub fields: Vec<(String, String)>,
    /// What it added to its counters.
    pub counts: BTreeMap<String, u64>,
    /// What it decided about storing.
    pub store: Store,
}

/// What a function decided about storing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    /// The lifetime that it set, in seconds.
    pub ttl: Option<u32>,
    /// See [`OriginResponse::set_stale_while_revalidate`].
    pub stale_while_revalidate: Option<u32>,
    /// See [`OriginResponse::set_stale_if_error`].
    pub stale_if_error: Option<u32>,
    /// The tags that it added.
    pub tags: Vec<String>,
    /// The fields that it named.
    pub vary: Option<Vec<String>>,
    /// See [`OriginResponse::hit_for_miss`].
    pub hit_for_miss: Option<u32>,
}

impl OriginRequest {
    /// What functions decided and wrote about this fetch so far.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        self.host.0.borrow().recorded.clone()
    }
}

impl Request {
    /// What functions decided and wrote about this request so far.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        self.host.0.borrow().recorded.clone()
    }
}

type Field = (String, Vec<u8>);

#[derive(Debug)]
pub(crate) struct State {
    method: String,
    scheme: String,
    authority: String,
    path_and_query: String,
    headers: Vec<Field>,
    response: Option<Head>,
    client_ip: Option<String>,
    config: BTreeMap<String, String>,
    origins: Vec<String>,
    vars: BTreeMap<String, Vec<u8>>,
    recorded: Recorded,
    at_origin: bool,
    reason: FetchReason,
    ttl: Option<u32>,
    store_private: bool,
}

#[derive(Debug)]
struct Head {
    status: u16,
    cache: CacheStatus,
    headers: Vec<Field>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessError, EditError};

    #[test]
    fn requests_are_read_as_the_host_reads_them() {
        let request = request("GET", "https://shop.example:8443/a/b?x=1+2&y=%41")
            .header("Cookie", "ab=b; flag; sid=s=1")
            .header("accept", "a")
            .header("Accept", "b")
            .build();
        assert_eq!(
            (request.scheme(), request.authority()),
            ("https".to_owned(), "shop.example:8443".to_owned())
        );
        assert_eq!((request.path(), request.query()), ("/a/b".to_owned(), Some("x=1+2&y=%41".to_owned())));
        assert_eq!(request.query_param("x").as_deref(), Some("1 2"));
        assert_eq!(request.query_param("y").as_deref(), Some("A"));
        assert_eq!(request.cookie("sid").as_deref(), Some("s=1"));
        assert_eq!(request.cookie("flag"), None);
        assert_eq!(request.header_values("ACCEPT"), [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(self::request("GET", "http://a").build().path(), "/");
        assert_eq!(self::request("GET", "http://a?q").build().query().as_deref(), Some("q"));
    }

    #[test]
    fn a_hook_may_change_what_is_its_own() {
        let mut request = request("GET", "https://shop.example/").origin("img").build();
        request.set_path("/b?c").unwrap();
        request.add_header("X-A", "1").unwrap();
        request.add_header("x-a", "2").unwrap();
        request.set_origin("img").unwrap();
        assert_eq!(request.set_origin("other"), Err(AccessError::NoSuch));
        assert_eq!((request.path(), request.query().as_deref()), ("/b".to_owned(), Some("c")));
        assert_eq!(request.header_values("x-a").len(), 2);
        request.set_header("x-a", "3").unwrap();
        assert_eq!(request.headers(), [("x-a".to_owned(), b"3".to_vec())]);
        for (edit, refusal) in [
            (request.set_header("Host", "x"), EditError::Forbidden),
            (request.set_header("a b", "x"), EditError::Invalid),
            (request.set_header("a", "b\r\nc: d"), EditError::Invalid),
            (request.set_path("relative"), EditError::Invalid),
            (request.set_method("CONNECT"), EditError::Forbidden),
        ] {
            assert_eq!(edit, Err(refusal));
        }

        let mut response = response(&request, 200).build();
        assert_eq!(request.set_path("/late"), Err(EditError::WrongPhase));
        assert_eq!(request.pass(), Err(EditError::WrongPhase));
        assert_eq!(response.set_status(101), Err(EditError::Invalid));
        response.set_status(404).unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(request.recorded().origin.as_deref(), Some("img"));
    }
}
