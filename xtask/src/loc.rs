//! `cargo xtask loc`: how large each crate is, and how much of it is code, comments and tests.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::repository::Repository;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    code: usize,
    comments: usize,
    tests: usize,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.code += other.code;
        self.comments += other.comments;
        self.tests += other.tests;
    }
}

/// Prints one line per workspace member.
pub(crate) fn run(repository: &Repository) -> Outcome {
    println!("| crate | code | comments | tests |\n|---|---:|---:|---:|");
    let mut total = Count::default();
    let members = repository.members()?;
    for member in &members {
        let mut count = Count::default();
        let mut sources = Vec::new();
        // A package inside another one's folder has a line of its own.
        let inside =
            |other: &&String| other.strip_prefix(member.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let inner: Vec<PathBuf> =
            members.iter().filter(inside).map(|other| repository.root().join(other)).collect();
        for file in rust_files(&repository.root().join(member))? {
            if inner.iter().any(|folder| file.starts_with(folder)) {
                continue;
            }
            let text = std::fs::read_to_string(&file).map_err(|error| Failure::file(&file, &error))?;
            sources.push((file, text));
        }
        let for_tests: Vec<PathBuf> =
            sources.iter().flat_map(|(file, text)| declared_for_tests(file, text)).collect();
        for (file, text) in &sources {
            let below = for_tests.iter().any(|module| file.with_extension("").starts_with(module));
            let of_tests = member == "tests" || member.starts_with("tests/");
            count.add(count_lines(text, of_tests || below));
        }
        println!("| {member} | {} | {} | {} |", count.code, count.comments, count.tests);
        total.add(count);
    }
    println!("| **all** | {} | {} | {} |", total.code, total.comments, total.tests);
    Ok(())
}

/// Where the modules are that `file` declares for tests only, without their extension.
fn declared_for_tests(file: &Path, text: &str) -> Vec<PathBuf> {
    let stem = file.with_extension("");
    let own = match stem.file_name() {
        Some(name) if name == "lib" || name == "main" => file.parent().unwrap_or(file).to_path_buf(),
        _ => stem,
    };
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair.first().is_some_and(|line| *line == "#[cfg(test)]"));
    let names = pairs.filter_map(|pair| pair.last()?.strip_prefix("mod ")?.strip_suffix(';'));
    names.map(|name| own.join(name)).collect()
}

fn rust_files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| Failure::file(&folder, &error))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Lines with something on them. In a source file, what follows `#[cfg(test)]` at its left margin is test code:
/// the reading order of every file here puts tests last.
fn count_lines(text: &str, test_file: bool) -> Count {
    let mut count = Count::default();
    let mut in_tests = test_file;
    for line in text.lines() {
        in_tests |= line.starts_with("#[cfg(test)]");
        let line = line.trim_start();
        match line {
            "" => {}
            _ if in_tests => count.tests += 1,
            _ if line.starts_with("//") => count.comments += 1,
            _ => count.code += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Count, count_lines, declared_for_tests};

    #[test]
    fn modules_for_tests_are_found_where_their_file_is() {
        let text = "mod kept;\n#[cfg(test)]\nmod suite;\n#[cfg(test)]\nmod tests {\n";
        assert_eq!(declared_for_tests(Path::new("a/src/lib.rs"), text), [PathBuf::from("a/src/suite")]);
        assert_eq!(declared_for_tests(Path::new("a/src/b.rs"), text), [PathBuf::from("a/src/b/suite")]);
    }

    #[test]
    fn code_comments_and_tests_are_told_apart() {
        let text = "//! Doc.\n\nfn a() {\n    // why\n}\n\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(count_lines(text, false), Count { code: 2, comments: 2, tests: 3 });
        assert_eq!(count_lines(text, true), Count { code: 0, comments: 0, tests: 7 });
    }
}
