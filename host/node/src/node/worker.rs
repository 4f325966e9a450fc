//! One thread, one runtime, its own listeners: a request never changes threads.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http_body::{Body, Frame, SizeHint};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use seawall_base::Fault;
use seawall_origin::Outgoing;
use seawall_pipeline::interim::Line;
use seawall_pipeline::peer::serve_peer;
use seawall_pipeline::{Connection, Edge, LastHost, Reply, serve};
use tokio::net::TcpStream;
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

use super::interlaced::Interlaced;
use super::listen::Bound;
use super::{StartError, told};

/// How long what runs may go on after the node was told to stop. Below the 10 s after which container runtimes kill.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// How long a client may take to send a request's head, its first one or the next: a connection on which nothing is
/// under way and nothing begins is closed after this and at most twice this.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// How often an HTTP/2 client that says nothing is asked whether it is there, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(10);

/// Most bytes that hyper holds for one HTTP/1 connection: of a request's head, and of a response on its way to a client
/// that reads slowly, up to one piece more. hyper's own limit is six times as much.
const BUFFER_MAX_BYTES: usize = 64 << 10;

/// How long accepting rests after an error that is not one connection's, such as too many open files.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What comes in at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Clients,
    Peers,
}

/// The listeners of one thread.
pub(crate) struct Doors {
    sockets: Vec<(From, TcpListener)>,
    /// How long a client may leave between two pieces of a request's body.
    body_limit: Duration,
}

/// Deals the sockets out, one of each address to each thread.
pub(crate) fn doors(
    http: Vec<Bound>,
    peers: Option<Bound>,
    threads: usize,
    body_limit: Duration,
) -> Vec<Doors> {
    let mut doors: Vec<Doors> = (0..threads).map(|_| Doors { sockets: Vec::new(), body_limit }).collect();
    let clients = http.into_iter().map(|bound| (From::Clients, bound));
    for (from, bound) in clients.chain(peers.map(|bound| (From::Peers, bound))) {
        for (own, socket) in doors.iter_mut().zip(bound.sockets) {
            own.sockets.push((from, socket));
        }
    }
    doors
}

/// Starts the thread.
pub(crate) fn spawn(
    number: usize,
    doors: Doors,
    edge: Arc<Edge>,
    stopped: watch::Receiver<bool>,
    together: Arc<Barrier>,
) -> Result<JoinHandle<()>, StartError> {
    let failed = |source| StartError::Io { what: "a worker thread", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let body = move || runtime.block_on(work(doors, edge, stopped, together));
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(body).map_err(failed)
}

async fn work(doors: Doors, edge: Arc<Edge>, stopped: watch::Receiver<bool>, together: Arc<Barrier>) {
    let mut accepting = JoinSet::new();
    for (from, socket) in doors.sockets {
        let door = Door { from, body_limit: doors.body_limit, edge: Arc::clone(&edge) };
        accepting.spawn(accept(door, socket, stopped.clone()));
    }
    while let Some(ended) = accepting.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a listener's task ended: nobody is served there any more");
        }
    }
    // A connection to an origin lives on the thread that opened it, and any thread may be waiting for its answer.
    // One that panicked never comes.
    let _ = tokio::time::timeout(DRAIN_LIMIT, together.wait()).await;
}

/// What all connections of one listener have in common.
#[derive(Clone)]
struct Door {
    from: From,
    body_limit: Duration,
    edge: Arc<Edge>,
}

async fn accept(door: Door, socket: TcpListener, stopped: watch::Receiver<bool>) {
    let listener = match tokio::net::TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a listener could not be used"),
    };
    let running = GracefulShutdown::new();
    let stop = told(stopped);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => serve_connection(&door, stream, client, &running),
                // The client left before it was accepted: the next one is fine.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections for a moment");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_LIMIT, running.shutdown()).await.is_err() {
        tracing::warn!(limit_s = DRAIN_LIMIT.as_secs(), "connections were cut: they did not end in time");
    }
}

fn serve_connection(door: &Door, stream: TcpStream, client: SocketAddr, running: &GracefulShutdown) {
    // Without it small responses wait for the client's acknowledgement. Some sockets cannot: then they wait.
    let _ = stream.set_nodelay(true);
    let Door { from, body_limit, edge } = door.clone();
    let line = Arc::new(Line::default());
    let stream = Interlaced::new(TokioIo::new(stream), Arc::clone(&line));
    let connection = Connection {
        ip: Some(client.ip()),
        scheme: Scheme::HTTP,
        tls_version: None,
        last_host: LastHost::default(),
        interim: Some(line),
    };
    let connection = Arc::new(connection);
    let activity = Arc::new(Activity::default());
    let own = Arc::clone(&activity);
    let service = service_fn(move |request: Request<Incoming>| {
        let (edge, connection) = (Arc::clone(&edge), Arc::clone(&connection));
        let open = own.begin();
        async move {
            let request = request.map(|body| Outgoing::from_client(body, body_limit));
            let response = match from {
                From::Clients => serve(&edge, &connection, request).await,
                From::Peers => serve_peer(&edge, &connection, request).await,
            };
            Ok::<_, Infallible>(response.map(|reply| Tracked { reply, _open: open }))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // hyper's own limit for heads would set a timer for each request; `Activity` has one for each connection.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER_MAX_BYTES);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_LIMIT);
    let serving = builder.serve_connection(stream, service).into_owned();
    let serving = running.watch(serving);
    tokio::spawn(async move {
        let mut serving = pin!(serving);
        let mut seen = 0;
        loop {
            match tokio::time::timeout(HEAD_LIMIT, serving.as_mut()).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => return tracing::debug!(%error, "a connection ended early"),
                Err(_) if activity.is_idle_since(&mut seen) => return,
                Err(_) => {}
            }
        }
    });
}

/// What goes on at one connection.
#[derive(Debug, Default)]
struct Activity {
    /// Requests whose head has come.
    begun: AtomicU64,
    /// Responses that are not whole yet.
    open: AtomicU64,
}

impl Activity {
    fn begin(self: &Arc<Self>) -> Open {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Whether nothing is under way and nothing has begun since this was asked last.
    fn is_idle_since(&self, seen: &mut u64) -> bool {
        let begun = self.begun.load(Ordering::Relaxed);
        let before = std::mem::replace(seen, begun);
        before == begun && self.open.load(Ordering::Relaxed) == 0
    }
}

/// One response under way.
#[derive(Debug)]
struct Open(Arc<Activity>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response's body, under way until hyper drops it.
struct Tracked {
    reply: Reply,
    _open: Open,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        Pin::new(&mut self.reply).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.reply.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reply.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_when_nothing_is_open_and_nothing_has_begun() {
        let activity = Arc::new(Activity::default());
        let mut seen = 0;
        assert!(activity.is_idle_since(&mut seen), "it never asked for anything");
        let open = activity.begin();
        assert!(!activity.is_idle_since(&mut seen));
        assert!(!activity.is_idle_since(&mut seen), "a long download is not idle");
        drop(open);
        assert!(activity.is_idle_since(&mut seen));
        drop(activity.begin());
        assert!(!activity.is_idle_since(&mut seen), "it asked in between");
        assert!(activity.is_idle_since(&mut seen));
    }
}
