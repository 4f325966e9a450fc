//! `seawall`: parse, do the one thing asked, and say how it ended.

use std::io::{stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use seawall::cli::{self, Cli, Command};
use seawall::run;

fn main() -> ExitCode {
    let (out, err) = (&mut stdout().lock(), &mut stderr());
    let exit = match Cli::parse().command {
        Command::Run(args) => run::run(args, err),
        Command::Check(args) => cli::check(&args, out, err),
        Command::Purge(args) => cli::purge(&args, out, err),
        Command::Nodes(args) => cli::nodes(&args, out, err),
        Command::Demo(_) => cli::Exit::Failed,
    };
    exit.into()
}
