//! `cargo xtask js`: the function in JavaScript, as its author builds it, and a new one as `seawall functions new` begins
//! it. Not a part of the gate: it needs npm, and what npm brings.

use std::path::Path;
use std::process::Command;

use crate::command;
use crate::debian::{self, Program};
use crate::failure::{Failure, Outcome};
use crate::repository::Repository;

const TOOLS: [Program; 2] = [
    Program { name: "node", package: "nodejs", probe: "--version" },
    Program { name: "npm", package: "npm", probe: "--version" },
];

const EXAMPLE: &str = "edge-functions/js-landing";
/// What a new function is called here.
const NEW: &str = "js-front";

pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    if let Some(word) = words.first() {
        return Err(Failure::new(format!("`{word}` was not understood"), "use `cargo xtask js`"));
    }
    debian::ensure(&TOOLS)?;
    let mut build = command::cargo(repository);
    build.args(["build", "--workspace", "--bin", "seawall"]);
    command::run(&mut build, "mend what the compiler says above")?;
    let example = repository.root().join(EXAMPLE);
    npm(&example, &["ci"])?;
    npm(&example, &["run", "build"])?;
    test(repository, &example, "dist/js_landing.wasm")?;

    let folder = repository.target().join("js");
    let new = folder.join(NEW);
    if new.is_dir() {
        std::fs::remove_dir_all(&new).map_err(|error| Failure::file(&new, &error))?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let mut scaffold = Command::new(repository.dev_binary("seawall"));
    scaffold.current_dir(&folder).args(["functions", "new", NEW, "--lang", "js"]);
    command::run(&mut scaffold, "mend `seawall functions new`")?;
    npm(&new, &["install"])?;
    npm(&new, &["run", "build"])?;
    test(repository, &new, "dist/js_front.wasm")
}

fn npm(folder: &Path, words: &[&str]) -> Outcome {
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(words);
    command::run(&mut npm, "npm needs a registry; its configuration says which")
}

fn test(repository: &Repository, folder: &Path, file: &str) -> Outcome {
    let mut test = Command::new(repository.dev_binary("seawall"));
    test.current_dir(folder).args(["functions", "test", file]);
    command::run(&mut test, "read which fixture came out otherwise")
}
