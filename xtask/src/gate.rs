//! `cargo xtask test`: the gate. One command at the desk and in CI, set-up included; it stops at the first failure.
//!
//! The order is: what is quick and often wrong first, then what others build upon. Clippy and the docs share one
//! build (metadata only), the tests, the demo and the conformance run share another; only the fuzzers, which come last,
//! are built in a third way.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{self, Output};
use crate::failure::{Failure, Outcome};
use crate::repository::Repository;
use crate::stopwatch::Stopwatch;
use crate::tally::Tally;
use crate::{conformance, demo, fuzz, guests, setup};

struct Step {
    name: &'static str,
    run: fn(&mut Gate<'_>) -> Outcome,
}

const STEPS: &[Step] = &[
    Step { name: "set-up", run: set_up },
    Step { name: "fmt", run: fmt },
    Step { name: "guests", run: build_guests },
    Step { name: "clippy", run: clippy },
    Step { name: "dependency rules", run: dependency_rules },
    Step { name: "build", run: build },
    Step { name: "tests", run: tests },
    Step { name: "doc tests", run: doc_tests },
    Step { name: "docs", run: docs },
    Step { name: "demo", run: tour },
    Step { name: "conformance", run: conform },
    Step { name: "fuzz", run: feed },
];

/// What the steps share.
struct Gate<'a> {
    repository: &'a Repository,
    tally: Tally,
}

/// Runs every step, or those named.
pub(crate) fn run(repository: &Repository, names: &[String]) -> Outcome {
    let chosen = choose(names)?;
    let mut gate = Gate { repository, tally: Tally::default() };
    let whole = Stopwatch::start();
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for (index, step) in chosen.iter().enumerate() {
        println!("\n==> [{}/{}] {}", index + 1, chosen.len(), step.name);
        let watch = Stopwatch::start();
        outcome = (step.run)(&mut gate);
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("    {}: {word} in {watch}", step.name);
        times.push(format!("    {:<18}{word:<8}{watch}", step.name));
        if outcome.is_err() {
            break;
        }
    }
    println!("\n==> the gate\n{}\n    {:<26}{whole}", times.join("\n"), "in all");
    if let Err(failure) = &outcome {
        println!("{failure}");
        gate.tally.stopped();
    }
    if !gate.tally.is_empty() {
        // The last line is alone on its line: CI reads the numbers from it.
        println!("\n{}", gate.tally);
    }
    outcome.map_err(Failure::told)
}

fn choose(names: &[String]) -> Outcome<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    let known = || STEPS.iter().map(|step| format!("`{}`", step.name)).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let step = STEPS.iter().find(|step| step.name == name);
        step.ok_or_else(|| {
            Failure::new(format!("the gate has no step `{name}`"), format!("name one of {}", known()))
        })
    };
    names.iter().map(find).collect()
}

fn set_up(gate: &mut Gate<'_>) -> Outcome {
    setup::guest_targets(gate.repository, &setup::GUEST_TARGETS)?;
    let deny = setup::cargo_deny(gate.repository)?;
    println!("    dependency rules: {}", deny.display());
    let nats = setup::nats_server(gate.repository)?;
    println!("    NATS server: {}", nats.display());
    let runner = if setup::has_nextest(gate.repository) {
        "cargo nextest"
    } else {
        "cargo test (no cargo-nextest here)"
    };
    println!("    tests: {runner}");
    Ok(())
}

fn fmt(gate: &mut Gate<'_>) -> Outcome {
    command::run(command::cargo(gate.repository).args(["fmt", "--all", "--check"]), "run `cargo fmt --all`")?;
    let mut feeder = command::cargo(gate.repository);
    feeder.args(["fmt", "--check", "--manifest-path", "tests/fuzz/libfuzzer/Cargo.toml"]);
    command::run(&mut feeder, "run `cargo fmt` in tests/fuzz/libfuzzer")
}

fn build_guests(gate: &mut Gate<'_>) -> Outcome {
    setup::GUEST_TARGETS.iter().try_for_each(|target| guests::build_for_tests(gate.repository, target))
}

fn clippy(gate: &mut Gate<'_>) -> Outcome {
    let mut clippy = command::cargo(gate.repository);
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    command::run(&mut clippy, "mend each warning; an `#[expect]` needs its reason")
}

fn dependency_rules(gate: &mut Gate<'_>) -> Outcome {
    let mut deny = Command::new(setup::cargo_deny(gate.repository)?);
    deny.current_dir(gate.repository.root());
    deny.args([
        "--workspace",
        "check",
        "--hide-inclusion-graph",
        // A wrapper may be named before the crate that it may use is in the tree.
        "--allow",
        "unused-wrapper",
        "bans",
        "licenses",
        "sources",
    ]);
    command::run(&mut deny, "drop or replace the crate named above, or change deny.toml and say why there")
}

/// Everything the next steps run, in the one mode they all use.
fn build(gate: &mut Gate<'_>) -> Outcome {
    let mut build = command::cargo(gate.repository);
    build.args(["build", "--workspace", "--bins", "--tests"]);
    command::run(&mut build, "mend what the compiler says above")
}

fn tests(gate: &mut Gate<'_>) -> Outcome {
    let mut tests = command::cargo(gate.repository);
    let output = if setup::has_nextest(gate.repository) {
        tests.args([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--config-file",
            "xtask/nextest.toml",
            "--color",
            command::colour(),
        ]);
        Output::Stderr
    } else {
        tests.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
        Output::Stdout
    };
    with_guests(gate.repository, &mut tests);
    tests.env("SEAWALL_NATS_SERVER", setup::nats_server(gate.repository)?);
    let tally = &mut gate.tally;
    command::run_reading(&mut tests, output, "mend the failing tests listed above", |line| tally.read(line))
}

fn doc_tests(gate: &mut Gate<'_>) -> Outcome {
    let mut tests = command::cargo(gate.repository);
    tests.args(["test", "--workspace", "--doc"]);
    let tally = &mut gate.tally;
    command::run_reading(&mut tests, Output::Stdout, "mend the example in the docs named above", |line| {
        tally.read(line);
    })
}

fn docs(gate: &mut Gate<'_>) -> Outcome {
    let mut docs = command::cargo(gate.repository);
    docs.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    command::run(&mut docs, "mend the link or the doc comment named above")
}

fn tour(gate: &mut Gate<'_>) -> Outcome {
    demo::start(gate.repository, &gate.repository.dev_binary("seawall"), &["--once".to_owned()])
}

fn conform(gate: &mut Gate<'_>) -> Outcome {
    conformance::check(gate.repository, &gate.repository.dev_binary("seawall"))
}

fn feed(gate: &mut Gate<'_>) -> Outcome {
    fuzz::check(gate.repository)
}

/// Tests load the example functions from where the step before built them.
fn with_guests(repository: &Repository, tests: &mut Command) {
    let folder = |target: &str| -> PathBuf { guests::folder(repository, target) };
    tests.env("SEAWALL_GUESTS", folder("wasm32-wasip1")).env("SEAWALL_GUESTS_P2", folder("wasm32-wasip2"));
}

#[cfg(test)]
mod tests {
    use super::{STEPS, choose};

    #[test]
    fn without_names_every_step_is_chosen() {
        assert_eq!(choose(&[]).unwrap().len(), STEPS.len());
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_list() {
        let failure = choose(&["clipy".to_owned()]).err().unwrap().to_string();
        assert!(failure.contains("`clippy`"), "{failure}");
    }
}
