//! Tidy: fast tests of this repository's own rules. One test per rule; a failure lists every breach with file,
//! line and what to do.
//!
//! Owns the rules that neither the compiler, clippy nor `cargo deny` can hold. Each rule is a function from text to
//! breaches, and each is itself tested on small samples: a rule that cannot fail is worth nothing.
#![expect(clippy::panic, reason = "a test program: a broken checkout ends it with a message")]

mod attributes;
mod breach;
mod docs;
mod edges;
mod length;
mod manifest;
mod metrics;
mod names;
mod reach;
mod repository;
mod rust_source;
mod text;
mod wrappers;

use breach::Breach;
use repository::Repository;

/// Fails with the whole list, sorted, and with `then`: what to do about this kind of breach.
#[track_caller]
fn assert_none(mut breaches: Vec<Breach>, then: &str) {
    breaches.sort();
    let lines: Vec<String> = breaches.iter().map(Breach::to_string).collect();
    assert!(lines.is_empty(), "{} found:\n{}\nwhat to do: {then}\n", lines.len(), lines.join("\n"));
}

#[test]
fn files_are_short() {
    let repository = Repository::load();
    assert_none(
        length::files(&repository.rust, &repository.exceptions()),
        "move a part with a name of its own into a file of its own (tests into `<name>/tests.rs`)",
    );
}

#[test]
fn functions_are_short() {
    let repository = Repository::load();
    assert_none(
        length::functions(&repository.rust, &repository.exceptions()),
        "give a part of the function its own name: branch in the parent, compute in the leaf",
    );
}

#[test]
fn the_list_of_exceptions_only_shrinks() {
    let repository = Repository::load();
    assert_none(
        length::exceptions(&repository.rust, &repository.exceptions()),
        "lower the number in tests/tidy/exceptions.txt, or remove the line",
    );
}

#[test]
fn there_is_no_mod_rs() {
    assert_none(names::mod_rs(&Repository::load().rust), "rename `x/mod.rs` to `x.rs`");
}

#[test]
fn nothing_is_a_drawer() {
    let repository = Repository::load();
    let mut breaches = names::drawers(&repository.rust);
    breaches.extend(names::drawer_packages(&repository.manifests));
    assert_none(breaches, "name it after what is in it; if that takes two nouns, make two files");
}

#[test]
fn crates_import_downward_only() {
    let repository = Repository::load();
    assert_none(
        edges::check(&repository.manifests),
        "declare a small trait where it is needed and implement it in `pipeline` or `node` (docs/ARCHITECTURE.md)",
    );
}

#[test]
fn one_crate_names_each_engine() {
    let repository = Repository::load();
    let mut breaches = wrappers::manifests(&repository.manifests);
    breaches.extend(wrappers::hyper_client(&repository.rust));
    assert_none(breaches, "ask the room that owns the engine");
}

#[test]
fn every_metric_is_documented() {
    let repository = Repository::load();
    assert_none(metrics::check(&repository.rust, &repository.texts), "describe it in docs/METRICS.md");
}

#[test]
fn every_crate_takes_the_lint_table() {
    assert_none(manifest::lints(&Repository::load().manifests), "add `[lints]` with `workspace = true`");
}

#[test]
fn no_machine_and_no_registry_is_named() {
    assert_none(
        text::places(&Repository::load().texts),
        "write a path from the root of the repository; name packages, never the host they come from",
    );
}

#[test]
fn the_architecture_fits_on_a_few_screens() {
    assert_none(
        text::architecture(&Repository::load().texts),
        "move detail next to the code that it describes",
    );
}

#[test]
fn nothing_is_left_unfinished() {
    assert_none(attributes::unfinished(&Repository::load().rust), "finish it or take it out");
}

#[test]
fn every_exception_to_a_lint_has_a_reason() {
    assert_none(attributes::reasons(&Repository::load().rust), "write `reason = \"...\"`");
}

#[test]
fn every_file_says_what_it_is() {
    assert_none(
        docs::module_docs(&Repository::load().rust),
        "begin with `//!`: what it owns, what it refuses",
    );
}

#[test]
fn no_file_is_dead() {
    let repository = Repository::load();
    assert_none(reach::check(&repository.rust, &repository.manifests), "declare it with `mod` or delete it");
}
