//! One HTTP client, its connections pooled by server.

use std::pin::pin;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HeaderValue, TRAILER, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body::Body;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use seawall_base::{Blame, Cause, Fault};

use crate::body::{OriginBody, Outgoing};
use crate::connect::{Connector, Uses};
use crate::failure;
use crate::interim;
use crate::metrics::Metrics;
use crate::trust::Trust;

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

/// Where one request goes.
#[derive(Clone, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) scheme: &'a Scheme,
    pub(crate) authority: &'a Authority,
}

/// A client with its own connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: legacy::Client<Connector, Outgoing>,
    limits: Limits,
    blame: Blame,
    metrics: Metrics,
}

/// Says how the body is framed. hyper would guess that a GET has none (RFC 9112 §6.3).
fn frame(request: &mut Request<Outgoing>) {
    if request.body().is_empty() {
        // It announces what only a body can end with (RFC 9110 §6.6.2).
        request.headers_mut().remove(TRAILER);
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
    /// A client. `blame` says who its faults are put to: an origin or a peer.
    #[must_use]
    pub fn new(limits: Limits, trust: Trust, blame: Blame, metrics: Metrics) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(limits.connect));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(trust.0)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_MAX_PER_SERVER)
            .set_host(false)
            .build(Connector { https, limit: limits.connect });
        Self { http, limits, blame, metrics }
    }

    /// Sends one request to one server and waits for the response head.
    pub(crate) async fn send(
        &self,
        target: &Target<'_>,
        mut request: Request<Outgoing>,
    ) -> Result<Response<OriginBody>, Fault> {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri = Uri::builder()
            .scheme(target.scheme.clone())
            .authority(target.authority.clone())
            .path_and_query(path);
        *request.uri_mut() =
            uri.build().map_err(|error| Fault::new(Cause::BadRequest, Blame::Client, error.to_string()))?;
        *request.version_mut() = http::Version::HTTP_11;
        frame(&mut request);
        interim::listen(&mut request);
        self.metrics.requests.inc();
        let had_body = !request.body().is_empty();
        let upload = request.body().upload();
        let connection = capture_connection(&mut request);
        let mut answer = pin!(self.http.request(request));
        let mut seen = 0;
        let outcome = loop {
            match tokio::time::timeout(self.limits.first_byte, answer.as_mut()).await {
                Ok(outcome) => break outcome,
                Err(_) if upload.as_ref().is_some_and(|upload| upload.is_the_clients(&mut seen)) => {}
                Err(_) => {
                    if let Some(upload) = upload {
                        upload.give_up();
                    }
                    return Err(self.failed(self.too_late(target)));
                }
            }
        };
        let first_use = connection.connection_metadata().as_ref().is_none_or(|connected| {
            let mut extras = http::Extensions::new();
            connected.get_extras(&mut extras);
            extras.get::<Uses>().is_none_or(Uses::count)
        });
        match outcome {
            Ok(response) => {
                Ok(response.map(|body| OriginBody::new(body, self.limits.between_bytes, self.blame)))
            }
            Err(error) => Err(self.failed(failure::of_request(&error, first_use, had_body, self.blame))),
        }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn failed(&self, fault: Fault) -> Fault {
        self.metrics.failures.inc();
        fault
    }

    fn too_late(&self, target: &Target<'_>) -> Fault {
        let limit_ms = self.limits.first_byte.as_millis();
        let detail = format!("{} sent no byte of a response within {limit_ms} ms", target.authority);
        Fault::new(Cause::ResponseTimeout, self.blame, detail)
    }
}
