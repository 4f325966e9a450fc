//! What handlers may ask of HTTP itself: requests of their own, to the origins that they were granted, by name.
//!
//! Owns: who may be asked, how often, and how large it may be. Refuses: addresses. A guest names an origin of the node's
//! configuration as the host of its URL, and nothing that it says leads anywhere else.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Limited};
use seawall_base::{Cause, Fault, OriginName};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::function::Function;

/// Requests of its own that one call of a handler may make.
pub const FETCHES_MAX: u32 = 32;
/// Those of them that wait for an answer at a time.
pub const FETCHES_AT_ONCE: usize = 6;
/// Body of one such request, in bytes: it is held until it is whole.
pub const FETCH_REQUEST_MAX_BYTES: usize = 1 << 20;
/// Body of the answer, in bytes.
pub const FETCH_RESPONSE_MAX_BYTES: usize = 16 << 20;

/// Bytes that a guest may write to a body before its reader has taken some: also what one call may hand over.
const CHUNK_BYTES: usize = 64 << 10;

/// What an origin answers to a handler.
pub type Fetched = Response<UnsyncBoxBody<Bytes, Fault>>;

/// Asks origins for handlers.
pub trait Fetch: Send + Sync {
    /// Asks an origin of the configuration. The request's URI has a path only; what belongs to the connection, and `Host`,
    /// is the asker's to add.
    fn fetch(
        &self,
        origin: &OriginName,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Fetched, Fault>>;
}

/// The rules of HTTP for one guest.
pub(super) struct Rules {
    fetch: Option<Arc<dyn Fetch>>,
    function: Arc<Function>,
    left: u32,
    at_once: Arc<Semaphore>,
}

impl Rules {
    pub(super) fn new(function: &Arc<Function>, fetch: Option<Arc<dyn Fetch>>) -> Self {
        let at_once = Arc::new(Semaphore::new(FETCHES_AT_ONCE));
        Self { fetch, function: Arc::clone(function), left: FETCHES_MAX, at_once }
    }

    /// The origin that a request is for, if it may be asked.
    fn origin(&mut self, request: &Request<WasiBody>) -> Option<(OriginName, Arc<dyn Fetch>)> {
        let granted: &BTreeSet<OriginName> = &self.function.settings.origins;
        // The whole authority: a name with a port, or with a user before it, is no name.
        let origin = granted.get(request.uri().authority()?.as_str())?.clone();
        let fetch = Arc::clone(self.fetch.as_ref()?);
        self.left = self.left.checked_sub(1)?;
        Some((origin, fetch))
    }
}

type Done = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Done), Error>;

impl WasiHttpHooks for Rules {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Done,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let Some((origin, fetch)) = self.origin(&request) else {
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        };
        Box::new(send(origin, fetch, request, Arc::clone(&self.at_once)))
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }
}

async fn send(
    origin: OriginName,
    fetch: Arc<dyn Fetch>,
    request: Request<WasiBody>,
    at_once: Arc<Semaphore>,
) -> Sent {
    let (mut parts, body) = request.into_parts();
    let too_large = |_| Error::HttpRequestBodySize(Some(FETCH_REQUEST_MAX_BYTES as u64));
    let body = Limited::new(body, FETCH_REQUEST_MAX_BYTES).collect().await.map_err(too_large)?;
    let path = parts.uri.path_and_query().cloned().map(http::Uri::from);
    parts.uri = path.unwrap_or_else(|| http::Uri::from_static("/"));
    let _place = at_once.acquire_owned().await.map_err(|_| Error::InternalError(None))?;
    let request = Request::from_parts(parts, body.to_bytes());
    let response = fetch.fetch(&origin, request).await.map_err(|fault| told(&fault))?;
    let response = response.map(|body| {
        let body = Limited::new(body, FETCH_RESPONSE_MAX_BYTES);
        body.map_err(|_| Error::HttpResponseIncomplete).boxed_unsync()
    });
    Ok((response, Box::new(std::future::ready(Ok(())))))
}

/// What the guest is told. The story is for the operator.
fn told(fault: &Fault) -> Error {
    match fault.cause {
        Cause::DnsError => Error::DnsError { rcode: None, info_code: None },
        Cause::ConnectionRefused => Error::ConnectionRefused,
        Cause::ConnectionTimeout => Error::ConnectionTimeout,
        Cause::TlsError => Error::TlsProtocolError,
        Cause::ResponseTimeout => Error::HttpResponseTimeout,
        Cause::ConnectionTerminated => Error::ConnectionTerminated,
        Cause::ProtocolError => Error::HttpProtocolError,
        Cause::QueueFull | Cause::QueueTimeout => Error::ConnectionLimitReached,
        Cause::NoServer => Error::DestinationUnavailable,
        Cause::PeerRefused => Error::HttpRequestDenied,
        other => Error::InternalError(Some(other.as_str().to_owned())),
    }
}
