//! `cargo xtask simulate`: the purge guarantee under seeds by the thousand, or one seed again.

use std::process::Command;

use crate::command;
use crate::failure::Outcome;
use crate::repository::Repository;

/// Builds the simulation and hands it the flags.
pub(crate) fn run(repository: &Repository, flags: &[String]) -> Outcome {
    let mut build = command::cargo(repository);
    // As part of the workspace: on its own it would be built with other features, and everything below it once more.
    build.args(["build", "--workspace", "--bin", "simulate"]);
    command::run(&mut build, "mend what the compiler says above")?;
    let mut simulate = Command::new(repository.dev_binary("simulate"));
    simulate.current_dir(repository.root()).args(flags);
    command::run(&mut simulate, "replay the seed named above, and make a play of it (docs/DEVELOPING.md)")
}
