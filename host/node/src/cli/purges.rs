//! `seawall purges`: what was ordered, by whom, and what became of it.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Exit;
use super::client::{AdminArgs, Answer, Call, CallError, Verb, cell, fail};
use super::purge::applied_table;
use super::table::table;
use super::timestamp;

/// Default of `--limit`: a screen of lines.
pub const DEFAULT_LIMIT: u16 = 20;

/// `seawall purges`.
#[derive(Clone, Debug, Args)]
pub struct PurgesArgs {
    /// One order, by its position: shows what every node has made of it
    #[arg(value_name = "POSITION", conflicts_with_all = ["since", "limit"])]
    pub id: Option<u64>,
    /// Orders after this position [default: the newest]
    #[arg(long, value_name = "POSITION")]
    pub since: Option<u64>,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// The node to ask.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Runs the command.
pub fn purges(args: &PurgesArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let path = match (args.id, args.since) {
        (Some(id), _) => format!("/v1/purges/{id}"),
        (None, Some(since)) => format!("/v1/purges?limit={}&since={since}", args.limit),
        (None, None) => format!("/v1/purges?limit={}", args.limit),
    };
    let shown = args.admin.call(&Call { path: &path, verb: Verb::Get, patience: Duration::ZERO });
    match shown.and_then(|answer| show(args, &answer)) {
        Ok(text) => match out.write_all(text.as_bytes()) {
            Ok(()) => Exit::Ok,
            Err(_) => Exit::Failed,
        },
        Err(error) => fail(&error, err),
    }
}

const HEAD: [&str; 7] = ["POSITION", "WHEN (UTC)", "WHO", "AT NODE", "SITE", "WHAT", "MATCHED"];

fn show(args: &PurgesArgs, answer: &Answer) -> Result<String, CallError> {
    let Answer { status, json } = answer;
    if args.admin.json {
        return Ok(format!("{json:#}\n"));
    }
    let list = |key: &str| json.get(key).and_then(Value::as_array).map(Vec::as_slice);
    if args.id.is_some() {
        let nodes = list("nodes").ok_or_else(|| args.admin.not_ours(*status, "no `nodes`"))?;
        return Ok(format!("{}\n{}", table(HEAD, &[row(json)]), applied_table(nodes)));
    }
    let orders = list("orders").ok_or_else(|| args.admin.not_ours(*status, "no `orders`"))?;
    let rows: Vec<_> = orders.iter().map(row).collect();
    let mut text = table(HEAD, &rows);
    if let Some(next) = json.get("next").and_then(Value::as_u64) {
        text.push_str(&format!("there are more: --since {next}\n"));
    }
    Ok(text)
}

fn row(order: &Value) -> [String; 7] {
    let at = order.get("at_unix_ms").and_then(Value::as_u64).map_or_else(|| "-".to_owned(), timestamp::utc);
    let [position, actor, node, matched] =
        ["position", "actor", "accepted_by", "matched"].map(|key| cell(order, key));
    let site = match order.get("site") {
        Some(Value::String(site)) => site.clone(),
        _ => "all".to_owned(),
    };
    [position, at, actor, node, site, what(order), matched]
}

/// The order in a few words.
fn what(order: &Value) -> String {
    let kind = cell(order, "kind");
    match kind.as_str() {
        "purge" => {
            let soft = if order.get("soft") == Some(&Value::Bool(true)) { "soft " } else { "" };
            format!("{soft}{}", selects(order))
        }
        "activation" => {
            let version: String = cell(order, "version").chars().take(VERSION_SHOWN).collect();
            format!("function {} {version}", cell(order, "function"))
        }
        _ => kind,
    }
}

/// Characters of a version that tell it from others of its function.
const VERSION_SHOWN: usize = 12;

/// The first selector, and how many there are besides.
fn selects(order: &Value) -> String {
    let selects = order.get("selects");
    let kinds = [("urls", "url"), ("tags", "tag"), ("prefixes", "prefix"), ("hosts", "host")];
    let first = kinds.iter().find_map(|(key, word)| {
        let text = selects?.get(key)?.as_array()?.first()?.as_str()?;
        Some(format!("{word} {text}"))
    });
    let first = first.unwrap_or_else(|| "everything".to_owned());
    match order.get("selectors").and_then(Value::as_u64) {
        Some(count) if count > 1 => format!("{first} and {} more", count - 1),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_told_in_one_line() {
        let purge = json!({"position": 7, "at_unix_ms": 1_700_000_000_123_u64, "actor": "ops", "accepted_by": "fra-1",
            "kind": "purge", "site": "shop", "soft": true, "selects": {"tags": ["a", "b"]}, "selectors": 3, "matched": 9});
        assert_eq!(
            row(&purge),
            ["7", "2023-11-14 22:13:20", "ops", "fra-1", "shop", "soft tag a and 2 more", "9"]
        );
        let everything = json!({"kind": "purge", "selects": {"all": true}, "selectors": 1});
        assert_eq!((what(&everything).as_str(), row(&everything)[4].as_str()), ("everything", "all"));
        let activation = json!({"kind": "activation", "function": "front", "version": "3f9c01d2aabbccdd"});
        assert_eq!(what(&activation), "function front 3f9c01d2aabb");
        assert_eq!(what(&json!({"kind": "weigh"})), "weigh");
    }
}
