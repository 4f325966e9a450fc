//! Runs other programs: shown before they start, checked when they end.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};
use crate::repository::Repository;

/// What cargo tells the package that it runs. Handed on to a second cargo they would change the fingerprint of
/// build scripts that watch them (ring's does), and everything above would be compiled again.
const OUTER_CARGO: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_PRIMARY_PACKAGE", "CARGO_CRATE_NAME"];

/// `cargo`, in the root of the repository, as if started by hand.
pub(crate) fn cargo(repository: &Repository) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository.root());
    without_outer_cargo(&mut command);
    command
}

/// The command without what cargo told us about our own package.
pub(crate) fn without_outer_cargo(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OUTER_CARGO.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end with our own output; `then` says what to do if it fails.
pub(crate) fn run(command: &mut Command, then: &str) -> Outcome {
    println!("    $ {}", shown(command));
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(ended_badly(command, &status.to_string(), then)) }
}

/// Which of a child's two outputs is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Where `cargo test` writes its results.
    Stdout,
    /// Where nextest writes its results.
    Stderr,
}

/// Like [`run`], handing every line of one output to `each` as well as showing it.
pub(crate) fn run_reading(
    command: &mut Command,
    output: Output,
    then: &str,
    mut each: impl FnMut(&str),
) -> Outcome {
    println!("    $ {}", shown(command));
    match output {
        Output::Stdout => command.stdout(Stdio::piped()),
        Output::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().map_err(|error| not_started(command, &error))?;
    let pipe: Option<Box<dyn std::io::Read>> = match output {
        Output::Stdout => child.stdout.take().map(|pipe| Box::new(pipe) as _),
        Output::Stderr => child.stderr.take().map(|pipe| Box::new(pipe) as _),
    };
    let mut shown_to = std::io::stdout();
    for line in pipe.into_iter().flat_map(|pipe| BufReader::new(pipe).split(b'\n')).map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // A reader that went away (`| head`) is no reason to stop the tests.
        let _ = writeln!(shown_to, "{line}");
        each(&line);
    }
    let status = child.wait().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(ended_badly(command, &status.to_string(), then)) }
}

/// Runs a command quietly and returns what it wrote; nothing if it could not run or failed.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `always` if a person is watching: cargo sees a pipe and would drop its colours.
pub(crate) fn colour() -> &'static str {
    if std::io::stdout().is_terminal() { "always" } else { "never" }
}

/// The command as a reader would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args()).map(OsStr::to_string_lossy);
    words.collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    let program = command.get_program().to_string_lossy().into_owned();
    Failure::new(format!("`{program}` could not be run: {error}"), format!("install `{program}`"))
}

fn ended_badly(command: &Command, status: &str, then: &str) -> Failure {
    Failure::new(format!("`{}` ended with {status}", shown(command)), then)
}
