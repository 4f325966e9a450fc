//! Nodes that are processes: the `seawall` that an operator runs, with a config file, a log on standard error, and
//! nothing in common with the test but sockets.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::oneshot;

use super::admin;
use super::bounded;
use super::client::{Ask, Got};
use super::node::Plan;
use super::world::World;

/// Names the program, where it is not beside the tests'.
const VARIABLE: &str = "SEAWALL_BINARY";

/// A node that is a process. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

/// Where a node says that it listens.
struct Doors {
    http: SocketAddr,
    admin: SocketAddr,
}

impl Process {
    /// Starts a node as planned, and waits until it listens. It may not be ready yet.
    pub(crate) async fn start(plan: &Plan, world: &World) -> Self {
        let file = write_config(plan, world);
        let mut seawall = Command::new(program());
        seawall.args(["run", "--config"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = seawall.env_remove("SEAWALL_LOG").spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let doors = listen(child.stderr.take().unwrap(), Arc::clone(&said));
        let Ok(Doors { http, admin }) = bounded("the node listens", doors).await else {
            panic!("{} ended before it listened:\n{}", plan.name(), said.lock().join("\n"));
        };
        Self { child, http, admin, said }
    }

    /// The same, and waits until it is ready.
    pub(crate) async fn ready(plan: &Plan, world: &World) -> Self {
        let node = Self::start(plan, world).await;
        node.is_ready().await;
        node
    }

    /// Whether it says that it may be sent requests.
    pub(crate) async fn says_ready(&self) -> bool {
        Ask::get("/readyz").send(self.admin).await.status == 200
    }

    /// Waits until it says so.
    pub(crate) async fn is_ready(&self) {
        bounded("the node is ready", async {
            while !self.says_ready().await {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Sends a GET and reads the whole response.
    pub(crate) async fn get(&self, host: &str, path: &str) -> Got {
        Ask::get(path).host(host).send(self.http).await
    }

    /// Sends a request to the admin API: its status, and its JSON.
    pub(crate) async fn operate(&self, ask: Ask) -> (u16, Value) {
        let got = ask.bearing(admin::OPERATOR).send(self.admin).await;
        (got.status, serde_json::from_str(&got.body).unwrap_or_default())
    }

    /// Waits until a gauge or counter is `value`.
    pub(crate) async fn shows(&self, metric: &str, value: u64) {
        bounded(&format!("{metric} is {value}; it said:\n{}", self.said.lock().join("\n")), async {
            while admin::metric(self.admin, metric).await != value {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Writes its config file anew.
    pub(crate) fn writes(&self, plan: &Plan, world: &World) {
        write_config(plan, world);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Ends it without a word.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, as a service manager does, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}:\n{}", self.said.lock().join("\n"));
    }
}

/// A config file of a process, whose log machines read.
fn write_config(plan: &Plan, world: &World) -> PathBuf {
    let file = world.folder.path().join(format!("{}.toml", plan.name()));
    let text = plan.toml(world).replace("access = \"all\"", "access = \"all\"\nformat = \"json\"");
    std::fs::write(&file, text).unwrap();
    file
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads what the node says to its end, and answers once it has said where it listens.
fn listen(output: ChildStderr, said: Arc<Mutex<Vec<String>>>) -> oneshot::Receiver<Doors> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut tell = Some(tell);
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let (Some(doors), Some(tell)) = (doors(&line), tell.take_if(|_| doors(&line).is_some())) {
                let _ = tell.send(doors);
            }
            said.lock().push(line);
        }
    });
    told
}

fn doors(line: &str) -> Option<Doors> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "serving" {
        return None;
    }
    let http = line["http"].as_str()?.trim_matches(['[', ']']).parse().ok()?;
    Some(Doors { http, admin: line["admin"].as_str()?.parse().ok()? })
}

/// The program, as the build before the tests left it.
pub(crate) fn program() -> PathBuf {
    let beside = || {
        let own = std::env::current_exe().ok()?;
        Some(own.parent()?.parent()?.join("seawall"))
    };
    let program = std::env::var_os(VARIABLE).map(PathBuf::from).or_else(beside).unwrap_or_default();
    assert!(
        program.is_file(),
        "{} is not there, and this test runs it: `cargo build --bin seawall`, or let {VARIABLE} name one",
        program.display()
    );
    program
}
