//! The command line: what people type, and the commands that are clients of a running node.
//!
//! Owns: the grammar, the exit codes, the admin token's whereabouts, `check`, `config`, `purge`, `purges`, `nodes`,
//! `origins` and `functions`. Refuses: starting anything; `run`, `dev` and `demo` are only read here. Output goes to writers that
//! the caller gives.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Problems, RunFlags};
use crate::node::{Source, compile};

mod check;
mod client;
mod config;
mod dev;
mod explain;
mod functions;
mod nodes;
mod origins;
mod purge;
mod purges;
mod table;
pub(crate) use table::plain;
mod timestamp;
pub mod token;

pub use check::{CheckArgs, check};
pub use client::{AdminArgs, AdminUrl, DEFAULT_ADMIN_URL};
pub use config::{ConfigArgs, config};
pub use dev::{DevArgs, DevCommand, StepArgs, step};
pub use explain::{ExplainArgs, explain};
pub use functions::{FunctionsArgs, TailArgs, TestArgs, functions, run_fixtures};
pub use nodes::{NodesArgs, nodes};
pub use origins::{OriginsArgs, origins};
pub use purge::{DEFAULT_TIMEOUT, PurgeArgs, WaitFor, purge};
pub use purges::{DEFAULT_LIMIT, PurgesArgs, purges};

/// A CDN edge node: a correct cache, purges that reach every node, and WebAssembly at the edge.
#[derive(Debug, Parser)]
#[command(name = "seawall", version, about, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a node
    Run(RunArgs),
    /// Run a node at an author's desk: functions reload when they are rebuilt, each request shows what they did
    Dev(Box<DevArgs>),
    /// Check a config file and report every problem in it
    Check(CheckArgs),
    /// Show a node's config, have it read again, or print what a config file may say
    Config(ConfigArgs),
    /// Purge responses from every node
    Purge(PurgeArgs),
    /// List what was ordered, by whom, and what became of it
    Purges(PurgesArgs),
    /// List the nodes of the cluster
    Nodes(NodesArgs),
    /// Show the servers of a node's origins: health, circuit, latency, requests under way
    Origins(OriginsArgs),
    /// Tell what a node would answer to a request, and why, without asking an origin
    Explain(ExplainArgs),
    /// Deploy, activate and roll back edge functions
    Functions(FunctionsArgs),
    /// Compile a function from standard input into a folder; the node starts this
    #[command(hide = true, name = compile::COMMAND)]
    CompileFunction {
        /// The folder of compiled code
        code: PathBuf,
    },
    /// Show what Seawall does: two edges and a shield in one process, in front of a demo origin
    Demo(DemoArgs),
}

/// `seawall run`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["config", "origin"]))]
pub struct RunArgs {
    /// The config file. The flags below override what it says
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Instead of the file, or on top of it.
    #[command(flatten)]
    pub flags: RunFlags,
}

impl RunArgs {
    /// The configuration that the file and the flags make together; and the file, where there is one, as it was read.
    pub fn into_config(self) -> Result<(Config, Option<(Source, String)>), Problems> {
        let Self { config, flags } = self;
        let Some(file) = config else {
            return Ok((Config::for_origin(flags)?, None));
        };
        let text = Config::read(&file)?;
        let config = Config::from_text(&text, &file, flags.clone())?;
        Ok((config, Some((Source { file, flags }, text))))
    }
}

/// `seawall demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Run the tour once and exit, 0 if everything went as told
    #[arg(long)]
    pub once: bool,
    /// Where the compiled example functions are
    #[arg(long, value_name = "DIR")]
    pub guests: Option<PathBuf>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// As asked.
    Ok = 0,
    /// It failed, and said why on standard error.
    Failed = 1,
    /// The command line makes no sense. Also what clap exits with.
    Usage = 2,
    /// The purge is accepted and durable, but not every node asked for has applied it in time.
    PurgeIncomplete = 3,
    /// The configuration is wrong: `EX_USAGE` of sysexits.h, so that a supervisor can tell it from a crash.
    Config = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs the hidden command.
pub fn compile_function(code: &Path, err: &mut dyn Write) -> Exit {
    match compile::compile(code, &mut std::io::stdin().lock()) {
        Ok(()) => Exit::Ok,
        Err(why) => {
            // The node reads it; where it does not, the exit code still says it.
            let _ = write!(err, "{why}");
            Exit::Failed
        }
    }
}

/// Prints the problems of a configuration.
pub fn report(problems: &Problems, err: &mut dyn Write) -> Exit {
    // Where standard error is closed nobody reads this, and the exit code still says it.
    let _ = writeln!(err, "{problems}\nseawall: {} in the configuration", problems.count_text());
    Exit::Config
}

#[cfg(test)]
mod tests;
