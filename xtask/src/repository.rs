//! Where things are: the workspace, its target directory, its members.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// One checkout of this workspace.
pub(crate) struct Repository {
    root: PathBuf,
    target: PathBuf,
}

impl Repository {
    /// The workspace that `cargo xtask` was started in.
    pub(crate) fn find() -> Outcome<Self> {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = own.as_deref().and_then(Path::parent).map(Path::to_path_buf).ok_or_else(|| {
            Failure::new("the workspace was not found", "start this with `cargo xtask`, not by its path")
        })?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(chosen) => root.join(chosen),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The folder with the root `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory, where everything made here goes.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Tools installed by the set-up, out of the way of the machine's own.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A binary of the workspace as the dev profile leaves it.
    pub(crate) fn dev_binary(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// A binary of the workspace as the release profile leaves it.
    pub(crate) fn release_binary(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// Workspace members, lowest to highest, as paths from the root.
    pub(crate) fn members(&self) -> Outcome<Vec<String>> {
        let path = self.root.join("Cargo.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
        Ok(members_of(&text))
    }

    /// The package name in the manifest of `member`.
    pub(crate) fn package_name(&self, member: &str) -> Outcome<String> {
        let path = self.root.join(member).join("Cargo.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
        text.lines()
            .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
            .map(str::to_owned)
            .ok_or_else(|| {
                Failure::new(format!("{}: no package name", path.display()), "add `name = \"...\"`")
            })
    }
}

/// The quoted entries of the `members = [ ... ]` list, one a line as this workspace writes them.
fn members_of(manifest: &str) -> Vec<String> {
    let inside = manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    let Some((list, _)) = inside else {
        return Vec::new();
    };
    list.lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once('"'))
        .map(|(member, _)| member.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::members_of;

    #[test]
    fn members_are_read_in_order_without_comments() {
        let manifest =
            "[workspace]\nmembers = [\n    # GROUND\n    \"host/policy\",\n    \"xtask\",\n]\nx = [\"y\"]\n";
        assert_eq!(members_of(manifest), ["host/policy", "xtask"]);
    }
}
