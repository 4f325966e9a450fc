//! The fuzzers' corpus: every input that ever found something, or leads somewhere new, on every run of the tests.

use std::path::{Path, PathBuf};

use seawall_fuzz::TARGETS;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_file_of_the_corpus_holds() {
    let failed: Vec<String> = TARGETS
        .iter()
        .flat_map(|target| {
            files(&folder("corpus").join(target.name)).into_iter().map(move |file| (target, file))
        })
        .filter(|(target, file)| {
            let data = std::fs::read(file).unwrap();
            std::panic::catch_unwind(|| (target.run)(&data)).is_err()
        })
        .map(|(target, file)| format!("cargo xtask fuzz {} {}", target.name, file.display()))
        .collect();
    assert!(failed.is_empty(), "these no longer hold; what panicked stands above:\n{}", failed.join("\n"));
}

#[test]
fn every_target_has_a_corpus_and_is_fed() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let fed = files(&folder("libfuzzer/fuzz_targets"));
    let fed: Vec<&str> = fed.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
    assert_eq!(fed, names);
    let kept = files(&folder("corpus"));
    let kept: Vec<&str> = kept.iter().filter_map(|file| file.file_name()?.to_str()).collect();
    assert_eq!(kept, names);
    assert!(names.iter().all(|name| !files(&folder("corpus").join(name)).is_empty()));
}
