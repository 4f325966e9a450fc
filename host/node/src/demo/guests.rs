//! The example functions that the demo shows, as `cargo build --target wasm32-wasip1` leaves them.

use std::path::{Path, PathBuf};

use super::error::DemoError;

/// The compiled functions. Each file was there when this was made.
pub(super) struct Guests {
    /// Splits visitors by cookie: `on-request` and `on-response`.
    pub(super) ab_routing: String,
    /// Answers by itself.
    pub(super) maintenance: String,
    /// Adds fields to every response.
    pub(super) security_headers: String,
}

impl Guests {
    /// Looks into the folder that `--guests` names.
    pub(super) fn find(folder: Option<&Path>) -> Result<Self, DemoError> {
        let folder = folder.ok_or(DemoError::NoGuests)?;
        Ok(Self {
            ab_routing: file(folder, "ab_routing.wasm")?,
            maintenance: file(folder, "maintenance.wasm")?,
            security_headers: file(folder, "security_headers.wasm")?,
        })
    }
}

/// The path of one file, for the config: absolute, since paths there start from the file's own folder.
fn file(folder: &Path, name: &str) -> Result<String, DemoError> {
    let missing = |file: PathBuf| DemoError::NoGuest { file };
    let path = folder.join(name);
    let path = path.canonicalize().map_err(|_| missing(path))?;
    let text = path.to_str().map(str::to_owned);
    text.ok_or(DemoError::OddPath { file: path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_functions_the_command_that_builds_them_is_named() {
        let empty = tempfile::tempdir().unwrap();
        for folder in [None, Some(empty.path())] {
            let error = Guests::find(folder).err().unwrap().to_string();
            assert!(error.contains("`cargo xtask demo`"), "{error}");
        }
    }

    #[test]
    fn all_three_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["ab_routing.wasm", "maintenance.wasm"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let error = Guests::find(Some(folder.path())).err().unwrap().to_string();
        assert!(error.contains("security_headers.wasm"), "{error}");
        std::fs::write(folder.path().join("security_headers.wasm"), b"").unwrap();
        assert!(Guests::find(Some(folder.path())).is_ok());
    }
}
