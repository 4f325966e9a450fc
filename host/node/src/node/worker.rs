//! One thread, one runtime, its own listeners: a request never changes threads.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

use super::front::{self, Door, Front, Way};
use super::listen::Bound;
use super::live::Live;
use super::{StartError, told};

/// How long what runs may go on after the node was told to stop. Below the 10 s after which container runtimes kill.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// How long accepting rests after an error that is not one connection's, such as too many open files.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// The listeners of one thread.
#[derive(Default)]
pub(crate) struct Doors {
    sockets: Vec<(Way, TcpListener)>,
}

/// Deals the sockets out, one of each address to each thread.
pub(crate) fn doors(listeners: impl IntoIterator<Item = (Way, Bound)>, threads: usize) -> Vec<Doors> {
    let mut doors: Vec<Doors> = (0..threads).map(|_| Doors::default()).collect();
    for (way, bound) in listeners {
        for (own, socket) in doors.iter_mut().zip(bound.sockets) {
            own.sockets.push((way, socket));
        }
    }
    doors
}

/// Starts the thread.
pub(crate) fn spawn(
    number: usize,
    doors: Doors,
    front: Arc<Front>,
    live: Live,
    stopped: watch::Receiver<bool>,
    together: Arc<Barrier>,
) -> Result<JoinHandle<()>, StartError> {
    let failed = |source| StartError::Io { what: "a worker thread", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let body = move || runtime.block_on(work(doors, front, live, stopped, together));
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(body).map_err(failed)
}

async fn work(
    doors: Doors,
    front: Arc<Front>,
    live: Live,
    stopped: watch::Receiver<bool>,
    together: Arc<Barrier>,
) {
    let mut accepting = JoinSet::new();
    for (way, socket) in doors.sockets {
        let (front, live) = (Arc::clone(&front), live.clone());
        accepting.spawn(accept(Door { way, front, live, stopped: stopped.clone() }, socket));
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

async fn accept(door: Door, socket: TcpListener) {
    let listener = match tokio::net::TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a listener could not be used"),
    };
    let running = GracefulShutdown::new();
    let stop = told(door.stopped.clone());
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => front::serve(&door, stream, client, running.watcher()),
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
