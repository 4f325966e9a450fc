//! One connection, from its first byte to its last.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use ipnet::IpNet;
use seawall_base::{Blame, Cause, Fault};
use seawall_origin::Outgoing;
use seawall_pipeline::interim::Line;
use seawall_pipeline::peer::serve_peer;
use seawall_pipeline::{Connection, LastHost, Reply, Tunnels, serve as pipeline};
use seawall_policy::admission::HeadLimits;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Front;
use super::census::{Place, Refusal};
use super::metrics::{Counted, Way};
use super::proxy_protocol::{self, Source};
use super::pulse::{Cut, Looks, Open, Pulse, Watch};
use super::tls::Protocol;
use super::wire::Wire;
use crate::config::{Listen, ProxyKeys};
use crate::node::interlaced::Interlaced;
use crate::node::live::Live;
use crate::node::strict::Strict;
use crate::node::told;

/// How often an HTTP/2 client that says nothing is asked whether it is there, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(10);

/// Least of the bytes that hyper may hold for one HTTP/1 connection: of a request's head, and of a response on its way to
/// a client that reads slowly, up to one piece more. hyper's own limit is six times as much.
const BUFFER_MIN_BYTES: usize = 64 << 10;

/// What a head has besides its target and its fields, on a connection: a method, a version, and line ends.
const HEAD_OVERHEAD_BYTES: usize = 1 << 10;

/// Most bytes that are held for one HTTP/2 stream before its next piece is asked for.
const STREAM_BUFFER_MAX_BYTES: usize = 64 << 10;

/// Bytes of bodies that a client may send ahead on one HTTP/2 stream, and on all of a connection: what it costs where an
/// origin takes none.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;

/// Requests that a client has reset before hyper has looked at them; with one more the connection ends with
/// `ENHANCE_YOUR_CALM` (CVE-2023-44487). Those that were looked at are counted by `pulse`.
const UNSEEN_RESETS_MAX: usize = 20;

/// Streams that end with an error of the client's; with one more the connection ends (CVE-2025-8671).
const ERROR_RESETS_MAX: usize = 64;

/// What all connections of one listener have in common.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) way: Way,
    pub(crate) front: Arc<Front>,
    /// A request takes from it once, and keeps what it took.
    pub(crate) live: Live,
    /// Told when the node is.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// What one connection holds until it ends.
struct Held {
    place: Option<Place>,
    _counted: Counted,
}

/// Serves a connection, in the background. It ends at the latest when the drain does.
pub(crate) fn serve(door: &Door, stream: TcpStream, client: SocketAddr, running: Watcher) {
    let front = &door.front;
    // Other nodes prove who they are, and one that is kept out asks an origin instead.
    let place = if door.way == Way::Peers { Ok(None) } else { front.census.admit().map(Some) };
    let place = match place {
        Ok(place) => place,
        Err(refusal) => return front.metrics.refuse(refusal),
    };
    let mut held = Held { place, _counted: front.metrics.accept(door.way) };
    // Without it small responses wait for the client's acknowledgement. Some sockets cannot: then they wait.
    let _ = stream.set_nodelay(true);
    let now = door.live.now();
    let proxies = &now.config.listen.proxies;
    let is_passed_on = door.way != Way::Peers && is_in(&proxies.proxy_protocol, client);
    if !is_passed_on && let Err(refusal) = held.take(proxies, client) {
        return front.metrics.refuse(refusal);
    }
    let door = door.clone();
    tokio::spawn(async move {
        let (mut stream, mut held, mut client) = (stream, held, client);
        if is_passed_on {
            match Box::pin(introduced(&door, &mut stream, client, &mut held)).await {
                Ok(source) => client = source,
                Err(refusal) => return door.front.metrics.refuse(refusal),
            }
        }
        if door.way != Way::Https {
            let ends = Ends { client, scheme: Scheme::HTTP, tls_version: None, protocol: Protocol::Any };
            return converse(door, Wire::Plain(stream), ends, running, held).await;
        }
        // Boxed: a handshake is larger than what comes after it, and over sooner.
        let Some((wire, ends)) = Box::pin(secure(&door, stream, client)).await else { return };
        converse(door, wire, ends, running, held).await;
    });
}

fn is_in(networks: &[IpNet], address: SocketAddr) -> bool {
    let address = address.ip().to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

impl Held {
    /// The connection is this client's. A trusted proxy has many, and is not counted.
    fn take(&mut self, proxies: &ProxyKeys, client: SocketAddr) -> Result<(), Refusal> {
        match &mut self.place {
            Some(place) if !is_in(&proxies.trusted, client) => place.take(client.ip()),
            _ => Ok(()),
        }
    }
}

/// Whose connection it is, by the header that it must begin with.
async fn introduced(
    door: &Door,
    stream: &mut TcpStream,
    sender: SocketAddr,
    held: &mut Held,
) -> Result<SocketAddr, Refusal> {
    let now = door.live.now();
    let listen = &now.config.listen;
    let reading = tokio::time::timeout(listen.connections.head_timeout, proxy_protocol::read(stream));
    let read = tokio::select! {
        read = reading => read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        () = told(door.stopped.clone()) => Err(io::ErrorKind::ConnectionAborted.into()),
    };
    let client = match read {
        Ok(Source::Client(client)) => client,
        Ok(Source::Sender) => sender,
        Err(error) => {
            tracing::debug!(%sender, %error, "no header of the PROXY protocol");
            return Err(Refusal::ProxyHeader);
        }
    };
    held.take(&listen.proxies, client)?;
    Ok(client)
}

/// What is known of a connection before its first request.
struct Ends {
    client: SocketAddr,
    scheme: Scheme,
    tls_version: Option<&'static str>,
    protocol: Protocol,
}

/// Shakes hands. Nobody waits at a drain for those that have not.
async fn secure(door: &Door, stream: TcpStream, client: SocketAddr) -> Option<(Wire, Ends)> {
    let tls = door.front.tls.as_ref()?;
    let outcome = tokio::select! {
        outcome = tls.accept(stream) => outcome,
        () = told(door.stopped.clone()) => return None,
    };
    match outcome {
        Ok(secured) => {
            door.front.metrics.shook_hands(secured.handshake());
            let (tls_version, protocol) = (Some(secured.version), secured.protocol);
            let ends = Ends { client, scheme: Scheme::HTTPS, tls_version, protocol };
            Some((Wire::Tls(Box::new(secured.stream)), ends))
        }
        Err(outcome) => {
            door.front.metrics.shook_hands(outcome);
            None
        }
    }
}

/// Takes requests and answers them, until a side ends it or a limit does.
async fn converse(door: Door, wire: Wire, ends: Ends, running: Watcher, held: Held) {
    // A tunnel takes the place over, and the connection's end is not its own.
    let held = Arc::new(held);
    let (front, now) = (Arc::clone(&door.front), door.live.now());
    let tunnels = (door.way != Way::Peers).then(|| Tunnels {
        place: Arc::<Held>::clone(&held),
        stopped: door.stopped.clone(),
        idle: now.config.listen.connections.tunnel_timeout,
    });
    let line = Arc::new(Line::default());
    let pulse = Arc::new(Pulse::default());
    let stream = Interlaced::new(TokioIo::new(Strict::new(wire)), Arc::clone(&line), Arc::clone(&pulse));
    let connection = Connection {
        ip: Some(ends.client.ip()),
        scheme: ends.scheme,
        tls_version: ends.tls_version,
        last_host: LastHost::default(),
        interim: Some(line),
        tunnels,
    };
    let limits = Looks::of(&now.config.listen.connections);
    let builder = builder(&now.config.listen, door.way, ends.protocol);
    drop(now);
    let seat = Arc::new(Seat { door, connection, limits, pulse: Arc::clone(&pulse) });
    let service = service_fn(move |request: Request<Incoming>| {
        let open = seat.pulse.begin();
        answer(Arc::clone(&seat), open, request)
    });
    let serving = builder.serve_connection_with_upgrades(stream, service).into_owned();
    let mut serving = pin!(running.watch(serving));
    let mut watch = Watch::default();
    loop {
        match tokio::time::timeout(limits.every, serving.as_mut()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => return tracing::debug!(%error, "a connection ended early"),
            Err(_) => {
                if let Some(why) = watch.look(&pulse, limits) {
                    return front.metrics.cut(why);
                }
            }
        }
    }
}

/// Most bytes of a head that is not refused.
fn head_bytes(limits: &HeadLimits) -> usize {
    limits.uri_bytes.saturating_add(limits.fields_bytes).saturating_add(HEAD_OVERHEAD_BYTES)
}

/// Most bytes of an HTTP/2 request's fields, as its RFC counts them (RFC 9113 §6.5.2): 32 more for each, and those that
/// HTTP/1 has in a request line.
fn h2_fields_bytes(limits: &HeadLimits) -> u32 {
    let bytes = head_bytes(limits).saturating_add(limits.fields.saturating_mul(32));
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn builder(listen: &Listen, way: Way, protocol: Protocol) -> auto::Builder<TokioExecutor> {
    let (limits, head) = (&listen.connections, listen.head.limits());
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // hyper's own limit for heads would set a timer for each request; `Pulse` has one for each connection.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(head_bytes(&head).max(BUFFER_MIN_BYTES));
    // hyper has room for its own number anyway, and makes room for another one on each request. Peers' fields are counted
    // where they are read.
    if way != Way::Peers && head.fields != HeadLimits::default().fields {
        builder.http1().max_headers(head.fields);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_LIMIT)
        .max_header_list_size(h2_fields_bytes(&head))
        .max_concurrent_streams(limits.max_streams.get())
        .max_send_buf_size(STREAM_BUFFER_MAX_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_pending_accept_reset_streams(UNSEEN_RESETS_MAX)
        .max_local_error_reset_streams(ERROR_RESETS_MAX);
    match protocol {
        Protocol::Any => builder,
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
}

/// What the requests of one connection share.
struct Seat {
    door: Door,
    connection: Connection,
    limits: Looks,
    pulse: Arc<Pulse>,
}

/// Why a request has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ended(Cut);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl std::error::Error for Ended {}

async fn answer(seat: Arc<Seat>, open: Open, request: Request<Incoming>) -> Result<Response<Tracked>, Ended> {
    let Seat { door, connection, limits, pulse } = &*seat;
    if request.version() == Version::HTTP_2 {
        pulse.is_http2();
        if pulse.is_abused() {
            return Err(Ended(Cut::Resets));
        }
    }
    let now = door.live.now();
    let listen = &now.config.listen;
    let request = request.map(|body| Outgoing::from_client(body, listen.body_timeout));
    let answering = async {
        match door.way {
            Way::Http | Way::Https => pipeline(&now.edge, connection, request).await,
            Way::Peers => serve_peer(&now.edge, connection, request).await,
        }
    };
    let Some(response) = within(listen.connections.total_timeout, answering).await else {
        door.front.metrics.cut(Cut::Total);
        return Err(Ended(Cut::Total));
    };
    Ok(response.map(|reply| Tracked::new(reply, open, limits.total)))
}

/// The output, unless `limit` passes first. The timer is made where there is something to wait for: a hit has none.
async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut late = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let late = late.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        late.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// A response's body, under way until hyper drops it.
struct Tracked {
    reply: Reply,
    open: Open,
    /// After so many looks it is cut.
    total: u32,
}

impl Tracked {
    fn new(reply: Reply, mut open: Open, total: u32) -> Self {
        if reply.is_end_stream() {
            open.ends();
        }
        Self { reply, open, total }
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        if this.open.looks() >= this.total {
            let why = "the request took longer than total_timeout";
            return Poll::Ready(Some(Err(Fault::new(Cause::RequestTimeout, Blame::Client, why))));
        }
        this.open.asks();
        let polled = Pin::new(&mut this.reply).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(_))) if this.reply.is_end_stream() => this.open.ends(),
            Poll::Ready(Some(Ok(_))) => this.open.sends(),
            Poll::Ready(None | Some(Err(_))) => this.open.ends(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.reply.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reply.size_hint()
    }
}
