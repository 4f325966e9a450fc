//! The response that goes to the client.

use crate::EditError;
use crate::host::Host;
use crate::log::logging;
use crate::request::text;

/// Where a response comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheStatus {
    /// Stored, and fresh.
    Hit,
    /// Stored, and served beyond its freshness.
    Stale,
    /// Fetched for this request.
    Miss,
    /// Stored, and confirmed by the origin for this request.
    Revalidated,
    /// Fetched without asking the cache and not stored.
    Pass,
    /// Made by the node: by a function, or an error of the host.
    Local,
}

/// The response that goes to the client, wherever it comes from. Edits are for this client only: what is stored stays
/// as it is.
#[derive(Debug)]
pub struct Response {
    pub(crate) host: Host,
}

impl Response {
    /// Where it comes from.
    #[must_use]
    pub fn cache(&self) -> CacheStatus {
        self.host.cache()
    }
}

macro_rules! heading {
    ($on:ident) => {
        impl $on {
            /// The status code.
            #[must_use]
            pub fn status(&self) -> u16 {
                self.host.status()
            }

            /// The first value of a field, as text. Bytes that are not UTF-8 are replaced: see [`header_bytes`](Self::header_bytes).
            #[must_use]
            pub fn header(&self, name: &str) -> Option<String> {
                self.header_bytes(name).map(text)
            }

            /// The first value of a field.
            #[must_use]
            pub fn header_bytes(&self, name: &str) -> Option<Vec<u8>> {
                self.host.response_header(name)
            }

            /// All values of a field, in order.
            #[must_use]
            pub fn header_values(&self, name: &str) -> Vec<Vec<u8>> {
                self.host.response_header_values(name)
            }

            /// All fields, names in lower case. One call of the host, and one copy of everything.
            #[must_use]
            pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
                self.host.response_headers()
            }

            /// Replaces the status: 200 to 599.
            pub fn set_status(&mut self, status: u16) -> Result<(), EditError> {
                self.host.set_status(status)
            }

            /// Replaces all values of a field by one.
            pub fn set_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), EditError> {
                self.host.set_response_header(name, value.as_ref())
            }

            /// Adds a value to a field: the way to set several cookies.
            pub fn add_header(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), EditError> {
                self.host.add_response_header(name, value.as_ref())
            }

            /// Removes a field.
            pub fn remove_header(&mut self, name: &str) -> Result<(), EditError> {
                self.host.remove_response_header(name)
            }
        }
    };
}
pub(crate) use heading;

heading!(Response);
logging!(Response);
