//! What the rules read: every file that is tracked, or new and not ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::length::Exception;
use crate::manifest::Manifest;
use crate::rust_source::{RustSource, mark_test_modules};

/// Files longer than this are data, not text that somebody wrote.
const TEXT_LIMIT_BYTES: u64 = 1024 * 1024;

/// A text file and its path from the root.
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The files of this repository, sorted by what the rules ask.
pub(crate) struct Repository {
    pub(crate) texts: Vec<TextFile>,
    pub(crate) rust: Vec<RustSource>,
    pub(crate) manifests: Vec<Manifest>,
}

impl Repository {
    /// Reads everything. Costs a few milliseconds, so every test has its own.
    pub(crate) fn load() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default();
        let texts: Vec<TextFile> = paths(&root).into_iter().filter_map(|path| read(&root, path)).collect();
        let rust = texts.iter().filter(|file| file.path.ends_with(".rs"));
        let mut rust: Vec<RustSource> = rust.map(|file| RustSource::new(&file.path, &file.text)).collect();
        mark_test_modules(&mut rust);
        let manifests = texts.iter().filter(|file| file.path.ends_with("Cargo.toml"));
        let manifests = manifests.map(|file| Manifest::parse(&file.path, &file.text)).collect();
        Self { texts, rust, manifests }
    }

    /// The recorded exceptions to the length rules.
    pub(crate) fn exceptions(&self) -> Vec<Exception> {
        let list = self.texts.iter().find(|file| file.path == "tests/tidy/exceptions.txt");
        list.map(|file| Exception::parse_all(&file.text)).unwrap_or_default()
    }
}

fn paths(root: &Path) -> Vec<String> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    match git.output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).split_terminator('\0').map(str::to_owned).collect()
        }
        other => panic!("tidy asks git which files belong to the repository, and got {other:?}"),
    }
}

/// Nothing for what is binary, too long, or deleted but still tracked.
fn read(root: &Path, path: String) -> Option<TextFile> {
    let whole = root.join(&path);
    if std::fs::metadata(&whole).ok()?.len() > TEXT_LIMIT_BYTES {
        return None;
    }
    let text = std::fs::read_to_string(whole).ok()?;
    Some(TextFile { path, text })
}
