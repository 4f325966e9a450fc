//! `seawall origins`: how the servers behind a node are.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Exit;
use super::client::{AdminArgs, Answer, Call, CallError, Verb, cell, fail};
use super::table::table;

/// `seawall origins`.
#[derive(Clone, Debug, Args)]
pub struct OriginsArgs {
    /// The node to ask.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Runs the command.
pub fn origins(args: &OriginsArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let shown = args.admin.call(&Call { path: "/v1/origins", verb: Verb::Get, patience: Duration::ZERO });
    match shown.and_then(|answer| show(args, &answer)) {
        Ok(text) => match out.write_all(text.as_bytes()) {
            Ok(()) => Exit::Ok,
            Err(_) => Exit::Failed,
        },
        Err(error) => fail(&error, err),
    }
}

fn show(args: &OriginsArgs, answer: &Answer) -> Result<String, CallError> {
    if args.admin.json {
        return Ok(format!("{:#}\n", answer.json));
    }
    let origins = answer.json.get("origins").and_then(Value::as_array);
    let origins = origins.ok_or_else(|| args.admin.not_ours(answer.status, "no `origins`"))?;
    let mut rows = Vec::new();
    for origin in origins {
        let servers = origin.get("servers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for server in servers {
            let circuit = match server.get("opens_again_in_ms").and_then(Value::as_u64) {
                Some(left) => format!("{} for {left} ms", cell(server, "circuit")),
                None => cell(server, "circuit"),
            };
            let latency = server.get("latency_us").and_then(Value::as_u64);
            let latency =
                latency.map_or_else(|| "-".to_owned(), |us| format!("{:.1} ms", us as f64 / 1000.0));
            rows.push([
                cell(origin, "name"),
                cell(server, "url"),
                cell(server, "role"),
                cell(server, "health"),
                circuit,
                cell(server, "in_flight"),
                latency,
                cell(origin, "waiting"),
                cell(origin, "retries_left"),
            ]);
        }
    }
    let head =
        ["ORIGIN", "SERVER", "ROLE", "HEALTH", "CIRCUIT", "IN FLIGHT", "LATENCY", "WAITING", "RETRIES LEFT"];
    Ok(table(head, &rows))
}
