//! An HTTP client: its connections, pooled, and one request on one of them.
//!
//! Three pools of connections stand behind one client, since hyper's has no choice for each request: one for requests
//! that may be repeated, should their connection prove to have been closed; one whose connections are used again only for
//! a moment, for those that may not; and one that keeps nothing, for repetitions.

use std::pin::pin;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{Request, Response, Uri};
use http_body::Body;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::ServerName;
use seawall_base::{Blame, Cause, Clock, Fault, Retry};

use crate::body::{OriginBody, Outgoing};
use crate::connect::{Connector, Uses};
use crate::failure::{self, Failed};
use crate::framing::{self, Framing};
use crate::interim;
use crate::metrics::Metrics;
use crate::repeat::Repeat;
use crate::resolve::Resolver;
use crate::server::Server;
use crate::trust::Trust;
use crate::tunnel::OriginEnd;

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To accept a connection, TLS included.
    pub connect: Duration,
    /// From the request to the response's first byte. While a client's body is on its way, the count starts anew: with
    /// each piece of it, and for as long as it is the client who is waited for.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub between_bytes: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: CONNECT_DEFAULT,
            first_byte: FIRST_BYTE_DEFAULT,
            between_bytes: BETWEEN_BYTES_DEFAULT,
        }
    }
}

/// Default of [`Limits::connect`]: a SYN lost twice is sent again after 1 s and 3 s (RFC 6298 §2.1).
pub const CONNECT_DEFAULT: Duration = Duration::from_secs(4);
/// Default of [`Limits::first_byte`]: Varnish's and CloudFront's order of magnitude.
pub const FIRST_BYTE_DEFAULT: Duration = Duration::from_secs(30);
/// Default of [`Limits::between_bytes`].
pub const BETWEEN_BYTES_DEFAULT: Duration = Duration::from_secs(30);

/// How long an idle connection is kept. Below the 5 s after which Node's servers, and more, close theirs.
pub const IDLE_LIMIT: Duration = Duration::from_secs(4);

/// Most idle connections kept to one server. Past it they are closed when they come back.
pub const IDLE_MAX_PER_SERVER: usize = 256;

/// How long an idle connection is kept for requests that may not be repeated. Hardly a server closes so soon, and a
/// busy one is asked again within it.
pub const IDLE_LIMIT_UNREPEATABLE: Duration = Duration::from_millis(500);

/// How often an HTTP/2 connection with requests under way is asked whether it lives, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(10);

/// Most bytes of a response's fields over HTTP/2: hyper's own 16 KiB are too few for some cookies.
pub const H2_FIELDS_MAX_BYTES: u32 = 64 * 1024;

/// What is spoken to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2: over TLS where the server agrees (RFC 7301), else HTTP/1.1; without TLS by prior knowledge (RFC 9113
    /// §3.3).
    Http2,
}

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct ClientSetup {
    /// How long a server may take.
    pub limits: Limits,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Who its faults are put to: an origin or a peer.
    pub blame: Blame,
    /// What is counted.
    pub metrics: Metrics,
    /// How old a connection is.
    pub clock: Clock,
    /// What is spoken. Only [`Protocol::Http1`] for a client of several servers.
    pub protocol: Protocol,
    /// The name that a server's certificate must have, and that it is told (RFC 6066 §3). `None`: its host.
    pub server_name: Option<ServerName<'static>>,
}

impl ClientSetup {
    /// HTTP/1.1, and every server is known by its host.
    #[must_use]
    pub fn new(limits: Limits, trust: Trust, blame: Blame, metrics: Metrics, clock: Clock) -> Self {
        Self { limits, trust, blame, metrics, clock, protocol: Protocol::Http1, server_name: None }
    }
}

/// Which connections a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Any: should it prove to be closed, the request may be sent again.
    Any,
    /// One that was in use a moment ago.
    Recent,
    /// None: a new one.
    Never,
}

impl Reuse {
    /// Which connections a request may use the first time.
    pub(crate) fn of(repeat: &Repeat) -> Self {
        if repeat.is_idempotent() && repeat.is_bodiless() { Self::Any } else { Self::Recent }
    }
}

type Http = legacy::Client<Connector, Outgoing>;

/// A client with its own connections.
#[derive(Clone, Debug)]
pub struct Client {
    any: Http,
    recent: Http,
    fresh: Http,
    limits: Limits,
    protocol: Protocol,
    blame: Blame,
    metrics: Metrics,
    clock: Clock,
}

/// Says how the body is framed. hyper would guess that a GET has none (RFC 9112 §6.3).
fn frame(request: &mut Request<Outgoing>) {
    if request.body().is_empty() {
        // It announces what only a body can end with (RFC 9110 §6.6.2).
        request.headers_mut().remove(TRAILER);
        // A length that no bytes follow would take the next request for them.
        if request.headers().get(CONTENT_LENGTH).is_some_and(|length| length != "0") {
            request.headers_mut().remove(CONTENT_LENGTH);
        }
        return;
    }
    let length = request.body().size_hint().exact();
    let headers = request.headers_mut();
    match length {
        Some(length) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
        None => {
            headers.remove(CONTENT_LENGTH);
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

impl Client {
    /// A client of any servers.
    #[must_use]
    pub fn new(setup: ClientSetup) -> Self {
        Self::with(setup, None)
    }

    /// A client of one server.
    pub(crate) fn of(server: &Server, setup: ClientSetup) -> Self {
        Self::with(setup, Some(server))
    }

    fn with(setup: ClientSetup, server: Option<&Server>) -> Self {
        let ClientSetup { limits, trust, blame, metrics, clock, protocol, server_name } = setup;
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(limits.connect));
        let https = HttpsConnectorBuilder::new().with_tls_config(trust.0).https_or_http();
        let https = match server_name {
            Some(name) => https.with_server_name_resolver(FixedServerNameResolver::new(name)),
            None => https,
        };
        let h2 = protocol == Protocol::Http2;
        let https = match protocol {
            Protocol::Http1 => https.enable_http1().wrap_connector(tcp),
            Protocol::Http2 => https.enable_all_versions().wrap_connector(tcp),
        };
        let to = server.filter(|_| h2).and_then(|server| server.to_string().parse().ok());
        let connector = Connector { https, limit: limits.connect, to, clock: clock.clone() };
        // Without TLS nobody can be asked: it is known, or it is not spoken.
        let prior_knowledge = h2 && server.is_some_and(|server| !server.is_tls());
        let pool = |idle_limit, idle_max| {
            legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .pool_idle_timeout(idle_limit)
                .pool_max_idle_per_host(idle_max)
                .set_host(false)
                .http2_only(prior_knowledge)
                .http2_keep_alive_interval(PING_EVERY)
                .http2_keep_alive_timeout(PING_LIMIT)
                .http2_max_header_list_size(H2_FIELDS_MAX_BYTES)
                .build(connector.clone())
        };
        let any = pool(IDLE_LIMIT, IDLE_MAX_PER_SERVER);
        // HTTP/2 says which requests it has not looked at when it closes (RFC 9113 §6.8).
        let recent =
            if prior_knowledge { any.clone() } else { pool(IDLE_LIMIT_UNREPEATABLE, IDLE_MAX_PER_SERVER) };
        let fresh = pool(IDLE_LIMIT, 0);
        Self { any, recent, fresh, limits, protocol, blame, metrics, clock }
    }

    /// Asks one server; once more on a new connection where an idle one had ended, if that is safe.
    ///
    /// The request's URI needs only a path; `Host` must be among its fields.
    pub async fn ask(
        &self,
        server: &Server,
        mut request: Request<Outgoing>,
    ) -> Result<Response<OriginBody>, Fault> {
        let repeat = Repeat::of(&mut request);
        let reuse = Reuse::of(&repeat);
        match self.send(server, request, reuse).await {
            Err(failed) if failed.stale_connection && repeat.is_idempotent() => {
                let Some(request) = repeat.again() else { return Err(failed.fault) };
                self.metrics.retries.inc();
                self.send(server, request, Reuse::Never).await.map_err(|failed| failed.fault)
            }
            outcome => outcome.map_err(|failed| failed.fault),
        }
    }

    /// Sends one request to one server and waits for the response head.
    pub(crate) async fn send(
        &self,
        server: &Server,
        mut request: Request<Outgoing>,
        reuse: Reuse,
    ) -> Result<Response<OriginBody>, Failed> {
        *request.uri_mut() = self.uri(server, &request)?;
        *request.version_mut() = http::Version::HTTP_11;
        frame(&mut request);
        if self.protocol == Protocol::Http2 {
            // RFC 9113 §8.2.2. `TE` stays: gRPC asks for trailers by it.
            request.headers_mut().remove(CONNECTION);
            request.headers_mut().remove(UPGRADE);
        }
        interim::listen(&mut request);
        self.metrics.requests.inc();
        let had_body = !request.body().is_empty();
        let may_leave = request.headers().contains_key(UPGRADE);
        let upload = request.body().upload();
        let connection = capture_connection(&mut request);
        let http = match reuse {
            Reuse::Any => &self.any,
            Reuse::Recent => &self.recent,
            Reuse::Never => &self.fresh,
        };
        let mut answer = pin!(http.request(request));
        let mut seen = 0;
        let outcome = loop {
            match tokio::time::timeout(self.limits.first_byte, answer.as_mut()).await {
                Ok(outcome) => break outcome,
                Err(_) if upload.as_ref().is_some_and(|upload| upload.is_the_clients(&mut seen)) => {}
                Err(_) => {
                    if let Some(upload) = upload {
                        upload.give_up();
                    }
                    return Err(self.failed(self.too_late(server)));
                }
            }
        };
        let first_use = self.first_use(&connection);
        match outcome {
            Ok(mut response) => {
                let tunnel = OriginEnd::of(&mut response);
                if tunnel.is_some() && !may_leave {
                    let detail = format!("{server} switched protocols, and nobody had asked for it");
                    return Err(self.failed(Fault::new(Cause::ProtocolError, self.blame, detail).into()));
                }
                self.frame_of(&mut response, &connection)?;
                Ok(response
                    .map(|body| OriginBody::new(body, self.limits.between_bytes, self.blame).leaving(tunnel)))
            }
            Err(error) => Err(self.failed(failure::of_request(&error, first_use, had_body, self.blame))),
        }
    }

    /// Sees to it that the head says once how its body is framed; else the connection is not used again.
    fn frame_of<B>(&self, response: &mut Response<B>, connection: &CaptureConnection) -> Result<(), Failed> {
        let (version, status) = (response.version(), response.status());
        let framing = framing::clean(version, status, response.headers_mut());
        if framing != Framing::Clean
            && let Some(connected) = connection.connection_metadata().as_ref()
        {
            connected.poison();
        }
        match framing {
            Framing::Clean | Framing::Cleaned => Ok(()),
            Framing::Bad(why) => {
                let fault = Fault::new(Cause::ProtocolError, self.blame, why).retry(Retry::IfIdempotent);
                Err(self.failed(fault.into()))
            }
        }
    }

    /// The URI says where the connection goes; over HTTP/2 also what the server takes for `Host` (RFC 9113 §8.3.1).
    fn uri(&self, server: &Server, request: &Request<Outgoing>) -> Result<Uri, Failed> {
        let host = match self.protocol {
            Protocol::Http1 => None,
            Protocol::Http2 => request.headers().get(HOST),
        };
        let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri = Uri::builder()
            .scheme(server.scheme.clone())
            .authority(host.unwrap_or_else(|| server.authority.clone()))
            .path_and_query(path)
            .build();
        uri.map_err(|error| Fault::new(Cause::BadRequest, Blame::Client, error.to_string()).into())
    }

    /// Counts the use, and sees to it that an old connection is not used again.
    fn first_use(&self, connection: &CaptureConnection) -> bool {
        let connected = connection.connection_metadata();
        let Some(connected) = connected.as_ref() else { return true };
        let mut extras = http::Extensions::new();
        connected.get_extras(&mut extras);
        let Some(uses) = extras.get::<Uses>() else { return true };
        if uses.is_old(self.clock.ticks()) {
            connected.poison();
        }
        uses.count()
    }

    fn failed(&self, failed: Failed) -> Failed {
        self.metrics.failures.inc();
        failed
    }

    fn too_late(&self, server: &Server) -> Failed {
        let limit_ms = self.limits.first_byte.as_millis();
        let detail = format!("{server} sent no byte of a response within {limit_ms} ms");
        Fault::new(Cause::ResponseTimeout, self.blame, detail).retry(Retry::IfIdempotent).into()
    }
}
