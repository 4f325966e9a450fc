//! Real NATS servers for tests: one alone or a cluster of three, killed, paused and started again.
//!
//! Owns the processes, their folders and their ports, all of them on loopback and chosen by the system. Refuses to do
//! without a server: a test that needs one and finds none fails, and says how to get it.
#![expect(clippy::panic, reason = "for tests: what should not be ends them with a message")]

mod lines;
mod program;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use self::lines::Lines;

/// What a server says once it takes connections.
const READY: &str = "Server is ready";

/// What the servers of a cluster say once they can make streams.
const LEADER: &str = "metadata leader";

/// What a leaf says once it reaches its hub.
const LINKED: &str = "Leafnode connection created";

/// Fails where a server would not take the config in `file`.
pub fn check_config(file: &Path) {
    let output = Command::new(program::find()).arg("-t").arg("-c").arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
}

/// One server and what it keeps. Dropped, it is killed.
pub struct NatsServer {
    name: String,
    address: SocketAddr,
    folder: TempDir,
    jetstream: bool,
    domain: &'static str,
    /// Lines of its config beside the usual ones.
    more: String,
    running: Option<(Child, Lines)>,
}

impl NatsServer {
    /// A server alone, with JetStream.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same with more lines in its config.
    #[must_use]
    pub fn start_with(more: &str) -> Self {
        let mut server = Self::new("alone", free_port(), more);
        server.start_again();
        server
    }

    /// A server with JetStream, whose domain is `hub`, and another that reaches it as its leaf and has none.
    #[must_use]
    pub fn start_with_leaf() -> (Self, Self) {
        let door = free_port();
        let more = format!("leafnodes {{ listen: \"{door}\" }}");
        let mut hub = Self::new("hub", free_port(), &more);
        hub.domain = "domain: hub,";
        hub.start_again();
        let more = format!("leafnodes {{ remotes: [ {{ urls: [\"nats-leaf://{door}\"] }} ] }}");
        let mut leaf = Self::new("leaf", free_port(), &more);
        leaf.jetstream = false;
        leaf.start_again();
        leaf.says(LINKED);
        (hub, leaf)
    }

    fn new(name: &str, address: SocketAddr, more: &str) -> Self {
        let folder =
            tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for a NATS server: {error}"));
        Self {
            name: name.to_owned(),
            address,
            folder,
            jetstream: true,
            domain: "",
            more: more.to_owned(),
            running: None,
        }
    }

    /// What clients connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its folder: for the files that its config names.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it on the same port with what it has kept, and waits until it takes connections.
    pub fn start_again(&mut self) {
        self.launch();
        self.says(READY);
    }

    fn launch(&mut self) {
        assert!(self.running.is_none(), "the server {} runs already", self.name);
        let file = self.folder.path().join("nats.conf");
        let text = self.config();
        if let Err(error) = std::fs::write(&file, text) {
            panic!("{}: {error}", file.display());
        }
        let program = program::find();
        let spawned =
            Command::new(&program).arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let lines = Lines::read(child.stderr.take());
        self.running = Some((child, lines));
    }

    fn says(&self, what: &str) {
        if let Some((_, lines)) = &self.running {
            lines.wait_for(&self.name, what);
        }
    }

    fn config(&self) -> String {
        let Self { name, address, domain, more, .. } = self;
        let store = self.store();
        let jetstream = if self.jetstream {
            format!("jetstream {{ {domain} store_dir: \"{}\" }}", store.display())
        } else {
            String::new()
        };
        format!("server_name: {name}\nlisten: \"{address}\"\nmax_payload: 4MB\n{jetstream}\n{more}\n")
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("jetstream")
    }

    /// Kills it, as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Removes what it has kept. It must not run.
    pub fn forget(&self) {
        assert!(self.running.is_none(), "the server {} runs", self.name);
        if let Err(error) = std::fs::remove_dir_all(self.store()) {
            panic!("{}: {error}", self.store().display());
        }
    }

    /// Stops it in the middle of whatever it does: connections stay, and nothing answers.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let Some((child, _)) = &self.running else { panic!("the server {} does not run", self.name) };
        let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill {signal} {}", self.name);
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three servers that are one cluster.
pub struct NatsCluster {
    /// The servers.
    pub servers: Vec<NatsServer>,
}

impl NatsCluster {
    /// Starts them and waits until they have chosen a leader.
    #[must_use]
    pub fn start() -> Self {
        let routes: Vec<SocketAddr> = (0..3).map(|_| free_port()).collect();
        let all: Vec<String> = routes.iter().map(|route| format!("\"nats-route://{route}\"")).collect();
        let all = all.join(", ");
        let server = |(index, route): (usize, &SocketAddr)| {
            let cluster = format!("cluster {{ name: tests, listen: \"{route}\", routes: [{all}] }}");
            NatsServer::new(&format!("n{index}"), free_port(), &cluster)
        };
        let mut servers: Vec<NatsServer> = routes.iter().enumerate().map(server).collect();
        servers.iter_mut().for_each(NatsServer::launch);
        for server in &servers {
            server.says(READY);
            server.says(LEADER);
        }
        Self { servers }
    }

    /// What clients connect to.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(NatsServer::url).collect()
    }

    /// The server of that name.
    #[must_use]
    pub fn named(&mut self, name: &str) -> &mut NatsServer {
        let server = self.servers.iter_mut().find(|server| server.name == name);
        server.unwrap_or_else(|| panic!("there is no server {name}"))
    }
}

/// A port that nothing listens on. Another process may take it before the server does; the system gives out ports in
/// turn, so that takes a while.
fn free_port() -> SocketAddr {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound.unwrap_or_else(|error| panic!("no port for a NATS server: {error}"))
}
