//! Programs that come from the distribution.

use std::process::Command;

use crate::command;
use crate::failure::{Failure, Outcome};

/// A program and the Debian package that carries it.
pub(crate) struct Program {
    /// What is run.
    pub(crate) name: &'static str,
    /// What is installed.
    pub(crate) package: &'static str,
    /// What it answers to when only asked to show itself.
    pub(crate) probe: &'static str,
}

/// Installs what is missing, if we may; else says what to install.
pub(crate) fn ensure(programs: &[Program]) -> Outcome {
    let missing: Vec<&Program> = programs.iter().filter(|program| !is_there(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|program| program.package).collect();
    let by_hand = format!("install them by hand: apt-get install {}", packages.join(" "));
    if !is_root() {
        return Err(Failure::new(format!("not installed: {}", packages.join(", ")), by_hand));
    }
    let mut install = install_command(&packages);
    if command::run(&mut install, &by_hand).is_err() {
        command::run(Command::new("apt-get").args(["--quiet", "update"]), &by_hand)?;
        command::run(&mut install, &by_hand)?;
    }
    match missing.into_iter().find(|program| !is_there(program)) {
        None => Ok(()),
        Some(program) => Err(Failure::new(format!("`{}` still does not run", program.name), by_hand)),
    }
}

/// Installs the package that brings a file, if the file is missing and we may; else says what to install.
pub(crate) fn ensure_file(package: &str, file: &std::path::Path) -> Outcome {
    if file.is_file() {
        return Ok(());
    }
    let by_hand = format!("install it by hand: apt-get install {package}");
    if !is_root() {
        return Err(Failure::new(format!("not installed: {package}"), by_hand));
    }
    command::run(&mut install_command(&[package]), &by_hand)?;
    if file.is_file() {
        Ok(())
    } else {
        Err(Failure::new(format!("{package} brought no {}", file.display()), by_hand))
    }
}

/// Whether we may do everything on this machine.
pub(crate) fn is_root() -> bool {
    command::answer(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}

fn install_command(packages: &[&str]) -> Command {
    let mut install = Command::new("apt-get");
    install.args(["--quiet", "--yes", "--no-install-recommends", "install"]).args(packages);
    // Runlevel 1 starts no services: a web server that is only measured must not take port 80.
    install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    install
}

/// Some programs (wrk) end with an error even when only asked for their version: being able to start is enough.
fn is_there(program: &Program) -> bool {
    let mut probe = Command::new(program.name);
    probe.arg(program.probe).stdin(std::process::Stdio::null());
    probe.output().is_ok()
}
