//! `cargo xtask bench purge`: how fast purges reach every node, how many a second, what one of many objects costs.
//!
//! Three NATS servers with three replicas, nodes as processes, all on this machine: with two cores and eight nodes, each
//! has a quarter of a core, and the figures are the machine's as much as ours. `--nodes` takes fewer.

use std::path::Path;
use std::process::Command;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::loopback;
use crate::repository::Repository;
use crate::server::{self, Server};
use crate::setup;

use super::Plan;
use super::nats::NatsCluster;

/// What is to be measured, beside the [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub(crate) nodes: u32,
    /// Entries that a node misses; none: that part is left out.
    pub(crate) entries: u32,
    /// Objects of the cache of which a tag is purged; none: that part is left out.
    pub(crate) objects: u32,
}

impl Default for Scale {
    fn default() -> Self {
        Self { nodes: 8, entries: 1_000_000, objects: 1_000_000 }
    }
}

/// One node and the doors that it was given.
struct Node {
    server: Server,
    admin: u16,
    http: u16,
}

/// Runs both parts.
pub(crate) fn run(repository: &Repository, plan: &Plan) -> Outcome {
    if plan.scale.objects > 0 {
        tagged(repository, plan)?;
    }
    if plan.scale.nodes > 0 {
        cluster(repository, plan)?;
    }
    Ok(())
}

/// One node with a full cache, in one process.
fn tagged(repository: &Repository, plan: &Plan) -> Outcome {
    let objects = plan.scale.objects;
    println!("\none node, {objects} objects");
    let mut resident = Vec::new();
    for tags in ["none", "shared", "own"] {
        let mut command = Command::new(repository.release_binary("tagged"));
        command.current_dir(&plan.folder).args([tags, &objects.to_string()]);
        let said = command::answer(&mut command).ok_or_else(|| {
            Failure::new(
                "the benchmark of tags failed",
                "run target/release/tagged by hand and read what it says",
            )
        })?;
        for line in said.lines().filter(|line| !line.starts_with("resident")) {
            println!("  {line}");
        }
        resident.push(resident_kib(&said).unwrap_or_default());
    }
    if let [none, shared, own] = resident.as_slice() {
        println!(
            "  memory: {} MiB without tags, {:.0} bytes an object",
            none / 1024,
            per_object(*none, 0, objects)
        );
        for (what, with) in [("with one of ten tags", shared), ("with a tag of its own", own)] {
            println!(
                "  {:+.0} bytes an object {what} (256 and its text are counted)",
                per_object(*with, *none, objects)
            );
        }
    }
    Ok(())
}

fn resident_kib(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.strip_prefix("resident ")?.split(' ').next()?.parse().ok())
}

fn per_object(with_kib: u64, without_kib: u64, objects: u32) -> f64 {
    (with_kib as f64 - without_kib as f64) * 1024.0 / f64::from(objects)
}

/// Many nodes with one log.
fn cluster(repository: &Repository, plan: &Plan) -> Outcome {
    let program = setup::nats_server(repository)?;
    let nats = NatsCluster::start(&program, &plan.folder)?;
    let port = loopback::free_port()?;
    let mut origin = Command::new(repository.release_binary("origin"));
    origin.arg(format!("127.0.0.1:{port}"));
    let _origin = Server::start("origin", origin, &plan.folder, port)?;
    let nodes: Vec<Node> = (0..plan.scale.nodes)
        .map(|number| node(repository, plan, &nats, port, number))
        .collect::<Outcome<_>>()?;
    println!("\n{} nodes, three NATS servers, three replicas", nodes.len());
    let mut driver = Command::new(repository.release_binary("purges"));
    driver.args([server::ADMIN_TOKEN, &plan.round.as_secs().to_string(), &plan.scale.entries.to_string()]);
    for node in &nodes {
        driver.arg(format!("127.0.0.1:{},127.0.0.1:{},{}", node.admin, node.http, node.server.id()));
    }
    command::run(&mut driver, "read what it says above, and the nodes' logs in target/bench")
}

fn node(repository: &Repository, plan: &Plan, nats: &NatsCluster, origin: u16, number: u32) -> Outcome<Node> {
    let (admin, http) = (loopback::free_port()?, loopback::free_port()?);
    let name = format!("bench-{number}");
    let data_dir = server::data_dir(&plan.folder, &name)?;
    let text = config(&name, &data_dir, admin, http, origin, &nats.urls());
    let file = plan.folder.join(format!("{name}.toml"));
    std::fs::write(&file, text).map_err(|error| Failure::file(&file, &error))?;
    let built = repository.release_binary("seawall");
    let mut command = Command::new(plan.binary.as_ref().unwrap_or(&built));
    command.arg("run").arg("--config").arg(&file);
    Ok(Node { server: Server::start(&name, command, &plan.folder, admin)?, admin, http })
}

fn config(name: &str, data_dir: &Path, admin: u16, http: u16, origin: u16, nats: &[String]) -> String {
    format!(
        "[node]
name = \"{name}\"
region = \"bench\"
data_dir = \"{}\"
threads = 1
[listen]
http = [\"127.0.0.1:{http}\"]
[admin]
listen = \"127.0.0.1:{admin}\"
tokens = [{{ name = \"bench\", role = \"write\", secret = \"{}\" }}]
[cluster]
nats = {nats:?}
name = \"bench\"
replicas = 3
max_bytes = \"4GiB\"
[[origins]]
name = \"bench\"
servers = [\"http://127.0.0.1:{origin}\"]
[[sites]]
name = \"bench\"
hosts = [\"bench.example\"]
origin = \"bench\"
[log]
access = \"off\"
level = \"warn\"
",
        data_dir.display(),
        server::ADMIN_TOKEN,
    )
}

#[cfg(test)]
mod tests {
    use super::{per_object, resident_kib};

    #[test]
    fn what_a_tag_costs_is_the_difference() {
        let said = "resident 2048 KiB for 1024 objects\na tag with ...\n";
        assert_eq!(resident_kib(said), Some(2048));
        assert_eq!(resident_kib("nothing"), None);
        assert!((per_object(2048, 1024, 1024) - 1024.0).abs() < 1e-9);
    }
}
