//! `seawall dev` as an author runs it: a process that is typed to, and whose standard output is read.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;

use super::client::{Ask, Got};
use super::until;
use super::world::World;
use super::{OPERATOR, program};

/// One desk. Dropped, its node is killed.
pub(crate) struct Desk {
    child: Child,
    said: Arc<Mutex<String>>,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Desk {
    /// Starts it in front of the world's origin, and waits until it listens.
    pub(crate) async fn start(world: &World, function: &Path) -> Self {
        let mut seawall = Command::new(program());
        seawall.args(["dev", "--origin", &format!("http://{}", world.origin.address())]);
        seawall.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--threads", "1"]);
        seawall.arg("--function").arg(function).arg("--data-dir").arg(world.folder.path().join("desk"));
        seawall.env("SEAWALL_ADMIN_TOKEN", OPERATOR).env_remove("SEAWALL_LOG");
        seawall.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = seawall.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (output, hears) = (child.stdout.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut said = hears.lock();
                said.push_str(&line);
                said.push('\n');
            }
        });
        until("the desk listens", || said.lock().contains("Ctrl-C")).await;
        let text = said.lock().clone();
        let address = |after: &str| {
            let rest = text.split(after).nth(1).unwrap();
            rest.split([',', '\n']).next().unwrap().parse().unwrap()
        };
        let (http, admin) = (address("serving http://"), address("admin http://"));
        Self { child, said, http, admin }
    }

    /// Sends a GET and reads the whole response.
    pub(crate) async fn get(&self, path: &str) -> Got {
        Ask::get(path).send(self.http).await
    }

    /// Waits until it has said all of these, in this order, and gives what it said up to then and forgets it.
    pub(crate) async fn says(&self, parts: &[&str]) -> String {
        let end_of = |said: &str| {
            parts.iter().try_fold(0, |at, part| Some(at + said.get(at..)?.find(part)? + part.len()))
        };
        until(&format!("the desk says {parts:?}; it said:\n{}", self.said.lock()), || {
            end_of(&self.said.lock()).is_some()
        })
        .await;
        std::mem::take(&mut *self.said.lock())
    }

    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Runs `seawall dev step` against it.
    pub(crate) fn step(&self, by: &str) -> String {
        let mut step = Command::new(program());
        step.args(["dev", "step", by, "--admin", &self.admin.to_string()]);
        let output = step.env("SEAWALL_ADMIN_TOKEN", OPERATOR).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text).unwrap()
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub(crate) fn stop(mut self) {
        let asked = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()));
        assert!(self.child.wait().unwrap().success(), "{}", self.said.lock());
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
