//! `cargo xtask config`: writes what docs/ has of the config file, from the table of keys in the code.

use std::process::Command;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::repository::Repository;

/// What the node prints, and where it belongs.
const PAGES: [(&str, &str); 2] = [("reference", "docs/CONFIG.md"), ("schema", "docs/config.schema.json")];

/// Builds the node, and lets it write.
pub(crate) fn run(repository: &Repository) -> Outcome {
    let mut build = command::cargo(repository);
    build.args(["build", "--workspace", "--bin", "seawall"]);
    command::run(&mut build, "mend what the compiler says above")?;
    let node = repository.dev_binary("seawall");
    for (what, page) in PAGES {
        let file = repository.root().join(page);
        let said = Command::new(&node).args(["config", what]).output();
        let said = said.map_err(|error| Failure::file(&node, &error))?;
        if !said.status.success() {
            return Err(Failure::new(format!("`seawall config {what}` failed"), "run it by hand"));
        }
        std::fs::write(&file, said.stdout).map_err(|error| Failure::file(&file, &error))?;
        println!("    {page}");
    }
    Ok(())
}
