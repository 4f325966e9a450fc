//! What the hooks act on: one request, its response once there is one, and what functions decided about them.
//!
//! Owns the data and its limits. Refuses rules about *when* something may change: those are in `state.rs`.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, StatusCode, Version};
use seawall_base::OriginName;
use seawall_base::trace::Parent;

use crate::error::FunctionError;
use crate::guest_log::GuestLog;
use crate::store_policy::StorePolicy;

/// One transaction. The caller owns it; a call takes it and gives it back.
#[derive(Debug)]
pub struct Exchange {
    /// The client's request, or the one to the origin, as edited so far.
    pub request: RequestHead,
    /// The response to the client, or the origin's. There before `on_response` or `on_origin_response` is called.
    pub response: Option<ResponseHead>,
    /// Who asked.
    pub client: ClientInfo,
    /// What functions decided about the way of the request.
    pub route: RouteEdits,
    /// What is known and decided about storing. There before `on_origin_request` or `on_origin_response` is called.
    pub store: Option<StorePolicy>,
    /// What functions noted for later hooks of this request.
    pub vars: Vars,
    /// What functions wrote for the operator. Kept when a hook fails: it explains why.
    pub log: GuestLog,
    /// The span that calls are part of, where the request is sampled.
    pub trace: Option<Parent>,
    /// The first failure that the operator's settings let pass.
    pub tolerated: Option<FunctionError>,
}

impl Exchange {
    /// A transaction that no function has seen yet.
    #[must_use]
    pub fn new(request: RequestHead, client: ClientInfo) -> Self {
        Self {
            request,
            response: None,
            client,
            route: RouteEdits::default(),
            store: None,
            vars: Vars::default(),
            log: GuestLog::default(),
            trace: None,
            tolerated: None,
        }
    }

    /// What lies in an instance between calls. No guest sees it.
    pub(crate) fn vacant() -> Self {
        let request = RequestHead {
            method: Method::GET,
            scheme: Scheme::HTTP,
            authority: Authority::from_static("vacant.invalid"),
            path_and_query: PathAndQuery::from_static("/"),
            headers: HeaderMap::new(),
        };
        Self::new(request, ClientInfo::default())
    }
}

/// A request without its body.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// How the client came.
    pub scheme: Scheme,
    /// The host that the client asked for. Functions cannot change it: the cache key holds it.
    pub authority: Authority,
    /// Path and query.
    pub path_and_query: PathAndQuery,
    /// All fields.
    pub headers: HeaderMap,
}

/// A response without its body.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status code.
    pub status: StatusCode,
    /// All fields.
    pub headers: HeaderMap,
    /// Where it comes from.
    pub cache: CacheWord,
}

/// Where a response comes from, as functions see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheWord {
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
    /// Made by this node.
    Local,
}

/// Who asked.
#[derive(Clone, Debug, Default)]
pub struct ClientInfo {
    /// Address of the peer.
    pub ip: Option<IpAddr>,
    /// Names the request in the logs.
    pub request_id: Arc<str>,
    /// How the client speaks.
    pub http_version: Option<Version>,
    /// `TLSv1.2`, `TLSv1.3`, or none.
    pub tls_version: Option<&'static str>,
}

/// What functions decided about the way of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteEdits {
    /// The origin to ask instead of the site's own.
    pub origin: Option<OriginName>,
    /// The host to ask that origin for.
    pub origin_host: Option<Authority>,
    /// What the cache key gets besides its fixed parts: sorted by name, each name once.
    pub key_parts: Vec<(Box<str>, Bytes)>,
    /// Neither look up nor store.
    pub pass: bool,
}

/// Most key parts of a request: nobody splits by more dimensions on purpose, and each lengthens the key.
pub const KEY_PARTS_MAX: usize = 8;
/// Most bytes of one key part, name and value together. A hash fits; a whole `user-agent` would split the cache to dust.
pub const KEY_PART_MAX_BYTES: usize = 256;

impl RouteEdits {
    /// Adds a part, or replaces the one of the same name. `false` where a limit does not allow it.
    pub(crate) fn add_key_part(&mut self, name: &str, value: &[u8]) -> bool {
        if name.len() + value.len() > KEY_PART_MAX_BYTES {
            return false;
        }
        match self.key_parts.binary_search_by(|(known, _)| known.as_ref().cmp(name)) {
            Ok(at) => {
                if let Some(part) = self.key_parts.get_mut(at) {
                    part.1 = Bytes::copy_from_slice(value);
                }
                true
            }
            Err(at) if self.key_parts.len() < KEY_PARTS_MAX => {
                self.key_parts.insert(at, (name.into(), Bytes::copy_from_slice(value)));
                true
            }
            Err(_) => false,
        }
    }
}

/// Most variables of a request.
pub const VARS_MAX: usize = 32;
/// Longest name of a variable, in bytes.
pub const VAR_NAME_MAX_BYTES: usize = 64;
/// Bytes of all variables of a request, names and values: they live as long as the request, also while an origin is slow.
pub const VARS_MAX_BYTES: usize = 16 << 10;

/// What functions noted for later hooks of this request. All functions of a site share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vars {
    entries: Vec<(Box<str>, Box<[u8]>)>,
    bytes: usize,
}

impl Vars {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.entries.iter().find(|(known, _)| known.as_ref() == name).map(|(_, value)| value.as_ref())
    }

    /// Sets a variable. `false`, and nothing changed, where a limit does not allow it.
    pub fn set(&mut self, name: &str, value: &[u8]) -> bool {
        let count = self.entries.len();
        let old = self.entries.iter_mut().find(|(known, _)| known.as_ref() == name);
        let freed = old.as_ref().map_or(0, |(name, value)| name.len() + value.len());
        let bytes = self.bytes - freed + name.len() + value.len();
        if name.len() > VAR_NAME_MAX_BYTES || bytes > VARS_MAX_BYTES {
            return false;
        }
        match old {
            Some(entry) => entry.1 = value.into(),
            None if count >= VARS_MAX => return false,
            None => self.entries.push((name.into(), value.into())),
        }
        self.bytes = bytes;
        true
    }
}

/// What `on_request` or `on_origin_request` decided.
#[derive(Debug)]
pub enum RequestVerdict {
    /// Go on.
    Next,
    /// Answer with this. Not to be stored if it is `on_request`'s.
    Respond(LocalResponse),
}

/// What `on_origin_response` decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginVerdict {
    /// Store it where the rules allow that.
    Store,
    /// Hand it on, and keep nothing.
    DeliverOnly,
    /// Ask this origin instead, which was granted.
    Retry(OriginName),
}

/// A response that a function made. Checked: it can be sent as it is; the host adds the fields that are its own.
#[derive(Clone, Debug)]
pub struct LocalResponse {
    /// 200 to 599.
    pub status: StatusCode,
    /// Fields; none that belongs to the host.
    pub headers: HeaderMap,
    /// At most [`LOCAL_BODY_MAX_BYTES`].
    pub body: Bytes,
    /// The function that made it.
    pub function: Arc<str>,
}

/// Largest body of a response that a filter makes, in bytes: an error page fits. More is a handler's work.
pub const LOCAL_BODY_MAX_BYTES: usize = 64 << 10;
