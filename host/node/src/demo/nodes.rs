//! The demo's nodes: a shield in `ams` and edges in `fra` and `nyc`, each configured as it would be on a machine of its
//! own, and one control log between them.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use seawall_base::Clock;
use toml::Value;

use super::error::DemoError;
use super::guests::Guests;
use super::visitor::Visitor;
use crate::config::Config;
use crate::node::{Node, Running, Shared};

/// The site without functions.
pub(super) const SHOP: &str = "shop.example";
/// The site whose visitors are split in two.
pub(super) const SPLIT: &str = "ab.example";
/// The site that is closed.
pub(super) const CLOSED: &str = "closed.example";

/// How long a node may take to be ready: it has an empty log to catch up with.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// How long to wait before asking a node again whether it is ready.
const READY_STEP: Duration = Duration::from_millis(20);

/// Random bytes in a secret: as many as a 256-bit key.
const RANDOM_BYTES: usize = 32;

/// Stands where a config file's path would, in messages.
const CONFIG_FILE: &str = "the demo's seawall.toml";

/// A running node of the demo.
pub(super) struct DemoNode {
    pub(super) name: &'static str,
    pub(super) http: SocketAddr,
    pub(super) admin: SocketAddr,
    running: Running,
}

/// The nodes.
pub(super) struct Nodes {
    /// The shield.
    pub(super) ams: DemoNode,
    /// An edge.
    pub(super) fra: DemoNode,
    /// Another.
    pub(super) nyc: DemoNode,
    /// What the admin API of each wants to see.
    pub(super) token: String,
}

impl Nodes {
    /// Starts all three, in front of the origin at `origin`.
    pub(super) fn start(origin: SocketAddr, guests: &Guests, clock: &Clock) -> Result<Self, DemoError> {
        let shared = Shared::in_memory(clock.clone());
        let (token, secret) = (random_secret()?, random_secret()?);
        let sites = sites(origin, guests);
        let start = |name, region| {
            let text = config(name, region, &token, &secret, &sites);
            let config = Config::from_toml(&text, Path::new(CONFIG_FILE)).map_err(DemoError::Config)?;
            DemoNode::start(name, &config, &shared)
        };
        let ams = start("ams-1", "ams")?;
        let (fra, nyc) = (start("fra-1", "fra")?, start("nyc-1", "nyc")?);
        Ok(Self { ams, fra, nyc, token })
    }

    /// All of them, the shield first.
    pub(super) fn all(&self) -> [&DemoNode; 3] {
        [&self.ams, &self.fra, &self.nyc]
    }

    /// Waits until each says that it may be sent requests.
    pub(super) async fn ready(&self, visitor: &Visitor) -> Result<(), DemoError> {
        for node in self.all() {
            let asking = async {
                // A node that does not answer yet is not ready yet.
                while !visitor.is_ready(node).unwrap_or(false) {
                    tokio::time::sleep(READY_STEP).await;
                }
            };
            let late = |_| DemoError::NotReady { name: node.name, limit: READY_LIMIT };
            tokio::time::timeout(READY_LIMIT, asking).await.map_err(late)?;
        }
        Ok(())
    }

    /// Stops all, the edges first: they ask the shield.
    pub(super) fn stop(self) {
        for node in [self.fra, self.nyc, self.ams] {
            node.running.stop();
        }
    }
}

impl DemoNode {
    fn start(name: &'static str, config: &Config, shared: &Shared) -> Result<Self, DemoError> {
        let running = Node::start(config, shared)?;
        let unbound = || io::Error::from(io::ErrorKind::AddrNotAvailable);
        let http = running.http().first().copied().ok_or_else(unbound);
        Ok(Self {
            name,
            http: http.map_err(DemoError::io("a node of the demo listens nowhere"))?,
            admin: running.admin(),
            running,
        })
    }
}

/// The config file of one node: who and where it is, and what it shares with the others.
fn config(name: &str, region: &str, token: &str, secret: &str, sites: &str) -> String {
    format!(
        r#"
        [node]
        name = "{name}"
        region = "{region}"
        threads = 2

        [listen]
        http = ["127.0.0.1:0"]
        peers = "127.0.0.1:0"

        [cache]
        memory = "64MiB"

        [admin]
        listen = "127.0.0.1:0"
        tokens = [{{ name = "demo", role = "write", secret = "{token}" }}]

        [cluster]
        secret = "{secret}"

        [log]
        access = "off"
        {sites}"#
    )
}

/// The part of the config file that is the same on every node.
fn sites(origin: SocketAddr, guests: &Guests) -> String {
    let Guests { ab_routing, maintenance, security_headers } = guests;
    let [ab_routing, maintenance, security_headers] =
        [ab_routing, maintenance, security_headers].map(|path| Value::from(path.as_str()));
    format!(
        r#"
        [[origins]]
        name = "demo"
        servers = ["http://{origin}"]

        [[functions]]
        name = "ab-routing"
        file = {ab_routing}
        config = {{ b_prefix = "/b", b_percent = "50" }}

        [[functions]]
        name = "security-headers"
        file = {security_headers}

        [[functions]]
        name = "maintenance"
        file = {maintenance}
        config = {{ closed = "yes", retry_after = "600" }}

        [[sites]]
        name = "shop"
        hosts = ["{SHOP}"]
        origin = "demo"
        shield = "ams"

        [[sites]]
        name = "split"
        hosts = ["{SPLIT}"]
        origin = "demo"
        shield = "ams"
        functions = ["ab-routing", "security-headers"]

        [[sites]]
        name = "closed"
        hosts = ["{CLOSED}"]
        origin = "demo"
        shield = "ams"
        functions = ["maintenance"]
        "#
    )
}

/// From the system's own source of randomness.
fn random_secret() -> Result<String, DemoError> {
    let mut bytes = [0; RANDOM_BYTES];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(DemoError::io("no randomness for the demo's secrets"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_a_node_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ab_routing.wasm", "maintenance.wasm", "security_headers.wasm"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let guests = Guests::find(Some(folder.path())).unwrap();
        let origin = "127.0.0.1:1".parse().unwrap();
        let text = config("fra-1", "fra", &"a".repeat(32), &"b".repeat(32), &sites(origin, &guests));
        let config = Config::from_toml(&text, Path::new(CONFIG_FILE)).unwrap();
        let shields: Vec<_> = config.sites.iter().filter_map(|site| site.shield.as_ref()).collect();
        assert_eq!(shields.len(), 3, "every site goes through the shield");
    }
}
