//! Three NATS servers that are one cluster, as docs/samples/nats-cluster.conf has them.

use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::loopback;
use crate::server::{self, Server};

/// Servers: as many as the log has replicas.
const SERVERS: usize = 3;

/// The servers, ended with their owner.
pub(crate) struct NatsCluster {
    ports: Vec<u16>,
    _servers: Vec<Server>,
}

impl NatsCluster {
    /// Starts them, each with a store of its own. They choose leaders while the nodes start.
    pub(crate) fn start(program: &Path, folder: &Path) -> Outcome<Self> {
        let ports: Vec<u16> = (0..SERVERS).map(|_| loopback::free_port()).collect::<Outcome<_>>()?;
        let routes: Vec<u16> = (0..SERVERS).map(|_| loopback::free_port()).collect::<Outcome<_>>()?;
        let mut servers = Vec::new();
        for (number, (port, route)) in ports.iter().zip(&routes).enumerate() {
            let name = format!("nats-{number}");
            let store = server::data_dir(folder, &name)?;
            let file = folder.join(format!("{name}.conf"));
            std::fs::write(&file, config(&name, *port, *route, &routes, &store))
                .map_err(|error| Failure::file(&file, &error))?;
            let mut command = Command::new(program);
            command.arg("-c").arg(&file);
            servers.push(Server::start(&name, command, folder, *port)?);
        }
        Ok(Self { ports, _servers: servers })
    }

    /// What nodes connect to.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect()
    }
}

fn config(name: &str, port: u16, route: u16, routes: &[u16], store: &Path) -> String {
    let others: Vec<String> = routes.iter().map(|port| format!("nats-route://127.0.0.1:{port}")).collect();
    format!(
        "server_name: {name}
listen: \"127.0.0.1:{port}\"
max_payload: 4MB
jetstream {{ store_dir: \"{}\" }}
cluster {{ name: bench, listen: \"127.0.0.1:{route}\", routes: [{}] }}
",
        store.display(),
        others.join(", ")
    )
}
