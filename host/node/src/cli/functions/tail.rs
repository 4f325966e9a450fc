//! `seawall functions tail`: what a function of a running node does and says, as it happens.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::say;
use crate::cli::Exit;
use crate::cli::client::{AdminArgs, CallError, cell};
use crate::cli::table::plain;

/// Characters of a version that are shown: enough to tell it from the others, and to activate it.
const VERSION_SHOWN: usize = 8;

/// `seawall functions tail`.
#[derive(Clone, Debug, Args)]
pub struct TailArgs {
    /// The function, as the config names it
    pub name: String,
    /// Calls on this site only
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// The node to watch.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Prints lines until the node ends them, or whoever reads them is gone.
pub(super) fn tail(args: &TailArgs, out: &mut dyn Write) -> Result<Exit, CallError> {
    let query = args.site.as_ref().map(|site| format!("?site={}", escaped(site))).unwrap_or_default();
    let path = format!("/v1/functions/{}/tail{query}", escaped(&args.name));
    let mut exit = Exit::Ok;
    args.admin.follow(&path, &mut |line| {
        let shown = if args.admin.json { format!("{line}\n") } else { shown(line) };
        exit = say(out, &shown);
        exit == Exit::Ok && out.flush().is_ok()
    })?;
    Ok(exit)
}

/// For a part of a path or query: names obey a rule of their own, and what does not is told so by the node.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn shown(line: &str) -> String {
    let Ok(json) = serde_json::from_str::<Value>(line) else {
        return format!("{}\n", plain(line));
    };
    if json.get("kind").and_then(Value::as_str) == Some("missed") {
        return format!("… {} calls more than could be shown\n", cell(&json, "calls"));
    }
    let text = |key: &str| plain(&cell(&json, key));
    let version: String = text("version").chars().take(VERSION_SHOWN).collect();
    let mut shown = format!(
        "{} {} {}@{version} {} {} {} µs{}\n",
        text("request"),
        text("target"),
        text("function"),
        text("hook"),
        text("outcome"),
        cell(&json, "cpu_us"),
        json.get("code").and_then(Value::as_str).map(|code| format!(" {}", plain(code))).unwrap_or_default(),
    );
    if let Some(detail) = json.get("detail").and_then(Value::as_str) {
        // Each frame of the guest's stack is set off by a semicolon.
        detail.split("; ").for_each(|part| shown.push_str(&format!("    {}\n", plain(part))));
    }
    for line in json.get("log").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
        shown.push_str(&format!("  {}: {}\n", plain(&cell(line, "level")), plain(&cell(line, "text"))));
    }
    if let Some(dropped) = json.get("log_dropped").and_then(Value::as_u64).filter(|dropped| *dropped > 0) {
        shown.push_str(&format!("  … {dropped} lines over the limit\n"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_line_and_what_it_said_is_indented() {
        let line = r#"{"kind":"call","request":"fra-1-2a","target":"GET /x","function":"front","version":"3f9c01d2aa",
            "hook":"on-request","outcome":"failed","code":"SW-FN-TRAP","detail":"unreachable; 0: front::boom","cpu_us":12,
            "log":[{"level":"info","text":"hello"}],"log_dropped":2}"#;
        assert_eq!(
            shown(line),
            "fra-1-2a GET /x front@3f9c01d2 on-request failed 12 µs SW-FN-TRAP\n    unreachable\n    0: front::boom\n  \
             info: hello\n  … 2 lines over the limit\n"
        );
        assert_eq!(shown(r#"{"kind":"missed","calls":7}"#), "… 7 calls more than could be shown\n");
        assert_eq!(shown("no JSON\u{1b}[2J"), format!("{}\n", plain("no JSON\u{1b}[2J")));
    }

    #[test]
    fn names_cannot_break_out_of_the_path() {
        assert_eq!(escaped("../a b?c"), "..%2Fa%20b%3Fc");
    }
}
