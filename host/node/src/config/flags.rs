//! What `seawall run` takes on the command line instead of, or on top of, a config file.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use seawall_base::{NodeName, OriginName, Region, SiteName};

use super::cache::parse_memory;
use super::listen::Addresses;
use super::node::threads;
use super::problem::{Place, Problem};
use super::{
    Admin, Bytes, Cache, Cluster, Config, Function, Listen, Log, Node, Origin, Problems, ServerUrl, Site,
    Telemetry,
};

/// Name of the origin and of the site that `--origin` makes.
pub const ONLY_NAME: &str = "default";

/// The flags of `seawall run`. With `--config`, each overrides what the file says, except `--function`, which has no
/// site to belong to there.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct RunFlags {
    /// Run without a config file: any host, this one origin server
    #[arg(long, value_name = "URL")]
    pub origin: Option<ServerUrl>,
    /// Where clients connect; may be given more than once [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", value_parser = super::parse_address)]
    pub listen: Vec<SocketAddr>,
    /// Where the admin API listens [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR", value_parser = super::parse_address)]
    pub admin: Option<SocketAddr>,
    /// An edge function, named after its file; may be given more than once, and they run in that order. Not with a
    /// config file: it says itself which functions there are and which sites run them
    #[arg(long = "function", value_name = "FILE.wasm", conflicts_with = "config")]
    pub functions: Vec<PathBuf>,
    /// Memory for cached responses, such as 2GiB [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub memory: Option<Bytes>,
    /// Worker threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub threads: Option<NonZeroUsize>,
    /// This node's name [default: seawall]
    #[arg(long, value_name = "NAME", value_parser = NodeName::new)]
    pub name: Option<NodeName>,
    /// This node's region [default: local]
    #[arg(long, value_name = "REGION", value_parser = Region::new)]
    pub region: Option<Region>,
    /// Where the control log and the admin token are kept [default: the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Reload the config file when it changes
    #[arg(long, requires = "config")]
    pub watch_config: bool,
}

fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    let number =
        text.parse().map_err(|_| format!("`{text}` is not a whole number. Write one, such as `4`."))?;
    threads(number)
}

impl RunFlags {
    /// The configuration that `--origin` and the other flags make.
    pub(super) fn into_config(self) -> Result<Config, Problems> {
        let mut problems = Vec::new();
        let mut wrong = |flag: &'static str, message: String| {
            problems.push(Problem { place: Place::Flag(flag), message });
        };
        let mut functions: Vec<Function> = Vec::new();
        for file in &self.functions {
            match Function::of_file(file) {
                Err(message) => wrong("--function", message),
                Ok(function) if functions.iter().any(|other| other.name == function.name) => {
                    wrong(
                        "--function",
                        format!("two files make a function named `{}`. Rename one.", function.name),
                    );
                }
                Ok(function) => functions.push(function),
            }
        }
        if self.origin.is_none() {
            wrong("--origin", "is missing. Write `--origin http://host:port` or `--config FILE`.".to_owned());
        }
        if let Some(problems) = Problems::of(problems) {
            return Err(problems);
        }
        let config = self.origin.clone().and_then(|server| only_site(server, functions));
        let impossible =
            || Problems::one(Place::Flag("--origin"), "cannot be made into a configuration".to_owned());
        self.apply(config.ok_or_else(impossible)?)
    }

    /// `config` with everything that the flags say instead.
    pub(super) fn apply(self, mut config: Config) -> Result<Config, Problems> {
        // `origin` and `functions` make a whole configuration and never change one.
        let Self { listen, admin, memory, threads, name, region, data_dir, watch_config, .. } = self;
        if !listen.is_empty() {
            config.listen.http = listen;
        }
        config.admin.listen = admin.unwrap_or(config.admin.listen);
        if let Some(memory) = memory {
            config.cache.resize(memory);
        }
        let node = &mut config.node;
        node.threads = threads.unwrap_or(node.threads);
        node.watch_config |= watch_config;
        if let Some(name) = name {
            node.name = name;
        }
        if let Some(region) = region {
            node.region = region;
        }
        if let Some(data_dir) = data_dir {
            node.data_dir = data_dir;
        }
        check_addresses(&config)?;
        Ok(config)
    }
}

/// Any host, one origin, loopback admin. `None` only if [`ONLY_NAME`] broke the rule for names.
fn only_site(server: ServerUrl, functions: Vec<Function>) -> Option<Config> {
    let origin = OriginName::new(ONLY_NAME).ok()?;
    let names = functions.iter().map(|function| function.name.clone()).collect();
    Some(Config {
        node: Node::default_node()?,
        listen: Listen::default(),
        certificates: Vec::new(),
        cache: Cache::default(),
        admin: Admin::default(),
        cluster: Cluster::default(),
        origins: vec![Origin::of(origin.clone(), server)],
        functions,
        sites: vec![Site::of(SiteName::new(ONLY_NAME).ok()?, origin, names)],
        log: Log::default(),
        telemetry: Telemetry::default(),
    })
}

/// The file's own addresses do not clash, so what does came from a flag.
fn check_addresses(config: &Config) -> Result<(), Problems> {
    let mut addresses = Addresses::default();
    let mut problems = Vec::new();
    let http = config.listen.http.iter().map(|address| (*address, "listen.http", "--listen"));
    let https = config.listen.https.iter().map(|address| (*address, "listen.https", "--listen"));
    let peers = config.listen.peers.map(|address| (address, "listen.peers", "--listen"));
    let admin = (config.admin.listen, "admin.listen", "--admin");
    for (address, what, flag) in peers.into_iter().chain(https).chain(http).chain([admin]) {
        if let Err(message) = addresses.take(address, what) {
            problems.push(Problem { place: Place::Flag(flag), message });
        }
    }
    Problems::of(problems).map_or(Ok(()), Err)
}
