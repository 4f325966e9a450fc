//! `seawall explain`: what a node would answer to a request, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::client::{AdminArgs, Answer, Call, CallError, Verb, cell, fail};
use super::table::plain;

/// `seawall explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The URL that would be asked for
    pub url: String,
    /// A field of the request, `name: value`; may be given more than once
    #[arg(short = 'H', long = "header", value_name = "FIELD", value_parser = field)]
    pub headers: Vec<(String, String)>,
    /// The method
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// The node to ask.
    #[command(flatten)]
    pub admin: AdminArgs,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as `name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// Runs the command.
pub fn explain(args: &ExplainArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let headers: BTreeMap<&str, &str> =
        args.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = json!({ "url": args.url, "method": args.method, "headers": headers });
    let call = Call { path: "/v1/explain", verb: Verb::Post(&body), patience: Duration::ZERO };
    match args.admin.call(&call).and_then(|answer| show(args, &answer)) {
        Ok(text) => match out.write_all(text.as_bytes()) {
            Ok(()) => Exit::Ok,
            Err(_) => Exit::Failed,
        },
        Err(error) => fail(&error, err),
    }
}

fn show(args: &ExplainArgs, answer: &Answer) -> Result<String, CallError> {
    let json = &answer.json;
    if args.admin.json {
        return Ok(format!("{json:#}\n"));
    }
    let stored = json.get("stored").and_then(Value::as_array);
    let stored = stored.ok_or_else(|| args.admin.not_ours(answer.status, "no `stored`"))?;
    let mut lines = vec![
        format!("{}: {}", cell(json, "would"), cell(json, "why")),
        format!(
            "  node {}, site {}, log position {}",
            cell(json, "node"),
            cell(json, "site"),
            cell(json, "position")
        ),
        format!("  key {}{}", pick(json, "/key/url"), list(json.pointer("/key/parts"))),
        format!("  route{} origin {}", list(json.pointer("/route/shields")), pick(json, "/route/origin")),
    ];
    if let Some(rule) = json.get("rule").and_then(Value::as_u64) {
        lines.push(format!("  rule {rule} of the site, for a 200"));
    }
    if json.get("functions").and_then(Value::as_array).is_some_and(|all| !all.is_empty()) {
        lines.push(format!("  not run:{}", list(json.get("functions"))));
    }
    for entry in stored {
        let mark = if entry.get("selected") == Some(&Value::Bool(true)) { "selected" } else { "stored" };
        let mut line = format!("  {mark}: ");
        for key in [
            "status",
            "verdict",
            "age_s",
            "lifetime_s",
            "lifetime_from",
            "ttl_s",
            "stale_if_error_s",
            "position",
            "body_bytes",
        ] {
            // Into a string it cannot fail.
            let _ = write!(line, "{key}={} ", cell(entry, key));
        }
        for key in ["purged", "soft_purged", "partial"] {
            if entry.get(key) == Some(&Value::Bool(true)) {
                let _ = write!(line, "{key} ");
            }
        }
        let _ = write!(line, "vary={} tags={}", list(entry.get("vary")), list(entry.get("tags")));
        lines.push(line);
    }
    Ok(lines.iter().map(|line| plain(line) + "\n").collect())
}

fn pick(json: &Value, pointer: &str) -> String {
    json.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned()
}

/// The texts of a list, each after a space.
fn list(json: Option<&Value>) -> String {
    let texts = json.and_then(Value::as_array).into_iter().flatten();
    texts.filter_map(Value::as_str).map(|text| format!(" {text}")).collect()
}
