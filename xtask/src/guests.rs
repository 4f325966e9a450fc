//! Finds and builds the example edge functions, the way their authors would.

use std::path::PathBuf;

use crate::command;
use crate::failure::Outcome;
use crate::repository::Repository;

/// Where the example functions live, next to the kit they are written with.
const FOLDER: &str = "edge-functions/";
const KIT: &str = "edge-functions/sdk";

/// The package names of the example functions.
pub(crate) fn packages(repository: &Repository) -> Outcome<Vec<String>> {
    let members = repository.members()?;
    let guests = members.iter().filter(|member| member.starts_with(FOLDER) && *member != KIT);
    guests.map(|member| repository.package_name(member)).collect()
}

/// Where the built functions for `target` are.
pub(crate) fn folder(repository: &Repository, target: &str) -> PathBuf {
    repository.target().join(target).join("release")
}

/// Builds every example function for `target`; plain cargo, no extra tool.
pub(crate) fn build(repository: &Repository, target: &str) -> Outcome {
    let packages = packages(repository)?;
    if packages.is_empty() {
        println!("    no example functions among the workspace members");
        return Ok(());
    }
    let mut build = command::cargo(repository);
    build.args(["build", "--release", "--target", target]);
    for package in &packages {
        build.args(["--package", package]);
    }
    command::run(&mut build, "mend the example function named above")
}
