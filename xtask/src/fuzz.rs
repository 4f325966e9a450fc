//! `cargo xtask fuzz`: libFuzzer over the targets of `tests/fuzz`, for a moment in the gate or as long as one likes.
//!
//! Owns the nightly toolchain that the sanitizer needs, `cargo-fuzz`, and what becomes of a finding. New inputs gather in
//! `target/fuzz/corpus`; what is kept, in `tests/fuzz/corpus`, is put there by hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::repository::Repository;
use crate::setup;
use crate::stopwatch::Stopwatch;

/// Where `cargo-fuzz` finds the targets: a workspace of its own.
const FEEDER: &str = "tests/fuzz/libfuzzer";

/// The inputs that are kept.
const CORPUS: &str = "tests/fuzz/corpus";

/// Words that inputs are made of.
const DICTIONARY: &str = "tests/fuzz/seawall.dict";

/// Seconds for each target in the gate, beyond the one that libFuzzer adds: thousands of inputs for the slowest, and half
/// a minute for all of them.
const GATE_SECONDS: u32 = 1;

/// Seconds for each target by hand, unless told otherwise.
const SESSION_SECONDS: u32 = 60;

/// The longest input, in bytes: a few fields. Longer ones are slower and find the same.
const INPUT_MAX_BYTES: u32 = 2048;

/// Longest time for one input, in seconds: all of them take less than a millisecond, so this is a hang.
const INPUT_SECONDS: u32 = 10;

/// Most memory, in MiB: a parser of header fields that takes this has no limit.
const MEMORY_MIB: u32 = 1024;

#[derive(Debug, Default, PartialEq, Eq)]
struct Flags {
    target: Option<String>,
    seconds: Option<u32>,
    file: Option<PathBuf>,
}

/// The command: all targets or one, for a time; or one file through one target.
pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    let flags = parse(words)?;
    let known = targets(repository)?;
    let chosen = match &flags.target {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => {
            let then = format!("name one of {}", known.join(", "));
            return Err(Failure::new(format!("there is no target `{name}`"), then));
        }
    };
    let host = prepare(repository)?;
    let fuzzers = Fuzzers::build(repository, &host)?;
    match (&flags.file, chosen.as_slice()) {
        (Some(file), [target]) => fuzzers.replay(target, file),
        (Some(_), _) => Err(Failure::new("a file goes through one target", "write `fuzz TARGET FILE`")),
        (None, chosen) => fuzzers.run_all(chosen, flags.seconds.unwrap_or(SESSION_SECONDS)),
    }
}

/// The gate's step: every target for a moment. Where the tools cannot be had, the corpus alone, and it says so.
pub(crate) fn check(repository: &Repository) -> Outcome {
    match prepare(repository) {
        Ok(host) => Fuzzers::build(repository, &host)?.run_all(&targets(repository)?, GATE_SECONDS),
        Err(missing) => {
            println!("{missing}\n    THE FUZZERS DID NOT RUN: only the corpus is replayed");
            let mut replay = command::cargo(repository);
            replay.args(["test", "--quiet", "-p", "seawall-tests", "--test", "seawall", "corpus::"]);
            command::run(&mut replay, "mend what the inputs listed above show")
        }
    }
}

fn parse(words: &[String]) -> Outcome<Flags> {
    let wrong = |what: String| Failure::new(what, "use `fuzz [TARGET] [--seconds N]` or `fuzz TARGET FILE`");
    let mut flags = Flags::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().and_then(|number| number.parse().ok());
            flags.seconds = Some(number.ok_or_else(|| wrong("`--seconds` wants a number".to_owned()))?);
        } else if word.starts_with('-') {
            return Err(wrong(format!("`fuzz` has no flag `{word}`")));
        } else if flags.target.is_none() {
            flags.target = Some(word.clone());
        } else if flags.file.is_none() {
            flags.file = Some(PathBuf::from(word));
        } else {
            return Err(wrong(format!("`{word}` is one word too many")));
        }
    }
    Ok(flags)
}

/// The targets, in order: the files that feed them.
fn targets(repository: &Repository) -> Outcome<Vec<String>> {
    let folder = repository.root().join(FEEDER).join("fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let names = entries.filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

/// Makes sure of a nightly toolchain and of `cargo-fuzz`; answers what the toolchain builds for.
fn prepare(repository: &Repository) -> Outcome<String> {
    let host = setup::nightly(repository)?;
    setup::cargo_fuzz(repository)?;
    Ok(host)
}

/// The targets, built.
struct Fuzzers<'a> {
    repository: &'a Repository,
    folder: PathBuf,
    binaries: PathBuf,
}

impl<'a> Fuzzers<'a> {
    fn build(repository: &'a Repository, host: &str) -> Outcome<Self> {
        let folder = repository.target().join("fuzz");
        let feeder = repository.root().join(FEEDER);
        let mut lock = command::cargo(repository);
        lock.args(["metadata", "--locked", "--format-version", "1"]).current_dir(&feeder);
        if command::answer(&mut lock).is_none() {
            let then = format!("run `cargo update --workspace` in {FEEDER} and commit its Cargo.lock");
            return Err(Failure::new(format!("{FEEDER}/Cargo.lock is not up to date"), then));
        }
        let mut build = nightly_cargo(repository);
        build.args(["fuzz", "build", "--fuzz-dir", FEEDER, "--target", host, "--target-dir"]).arg(&folder);
        command::run(&mut build, "mend what the compiler says above; libFuzzer needs a C++ compiler too")?;
        // Named by what they are built for, so that the sanitizer stays out of build scripts.
        let binaries = folder.join(host).join("release");
        Ok(Self { repository, folder, binaries })
    }

    /// One target after the other: two at once would halve each other's time.
    fn run_all(&self, targets: &[String], seconds: u32) -> Outcome {
        for target in targets {
            let watch = Stopwatch::start();
            let inputs = self.run(target, seconds)?;
            println!("    {target:<16}{inputs:>10} inputs in {watch}");
        }
        Ok(())
    }

    /// How many inputs went through.
    fn run(&self, target: &str, seconds: u32) -> Outcome<u64> {
        let (new, artifacts) = (self.made("corpus", target)?, self.made("artifacts", target)?);
        let mut fuzzer = self.fuzzer(target);
        fuzzer.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={INPUT_MAX_BYTES}"));
        fuzzer.arg(format!("-artifact_prefix={}/", artifacts.display())).arg("-print_final_stats=1");
        fuzzer.arg(format!("-dict={DICTIONARY}")).arg(new).arg(Path::new(CORPUS).join(target));
        let output = fuzzer.output().map_err(|error| {
            Failure::new(format!("the fuzzer could not be run: {error}"), "build it anew")
        })?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(executed(&said).unwrap_or_default());
        }
        println!("{said}");
        Err(Failure::new(
            format!("`{target}` found an input for which something does not hold; its file is named above"),
            format!(
                "`cargo xtask fuzz {target} FILE` shows it again. Mend it with a test of its own beside the code, then \
                 keep the input: copy it to {CORPUS}/{target}/ under a name that says what it shows"
            ),
        ))
    }

    fn replay(&self, target: &str, file: &Path) -> Outcome {
        // The fuzzer runs in the root.
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        command::run(self.fuzzer(target).arg(file), "mend what panicked above")
    }

    fn fuzzer(&self, target: &str) -> Command {
        let mut fuzzer = Command::new(self.binaries.join(target));
        fuzzer.current_dir(self.repository.root()).env("RUST_BACKTRACE", "1");
        fuzzer.arg(format!("-timeout={INPUT_SECONDS}")).arg(format!("-rss_limit_mb={MEMORY_MIB}"));
        fuzzer
    }

    fn made(&self, kind: &str, target: &str) -> Outcome<PathBuf> {
        let folder = self.folder.join(kind).join(target);
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        Ok(folder)
    }
}

/// Nightly's cargo, with the tools of the target directory.
fn nightly_cargo(repository: &Repository) -> Command {
    let mut cargo = Command::new("rustup");
    cargo.current_dir(repository.root()).args(["run", "nightly", "cargo"]);
    let own = repository.tools().join("bin");
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(own).chain(std::env::split_paths(&paths));
    // What our own cargo told us is not for another toolchain's.
    command::without_outer_cargo(&mut cargo).env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC");
    if let Ok(paths) = std::env::join_paths(paths) {
        cargo.env("PATH", paths);
    }
    cargo
}

/// libFuzzer's own count, from what it says at the end.
fn executed(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::{Flags, executed, parse};

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_target_a_time_and_a_file_are_read() {
        let flags = parse(&words(&["vary", "--seconds", "5"])).unwrap();
        assert_eq!(flags, Flags { target: Some("vary".to_owned()), seconds: Some(5), file: None });
        assert!(parse(&words(&["vary", "x"])).unwrap().file.is_some());
        assert!(parse(&words(&["--seconds", "soon"])).is_err());
        assert!(parse(&words(&["--second", "5"])).is_err());
        assert!(parse(&words(&["vary", "x", "y"])).is_err());
    }

    #[test]
    fn inputs_are_counted() {
        assert_eq!(executed("Done 12 runs\nstat::number_of_executed_units: 12\n"), Some(12));
        assert_eq!(executed("==1== ERROR"), None);
    }
}
