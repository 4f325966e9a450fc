//! `cargo xtask conformance`: the public HTTP cache test suite against one node.
//!
//! Owns the processes: the suite's origin, the node, the suite's client. What a result means is read by
//! `tests/conformance/report.mjs` with the suite's own code, and compared with `tests/conformance/golden.json`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::command;
use crate::debian::{self, Program};
use crate::failure::{Failure, Outcome};
use crate::loopback;
use crate::repository::Repository;
use crate::server::{self, Server};

const SOURCE: &str = "tests/conformance";

/// The suite waits for expiry in real seconds: on a busy machine a test can miss its moment. What fails once is
/// run once more, and counts as failed only if it fails again.
const ATTEMPTS: usize = 2;

/// `report.mjs` ends with this if all that is wrong is tests that newly fail.
const NEWLY_FAILING: i32 = 3;

/// The suite's client and origin are Node programs.
const PROGRAMS: [Program; 2] = [
    Program { name: "node", package: "nodejs", probe: "--version" },
    Program { name: "npm", package: "npm", probe: "--version" },
];

#[derive(Default)]
struct Flags {
    bless: bool,
    table: bool,
    binary: Option<PathBuf>,
}

/// The command: builds the node (unless `--binary` names one), runs the suite, reports.
pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    let flags = parse(words)?;
    let binary = match flags.binary.clone() {
        // The node is started in a folder of its own.
        Some(binary) => std::path::absolute(&binary).unwrap_or(binary),
        None => {
            let mut build = command::cargo(repository);
            build.args(["build", "--workspace", "--bin", "seawall"]);
            command::run(&mut build, "mend what the compiler says above")?;
            repository.dev_binary("seawall")
        }
    };
    Suite::prepare(repository)?.run(&binary, &flags)
}

/// The gate's step: a node that is built already against the golden file.
pub(crate) fn check(repository: &Repository, binary: &Path) -> Outcome {
    Suite::prepare(repository)?.run(binary, &Flags::default())
}

fn parse(words: &[String]) -> Outcome<Flags> {
    let mut flags = Flags::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (word.as_str(), flags.binary.is_none()) {
            ("--bless", _) => flags.bless = true,
            ("--table", _) => flags.table = true,
            ("--binary", true) => flags.binary = words.next().map(PathBuf::from),
            _ => {
                return Err(Failure::new(
                    format!("`conformance` has no flag `{word}`"),
                    "use --bless, --table or --binary FILE",
                ));
            }
        }
    }
    Ok(flags)
}

/// The suite, installed in the target directory.
struct Suite {
    golden: PathBuf,
    folder: PathBuf,
}

impl Suite {
    /// Copies our part of the suite next to its packages and installs those that the lock file pins.
    fn prepare(repository: &Repository) -> Outcome<Self> {
        debian::ensure(&PROGRAMS)?;
        let source = repository.root().join(SOURCE);
        let folder = repository.target().join("conformance");
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        for name in
            ["package.json", "package-lock.json", ".npmrc", "report.mjs", "golden.mjs", "golden.test.mjs"]
        {
            let path = source.join(name);
            std::fs::copy(&path, folder.join(name)).map_err(|error| Failure::file(&path, &error))?;
        }
        let suite = Self { golden: source.join("golden.json"), folder };
        suite.install()?;
        Ok(suite)
    }

    /// `npm ci`, unless what the lock file pins is there.
    fn install(&self) -> Outcome {
        let lock = self.folder.join("package-lock.json");
        let wanted = std::fs::read_to_string(&lock).map_err(|error| Failure::file(&lock, &error))?;
        let stamp = self.folder.join("installed.json");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        let mut install = Command::new("npm");
        install.current_dir(&self.folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        command::run(&mut install, "see that npm reaches its registry, then run this again")?;
        std::fs::write(&stamp, wanted).map_err(|error| Failure::file(&stamp, &error))
    }

    fn run(&self, binary: &Path, flags: &Flags) -> Outcome {
        let mut own = Command::new("node");
        own.current_dir(&self.folder).args(["--test", "--test-reporter=dot", "golden.test.mjs"]);
        command::run(&mut own, "mend tests/conformance/golden.mjs")?;
        let mut results = Vec::new();
        for attempt in 1..=ATTEMPTS {
            results.push(self.measure(binary, attempt)?);
            let status = self.report(&results, flags)?;
            if status.success() {
                return Ok(());
            }
            if status.code() != Some(NEWLY_FAILING) {
                break;
            }
            if attempt < ATTEMPTS {
                println!("    once more: a test must fail twice to count as failed");
            }
        }
        Err(Failure::new(
            "the public HTTP cache test suite does not agree with tests/conformance/golden.json",
            "do what the report above says; `cargo xtask conformance --bless` records a change that is meant",
        ))
    }

    /// One whole run of the suite against a node that has just been started.
    fn measure(&self, binary: &Path, attempt: usize) -> Outcome<PathBuf> {
        let suite = self.folder.join("node_modules/http-cache-tests");
        let origin_port = loopback::free_port()?;
        let mut origin = Command::new("node");
        origin.current_dir(&suite).args(["--no-warnings", "server/server.mjs"]);
        origin.env("npm_config_protocol", "http").env("npm_config_port", origin_port.to_string());
        origin.env("npm_config_pidfile", self.folder.join("origin.pid"));
        let _origin = Server::start("suite origin", origin, &self.folder, origin_port)?;

        let port = loopback::free_port()?;
        let mut node = Command::new(binary);
        node.current_dir(&self.folder).args(["run", "--origin", &format!("http://127.0.0.1:{origin_port}")]);
        node.args(["--listen", &format!("127.0.0.1:{port}"), "--admin", "127.0.0.1:0"]);
        node.arg("--data-dir").arg(server::data_dir(&self.folder, "node")?);
        node.env("SEAWALL_ADMIN_TOKEN", server::ADMIN_TOKEN);
        let mut node = Server::start("node", node, &self.folder, port)?;

        let results = self.folder.join(format!("results-{attempt}.json"));
        let output = File::create(&results).map_err(|error| Failure::file(&results, &error))?;
        let mut client = Command::new("node");
        client.current_dir(&suite).args(["--no-warnings", "cli.mjs"]).stdout(output);
        client.env("npm_config_base", format!("http://127.0.0.1:{port}"));
        // npm would set these from the suite's own package file: no one test, but all.
        client.env("npm_config_id", "").env("npm_package_config_id", "");
        command::run(&mut client, "read what the suite's client says above")?;
        if node.is_alive() { Ok(results) } else { Err(node.failure("ended during the run")) }
    }

    fn report(&self, results: &[PathBuf], flags: &Flags) -> Outcome<ExitStatus> {
        let mut report = Command::new("node");
        report.current_dir(&self.folder).args(["--no-warnings", "report.mjs"]).arg(&self.golden);
        report.args(results);
        if flags.bless {
            report.arg("--bless");
        }
        if flags.table {
            report.arg("--table");
        }
        report
            .status()
            .map_err(|error| Failure::new(format!("the report could not be run: {error}"), "install nodejs"))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn flags_are_read_and_unknown_ones_refused() {
        let flags = parse(&words(&["--table", "--binary", "x"])).unwrap();
        assert!(flags.table && !flags.bless && flags.binary.is_some());
        assert!(parse(&words(&["--blss"])).is_err());
    }
}
