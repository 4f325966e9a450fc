//! `cargo xtask <command>`: what this repository does beyond `cargo build`, each command with its own set-up.
//!
//! Owns the gate, the demo's preparation, the side-by-side benchmarks, the conformance run and the fuzzers'.
//! Refuses dependencies: this is the first crate compiled on every machine, so it is the standard library and
//! the tools a Rust machine has anyway.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on its standard output")]
#![expect(clippy::print_stderr, reason = "and complains on its standard error")]

mod bench;
mod command;
mod config;
mod conformance;
mod debian;
mod demo;
mod failure;
mod fuzz;
mod gate;
mod guests;
mod hardship;
mod js;
mod loc;
mod loopback;
mod repository;
mod server;
mod setup;
mod simulate;
mod soak;
mod stopwatch;
mod storm;
mod tally;

use std::process::ExitCode;

use failure::{Failure, Outcome};
use repository::Repository;

const USAGE: &str = "\
cargo xtask <command>

  test [STEP...]                 the gate: every check of this repository (or only the named steps)
  demo [--once]                  two edges and a shield in one process, with a guided tour
  bench hit [--size 1k|64k|4m] [--rounds N] [--seconds N] [--binary FILE]
                                 cache hits: this node, nginx and a bare hyper server side by side
  bench limit [same flags]       the bare hyper server alone
  bench functions [same flags]   cache hits with no function and with each example function mounted
  bench readers [--binary FILE]  memory of a node while 1000 slow clients read one object that is being filled
  bench purge [--nodes N] [--entries N] [--objects N] [--seconds N] [--binary FILE]
                                 purges to many nodes over three NATS servers; a tag of a full cache; catching up
  conformance [--suite FOLDER] [--bless] [--binary FILE]
                                 the public HTTP cache test suite against a node: npm's, or a checkout's in FOLDER
  conformance --table            writes docs/CONFORMANCE.md of what the golden files say
  config                         writes docs/CONFIG.md and docs/config.schema.json from the table of keys
  fuzz [TARGET] [--seconds N]    libFuzzer over every parser and the whole policy decision (or one target)
  fuzz TARGET FILE               one input through one target
  simulate [--seeds N] [--from S] [--seconds N] [--seed S] [--sabotage RULE]
                                 the purge guarantee under a deterministic scheduler
  hardship                       10,000 mutated uploads and 100,000 clients that leave, against the functions' runtime
  js                             builds the function in JavaScript with npm, and runs its fixtures and a new one's
  soak [--minutes N] [--binary FILE]
                                 full load of everything at once: failures, and whether memory and descriptors stay
  storm [--rounds N]             servers that fail in every way in turn, and clients that check every byte
  loc                            lines of code, comments and tests, crate by crate
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                eprintln!("{failure}");
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[String]) -> Outcome {
    let Some((name, rest)) = words.split_first() else {
        println!("{USAGE}");
        return Ok(());
    };
    let repository = Repository::find()?;
    match name.as_str() {
        "test" => gate::run(&repository, rest),
        "demo" => demo::run(&repository, rest),
        "bench" => bench::run(&repository, rest),
        "config" => config::run(&repository),
        "conformance" => conformance::run(&repository, rest),
        "fuzz" => fuzz::run(&repository, rest),
        "simulate" => simulate::run(&repository, rest),
        "hardship" => hardship::run(&repository, rest),
        "js" => js::run(&repository, rest),
        "soak" => soak::run(&repository, rest),
        "storm" => storm::run(&repository, rest),
        "loc" => loc::run(&repository),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        unknown => Err(Failure::new(
            format!("there is no command `{unknown}`"),
            format!("use one of these:\n\n{USAGE}"),
        )),
    }
}
