//! The control log and the table of nodes on NATS JetStream, for nodes of many processes and many regions.
//!
//! Owns: one connection, the thread that keeps it, the stream that is the log ([`NatsLog`]), the key-value bucket on
//! which every node says that it lives (`roster`). Refuses: consensus, replication and fan-out, which are the servers'
//! business; and changing a stream that is there, which is the operator's.
//!
//! The thread is its own: a node that drops a million objects on its control thread goes on answering the server's
//! pings and saying that it lives.

mod ask;
mod connect;
mod history;
mod link;
mod log;
mod options;
mod records;
mod roster;
mod stream;

#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use seawall_base::Clock;
use tokio::runtime::Handle;
use tokio::sync::watch;

use self::link::Link;
pub use self::log::NatsLog;
pub use self::options::{
    DEFAULT_MAX_BYTES, DEFAULT_NAME, DEFAULT_RETENTION, Login, NatsOptions, REPLICAS, Tls, check_server,
};
use self::roster::Roster;
use crate::cluster::Cluster;
use crate::membership::{Members, Reach};

/// Why NATS cannot be used. A server that is merely not there is no reason: the node waits for it.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// A credentials or certificate file.
    #[error("[cluster] {key}: {}: {error}", .path.display())]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// The addresses of the servers, or what the TLS files hold.
    #[error("[cluster] nats: {0}")]
    Connect(String),
    /// The thread.
    #[error("the thread for NATS cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// A process's part in a cluster on NATS. Clones are the same; when the last one goes, the node's name is taken off
/// the table and the connection ends.
#[derive(Clone)]
pub struct Nats(Arc<Inner>);

struct Inner {
    link: Link,
    options: Arc<NatsOptions>,
    clock: Clock,
    members: Members,
    runtime: Handle,
    rosters: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    /// Tells the rosters to take their leave.
    stop: watch::Sender<bool>,
    /// Tells the thread to end, and the connection with it.
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Nats {
    /// Begins to connect, and goes on trying for as long as it takes. Fails only where trying again would not help.
    pub fn start(options: NatsOptions, clock: Clock) -> Result<Self, NatsError> {
        let options = Arc::new(options);
        let (end, ended) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let own = Arc::clone(&options);
        let body = move || {
            runtime.block_on(async move {
                let link = connect::connect(&own).await;
                // Whoever started this waits for the answer.
                let _ = tell.send(link);
                let mut ended = ended;
                let _ = ended.wait_for(|end| *end).await;
            });
        };
        let thread = std::thread::Builder::new().name("nats".to_owned()).spawn(body)?;
        let link = told.recv().map_err(|_| io::Error::other("it ended at once"))??;
        let members = Members::reaching(Reach::ManyProcesses, clock.clone());
        members.reach_far_by(Arc::new(ask::Caller { link: link.clone(), options: Arc::clone(&options) }));
        let (runtime, rosters, thread) = (handle, Mutex::default(), Some(thread));
        let stop = watch::Sender::new(false);
        Ok(Self(Arc::new(Inner { link, options, clock, members, runtime, rosters, stop, end, thread })))
    }

    /// The control log.
    #[must_use]
    pub fn log(&self) -> NatsLog {
        NatsLog::new(self.0.link.clone(), Arc::clone(&self.0.options), self.0.clock.clone())
    }

    /// The table of nodes.
    #[must_use]
    pub fn members(&self) -> Members {
        self.0.members.clone()
    }

    /// Tells the other processes of a node of this one, and this one of theirs, for as long as the node is there.
    pub fn announce(&self, cluster: &Cluster) {
        let roster = Roster::new(
            self.0.link.clone(),
            Arc::clone(&self.0.options),
            self.0.clock.clone(),
            self.0.members.clone(),
            cluster.seat(),
        );
        let task = self.0.runtime.spawn(roster.run(self.0.stop.subscribe()));
        let answering = ask::answer(
            self.0.link.clone(),
            Arc::clone(&self.0.options),
            self.0.members.clone(),
            cluster.name().clone(),
            self.0.stop.subscribe(),
        );
        let answering = self.0.runtime.spawn(answering);
        self.0.rosters.lock().extend([task, answering]);
    }
}

#[cfg(test)]
impl Nats {
    /// Ends without a word.
    fn crash(&self) {
        self.0.rosters.lock().drain(..).for_each(|roster| roster.abort());
        self.0.end.send_replace(true);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.farewell();
        let _ = self.end.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for NATS panicked");
        }
    }
}

impl Inner {
    /// Lets each node take its name off the table, within [`roster::FAREWELL_LIMIT`].
    fn farewell(&mut self) {
        let rosters = std::mem::take(&mut *self.rosters.lock());
        self.stop.send_replace(true);
        let (done, ended) = std::sync::mpsc::sync_channel::<()>(1);
        self.runtime.spawn(async move {
            let all = futures_util::future::join_all(rosters);
            let _ = tokio::time::timeout(roster::FAREWELL_LIMIT, all).await;
            drop(done);
        });
        let _ = ended.recv();
    }
}
