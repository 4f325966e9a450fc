//! `seawall`: parse, do the one thing asked, and say how it ended.

use std::io::{IsTerminal, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;
use seawall::cli::{self, Cli, Command};
use seawall::{demo, dev, run};

/// A hit makes a dozen small allocations and frees them at once; measured with `cargo xtask bench hit`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (out, err) = (&mut stdout().lock(), &mut stderr());
    let exit = match Cli::parse().command {
        Command::Run(args) => run::run(args, err),
        Command::Dev(args) => dev::dev(*args, out, err),
        Command::Check(args) => cli::check(&args, out, err),
        Command::Config(args) => cli::config(&args, out, err),
        Command::Purge(args) => cli::purge(&args, out, err),
        Command::Purges(args) => cli::purges(&args, out, err),
        Command::Nodes(args) => cli::nodes(&args, out, err),
        Command::Origins(args) => cli::origins(&args, out, err),
        Command::Explain(args) => cli::explain(&args, out, err),
        Command::Functions(args) => cli::functions(&args, out, err),
        Command::CompileFunction { code } => cli::compile_function(&code, err),
        Command::Demo(args) => demo::demo(&args, out.is_terminal(), out, err),
    };
    exit.into()
}
