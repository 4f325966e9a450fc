//! `seawall check`: every problem of a config file at once.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use seawall_base::Clock;

use super::{Exit, report};
use crate::config::{Config, RunFlags};

/// `seawall check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Runs the command.
pub fn check(args: &CheckArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let checked = Config::load(&args.config, RunFlags::default()).and_then(|config| {
        config.check_expiry(&args.config, Clock::system().now())?;
        Ok(config)
    });
    match checked {
        Ok(config) => {
            let said = writeln!(
                out,
                "{}: ok: {}, {}, {}",
                args.config.display(),
                counted(config.sites.len(), "site"),
                counted(config.origins.len(), "origin"),
                counted(config.functions.len(), "function"),
            );
            if said.is_ok() { Exit::Ok } else { Exit::Failed }
        }
        Err(problems) => report(&problems, err),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
