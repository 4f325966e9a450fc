//! One thread, one runtime, its own listeners: a request never changes threads.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use http::uri::Scheme;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use seawall_origin::Outgoing;
use seawall_pipeline::peer::serve_peer;
use seawall_pipeline::{Connection, Edge, serve};
use tokio::net::TcpStream;
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

use super::listen::Bound;
use super::{StartError, told};

/// How long what runs may go on after the node was told to stop. Below the 10 s after which container runtimes kill.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// How long a client may take to send a request's head. Slow ones would hold a connection for nothing.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// How often an HTTP/2 client that says nothing is asked whether it is there, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(10);

/// How long accepting rests after an error that is not one connection's, such as too many open files.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What comes in at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Clients,
    Peers,
}

/// The listeners of one thread.
pub(crate) struct Doors(Vec<(From, TcpListener)>);

/// Deals the sockets out, one of each address to each thread.
pub(crate) fn doors(http: Vec<Bound>, peers: Option<Bound>, threads: usize) -> Vec<Doors> {
    let mut doors: Vec<Doors> = (0..threads).map(|_| Doors(Vec::new())).collect();
    let clients = http.into_iter().map(|bound| (From::Clients, bound));
    for (from, bound) in clients.chain(peers.map(|bound| (From::Peers, bound))) {
        for (own, socket) in doors.iter_mut().zip(bound.sockets) {
            own.0.push((from, socket));
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
    for (from, socket) in doors.0 {
        accepting.spawn(accept(from, socket, Arc::clone(&edge), stopped.clone()));
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

async fn accept(from: From, socket: TcpListener, edge: Arc<Edge>, stopped: watch::Receiver<bool>) {
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
                Ok((stream, client)) => serve_connection(from, stream, client, &edge, &running),
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

fn serve_connection(
    from: From,
    stream: TcpStream,
    client: SocketAddr,
    edge: &Arc<Edge>,
    running: &GracefulShutdown,
) {
    // Without it small responses wait for the client's acknowledgement. Some sockets cannot: then they wait.
    let _ = stream.set_nodelay(true);
    let edge = Arc::clone(edge);
    let connection = Connection { ip: Some(client.ip()), scheme: Scheme::HTTP, tls_version: None };
    let connection = Arc::new(connection);
    let asked = Arc::new(AtomicBool::new(false));
    let has_asked = Arc::clone(&asked);
    let service = service_fn(move |request: Request<Incoming>| {
        let (edge, connection) = (Arc::clone(&edge), Arc::clone(&connection));
        asked.store(true, Ordering::Relaxed);
        async move {
            let request = request.map(Outgoing::from_client);
            Ok::<_, Infallible>(match from {
                From::Clients => serve(&edge, &connection, request).await,
                From::Peers => serve_peer(&edge, request).await,
            })
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).pipeline_flush(true);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_LIMIT);
    let serving = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let serving = running.watch(serving);
    tokio::spawn(async move {
        let mut serving = pin!(serving);
        let ended = match tokio::time::timeout(HEAD_LIMIT, serving.as_mut()).await {
            Ok(ended) => ended,
            // Until it is known which version a client speaks, nothing else counts its time.
            Err(_) if !has_asked.load(Ordering::Relaxed) => return,
            Err(_) => serving.await,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
