//! One node: everything is named here, nothing is decided.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use seawall_base::Clock;
use seawall_cluster::{ControlLog, EmbeddedLog, Members, Retention};
use seawall_pipeline::Edge;
use tokio::sync::watch;

use crate::config::Config;

mod assemble;
mod control;
mod error;
mod functions;
mod listen;
mod worker;

pub use error::StartError;

/// Waits until the node is told to stop. The sender's end is the node's end too.
pub(crate) async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// What the nodes of one process have in common.
#[derive(Clone)]
pub struct Shared {
    /// The control log.
    pub log: Arc<dyn ControlLog>,
    /// The table of nodes.
    pub members: Members,
    /// The clock.
    pub clock: Clock,
}

/// A node, about to start.
pub struct Node;

/// A running node. Dropping it does not stop it; [`Running::stop`] does.
pub struct Running {
    edge: Arc<Edge>,
    http: Vec<SocketAddr>,
    admin: SocketAddr,
    peers: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

impl Shared {
    /// A control log in the data directory, for the only process of a machine.
    pub fn open(data_dir: &Path) -> Result<Self, StartError> {
        let place = || data_dir.to_owned();
        std::fs::create_dir_all(data_dir).map_err(|source| StartError::DataDir {
            path: place(),
            source,
        })?;
        let log = EmbeddedLog::open(data_dir, Retention::default())?;
        Ok(Self::with(Arc::new(log), Clock::system()))
    }

    /// A control log that ends with the process.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        Self::with(Arc::new(EmbeddedLog::in_memory(Retention::default())), clock)
    }

    fn with(log: Arc<dyn ControlLog>, clock: Clock) -> Self {
        Self {
            log,
            members: Members::new(clock.clone()),
            clock,
        }
    }
}

impl Node {
    /// Starts a node. When this returns, it listens; it is ready once it has caught up with the log.
    pub fn start(config: Config, shared: &Shared) -> Result<Running, StartError> {
        let threads = config.node.threads.get();
        let http = listen::bind_all(&config.listen.http, threads)?;
        let peers = config
            .listen
            .peers
            .map(|address| listen::bind(address, threads))
            .transpose()?;
        let admin = listen::bind(config.admin.listen, 1)?;
        let peer_address = peers.as_ref().map(|bound| bound.address);
        let parts = assemble::assemble(config, shared, peer_address)?;

        let (stop, stopped) = watch::channel(false);
        let edge = Arc::clone(&parts.edge);
        let addresses = http.iter().map(|bound| bound.address).collect();
        let admin_address = admin.address;
        let mut handles = vec![control::spawn(parts, admin, stopped.clone())?];
        let doors = worker::doors(http, peers, threads);
        for (number, own) in doors.into_iter().enumerate() {
            handles.push(worker::spawn(number, own, Arc::clone(&edge), stopped.clone())?);
        }
        Ok(Running {
            edge,
            http: addresses,
            admin: admin_address,
            peers: peer_address,
            stop,
            threads: handles,
        })
    }
}

impl Running {
    /// Where clients are served.
    #[must_use]
    pub fn http(&self) -> &[SocketAddr] {
        &self.http
    }

    /// The operator's door.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Where other nodes ask.
    #[must_use]
    pub fn peers(&self) -> Option<SocketAddr> {
        self.peers
    }

    /// What all its requests share.
    #[must_use]
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Says where it listens.
    pub fn announce(&self) {
        let (node, region) = (self.edge.cluster.name(), self.edge.cluster.region());
        tracing::info!(%node, %region, http = ?self.http, admin = %self.admin, peers = ?self.peers, "serving");
    }

    /// Stops accepting, lets what runs finish within a bound, leaves the cluster, and waits for all that.
    pub fn stop(self) {
        self.edge.cluster.drain();
        // Every thread may have ended by itself.
        let _ = self.stop.send(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the node panicked");
            }
        }
    }
}
