//! Nodes: started in this process from the text of a config file, as `seawall run` would.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_cluster::Readiness;
use seawall_node::config::{Config, RunFlags};
use seawall_node::node::{Reloads, Source};
use seawall_node::{Running, Shared};
use serde_json::Value;

use super::admin::{self, OPERATOR, READER};
use super::client::{Ask, Coming, Got};
use super::origin::Origin;
use super::{bounded, until, world};

/// What all nodes of a play prove to each other.
pub(crate) const CLUSTER_SECRET: &str = "the-secret-of-all-nodes-of-this-play";

/// A config file in the making.
#[derive(Clone)]
pub(crate) struct Plan {
    name: String,
    region: String,
    in_cluster: bool,
    of_cluster: String,
    origin: Option<SocketAddr>,
    of_node: String,
    of_listen: String,
    servers: Option<String>,
    of_cache: String,
    of_log: String,
    of_origin: String,
    site: String,
    site_origin: String,
    of_site: String,
    functions: Vec<String>,
    more: String,
}

impl Plan {
    pub(crate) fn new(name: &str, region: &str) -> Self {
        Self {
            name: name.to_owned(),
            region: region.to_owned(),
            in_cluster: false,
            of_cluster: String::new(),
            origin: None,
            of_node: String::new(),
            of_listen: String::new(),
            servers: None,
            of_cache: String::new(),
            of_log: String::new(),
            of_origin: String::new(),
            site: "shop".to_owned(),
            site_origin: "shop".to_owned(),
            of_site: String::new(),
            functions: Vec::new(),
            more: String::new(),
        }
    }

    /// A node among others, of a site whose shield is the region `ams`.
    pub(crate) fn shielded(name: &str, region: &str) -> Self {
        let plan = Self::new(name, region).site("shield = \"ams\"");
        Self { in_cluster: true, ..plan }
    }

    /// In front of another origin than the world's.
    pub(crate) fn in_front_of(mut self, origin: SocketAddr) -> Self {
        self.origin = Some(origin);
        self
    }

    /// One more line about the node.
    pub(crate) fn node(mut self, line: &str) -> Self {
        let _ = writeln!(self.of_node, "{line}");
        self
    }

    /// One more line about where requests come in.
    pub(crate) fn listen(mut self, line: &str) -> Self {
        let _ = writeln!(self.of_listen, "{line}");
        self
    }

    /// One more line about the cluster.
    pub(crate) fn cluster(mut self, line: &str) -> Self {
        self.in_cluster = true;
        let _ = writeln!(self.of_cluster, "{line}");
        self
    }

    /// One more site in front of the same origin.
    pub(crate) fn another_site(mut self, name: &str, line: &str) -> Self {
        let _ = writeln!(
            self.more,
            "[[sites]]\nname = \"{name}\"\nhosts = [\"{name}.example\"]\norigin = \"shop\"\n{line}"
        );
        self
    }

    /// The node's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// In front of these servers, as the config's list has them, instead of the world's origin.
    pub(crate) fn servers(mut self, list: &[String]) -> Self {
        self.servers = Some(list.join(", "));
        self
    }

    /// One more table of the config.
    pub(crate) fn table(mut self, text: &str) -> Self {
        let _ = writeln!(self.more, "{text}");
        self
    }

    /// One more line about the log.
    pub(crate) fn log(mut self, line: &str) -> Self {
        let _ = writeln!(self.of_log, "{line}");
        self
    }

    /// One more line about the cache.
    pub(crate) fn cache(mut self, line: &str) -> Self {
        let _ = writeln!(self.of_cache, "{line}");
        self
    }

    /// One more line about the origin.
    pub(crate) fn origin(mut self, line: &str) -> Self {
        let _ = writeln!(self.of_origin, "{line}");
        self
    }

    /// With another name of the site.
    pub(crate) fn site_named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.site);
        self
    }

    /// One more line about the site.
    pub(crate) fn site(mut self, line: &str) -> Self {
        let _ = writeln!(self.of_site, "{line}");
        self
    }

    /// One more function of the site, with its settings as TOML.
    pub(crate) fn function(self, name: &str, file: &Path, settings: &str) -> Self {
        self.function_with(name, file, &format!("config = {{ {settings} }}"))
    }

    /// One more function of the site, with more lines about it.
    pub(crate) fn function_with(mut self, name: &str, file: &Path, lines: &str) -> Self {
        let file = file.display();
        let _ = writeln!(self.more, "[[functions]]\nname = \"{name}\"\nfile = \"{file}\"\n{lines}");
        self.functions.push(format!("\"{name}\""));
        self
    }

    /// One more function of the site, whose versions are deployed.
    pub(crate) fn deployed(mut self, name: &str) -> Self {
        let _ = writeln!(self.more, "[[functions]]\nname = \"{name}\"");
        self.functions.push(format!("\"{name}\""));
        self
    }

    /// The site's origin is a handler, with a file, or deployed.
    pub(crate) fn handler(mut self, name: &str, file: Option<&Path>) -> Self {
        let file = file.map(|file| format!("file = \"{}\"", file.display())).unwrap_or_default();
        let _ = writeln!(self.more, "[[functions]]\nname = \"{name}\"\n{file}");
        let _ = writeln!(self.more, "[[origins]]\nname = \"{name}\"\nfunction = \"{name}\"");
        Self { site_origin: name.to_owned(), ..self }
    }

    /// One more origin, which no site names.
    pub(crate) fn second_origin(mut self, address: SocketAddr) -> Self {
        let _ = writeln!(self.more, "[[origins]]\nname = \"second\"\nservers = [\"http://{address}\"]");
        self
    }

    /// The text of the config file.
    pub(crate) fn toml(&self, world: &world::World) -> String {
        let Self { name, region, of_node, of_listen, of_cache, of_origin, site, site_origin, .. } = self;
        let Self { of_site, of_log, more, .. } = self;
        let folder = world.folder.path().display();
        let origin = self.origin.unwrap_or_else(|| world.origin.address());
        let servers = self.servers.clone().unwrap_or_else(|| format!("\"http://{origin}\""));
        let functions = self.functions.join(", ");
        let (peers, cluster) = if self.in_cluster {
            let cluster = format!("[cluster]\nsecret = \"{CLUSTER_SECRET}\"\n{}", self.of_cluster);
            ("peers = \"127.0.0.1:0\"", cluster)
        } else {
            ("", String::new())
        };
        format!(
            r#"
            [node]
            name = "{name}"
            region = "{region}"
            data_dir = "{folder}/{name}"
            threads = 2
            {of_node}
            [listen]
            http = ["127.0.0.1:0"]
            {peers}
            {of_listen}
            [cache]
            memory = "64MiB"
            {of_cache}
            [admin]
            listen = "127.0.0.1:0"
            [[admin.tokens]]
            name = "operator"
            role = "write"
            secret = "{OPERATOR}"
            [[admin.tokens]]
            name = "reader"
            role = "read"
            secret = "{READER}"
            {cluster}
            [log]
            access = "all"
            {of_log}
            [[origins]]
            name = "shop"
            servers = [{servers}]
            {of_origin}
            [[sites]]
            name = "{site}"
            hosts = ["shop.example", "other.example"]
            origin = "{site_origin}"
            functions = [{functions}]
            {of_site}
            {more}
            "#
        )
    }
}

fn config_file(plan: &Plan, world: &world::World) -> PathBuf {
    world.folder.path().join(format!("{}.toml", plan.name()))
}

/// A node that runs until it is stopped or dropped.
pub(crate) struct Node {
    running: Option<Running>,
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) peers: Option<SocketAddr>,
    origin: Arc<Origin>,
    doors: Arc<Mutex<BTreeMap<String, SocketAddr>>>,
}

impl Node {
    pub(crate) async fn start(plan: Plan, world: &world::World, shared: &Shared) -> Self {
        let text = plan.toml(world);
        let file = world.folder.path().join("seawall.toml");
        let config = Config::from_toml(&text, &file).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        Self::from_config(config, world, shared).await
    }

    /// From a file that can be written anew; see [`Node::reload_as`].
    pub(crate) async fn from_file(plan: Plan, world: &world::World) -> Self {
        let file = config_file(&plan, world);
        let text = plan.toml(world);
        std::fs::write(&file, &text).unwrap();
        let config = Config::from_toml(&text, &file).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let from = Some((Source { file, flags: RunFlags::default() }, text));
        Self::begin(&config, Reloads { from, set_log: None }, world, &world.shared).await
    }

    /// Writes the config file anew and has it read: the status, and what is said.
    pub(crate) async fn reload_as(&self, plan: &Plan, world: &world::World) -> (u16, Value) {
        self.reload_text(&plan.toml(world), world).await
    }

    /// The same, with the text as it is.
    pub(crate) async fn reload_text(&self, text: &str, world: &world::World) -> (u16, Value) {
        let name = self.running.as_ref().expect("it runs").edge().name.to_string();
        std::fs::write(config_file(&Plan::new(&name, ""), world), text).unwrap();
        self.operate(Ask::new("POST", "/v1/config/reload").bearing(OPERATOR)).await
    }

    /// What `GET /v1/config` says.
    pub(crate) async fn config(&self) -> Value {
        self.operate(Ask::get("/v1/config").bearing(READER)).await.1
    }

    pub(crate) async fn from_config(config: Config, world: &world::World, shared: &Shared) -> Self {
        Self::begin(&config, Reloads::default(), world, shared).await
    }

    async fn begin(config: &Config, reloads: Reloads, world: &world::World, shared: &Shared) -> Self {
        let running = seawall_node::Node::start_reloading(config, shared, reloads);
        let running = running.unwrap_or_else(|error| panic!("{error}"));
        let cluster = Arc::clone(&running.edge().cluster);
        until("the node is ready", || cluster.readiness() == Readiness::Ready).await;
        world.doors.lock().insert(cluster.name().to_string(), running.admin());
        Self {
            http: running.http()[0],
            https: running.https().first().copied(),
            admin: running.admin(),
            peers: running.peers(),
            running: Some(running),
            origin: Arc::clone(&world.origin),
            doors: Arc::clone(&world.doors),
        }
    }

    /// Sends a GET and reads the whole response.
    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send(&Ask::get(path)).await
    }

    /// Sends a request and reads the whole response. Where a node says that it stores it, it is stored when this
    /// returns: the last byte may well reach the client a moment before that.
    pub(crate) async fn send(&self, ask: &Ask) -> Got {
        let got = ask.send(self.http).await;
        for member in got.head.all("cache-status").iter().flat_map(|field| field.split(", ")) {
            let (name, words) = member.split_once("; ").unwrap_or_default();
            let door = self.doors.lock().get(name).copied();
            if let Some(door) = door.filter(|_| words.contains("stored") || words.contains("collapsed")) {
                self.has_settled(door).await;
            }
        }
        got
    }

    /// Waits until a node has ended every fill that the origin has ended.
    async fn has_settled(&self, door: SocketAddr) {
        bounded("the fills have settled", async {
            while admin::metric(door, "seawall_cache_fills_in_flight").await > self.origin.unfinished() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Sends a request and reads the head of the response.
    pub(crate) async fn open(&self, ask: &Ask) -> Coming {
        ask.open(self.http).await
    }

    /// How far it has applied the control log.
    pub(crate) fn position(&self) -> u64 {
        let running = self.running.as_ref().expect("it runs");
        running.edge().cluster.position().0
    }

    /// Stops it, as a signal would, and waits until it is gone.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(running) = self.running.take() {
            self.doors.lock().retain(|_, door| *door != self.admin);
            running.stop();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.running.is_some() {
            // Requests that still wait for the origin would hold the node up for as long as it may drain.
            self.origin.cut();
            self.end();
        }
    }
}
