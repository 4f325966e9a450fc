//! A folder for the time of one command, nobody else's, gone with its owner.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use seawall_base::Clock;

/// Names that are tried before giving up: another process has none of them.
const NAMES_MAX: u32 = 16;

pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder in the machine's place for such. What lies there is run, so one that exists already is not taken.
    pub(super) fn make() -> io::Result<Self> {
        let clock = Clock::system();
        let mut refused = io::ErrorKind::AlreadyExists.into();
        for turn in 0..NAMES_MAX {
            let name = format!("seawall-{}-{turn}-{}", std::process::id(), clock.ticks().as_nanos());
            let path = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path.canonicalize()?)),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed lies where the machine cleans up by itself.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_nobody_elses_and_goes_with_its_owner() {
        let (one, other) = (Scratch::make().unwrap(), Scratch::make().unwrap());
        assert_ne!(one.path(), other.path());
        assert_eq!(fs::metadata(one.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let path = one.path().to_owned();
        fs::write(path.join("file"), "x").unwrap();
        drop(one);
        assert!(!path.exists() && other.path().exists());
    }
}
