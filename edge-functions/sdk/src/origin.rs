//! A fetch from an origin: the request to it, and the response that may be stored.

use crate::host::Host;
use crate::log::logging;
use crate::request::{Client, reading, text};
use crate::response::heading;
use crate::{AccessError, EditError, Reply};

/// What `on_origin_request` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginVerdict {
    /// Ask the origin.
    Fetch,
    /// Do not ask: this is its answer, and is stored, or not, as an origin's would be.
    Respond(Reply),
}

impl From<Reply> for OriginVerdict {
    fn from(reply: Reply) -> Self {
        Self::Respond(reply)
    }
}

/// What `on_origin_response` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreVerdict {
    /// Store it, if the rules of HTTP and what the hook decided allow that.
    Store,
    /// Hand it on to those who wait, and keep nothing.
    DeliverOnly,
    /// Ask this origin instead, one that the operator granted. Once for each fetch; a second time it is delivered only.
    Retry(String),
}

/// Why an origin is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchReason {
    /// Nothing stored will do.
    Miss,
    /// What is stored is stale, and somebody waits.
    Revalidate,
    /// What is stored is stale, was served all the same, and is renewed behind it.
    Background,
    /// The request goes past the cache.
    Pass,
}

/// The request as it is sent to an origin. Edits are for this fetch only: neither the cache key nor `Vary` sees them.
///
/// ```
/// use seawall_edge::{Error, OriginRequest, OriginVerdict, mock};
///
/// fn on_origin_request(request: &mut OriginRequest) -> Result<OriginVerdict, Error> {
///     request.set_header("x-edge-key", request.config("key").unwrap_or_default())?;
///     Ok(OriginVerdict::Fetch)
/// }
///
/// let mut request = mock::origin_request("https://shop.example/").config("key", "k1").build();
/// on_origin_request(&mut request).unwrap();
/// assert_eq!(request.header("x-edge-key").as_deref(), Some("k1"));
/// ```
#[derive(Debug)]
pub struct OriginRequest {
    pub(crate) host: Host,
}

reading!(OriginRequest);

impl OriginRequest {
    /// Why the origin is asked.
    #[must_use]
    pub fn reason(&self) -> FetchReason {
        self.host.fetch_reason()
    }

    /// Replaces path and query; must begin with `/`. The response is stored under the client's all the same.
    pub fn set_path(&mut self, path_and_query: &str) -> Result<(), EditError> {
        self.host.set_path(path_and_query)
    }

    /// Replaces all values of a field by one. `range` and the conditional fields are the host's here.
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

    /// Asks this origin: a name from the node's configuration.
    pub fn set_origin(&mut self, name: &str) -> Result<(), AccessError> {
        self.host.set_origin(name)
    }

    /// The host that the origin is asked for.
    pub fn set_origin_host(&mut self, host: &str) -> Result<(), EditError> {
        self.host.set_origin_host(host)
    }
}

logging!(OriginRequest);

/// The response of an origin, before it is stored. Edits are stored with it, and everybody gets them. On a 304 it is the
/// stored response, brought up to date: what the hook did before is in it.
///
/// ```
/// use seawall_edge::{EditError, Error, OriginRequest, OriginResponse, StoreVerdict, mock};
///
/// fn on_origin_response(_: &OriginRequest, response: &mut OriginResponse) -> Result<StoreVerdict, Error> {
///     response.set_ttl(300)?;
///     response.add_tags(["products"])?;
///     Ok(StoreVerdict::Store)
/// }
///
/// let request = mock::origin_request("https://shop.example/").build();
/// let mut response = mock::origin_response(&request, 200).build();
/// assert_eq!(on_origin_response(&request, &mut response), Ok(StoreVerdict::Store));
/// assert_eq!(request.recorded().store.ttl, Some(300));
/// // What the origin forbids takes a grant of the operator's.
/// let mut response = mock::origin_response(&request, 200).header("cache-control", "private").build();
/// assert_eq!(response.set_ttl(300), Err(EditError::Forbidden));
/// ```
#[derive(Debug)]
pub struct OriginResponse {
    pub(crate) host: Host,
}

heading!(OriginResponse);

impl OriginResponse {
    /// Why the origin was asked.
    #[must_use]
    pub fn reason(&self) -> FetchReason {
        self.host.fetch_reason()
    }

    /// How many seconds it would be fresh by its own fields and the site's rules; none where it would not be stored. The
    /// mock knows what [`mock`](crate::mock) was told.
    #[must_use]
    pub fn ttl(&self) -> Option<u32> {
        self.host.ttl()
    }

    /// Fresh for so many seconds from now on, at most a year. [`EditError::Forbidden`] where the origin says `private` or
    /// `no-store`, unless the operator granted `store-private`.
    pub fn set_ttl(&mut self, seconds: u32) -> Result<(), EditError> {
        self.host.set_ttl(seconds)
    }

    /// After that, for so many seconds, it is served stale while it is fetched anew (RFC 5861).
    pub fn set_stale_while_revalidate(&mut self, seconds: u32) -> Result<(), EditError> {
        self.host.set_stale_while_revalidate(seconds)
    }

    /// After that, for so many seconds, it is served stale if the origin fails (RFC 5861).
    pub fn set_stale_if_error(&mut self, seconds: u32) -> Result<(), EditError> {
        self.host.set_stale_if_error(seconds)
    }

    /// Adds names by which it can be purged: visible ASCII without commas and spaces.
    pub fn add_tags<T: Into<String>>(&mut self, tags: impl IntoIterator<Item = T>) -> Result<(), EditError> {
        let tags: Vec<String> = tags.into_iter().map(Into::into).collect();
        self.host.add_tags(&tags)
    }

    /// Replaces `vary`: the request fields by which the origin's answers differ.
    pub fn set_vary<T: Into<String>>(&mut self, names: impl IntoIterator<Item = T>) -> Result<(), EditError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        self.host.set_vary(&names)
    }

    /// Does not store it, and lets requests for it pass without waiting for each other for so many seconds, at most 3600.
    pub fn hit_for_miss(&mut self, seconds: u32) -> Result<(), EditError> {
        self.host.hit_for_miss(seconds)
    }
}

logging!(OriginResponse);
