//! The servers under load: the node, nginx with a fair configuration, and the bare limit; and the origin behind them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::failure::{Failure, Outcome};
use crate::loopback;
use crate::repository::Repository;
use crate::server::{self, Server};

use super::Plan;

/// Where Debian puts it; not on the search path of everybody.
pub(crate) const NGINX: &str = "/usr/sbin/nginx";

/// The core of the server under load, and the one of everything else.
pub(super) const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";

/// Larger than every object of any load together.
pub(super) const NODE_MEMORY: &str = "512MiB";

/// One server that is measured.
pub(crate) struct Contender {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) server: Server,
    /// Whether its answers say in `Cache-Status` that they are hits.
    pub(super) speaks_cache_status: bool,
    pub(super) _files: Option<Scratch>,
}

/// The origin that counts what reaches it.
pub(crate) struct Origin {
    pub(super) port: u16,
    _server: Server,
}

impl Origin {
    /// Starts it beside the load: it has nothing to do once the caches are warm.
    pub(crate) fn start(repository: &Repository, plan: &Plan) -> Outcome<Self> {
        let port = loopback::free_port()?;
        let mut command = on_core(LOAD_CORE, &repository.release_binary("origin"));
        command.arg(format!("127.0.0.1:{port}"));
        Ok(Self { port, _server: Server::start("origin", command, &plan.folder, port)? })
    }

    /// How many requests have reached it.
    pub(crate) fn asked(&self) -> Outcome<u64> {
        let answer = loopback::get(self.port, "/count")?;
        let count = answer.body().trim().parse();
        count.map_err(|_| Failure::new("the origin's count is no number", "read bench/src/bin/origin.rs"))
    }
}

impl Contender {
    /// This node, with one thread, and with a function (its name, its file) if one is given.
    pub(crate) fn node(
        repository: &Repository,
        plan: &Plan,
        origin: &Origin,
        function: Option<(&str, &Path)>,
    ) -> Outcome<Self> {
        let port = loopback::free_port()?;
        let built = repository.release_binary("seawall");
        let mut command = on_core(SERVER_CORE, plan.binary.as_ref().unwrap_or(&built));
        command.current_dir(&plan.folder).args(["run", "--threads", "1", "--memory", NODE_MEMORY]);
        command.arg("--origin").arg(format!("http://127.0.0.1:{}", origin.port));
        command.arg("--listen").arg(format!("127.0.0.1:{port}"));
        command.args(["--admin", "127.0.0.1:0"]).env("SEAWALL_ADMIN_TOKEN", server::ADMIN_TOKEN);
        let mut name = "seawall".to_owned();
        if let Some((function, file)) = function {
            command.arg("--function").arg(file);
            name = format!("seawall + {function}");
        }
        command.arg("--data-dir").arg(server::data_dir(&plan.folder, &name)?);
        let server = Server::start(&name, command, &plan.folder, port)?;
        Ok(Self { name, port, server, speaks_cache_status: true, _files: None })
    }

    /// nginx with one worker and its cache in memory.
    pub(crate) fn nginx(plan: &Plan, origin: &Origin) -> Outcome<Self> {
        let port = loopback::free_port()?;
        let files = Scratch::make("nginx")?;
        let config = files.0.join("nginx.conf");
        std::fs::write(&config, nginx_config(plan, &files.0, port, origin.port, &NginxExtra::default()))
            .map_err(|error| Failure::file(&config, &error))?;
        let mut command = on_core(SERVER_CORE, Path::new(NGINX));
        command.arg("-p").arg(&files.0).arg("-c").arg(&config).args(["-e", "stderr"]);
        let server = Server::start("nginx", command, &plan.folder, port)?;
        Ok(Self { name: "nginx".to_owned(), port, server, speaks_cache_status: false, _files: Some(files) })
    }

    /// The same parts as the node with no logic between them.
    pub(crate) fn limit(repository: &Repository, plan: &Plan) -> Outcome<Self> {
        let port = loopback::free_port()?;
        let mut command = on_core(SERVER_CORE, &repository.release_binary("limit"));
        command.arg(format!("127.0.0.1:{port}"));
        let server = Server::start("limit", command, &plan.folder, port)?;
        let name = "hyper + moka, no logic".to_owned();
        Ok(Self { name, port, server, speaks_cache_status: false, _files: None })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Asks once and looks whether the answer calls itself a hit.
    pub(crate) fn check_hit(&self, plan: &Plan) -> Outcome {
        let answer = loopback::get(self.port, &format!("/{}/0", plan.size.name))?;
        let said = answer.field("Cache-Status").unwrap_or("nothing");
        let hit = said.split([';', ',']).any(|part| part.trim() == "hit");
        if answer.is_ok() && (hit || !self.speaks_cache_status) {
            return Ok(());
        }
        Err(self.server.failure(&format!("does not answer with a hit: its Cache-Status says {said}")))
    }
}

/// The load generator, on its own core.
pub(crate) fn load_generator(program: &str) -> Command {
    on_core(LOAD_CORE, Path::new(program))
}

pub(super) fn on_core(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// A folder in memory, removed with its owner.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn make(name: &str) -> Outcome<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let folder = parent.join(format!("seawall-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a configuration of nginx has besides: at its top, in `http` and in `location`.
#[derive(Default)]
pub(super) struct NginxExtra {
    pub(super) modules: String,
    pub(super) http: String,
    pub(super) location: String,
}

/// `sendfile` saves copying large objects; for small ones its extra system calls cost nginx a tenth of its CPU time
/// (11.0 against 9.7 µs a request at 1 KiB), and it shall not be measured with that.
fn sendfile(plan: &Plan) -> &'static str {
    if plan.size.name == "1k" { "off" } else { "on" }
}

/// nginx as somebody would set it up who wants it to win: no log, cache in memory, open files remembered,
/// connections kept. `tcp_nopush` stays off: with it, 64 KiB responses on loopback waited for the 40 ms of a delayed
/// acknowledgement, which says nothing about nginx.
pub(super) fn nginx_config(plan: &Plan, folder: &Path, port: u16, origin: u16, extra: &NginxExtra) -> String {
    let folder = folder.display();
    let sendfile = sendfile(plan);
    let NginxExtra { modules, http, location } = extra;
    // Started by root, a worker would change to a user who may not read the scratch folder.
    let user = if debian::is_root() { "user root;" } else { "" };
    format!(
        "{modules}{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; multi_accept on; use epoll; accept_mutex off; }}
http {{
  access_log off;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  sendfile {sendfile};
  tcp_nopush off;
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 100000000;
  reset_timedout_connection on;
  server_tokens off;
{http}  open_file_cache max=10000 inactive=600s;
  open_file_cache_valid 600s;
  open_file_cache_min_uses 1;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=hits:32m max_size=512m inactive=1h use_temp_path=off;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_cache hits;
      proxy_cache_lock on;
{location}    }}
  }}
}}
"
    )
}
