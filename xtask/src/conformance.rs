//! `cargo xtask conformance`: the public HTTP cache test suite against one node.
//!
//! Owns the processes: the suite's origin, the node, the suite's client. What a result means is read by
//! `tests/conformance/report.mjs` with the suite's own code, and compared with a golden file. npm's revision is pinned and
//! part of the gate; a newer one is run from wherever it has been checked out.

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

/// Made of the golden files.
const PAGE: &str = "docs/CONFORMANCE.md";

/// What of it is copied next to the suite's packages.
const COPIED: [&str; 9] = [
    "package.json",
    "package-lock.json",
    ".npmrc",
    "report.mjs",
    "revision.mjs",
    "golden.mjs",
    "golden.test.mjs",
    "page.mjs",
    "page.test.mjs",
];

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
    suite: Option<PathBuf>,
}

/// The command: builds the node (unless `--binary` names one), runs the suite, reports. With `--table` it only writes the
/// page: what the golden files say, a run has said.
pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    let flags = parse(words)?;
    let revision = flags.suite.as_ref().map_or(Ok(Revision::Pinned), Revision::checkout)?;
    if flags.table {
        return Suite::prepare(repository, revision)?.page(true);
    }
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
    let suite = Suite::prepare(repository, revision)?;
    suite.run(&binary, &flags)?;
    suite.page(flags.bless)
}

/// The gate's step: a node that is built already against the golden file, and that file against the page.
pub(crate) fn check(repository: &Repository, binary: &Path) -> Outcome {
    let suite = Suite::prepare(repository, Revision::Pinned)?;
    suite.run(binary, &Flags::default())?;
    suite.page(false)
}

fn parse(words: &[String]) -> Outcome<Flags> {
    let mut flags = Flags::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bless" => flags.bless = true,
            "--table" => flags.table = true,
            "--binary" => flags.binary = Some(path(word, words.next())?),
            "--suite" => flags.suite = Some(path(word, words.next())?),
            _ => {
                return Err(Failure::new(
                    format!("`conformance` has no flag `{word}`"),
                    "use --bless, --table, --binary FILE or --suite FOLDER",
                ));
            }
        }
    }
    Ok(flags)
}

fn path(flag: &str, word: Option<&String>) -> Outcome<PathBuf> {
    word.map(PathBuf::from).ok_or_else(|| {
        Failure::new(format!("`{flag}` names nothing"), format!("write a path after `{flag}`"))
    })
}

/// Which revision of the suite is run.
enum Revision {
    /// npm's, which the lock file pins.
    Pinned,
    /// A checkout of the public repository, which has moved its files since.
    Checkout(PathBuf),
}

impl Revision {
    fn checkout(folder: &PathBuf) -> Outcome<Self> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        if folder.join("test-engine/cli.mjs").is_file() {
            return Ok(Self::Checkout(folder));
        }
        Err(Failure::new(
            format!("{} has no test-engine/cli.mjs", folder.display()),
            "check out the public repository http-tests/cache-tests there, and run `npm install` in it",
        ))
    }

    fn golden(&self) -> &'static str {
        match self {
            Self::Pinned => "golden.json",
            Self::Checkout(_) => "golden-newest.json",
        }
    }

    /// Where the suite is, and where in it are its origin and its client.
    fn programs(&self, installed: &Path) -> (PathBuf, &'static str, &'static str) {
        match self {
            Self::Pinned => (installed.join("node_modules/http-cache-tests"), "server/server.mjs", "cli.mjs"),
            Self::Checkout(folder) => {
                (folder.clone(), "test-engine/server/server.mjs", "test-engine/cli.mjs")
            }
        }
    }
}

/// The suite, installed in the target directory.
struct Suite {
    revision: Revision,
    /// Our part of it, in the repository.
    source: PathBuf,
    page: PathBuf,
    folder: PathBuf,
}

impl Suite {
    /// Copies our part of the suite next to its packages and installs those that the lock file pins.
    fn prepare(repository: &Repository, revision: Revision) -> Outcome<Self> {
        debian::ensure(&PROGRAMS)?;
        let source = repository.root().join(SOURCE);
        let folder = repository.target().join("conformance");
        std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
        for name in COPIED {
            let path = source.join(name);
            std::fs::copy(&path, folder.join(name)).map_err(|error| Failure::file(&path, &error))?;
        }
        let suite = Self { revision, source, page: repository.root().join(PAGE), folder };
        suite.install()?;
        suite.test()?;
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

    /// The comparison and the page have tests of their own.
    fn test(&self) -> Outcome {
        let mut own = Command::new("node");
        own.current_dir(&self.folder).args([
            "--test",
            "--test-reporter=dot",
            "golden.test.mjs",
            "page.test.mjs",
        ]);
        command::run(&mut own, "mend golden.mjs or page.mjs in tests/conformance")
    }

    /// Checks that the page says what the golden files say, or makes it so.
    fn page(&self, write: bool) -> Outcome {
        let mut page = Command::new("node");
        page.current_dir(&self.folder).arg("page.mjs").arg(&self.source).arg(&self.page);
        if write {
            page.arg("--write");
        }
        command::run(&mut page, "run `cargo xtask conformance --table` and commit docs/CONFORMANCE.md")
    }

    fn run(&self, binary: &Path, flags: &Flags) -> Outcome {
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
            format!(
                "the public HTTP cache test suite does not agree with {SOURCE}/{}",
                self.revision.golden()
            ),
            "do what the report above says; `cargo xtask conformance --bless` records a change that is meant",
        ))
    }

    /// One whole run of the suite against a node that has just been started.
    fn measure(&self, binary: &Path, attempt: usize) -> Outcome<PathBuf> {
        let (suite, server, client_program) = self.revision.programs(&self.folder);
        let origin_port = loopback::free_port()?;
        let mut origin = Command::new("node");
        origin.current_dir(&suite).args(["--no-warnings", server]);
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
        client.current_dir(&suite).args(["--no-warnings", client_program]).stdout(output);
        client.env("npm_config_base", format!("http://127.0.0.1:{port}"));
        // npm would set these from the suite's own package file: no one test, but all.
        client.env("npm_config_id", "").env("npm_package_config_id", "");
        command::run(&mut client, "read what the suite's client says above")?;
        if node.is_alive() { Ok(results) } else { Err(node.failure("ended during the run")) }
    }

    fn report(&self, results: &[PathBuf], flags: &Flags) -> Outcome<ExitStatus> {
        let mut report = Command::new("node");
        report.current_dir(&self.folder).args(["--no-warnings", "report.mjs"]);
        report.arg(self.source.join(self.revision.golden())).args(results);
        if flags.bless {
            report.arg("--bless");
        }
        if let Revision::Checkout(folder) = &self.revision {
            report.arg("--suite").arg(folder);
        }
        report
            .status()
            .map_err(|error| Failure::new(format!("the report could not be run: {error}"), "install nodejs"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Revision, parse};

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn flags_are_read_and_unknown_ones_refused() {
        let flags = parse(&words(&["--table", "--binary", "x"])).unwrap();
        assert!(flags.table && !flags.bless && flags.binary.is_some());
        assert!(parse(&words(&["--blss"])).is_err());
        assert_eq!(parse(&words(&["--suite", "a/b"])).unwrap().suite.as_deref(), Some(Path::new("a/b")));
        assert!(parse(&words(&["--suite"])).is_err());
    }

    #[test]
    fn a_folder_without_the_suite_is_refused() {
        let failure = Revision::checkout(&PathBuf::from("/nowhere")).err().unwrap().to_string();
        assert!(failure.contains("test-engine/cli.mjs"), "{failure}");
    }
}
