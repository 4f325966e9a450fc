//! The request that a hook runs for.

use crate::host::Host;
use crate::log::logging;
use crate::{AccessError, EditError};

/// The request that a hook runs for, and what goes with it: the client, the way it takes, notes for later hooks.
///
/// Reading asks the host, which has the request; so nothing is copied that is not asked for. Keep what you need twice.
#[derive(Debug)]
pub struct Request {
    pub(crate) host: Host,
}

macro_rules! reading {
    ($on:ident) => {
        impl $on {
            /// `GET`, `HEAD`, … Case matters.
            #[must_use]
            pub fn method(&self) -> String {
                self.host.method()
            }

            /// `http` or `https`: how the client came.
            #[must_use]
            pub fn scheme(&self) -> String {
                self.host.scheme()
            }

            /// The host that the client asked for, with its port where it named one.
            #[must_use]
            pub fn authority(&self) -> String {
                self.host.authority()
            }

            /// The path, as sent: not decoded, never empty.
            #[must_use]
            pub fn path(&self) -> String {
                self.host.path()
            }

            /// What stands after the first `?`, as sent.
            #[must_use]
            pub fn query(&self) -> Option<String> {
                self.host.query()
            }

            /// The first value of a field, as text. Bytes that are not UTF-8 are replaced: see [`header_bytes`](Self::header_bytes).
            #[must_use]
            pub fn header(&self, name: &str) -> Option<String> {
                self.header_bytes(name).map(text)
            }

            /// The first value of a field.
            #[must_use]
            pub fn header_bytes(&self, name: &str) -> Option<Vec<u8>> {
                self.host.request_header(name)
            }

            /// All values of a field, in order.
            #[must_use]
            pub fn header_values(&self, name: &str) -> Vec<Vec<u8>> {
                self.host.request_header_values(name)
            }

            /// All fields, names in lower case. One call of the host, and one copy of everything.
            #[must_use]
            pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
                self.host.request_headers()
            }

            /// The value of the first cookie of this name.
            #[must_use]
            pub fn cookie(&self, name: &str) -> Option<String> {
                self.host.cookie(name).map(text)
            }

            /// The first value of a query parameter, decoded.
            #[must_use]
            pub fn query_param(&self, name: &str) -> Option<String> {
                self.host.query_param(name)
            }

            /// Who asked.
            #[must_use]
            pub fn client(&self) -> Client<'_> {
                Client { host: &self.host }
            }

            /// What the operator set for this function under this name.
            #[must_use]
            pub fn config(&self, name: &str) -> Option<String> {
                self.host.config(name)
            }

            /// A note of an earlier hook, see [`set_var`](Self::set_var).
            #[must_use]
            pub fn var(&self, name: &str) -> Option<Vec<u8>> {
                self.host.var(name)
            }

            /// Leaves a note for later hooks of this request, other functions' included. This is the one state that is promised
            /// to last: a `static` may be gone by then. At most 32 notes, 16 KiB together.
            pub fn set_var(&self, name: &str, value: impl AsRef<[u8]>) -> Result<(), EditError> {
                self.host.set_var(name, value.as_ref())
            }
        }
    };
}
pub(crate) use reading;

reading!(Request);

impl Request {
    /// Replaces path and query; must begin with `/`. The cache is asked for the new one.
    pub fn set_path(&mut self, path_and_query: &str) -> Result<(), EditError> {
        self.host.set_path(path_and_query)
    }

    /// Replaces the method.
    pub fn set_method(&mut self, method: &str) -> Result<(), EditError> {
        self.host.set_method(method)
    }

    /// Replaces all values of a field by one.
    pub fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), EditError> {
        self.host.set_request_header(name, value.as_ref())
    }

    /// Adds a value to a field.
    pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), EditError> {
        self.host.add_request_header(name, value.as_ref())
    }

    /// Removes a field.
    pub fn remove_header(&mut self, name: &str) -> Result<(), EditError> {
        self.host.remove_request_header(name)
    }

    /// Sends the request, should it need an origin, to this one: a name from the node's configuration. The origin is not
    /// part of the cache key; where answers differ, add a key part.
    pub fn set_origin(&mut self, name: &str) -> Result<(), AccessError> {
        self.host.set_origin(name)
    }

    /// The host that the origin is asked for, where it should differ from the client's.
    pub fn set_origin_host(&mut self, host: &str) -> Result<(), EditError> {
        self.host.set_origin_host(host)
    }

    /// Splits the cache: requests whose parts differ never share a response. At most 8 parts of 256 bytes.
    pub fn add_key_part(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), EditError> {
        self.host.add_key_part(name, value.as_ref())
    }

    /// Neither looks up nor stores.
    pub fn pass(&mut self) -> Result<(), EditError> {
        self.host.pass()
    }
}

logging!(Request);

/// Who asked.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    pub(crate) host: &'a Host,
}

impl Client<'_> {
    /// The address of the peer, without a port.
    #[must_use]
    pub fn ip(&self) -> Option<String> {
        self.host.client_ip()
    }

    /// Names this request in the node's logs.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.host.request_id()
    }

    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`; none where the fetch is for everybody.
    #[must_use]
    pub fn http_version(&self) -> Option<String> {
        self.host.http_version()
    }

    /// `TLSv1.2` or `TLSv1.3`; none without TLS.
    #[must_use]
    pub fn tls_version(&self) -> Option<String> {
        self.host.tls_version()
    }
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
