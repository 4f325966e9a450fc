//! `cargo xtask demo`: from a fresh clone to a running Seawall.

use std::path::Path;
use std::process::Command;

use crate::failure::Outcome;
use crate::repository::Repository;
use crate::{command, guests, setup};

/// One target is enough for the demo; the gate builds both.
const TARGET: &str = "wasm32-wasip1";

/// Prepares everything, then becomes `seawall demo` with the flags given.
pub(crate) fn run(repository: &Repository, flags: &[String]) -> Outcome {
    setup::guest_targets(repository, &[TARGET])?;
    guests::build(repository, TARGET)?;
    let mut build = command::cargo(repository);
    // The dev profile: optimised enough for a tour, and compiled in half the time.
    build.args(["build", "--workspace", "--bin", "seawall"]);
    command::run(&mut build, "mend what the compiler says above")?;
    start(repository, &repository.dev_binary("seawall"), flags)
}

/// The tour itself, with a node that has been built.
pub(crate) fn start(repository: &Repository, node: &Path, flags: &[String]) -> Outcome {
    let mut demo = Command::new(node);
    demo.current_dir(repository.root()).arg("demo");
    demo.arg("--guests").arg(guests::folder(repository, TARGET)).args(flags);
    command::run(&mut demo, "read the last lines above: the tour names the step that went wrong")
}
