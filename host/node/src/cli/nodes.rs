//! `seawall nodes`: who is in the cluster.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Exit;
use super::client::{AdminArgs, Answer, Call, CallError, Verb, cell, fail};
use super::table::table;

/// `seawall nodes`.
#[derive(Clone, Debug, Args)]
pub struct NodesArgs {
    /// The node to ask.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Runs the command.
pub fn nodes(args: &NodesArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let shown = args.admin.call(&Call { path: "/v1/nodes", verb: Verb::Get, patience: Duration::ZERO });
    match shown.and_then(|answer| show(args, &answer)) {
        Ok(text) => match out.write_all(text.as_bytes()) {
            Ok(()) => Exit::Ok,
            Err(_) => Exit::Failed,
        },
        Err(error) => fail(&error, err),
    }
}

fn show(args: &NodesArgs, answer: &Answer) -> Result<String, CallError> {
    if args.admin.json {
        return Ok(format!("{:#}\n", answer.json));
    }
    let nodes = answer.json.get("nodes").and_then(Value::as_array);
    let nodes = nodes.ok_or_else(|| args.admin.not_ours(answer.status, "no `nodes`"))?;
    let keys = ["name", "region", "state", "applied", "version", "peer_addr"];
    let rows: Vec<_> = nodes.iter().map(|node| keys.map(|key| cell(node, key))).collect();
    Ok(table(["NODE", "REGION", "STATE", "APPLIED", "VERSION", "PEERS REACH IT AT"], &rows))
}
