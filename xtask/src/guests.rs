//! Finds and builds the example edge functions, the way their authors would.

use std::path::PathBuf;

use crate::command;
use crate::failure::Outcome;
use crate::repository::Repository;

/// Where the example functions live, next to the kit they are written with.
const FOLDER: &str = "edge-functions/";
const KIT: &str = "edge-functions/sdk";

/// Guests that only the tests load, one that misbehaves among them.
const FOR_TESTS: &str = "tests/guests/";

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
    build_packages(repository, target, &packages(repository)?)
}

/// The same, and the guests of the tests.
pub(crate) fn build_for_tests(repository: &Repository, target: &str) -> Outcome {
    let mut packages = packages(repository)?;
    for member in repository.members()?.iter().filter(|member| member.starts_with(FOR_TESTS)) {
        packages.push(repository.package_name(member)?);
    }
    build_packages(repository, target, &packages)
}

fn build_packages(repository: &Repository, target: &str, packages: &[String]) -> Outcome {
    if packages.is_empty() {
        println!("    no example functions among the workspace members");
        return Ok(());
    }
    let mut build = command::cargo(repository);
    build.args(["build", "--release", "--target", target]);
    for package in packages {
        build.args(["--package", package]);
    }
    command::run(&mut build, "mend the example function named above")
}
