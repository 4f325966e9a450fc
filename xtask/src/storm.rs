//! `cargo xtask storm`: the play of failing servers (`tests/seawall/storm.rs`), for as many rounds as are asked for.

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::repository::Repository;

/// Rounds where none are named: about two minutes.
const ROUNDS: u32 = 10;

/// Builds the node and the play, and runs it.
pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    let rounds = match words {
        [] => ROUNDS,
        [flag, rounds] if flag == "--rounds" => rounds.parse().ok().filter(|n| *n > 0).ok_or_else(misuse)?,
        _ => return Err(misuse()),
    };
    let mut build = command::cargo(repository);
    build.args(["build", "--workspace", "--bin", "seawall"]);
    command::run(&mut build, "mend what the compiler says above")?;
    let mut play = command::cargo(repository);
    play.args(["test", "-p", "seawall-tests", "--test", "seawall", "storm::", "--", "--nocapture"]);
    play.env("SEAWALL_STORM_ROUNDS", rounds.to_string());
    command::run(&mut play, "read the last lines above: they name the page, and what came instead of it")
}

fn misuse() -> Failure {
    Failure::new("the flags of `storm` were not understood", "use --rounds N")
}
