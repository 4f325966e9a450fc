//! `seawall dev`: what people type, and the step of a running one's clock.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{AdminArgs, Call, Verb, fail};
use super::{Exit, RunArgs};
use crate::config::{Config, Problems, RunFlags, duration};

/// `seawall dev`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["config", "origin"]))]
pub struct DevArgs {
    /// What to do to a `seawall dev` that runs.
    #[command(subcommand)]
    pub command: Option<DevCommand>,
    /// The config file. The flags below override what it says
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Instead of the file, or on top of it.
    #[command(flatten)]
    pub flags: RunFlags,
}

/// What there is to do to a `seawall dev` that runs.
#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Step its clock forward, to see what happens when a lifetime is over
    Step(StepArgs),
}

/// `seawall dev step`.
#[derive(Clone, Debug, Args)]
pub struct StepArgs {
    /// How far, such as 90s, 10m or 1d
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub by: Duration,
    /// The node to tell.
    #[command(flatten)]
    pub admin: AdminArgs,
}

impl DevArgs {
    /// The configuration that the file and the flags make together.
    pub fn into_config(self) -> Result<Config, Problems> {
        RunArgs { config: self.config, flags: self.flags }.into_config().map(|(config, _)| config)
    }
}

/// Steps the clock of a running `seawall dev`.
pub fn step(args: &StepArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let ms = u64::try_from(args.by.as_millis()).unwrap_or(u64::MAX);
    let body = json!({ "step_ms": ms });
    let call = Call { path: "/v1/dev/clock", verb: Verb::Post(&body), patience: Duration::ZERO };
    let answer = match args.admin.call(&call) {
        Ok(answer) => answer,
        Err(error) => return fail(&error, err),
    };
    let ahead = answer.json.get("ahead_ms").and_then(Value::as_u64).map(Duration::from_millis);
    let shown = match ahead {
        _ if args.admin.json => format!("{:#}\n", answer.json),
        Some(ahead) => format!("the clock runs {} ahead\n", duration::text(ahead)),
        None => "stepped\n".to_owned(),
    };
    if out.write_all(shown.as_bytes()).is_ok() { Exit::Ok } else { Exit::Failed }
}
