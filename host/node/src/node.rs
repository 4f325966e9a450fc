//! One node: everything is named here, nothing is decided.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use seawall_base::{Clock, NodeName};
use seawall_cluster::nats::{Login, NatsOptions, Tls};
use seawall_cluster::{Cluster, ControlLog, EmbeddedLog, Members, Nats, Retention};
use seawall_functions::depot::Depot;
use seawall_functions::{Catalog, Compiler, EngineItself, NobodyElse};
use seawall_pipeline::{Edge, Trace};
use tokio::sync::{Barrier, mpsc, oneshot, watch};

use self::live::Live;
use self::reload::Trigger;
use crate::config::{self, Config, NatsLogin};
use front::Way;

mod access_log;
mod assemble;
mod build;
pub mod compile;
mod control;
mod error;
mod front;
mod functions;
mod interlaced;
mod listen;
pub(crate) mod live;
mod origins;
mod process_metrics;
mod reload;
mod settings;
mod strict;
mod telemetry;
mod view;
mod worker;

pub use error::StartError;
pub use live::Source;
pub use reload::{Reloads, SetLog};

/// Where the versions of functions are, in the data directory.
const FUNCTIONS_FOLDER: &str = "functions";
/// Where their compiled code is, there.
const CODE_FOLDER: &str = "functions-code";

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
    /// What tells the nodes of other processes about those of this one, where there are any.
    nats: Option<Nats>,
    /// The functions and their versions.
    catalog: Arc<Catalog>,
    /// Who else is told of every request.
    trace: Option<Arc<dyn Trace>>,
}

/// A node, about to start.
pub struct Node;

/// A running node. Dropping it does not stop it; [`Running::stop`] does.
pub struct Running {
    live: Live,
    orders: mpsc::UnboundedSender<control::Order>,
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    admin: SocketAddr,
    peers: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    /// Told only when the workers have ended: while they drain, the operator's door says so, and purges are applied.
    end: watch::Sender<bool>,
    control: JoinHandle<()>,
    /// Ends last: until then there are requests.
    access_log: Option<access_log::Writer>,
    telemetry: Option<telemetry::Sender>,
}

impl Shared {
    /// What a process with this configuration has: the control log on NATS, where it names servers, else a file. Deployed
    /// functions are compiled by `program`, which is this one, in processes of their own; where there is none, by the
    /// engine itself.
    pub fn of(config: &Config, program: Option<PathBuf>) -> Result<Self, StartError> {
        Self::of_at(config, program, Clock::system())
    }

    /// The same, by another clock.
    pub fn of_at(config: &Config, program: Option<PathBuf>, clock: Clock) -> Result<Self, StartError> {
        match &config.cluster.nats {
            Some(nats) => Self::connect(config, nats, program, clock),
            None => Self::open_with(&config.node.data_dir, program, clock),
        }
    }

    /// The same, and somebody is told of every request.
    #[must_use]
    pub fn traced(mut self, trace: Arc<dyn Trace>) -> Self {
        self.trace = Some(trace);
        self
    }

    /// A control log in the data directory, for the only process of a machine.
    pub fn open(data_dir: &Path) -> Result<Self, StartError> {
        Self::open_with(data_dir, None, Clock::system())
    }

    fn open_with(data_dir: &Path, program: Option<PathBuf>, clock: Clock) -> Result<Self, StartError> {
        make_data_dir(data_dir)?;
        let log = EmbeddedLog::open(data_dir, Retention::default())?;
        let catalog = catalog(data_dir, program, &clock)?;
        Ok(Self::with(Arc::new(log), clock, catalog))
    }

    /// A control log on NATS, for processes on many machines.
    fn connect(
        config: &Config,
        nats: &config::Nats,
        program: Option<PathBuf>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let data_dir = &config.node.data_dir;
        make_data_dir(data_dir)?;
        let catalog = Arc::new(catalog(data_dir, program, &clock)?);
        let nats = Nats::start(nats_options(&config.node.name, nats), clock.clone())?;
        let (log, members) = (Arc::new(nats.log()), nats.members());
        Ok(Self { log, members, clock, nats: Some(nats), catalog, trace: None })
    }

    /// A control log that ends with the process.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        let (depot, config) = (Depot::in_memory(), seawall_functions::Config::default());
        let catalog =
            Catalog::new(depot, Box::new(NobodyElse), Box::new(EngineItself), config, clock.clone());
        Self::with(Arc::new(EmbeddedLog::in_memory(Retention::default())), clock, catalog)
    }

    fn with(log: Arc<dyn ControlLog>, clock: Clock, catalog: Catalog) -> Self {
        let members = Members::new(clock.clone());
        Self { log, members, clock, nats: None, catalog: Arc::new(catalog), trace: None }
    }

    /// Tells the nodes of other processes about one of this.
    pub(crate) fn announce(&self, cluster: &Cluster) {
        if let Some(nats) = &self.nats {
            nats.announce(cluster);
        }
    }
}

/// What is in it, the control log and the admin token, is nobody else's.
fn make_data_dir(path: &Path) -> Result<(), StartError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::DataDir { path: path.to_owned(), source })
}

/// The functions of a data directory.
fn catalog(data_dir: &Path, program: Option<PathBuf>, clock: &Clock) -> Result<Catalog, StartError> {
    let depot = Depot::open(&data_dir.join(FUNCTIONS_FOLDER)).map_err(StartError::Depot)?;
    let code = code_folder(data_dir)?;
    let compiler: Box<dyn Compiler> = match program {
        Some(program) => Box::new(compile::Child { program, code: code.clone() }),
        None => Box::new(EngineItself),
    };
    let config =
        seawall_functions::Config { code_folder: Some(code), ..seawall_functions::Config::default() };
    Ok(Catalog::new(depot, Box::new(NobodyElse), compiler, config, clock.clone()))
}

fn nats_options(node: &NodeName, nats: &config::Nats) -> NatsOptions {
    let login = match &nats.login {
        NatsLogin::Anonymous => Login::Anonymous,
        NatsLogin::Credentials(path) => Login::Credentials(path.clone()),
        NatsLogin::Nkey(seed) => Login::Nkey(seed.expose().to_owned()),
        NatsLogin::Token(token) => Login::Token(token.expose().to_owned()),
        NatsLogin::Password { user, password } => {
            Login::Password { user: user.clone(), password: password.expose().to_owned() }
        }
    };
    NatsOptions {
        servers: nats.servers.clone(),
        name: nats.name.clone(),
        domain: nats.domain.clone(),
        replicas: nats.replicas,
        retention: nats.retention,
        max_bytes: nats.max_bytes.0,
        max_records: None,
        login,
        tls: Tls { ca: nats.tls_ca.clone(), own: nats.tls_cert.clone().zip(nats.tls_key.clone()) },
        client_name: format!("seawall {node}"),
    }
}

/// Where compiled code is kept: absolute, and nobody else's.
fn code_folder(data_dir: &Path) -> Result<PathBuf, StartError> {
    let made = |folder: PathBuf| {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        folder.canonicalize()
    };
    let folder = data_dir.join(CODE_FOLDER);
    made(folder.clone()).map_err(|source| StartError::DataDir { path: folder, source })
}

impl Node {
    /// Starts a node. When this returns, it listens; it is ready once it has caught up with the log.
    pub fn start(config: &Config, shared: &Shared) -> Result<Running, StartError> {
        Self::start_reloading(config, shared, Reloads::default())
    }

    /// The same, of a configuration that can be read again.
    pub fn start_reloading(
        config: &Config,
        shared: &Shared,
        reloads: Reloads,
    ) -> Result<Running, StartError> {
        let threads = config.node.threads.get();
        let http = listen::bind_all(&config.listen.http, threads)?;
        let https = listen::bind_all(&config.listen.https, threads)?;
        let peers = config.listen.peers.map(|address| listen::bind(address, threads)).transpose()?;
        let admin = listen::bind(config.admin.listen, 1)?;
        let peer_address = peers.as_ref().map(|bound| bound.address);
        let https_port = https.first().map(|bound| bound.address.port());
        let mut parts = assemble::assemble(config, shared, peer_address, https_port, reloads)?;
        let (access_log, telemetry) = (parts.access_log.take(), parts.telemetry.take());

        let (stop, stopped) = watch::channel(false);
        let live = parts.live.clone();
        let front = Arc::clone(&parts.front);
        let addresses = |bound: &[listen::Bound]| bound.iter().map(|bound| bound.address).collect();
        let (http_at, https_at) = (addresses(&http), addresses(&https));
        let admin_address = admin.address;
        let (end, ended) = watch::channel(false);
        let (orders, ordered) = mpsc::unbounded_channel();
        let control = control::spawn(parts, admin, ordered, ended)?;
        let listeners = ways(Way::Http, http).chain(ways(Way::Https, https)).chain(ways(Way::Peers, peers));
        let doors = worker::doors(listeners, threads);
        let together = Arc::new(Barrier::new(doors.len()));
        let mut workers = Vec::new();
        for (number, own) in doors.into_iter().enumerate() {
            let (front, live) = (Arc::clone(&front), live.clone());
            let together = Arc::clone(&together);
            workers.push(worker::spawn(number, own, front, live, stopped.clone(), together)?);
        }
        let (http, https, admin, peers) = (http_at, https_at, admin_address, peer_address);
        Ok(Running {
            live,
            orders,
            http,
            https,
            admin,
            peers,
            stop,
            workers,
            end,
            control,
            access_log,
            telemetry,
        })
    }
}

/// What comes in at each of them.
fn ways(
    way: Way,
    bound: impl IntoIterator<Item = listen::Bound>,
) -> impl Iterator<Item = (Way, listen::Bound)> {
    bound.into_iter().map(move |bound| (way, bound))
}

impl Running {
    /// Where clients are served over TLS.
    #[must_use]
    pub fn https(&self) -> &[SocketAddr] {
        &self.https
    }

    /// Where clients are served in plain HTTP.
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

    /// What its requests share from now on, until a reload.
    #[must_use]
    pub fn edge(&self) -> Arc<Edge> {
        self.live.edge()
    }

    /// Reads the config file again; it comes into force as a whole, or the log says why not. Answers whether it did.
    pub async fn reload(&self) -> bool {
        let (tell, told) = oneshot::channel();
        // A node whose control thread is gone reloads no more.
        let _ = self.orders.send(control::Order(Trigger::Signal, tell));
        matches!(told.await, Ok(Ok(_)))
    }

    /// What a reload replaces.
    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Opens the access log's file anew, where there is one.
    pub fn reopen_access_log(&self) {
        if let Some(writer) = &self.access_log {
            writer.reopen();
        }
    }

    /// Says where it listens.
    pub fn announce(&self) {
        let edge = self.edge();
        let (node, region) = (edge.cluster.name(), edge.cluster.region());
        tracing::info!(%node, %region, http = ?self.http, https = ?self.https, admin = %self.admin, peers = ?self.peers, "serving");
    }

    /// Stops accepting, lets what runs finish within a bound, leaves the cluster, and waits for all that.
    pub fn stop(self) {
        self.edge().cluster.drain();
        // Every thread may have ended by itself.
        let _ = self.stop.send(true);
        let mut panicked = self
            .workers
            .into_iter()
            .map(|worker| worker.join().is_err())
            .fold(false, |one, other| one | other);
        let _ = self.end.send(true);
        panicked |= self.control.join().is_err();
        if let Some(writer) = self.access_log {
            writer.stop();
        }
        if let Some(sender) = self.telemetry {
            sender.stop();
        }
        if panicked {
            tracing::error!("a thread of the node panicked");
        }
    }
}
