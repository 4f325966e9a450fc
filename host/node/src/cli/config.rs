//! `seawall config`: a node's configuration, and what one may say.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Exit;
use super::client::{AdminArgs, Answer, Call, Verb, cell, fail};
use crate::config;

/// `seawall config`.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What to do with a configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Show the configuration that a node runs with, without secrets
    Show(AdminArgs),
    /// Have a node read its config file again: in force as a whole, or refused as a whole
    Reload(AdminArgs),
    /// Print the JSON schema of the config file, for editors
    Schema,
    /// Print every key with its type, default and meaning, as Markdown
    Reference,
}

/// How long a reload may take: functions may have to be compiled.
const RELOAD_PATIENCE: Duration = Duration::from_secs(60);

/// Runs the command.
pub fn config(args: &ConfigArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let said = match &args.what {
        What::Show(admin) => {
            call(admin, "/v1/config", Verb::Get, Duration::ZERO, err, |answer| format!("{:#}\n", answer.json))
        }
        What::Reload(admin) => {
            let nothing = serde_json::json!({});
            call(admin, "/v1/config/reload", Verb::Post(&nothing), RELOAD_PATIENCE, err, |answer| {
                if admin.json { format!("{:#}\n", answer.json) } else { reloaded(&answer.json) }
            })
        }
        What::Schema => Ok(format!("{:#}\n", config::json_schema())),
        What::Reference => Ok(config::markdown()),
    };
    match said.map(|text| out.write_all(text.as_bytes())) {
        Ok(Ok(())) => Exit::Ok,
        Ok(Err(_)) => Exit::Failed,
        Err(exit) => exit,
    }
}

fn call(
    admin: &AdminArgs,
    path: &str,
    verb: Verb<'_>,
    patience: Duration,
    err: &mut dyn Write,
    show: impl FnOnce(&Answer) -> String,
) -> Result<String, Exit> {
    admin.call(&Call { path, verb, patience }).map(|answer| show(&answer)).map_err(|error| fail(&error, err))
}

fn reloaded(answer: &Value) -> String {
    let digest = cell(answer, "digest");
    let dropped: Vec<&str> = answer
        .get("sites_dropped")
        .and_then(Value::as_array)
        .map(|sites| sites.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let what = if digest == cell(answer, "previous_digest") { "the same as before" } else { "changed" };
    let mut said = format!("in force: {} ({what})\n", digest.get(..16).unwrap_or(&digest));
    if !dropped.is_empty() {
        said.push_str(&format!("stored responses were dropped of: {}\n", dropped.join(", ")));
    }
    said
}
