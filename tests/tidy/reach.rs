//! Dead files: sources that no `mod` declaration reaches are compiled by nobody and checked by nothing.

use std::collections::BTreeSet;

use crate::breach::Breach;
use crate::manifest::Manifest;
use crate::rust_source::{RustSource, is_word};

/// Sources of a package that none of its targets reaches.
pub(crate) fn check(sources: &[RustSource], manifests: &[Manifest]) -> Vec<Breach> {
    let mut live = BTreeSet::new();
    let mut open: Vec<(String, bool)> = sources
        .iter()
        .filter(|source| is_root(&source.path, manifests))
        .map(|s| (s.path.clone(), true))
        .collect();
    while let Some((path, root)) = open.pop() {
        let Some(source) = sources.iter().find(|source| source.path == path) else {
            continue;
        };
        if live.insert(path) {
            open.extend(declared(source, root).into_iter().map(|path| (path, false)));
        }
    }
    let dead = sources.iter().filter(|source| !live.contains(&source.path));
    dead.map(|source| Breach::new(&source.path, 1, "no `mod` declaration reaches this file")).collect()
}

/// Whether cargo compiles this file as a target of its own.
fn is_root(path: &str, manifests: &[Manifest]) -> bool {
    manifests.iter().filter(|manifest| manifest.name().is_some()).any(|manifest| {
        let Some(inside) = path.strip_prefix(manifest.folder()).and_then(|rest| rest.strip_prefix('/'))
        else {
            return false;
        };
        let known = ["src/lib.rs", "src/main.rs", "build.rs"].contains(&inside);
        let found = ["src/bin", "tests", "benches", "examples"].iter().any(|folder| {
            let rest = inside.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| !rest.contains('/') || rest.ends_with("/main.rs"))
        });
        let listed = ["bin", "test", "bench", "example"]
            .iter()
            .any(|kind| manifest.target_paths(kind).contains(&inside));
        known || found || listed
    })
}

/// The files that the `mod name;` declarations of `source` may mean, and those that it includes.
fn declared(source: &RustSource, root: bool) -> Vec<String> {
    let (folder, _) = source.path.rsplit_once('/').unwrap_or_default();
    let own = if root { folder.to_owned() } else { source.folder_of_modules() };
    let mut paths = Vec::new();
    for at in source.words("mod") {
        let rest = source.code.get(at + 3..).unwrap_or_default().trim_start();
        let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
        if rest.get(name.len()..).is_some_and(|rest| rest.trim_start().starts_with(';')) {
            paths.push(format!("{own}/{name}.rs"));
        }
    }
    for start in ["#[path = \"", "include!(\""] {
        // The path is in a string, so it is read from the text at the place where the code has the attribute.
        for (at, text) in source.code.match_indices(start) {
            let name = source.text.get(at + text.len()..).and_then(|rest| rest.split('"').next());
            paths.extend(name.map(|name| format!("{folder}/{name}")));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::manifest::Manifest;
    use crate::rust_source::RustSource;

    fn dead(files: &[(&str, &str)], manifest: &str) -> Vec<String> {
        let sources: Vec<RustSource> = files.iter().map(|(path, text)| RustSource::new(path, text)).collect();
        let found = check(&sources, &[Manifest::parse("a/Cargo.toml", manifest)]);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_nobody_declares_is_found() {
        let files = [
            ("a/src/lib.rs", "mod b;\n// mod dead;\n#[cfg(test)]\nmod tests { }\n"),
            ("a/src/b.rs", "mod c;\n"),
            ("a/src/b/c.rs", "#[path = \"odd.rs\"]\nmod d;\n"),
            ("a/src/b/odd.rs", ""),
            ("a/src/dead.rs", ""),
            ("a/src/c.rs", ""),
        ];
        let found = dead(&files, "[package]\nname = \"a\"\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("a/src/dead.rs") && found[1].contains("a/src/c.rs"));
    }

    #[test]
    fn targets_are_reached_by_cargo_itself() {
        let files =
            [("a/src/bin/x.rs", ""), ("a/tidy/main.rs", "mod y;\n"), ("a/tidy/y.rs", ""), ("a/z.rs", "")];
        let manifest = "[package]\nname = \"a\"\n[[test]]\nname = \"tidy\"\npath = \"tidy/main.rs\"\n";
        let found = dead(&files, manifest);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("a/z.rs"));
    }
}
