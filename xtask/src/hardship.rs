//! `cargo xtask hardship`: what strangers do to the runtime of functions, in larger numbers than the gate has time for.

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::repository::Repository;

/// How often each is done; a test reads its number from the variable.
const ROUNDS: [(&str, &str); 2] = [("SEAWALL_MUTATED", "10000"), ("SEAWALL_LEAVERS", "100000")];

/// Mutated uploads, and clients that leave in the middle of a hook.
pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    if let Some(word) = words.first() {
        return Err(Failure::new(format!("`{word}` was not understood"), "use `cargo xtask hardship`"));
    }
    let mut tests = command::cargo(repository);
    tests.args([
        "test",
        "--package",
        "seawall-functions",
        "--test",
        "functions",
        "hardship",
        "--",
        "--nocapture",
    ]);
    for (variable, rounds) in ROUNDS {
        println!("    {variable}={rounds}");
        tests.env(variable, rounds);
    }
    command::run(&mut tests, "read which upload or which client it was")
}
