//! `cargo xtask soak`: a node under full load of everything at once, and whether its memory and its file descriptors stay.
//!
//! The first quarter is left out: caches, pools and the allocator fill. What is compared is the second quarter and the last.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::guests;
use crate::loopback;
use crate::repository::Repository;
use crate::server::{self, Server};
use crate::setup;

/// Clients at once.
const CLIENTS: u32 = 64;

/// How much the medians of two quarters may differ, in percent and at least: a fragment of the allocator is no leak, nor
/// are a few connections more or less.
const FLAT_PERCENT: u64 = 5;
const FLAT_KIB: u64 = 8 << 10;
const FLAT_DESCRIPTORS: u64 = 16;

/// A function on every request: the smaller form of upload.
const GUEST_TARGET: &str = "wasm32-wasip1";
const GUEST: &str = "security_headers.wasm";

/// The node at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    resident_kib: u64,
    descriptors: u64,
}

/// What is asked for.
struct Plan {
    minutes: u32,
    binary: Option<PathBuf>,
}

/// Runs it and says whether the node stayed flat.
pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    let plan = Plan::parse(words)?;
    let folder = repository.target().join("soak");
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    setup::guest_targets(repository, &[GUEST_TARGET])?;
    guests::build(repository, GUEST_TARGET)?;
    let mut build = command::cargo(repository);
    build.args(["build", "--release", "--workspace", "--bin", "soak"]);
    if plan.binary.is_none() {
        build.args(["--bin", "seawall"]);
    }
    command::run(&mut build, "mend what the compiler says above")?;

    let [origin, http, admin] = [loopback::free_port()?, loopback::free_port()?, loopback::free_port()?];
    let mut load = start_load(repository, &plan, [origin, http, admin])?;
    let mut lines = BufReader::new(load.stdout()?);
    let mut line = String::new();
    hear(&mut lines, &mut line)?;
    let mut node = Command::new(plan.binary.unwrap_or_else(|| repository.release_binary("seawall")));
    node.current_dir(&folder).args(["run", "--memory", "64MiB"]);
    node.arg("--origin").arg(format!("http://127.0.0.1:{origin}"));
    node.arg("--listen").arg(format!("127.0.0.1:{http}")).arg("--admin").arg(format!("127.0.0.1:{admin}"));
    node.arg("--function").arg(guests::folder(repository, GUEST_TARGET).join(GUEST));
    node.env("SEAWALL_ADMIN_TOKEN", server::ADMIN_TOKEN);
    node.arg("--data-dir").arg(server::data_dir(&folder, "soak")?);
    let node = Server::start("seawall", node, &folder, http)?;
    load.go_on()?;

    println!("    {CLIENTS} clients for {} minutes; every 10 s:\n", plan.minutes);
    let mut samples = Vec::new();
    let mut last = String::new();
    while hear(&mut lines, &mut line).is_ok() {
        let sample = Sample { resident_kib: node.memory()?.resident_kib, descriptors: node.descriptors() };
        println!(
            "    {:>8.1} MiB {:>6} fds  {line}",
            sample.resident_kib as f64 / 1024.0,
            sample.descriptors
        );
        samples.push(sample);
        last.clone_from(&line);
    }
    load.end()?;
    let verdict = Verdict::of(&samples);
    println!("\n    {verdict}\n    {last}");
    let failures = failures(&last);
    if failures > 0 {
        return Err(Failure::new(
            format!("{failures} requests were answered wrongly, cut, refused, or not at all"),
            format!("read {}", folder.join("seawall.log").display()),
        ));
    }
    if verdict.is_flat() {
        Ok(())
    } else {
        Err(Failure::new("the node is not flat", "run it for longer; a leak grows on, what fills does not"))
    }
}

/// Origin and clients, in a process of their own.
struct Load(Child);

fn start_load(repository: &Repository, plan: &Plan, ports: [u16; 3]) -> Outcome<Load> {
    let mut command = Command::new(repository.release_binary("soak"));
    for port in ports {
        command.arg(format!("127.0.0.1:{port}"));
    }
    command.arg(server::ADMIN_TOKEN).arg((plan.minutes * 60).to_string()).arg(CLIENTS.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let failed = |_| Failure::new("the load could not be started", "read bench/src/bin/soak.rs");
    command.spawn().map(Load).map_err(failed)
}

impl Load {
    fn stdout(&mut self) -> Outcome<ChildStdout> {
        self.0.stdout.take().ok_or_else(ended)
    }

    fn go_on(&mut self) -> Outcome {
        let mut stdin = self.0.stdin.take().ok_or_else(ended)?;
        stdin.write_all(b"\n").map_err(|_| ended())
    }

    fn end(&mut self) -> Outcome {
        let ended_well = self.0.wait().is_ok_and(|status| status.success());
        if ended_well { Ok(()) } else { Err(ended()) }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ended() -> Failure {
    Failure::new("the load ended early", "see what it says above")
}

fn hear(lines: &mut BufReader<ChildStdout>, line: &mut String) -> Outcome {
    line.clear();
    if lines.read_line(line).is_ok_and(|bytes| bytes > 0) {
        line.truncate(line.trim_end().len());
        return Ok(());
    }
    Err(ended())
}

/// The counts of the last line that should be zero.
fn failures(line: &str) -> u64 {
    const BAD: [&str; 4] = ["wrong", "cut", "refused", "unanswered"];
    let counts = line.split(' ').filter_map(|word| word.split_once('='));
    counts.filter(|(name, _)| BAD.contains(name)).filter_map(|(_, count)| count.parse::<u64>().ok()).sum()
}

/// The second quarter and the last.
#[derive(Debug)]
struct Verdict {
    before: Sample,
    after: Sample,
}

impl Verdict {
    fn of(samples: &[Sample]) -> Self {
        let quarter = samples.len() / 4;
        let of = |samples: &[Sample]| {
            let median = |mut numbers: Vec<u64>| {
                numbers.sort_unstable();
                numbers.get(numbers.len() / 2).copied().unwrap_or_default()
            };
            Sample {
                resident_kib: median(samples.iter().map(|sample| sample.resident_kib).collect()),
                descriptors: median(samples.iter().map(|sample| sample.descriptors).collect()),
            }
        };
        let second = samples.get(quarter..(quarter * 2).max(quarter + 1)).unwrap_or_default();
        let last = samples.get(samples.len().saturating_sub(quarter.max(1))..).unwrap_or_default();
        Self { before: of(second), after: of(last) }
    }

    fn is_flat(&self) -> bool {
        let memory = FLAT_KIB.max(self.before.resident_kib * FLAT_PERCENT / 100);
        self.after.resident_kib <= self.before.resident_kib + memory
            && self.after.descriptors <= self.before.descriptors + FLAT_DESCRIPTORS
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.is_flat() { "flat" } else { "NOT FLAT" };
        let mib = |sample: Sample| sample.resident_kib as f64 / 1024.0;
        let Self { before, after } = *self;
        write!(
            f,
            "{word}: {:.1} MiB and {} descriptors in the second quarter, {:.1} MiB and {} in the last (medians)",
            mib(before),
            before.descriptors,
            mib(after),
            after.descriptors
        )
    }
}

impl Plan {
    fn parse(words: &[String]) -> Outcome<Self> {
        let mut plan = Self { minutes: 10, binary: None };
        let mut words = words.iter();
        while let Some(flag) = words.next() {
            let value = words.next().map_or("", String::as_str);
            let understood = match flag.as_str() {
                "--minutes" => {
                    value.parse().ok().filter(|n| (1..=1440).contains(n)).map(|n| plan.minutes = n)
                }
                "--binary" => (!value.is_empty()).then(|| plan.binary = Some(PathBuf::from(value))),
                _ => None,
            };
            understood.ok_or_else(|| {
                Failure::new(
                    format!("`{flag} {value}` was not understood"),
                    "use --minutes 1..1440, --binary FILE",
                )
            })?;
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::{Sample, Verdict, failures};

    fn samples(kib: impl Fn(u64) -> u64) -> Vec<Sample> {
        (0..40).map(|n| Sample { resident_kib: kib(n), descriptors: 100 }).collect()
    }

    #[test]
    fn what_fills_is_flat_and_what_leaks_is_not() {
        assert!(Verdict::of(&samples(|n| 200_000 + (n.min(8)) * 10_000)).is_flat());
        assert!(!Verdict::of(&samples(|n| 200_000 + n * 1_000)).is_flat());
        let mut more = samples(|_| 200_000);
        more.iter_mut().skip(30).for_each(|sample| sample.descriptors = 150);
        assert!(!Verdict::of(&more).is_flat());
        assert!(Verdict::of(&samples(|_| 1)[..1]).is_flat());
    }

    #[test]
    fn failures_are_what_should_be_zero() {
        assert_eq!(failures("whole=5 left=3 wrong=1 cut=2 refused=0 unanswered=4"), 7);
    }
}
