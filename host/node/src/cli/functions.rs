//! `seawall functions`: deploy versions, activate them on every node, go back.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Exit;
use super::client::{AdminArgs, Answer, Call, CallError, Verb, cell, fail};
use super::purge::{DEFAULT_TIMEOUT, WaitFor};
use super::table::{plain, table};
use crate::config::{FunctionName, duration};

mod fixture;
mod scaffold;
mod scratch;
mod tail;
mod test;

pub use tail::TailArgs;
pub use test::{TestArgs, run_fixtures};

/// How long a node may take to compile an upload.
const COMPILE_PATIENCE: Duration = Duration::from_secs(60);

/// `seawall functions`.
#[derive(Clone, Debug, Args)]
pub struct FunctionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: FunctionsCommand,
}

/// What there is to do with functions.
#[derive(Clone, Debug, Subcommand)]
pub enum FunctionsCommand {
    /// Check, compile and keep a version; with --activate, run it
    Deploy(DeployArgs),
    /// List the functions that are deployed, and their versions
    List(ListArgs),
    /// Run a version, on every node
    Activate(ActivateArgs),
    /// Run the version that ran before, on every node
    Rollback(RollbackArgs),
    /// Begin a new function: a crate that builds as it is, with the kit in it
    New(NewArgs),
    /// Run a built function on fixtures, without a node
    Test(TestArgs),
    /// Watch what a function of a running node does and says, until Ctrl-C
    Tail(TailArgs),
}

/// `seawall functions new`.
#[derive(Clone, Debug, Args)]
pub struct NewArgs {
    /// Its name, and that of the folder that is made
    #[arg(value_parser = FunctionName::new)]
    pub name: FunctionName,
    /// What it is written in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    pub lang: Language,
}

/// What a new function is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust: small and fast
    Rust,
    /// JavaScript, with the engine in the file: 12 MB, and some hundred microseconds a call
    Js,
}

/// `seawall functions deploy`.
#[derive(Clone, Debug, Args)]
pub struct DeployArgs {
    /// The function, as the config names it
    pub name: String,
    /// What cargo built: a component, or a core module for wasm32-wasip1
    pub file: PathBuf,
    /// Its settings: a TOML file with `config`, `origins`, `grants`, `on_error` and
    /// `rollback_on_traps`
    #[arg(long, value_name = "FILE.toml")]
    pub manifest: Option<PathBuf>,
    /// One more setting for `config`, on top of the manifest; may be given more than once
    #[arg(long = "config", value_name = "NAME=VALUE", value_parser = pair)]
    pub config: Vec<(String, String)>,
    /// Activate it at once
    #[arg(long)]
    pub activate: bool,
    /// Whom to wait for.
    #[command(flatten)]
    pub waiting: Waiting,
    /// The node to tell.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// `seawall functions list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// The node to ask.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// `seawall functions activate`.
#[derive(Clone, Debug, Args)]
pub struct ActivateArgs {
    /// The function
    pub name: String,
    /// The version, or its first eight or more characters
    pub version: String,
    /// Whom to wait for.
    #[command(flatten)]
    pub waiting: Waiting,
    /// The node to tell.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// `seawall functions rollback`.
#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// The function
    pub name: String,
    /// Purge what the version that is left has shaped
    #[arg(long)]
    pub purge: bool,
    /// Whom to wait for.
    #[command(flatten)]
    pub waiting: Waiting,
    /// The node to tell.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Whom an activation waits for.
#[derive(Clone, Copy, Debug, Args)]
pub struct Waiting {
    /// Whom to wait for
    #[arg(long, value_enum, default_value_t = WaitFor::All)]
    pub wait: WaitFor,
    /// How long to wait for them
    #[arg(long, value_name = "TIME", default_value = DEFAULT_TIMEOUT, value_parser = duration::parse)]
    pub timeout: Duration,
}

/// What a manifest may say. The node checks it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Manifest {
    config: BTreeMap<String, String>,
    origins: Vec<String>,
    grants: Vec<String>,
    on_error: BTreeMap<String, String>,
    rollback_on_traps: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}`: write `name=value`")),
    }
}

/// Runs the command.
pub fn functions(args: &FunctionsArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let done = match &args.command {
        FunctionsCommand::Deploy(args) => deploy(args, out),
        FunctionsCommand::List(args) => list(&args.admin).map(|text| say(out, &text)),
        FunctionsCommand::Activate(args) => {
            let body = json!({ "version": args.version });
            activation(&args.admin, args.waiting, &args.name, "activate", &body)
                .map(|(text, exit)| said(out, &text, exit))
        }
        FunctionsCommand::Rollback(args) => {
            let body = json!({ "purge": args.purge });
            activation(&args.admin, args.waiting, &args.name, "rollback", &body)
                .map(|(text, exit)| said(out, &text, exit))
        }
        FunctionsCommand::New(args) => return new(args, out, err),
        FunctionsCommand::Test(args) => return test::test(args, out, err),
        FunctionsCommand::Tail(args) => tail::tail(args, out),
    };
    done.unwrap_or_else(|error| fail(&error, err))
}

fn new(args: &NewArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let name = args.name.as_str();
    let made = match args.lang {
        Language::Rust => scaffold::write(Path::new(name), name),
        Language::Js => scaffold::js::write(Path::new(name), name),
    };
    match made {
        Ok(()) => say(out, &format!("made {name}/; {name}/README.md says how to build, test and run it\n")),
        Err(error) => complain(err, &format!("`{name}` cannot be made: {error}")),
    }
}

fn complain(err: &mut dyn Write, why: &str) -> Exit {
    // Where standard error is closed nobody reads this, and the exit code still says it.
    let _ = writeln!(err, "seawall: {why}");
    Exit::Failed
}

fn said(out: &mut dyn Write, text: &str, exit: Exit) -> Exit {
    match say(out, text) {
        Exit::Ok => exit,
        failed => failed,
    }
}

fn say(out: &mut dyn Write, text: &str) -> Exit {
    if out.write_all(text.as_bytes()).is_ok() { Exit::Ok } else { Exit::Failed }
}

fn deploy(args: &DeployArgs, out: &mut dyn Write) -> Result<Exit, CallError> {
    let mut manifest = args.manifest.as_deref().map(read_manifest).transpose()?.unwrap_or_default();
    manifest.config.extend(args.config.iter().cloned());
    let wasm = std::fs::read(&args.file)
        .map_err(|error| CallError::File { path: args.file.clone(), why: error.to_string() })?;
    let mut body = json!(manifest);
    body["wasm"] = json!(BASE64_STANDARD.encode(wasm));
    let path = format!("/v1/functions/{}", args.name);
    let answer =
        args.admin.call(&Call { path: &path, verb: Verb::Put(&body), patience: COMPILE_PATIENCE })?;
    let shown = show_deployed(&args.admin, &answer);
    if say(out, &shown) == Exit::Failed {
        return Ok(Exit::Failed);
    }
    if !args.activate {
        return Ok(Exit::Ok);
    }
    let body = json!({ "version": cell(&answer.json, "version") });
    let (text, exit) = activation(&args.admin, args.waiting, &args.name, "activate", &body)?;
    Ok(said(out, &text, exit))
}

fn read_manifest(path: &Path) -> Result<Manifest, CallError> {
    let wrong = |why: String| CallError::File { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    toml::from_str(&text).map_err(|error| wrong(error.to_string()))
}

fn show_deployed(admin: &AdminArgs, answer: &Answer) -> String {
    let json = &answer.json;
    if admin.json {
        return format!("{json:#}\n");
    }
    let words = |key: &str| match json.get(key).and_then(Value::as_array) {
        Some(list) if !list.is_empty() => {
            plain(&list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        }
        _ => "-".to_owned(),
    };
    let ms = json.get("prepared_in_us").and_then(Value::as_u64).unwrap_or_default() / 1000;
    format!(
        "deployed {} version {} ({} bytes, checked and compiled in {ms} ms)\nhooks:    {}\nimports:  {}\ngrants:   {}\nunused:   {}\n",
        plain(&cell(json, "function")),
        plain(&cell(json, "version")),
        cell(json, "size_bytes"),
        words("hooks"),
        words("imports"),
        words("grants"),
        words("unused_grants"),
    )
}

fn list(admin: &AdminArgs) -> Result<String, CallError> {
    let answer = admin.call(&Call { path: "/v1/functions", verb: Verb::Get, patience: Duration::ZERO })?;
    if admin.json {
        return Ok(format!("{:#}\n", answer.json));
    }
    let functions = answer.json.get("functions").and_then(Value::as_array);
    let functions = functions.ok_or_else(|| admin.not_ours(answer.status, "no `functions`"))?;
    let mut rows = Vec::new();
    for function in functions {
        let (name, active, previous) =
            (cell(function, "name"), cell(function, "active"), cell(function, "previous"));
        let versions =
            function.get("versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for version in versions {
            let own = cell(version, "version");
            let state = match () {
                () if own == active => "active",
                () if own == previous => "previous",
                () => "ready",
            };
            rows.push([
                name.clone(),
                own,
                state.to_owned(),
                cell(version, "size_bytes"),
                cell(version, "deployed_unix_ms"),
            ]);
        }
        if versions.is_empty() {
            rows.push([name, "-".to_owned(), "not deployed".to_owned(), "-".to_owned(), "-".to_owned()]);
        }
    }
    Ok(table(["FUNCTION", "VERSION", "STATE", "BYTES", "DEPLOYED (UNIX MS)"], &rows))
}

/// Activates or rolls back, and shows who has done it.
fn activation(
    admin: &AdminArgs,
    waiting: Waiting,
    name: &str,
    action: &str,
    body: &Value,
) -> Result<(String, Exit), CallError> {
    let Waiting { wait, timeout } = waiting;
    let path =
        format!("/v1/functions/{name}/{action}?wait={}&timeout={}", wait.as_str(), duration::text(timeout));
    let patience = if wait == WaitFor::None { Duration::ZERO } else { timeout };
    let Answer { status, json } = admin.call(&Call { path: &path, verb: Verb::Post(body), patience })?;
    let complete = wait == WaitFor::None || status != http::StatusCode::ACCEPTED;
    let exit = if complete { Exit::Ok } else { Exit::PurgeIncomplete };
    if admin.json {
        return Ok((format!("{json:#}\n"), exit));
    }
    let mut text = format!(
        "{} runs version {} from position {} on\n",
        plain(&cell(&json, "function")),
        plain(&cell(&json, "version")),
        cell(&json, "position"),
    );
    if let Some(purged) = json.get("purged").and_then(Value::as_u64) {
        text.push_str(&format!("purged {purged} stored responses of the version before\n"));
    }
    let nodes = json.get("nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<_> =
        nodes.iter().map(|node| ["name", "region", "state"].map(|key| cell(node, key))).collect();
    if !rows.is_empty() {
        text.push_str(&table(["NODE", "REGION", "STATE"], &rows));
    }
    Ok((text, exit))
}
