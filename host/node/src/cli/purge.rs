//! `seawall purge`: tells every node to forget, and shows which have.

use std::io::Write;
use std::time::Duration;

use clap::{Args, ValueEnum};
use seawall_base::SiteName;
use serde_json::{Map, Value, json};
use ureq::http::StatusCode;

use super::Exit;
use super::client::{AdminArgs, Answer, Call, CallError, Verb, cell, fail};
use super::table::{plain, table};
use crate::config::duration;

/// Default of `--timeout`: the default of `max_lag`. A node that has not applied a purge by then counts as cut off.
pub const DEFAULT_TIMEOUT: &str = "5s";

/// `seawall purge`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct PurgeArgs {
    /// Only responses of this site [default: all sites]
    #[arg(long, value_name = "NAME", value_parser = SiteName::new)]
    pub site: Option<SiteName>,
    /// All variants of this URL; may be given more than once, as may the next three
    #[arg(long = "url", value_name = "URL", group = "what")]
    pub urls: Vec<String>,
    /// Everything that carries this tag
    #[arg(long = "tag", value_name = "TAG", group = "what")]
    pub tags: Vec<String>,
    /// Every URL that starts so
    #[arg(long = "prefix", value_name = "URL", group = "what")]
    pub prefixes: Vec<String>,
    /// Every URL of this host
    #[arg(long = "host", value_name = "HOST", group = "what")]
    pub hosts: Vec<String>,
    /// Everything, of the site if one is named
    #[arg(long, group = "what", conflicts_with_all = ["urls", "tags", "prefixes", "hosts"])]
    pub all: bool,
    /// Make it stale instead of gone: the next request revalidates
    #[arg(long)]
    pub soft: bool,
    /// Only count what would match, on every node
    #[arg(long)]
    pub dry_run: bool,
    /// Refuse to purge more stored responses than this on any one node
    #[arg(long, value_name = "NUMBER")]
    pub max_objects: Option<u64>,
    /// Purge even what the nodes' config wants confirmed
    #[arg(long)]
    pub confirm: bool,
    /// A name for this order: given again under it, the order is answered and not written again
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Whom to wait for
    #[arg(long, value_enum, default_value_t = WaitFor::All)]
    pub wait: WaitFor,
    /// How long to wait for them
    #[arg(long, value_name = "TIME", default_value = DEFAULT_TIMEOUT, value_parser = duration::parse)]
    pub timeout: Duration,
    /// The node to tell.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Whom a purge waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WaitFor {
    /// Nobody: it is in the log and will be applied
    None,
    /// The node that took it
    Local,
    /// Every live node
    All,
}

impl WaitFor {
    /// As in the query.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Local => "local",
            Self::All => "all",
        }
    }
}

/// Runs the command.
pub fn purge(args: &PurgeArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let path = format!("/v1/purge?wait={}&timeout={}", args.wait.as_str(), duration::text(args.timeout));
    let body = body(args);
    let patience = if args.wait == WaitFor::None { Duration::ZERO } else { args.timeout };
    let verb = match &args.key {
        Some(key) => Verb::PostOnce(&body, key),
        None => Verb::Post(&body),
    };
    let answer = match args.admin.call(&Call { path: &path, verb, patience }) {
        Ok(answer) => answer,
        Err(error) => return fail(&error, err),
    };
    let (text, exit) = match show(args, &answer) {
        Ok(shown) => shown,
        Err(error) => return fail(&error, err),
    };
    if out.write_all(text.as_bytes()).is_err() {
        return Exit::Failed;
    }
    if exit == Exit::PurgeIncomplete {
        // The exit code says it as well.
        let _ = writeln!(
            err,
            "seawall: the purge is in the log and cannot be lost, but not everyone waited for has applied it within {}",
            duration::text(args.timeout)
        );
    }
    exit
}

/// The request's body, without what was not said.
fn body(args: &PurgeArgs) -> Value {
    let mut body = Map::new();
    if let Some(site) = &args.site {
        body.insert("site".to_owned(), json!(site));
    }
    let lists =
        [("urls", &args.urls), ("tags", &args.tags), ("prefixes", &args.prefixes), ("hosts", &args.hosts)];
    for (key, list) in lists {
        if !list.is_empty() {
            body.insert(key.to_owned(), json!(list));
        }
    }
    if let Some(most) = args.max_objects {
        body.insert("max_objects".to_owned(), json!(most));
    }
    let flags =
        [("all", args.all), ("soft", args.soft), ("dry_run", args.dry_run), ("confirm", args.confirm)];
    for (key, flag) in flags {
        if flag {
            body.insert(key.to_owned(), json!(true));
        }
    }
    Value::Object(body)
}

/// What to print, and how the command ends.
fn show(args: &PurgeArgs, answer: &Answer) -> Result<(String, Exit), CallError> {
    let Answer { status, json } = answer;
    if !json.is_object() {
        return Err(args.admin.not_ours(*status, "not a purge"));
    }
    let nodes = json.get("nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let exit = verdict(args, *status, nodes);
    if args.admin.json {
        return Ok((format!("{json:#}\n"), exit));
    }
    let matched = match json.get("matched").and_then(Value::as_u64) {
        Some(1) => "1 stored response".to_owned(),
        _ => format!("{} stored responses", cell(json, "matched")),
    };
    if args.dry_run {
        let mut text = format!("would match {matched}\n");
        let rows: Vec<_> = nodes.iter().map(counted).collect();
        text.push_str(&table(["NODE", "REGION", "STATE", "MATCHED", "BYTES", "OF RECENT HITS"], &rows));
        return Ok((text, exit));
    }
    let again = if json.get("repeated") == Some(&json!(true)) { " (given before)" } else { "" };
    let mut text = format!("purge {}{again}: {matched} so far\n", plain(&cell(json, "id")));
    if !nodes.is_empty() {
        text.push_str(&applied_table(nodes));
    }
    Ok((text, exit))
}

/// What each node made of an order.
pub(super) fn applied_table(nodes: &[Value]) -> String {
    let rows: Vec<_> = nodes.iter().map(row).collect();
    table(["NODE", "REGION", "STATE", "APPLIED AFTER", "MATCHED"], &rows)
}

fn row(node: &Value) -> [String; 5] {
    let after = node.get("applied_after_us").and_then(Value::as_u64);
    let after = after.map_or_else(|| "-".to_owned(), |us| format!("{}.{:03} ms", us / 1000, us % 1000));
    [cell(node, "name"), cell(node, "region"), cell(node, "state"), after, cell(node, "matched")]
}

fn counted(node: &Value) -> [String; 6] {
    let share = node.get("recent_hits_percent").and_then(Value::as_f64);
    let share = share.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1} %"));
    let [name, region, state, matched, bytes] =
        ["name", "region", "state", "matched", "matched_bytes"].map(|key| cell(node, key));
    [name, region, state, matched, bytes, share]
}

/// The node says by 202 that somebody it waited for has not applied the purge. With `wait=all` that can be seen in the
/// table as well, and what can be seen must not be called complete.
fn verdict(args: &PurgeArgs, status: StatusCode, nodes: &[Value]) -> Exit {
    let applied = |node: &Value| node.get("state").and_then(Value::as_str) == Some("applied");
    let complete = match args.wait {
        _ if args.dry_run => true,
        WaitFor::None => true,
        WaitFor::Local => status != StatusCode::ACCEPTED,
        WaitFor::All => status != StatusCode::ACCEPTED && nodes.iter().all(applied),
    };
    if complete { Exit::Ok } else { Exit::PurgeIncomplete }
}

#[cfg(test)]
mod tests;
