//! `Cargo.toml` files, as far as the rules ask about them.

use toml::{Table, Value};

use crate::breach::Breach;

/// The kinds of dependency table that cargo knows.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// One manifest and its path from the root.
pub(crate) struct Manifest {
    pub(crate) path: String,
    pub(crate) table: Table,
    text: String,
}

impl Manifest {
    /// Reads a manifest. Cargo has read it before us, so it is TOML.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), table, text: text.to_owned() }
    }

    /// The folder of the package, from the root; empty for the workspace.
    pub(crate) fn folder(&self) -> &str {
        self.path.strip_suffix("Cargo.toml").unwrap_or_default().trim_end_matches('/')
    }

    /// The package's name; nothing in a virtual manifest.
    pub(crate) fn name(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    /// Every dependency of every kind and platform, by package name, with the line it stands on.
    pub(crate) fn dependencies(&self) -> Vec<(String, usize)> {
        let platforms =
            self.table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let owners = std::iter::once(&self.table).chain(platforms.filter_map(Value::as_table));
        let tables = owners.flat_map(|owner| TABLES.iter().filter_map(|kind| owner.get(*kind)?.as_table()));
        let names = tables.flatten().map(|(key, value)| {
            let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
            // The one renamed entry of the workspace table: `seawall-node` is the package `seawall`.
            let package = if package == "seawall-node" { "seawall" } else { package };
            (package.to_owned(), self.line_of(key))
        });
        names.collect()
    }

    /// The first line that begins with `key`, from 1.
    pub(crate) fn line_of(&self, key: &str) -> usize {
        1 + self.text.lines().position(|line| line.trim_start().starts_with(key)).unwrap_or(0)
    }

    /// The strings of an array under `[workspace]`.
    pub(crate) fn workspace_list(&self, key: &str) -> Vec<&str> {
        let list = self.table.get("workspace").and_then(|workspace| workspace.get(key)?.as_array());
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// `path` of every target declared in the array of tables `kind` (`bin`, `test`, ...).
    pub(crate) fn target_paths(&self, kind: &str) -> Vec<&str> {
        let targets = self.table.get(kind).and_then(Value::as_array).into_iter().flatten();
        targets.filter_map(|target| target.get("path")?.as_str()).collect()
    }
}

/// Packages that do not take the workspace's one table of lints.
pub(crate) fn lints(manifests: &[Manifest]) -> Vec<Breach> {
    let without = manifests.iter().filter(|manifest| {
        let lints = manifest.table.get("lints").and_then(|lints| lints.get("workspace"));
        manifest.name().is_some() && lints.and_then(Value::as_bool) != Some(true)
    });
    without.map(|manifest| Breach::new(&manifest.path, 1, "does not take the workspace's lints")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Manifest, lints};

    #[test]
    fn dependencies_of_every_kind_are_seen() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nx = { package = \"c\", version = \"1\" }\n\
                    [dev-dependencies]\nd = \"1\"\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n";
        let found = Manifest::parse("a/Cargo.toml", text).dependencies();
        let mut names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["b", "c", "d", "e"]);
        assert!(found.contains(&("b".to_owned(), 4)));
    }

    #[test]
    fn a_package_without_the_lint_table_is_found() {
        let bad = Manifest::parse("a/Cargo.toml", "[package]\nname = \"a\"\n");
        let good = Manifest::parse("b/Cargo.toml", "[package]\nname = \"b\"\n[lints]\nworkspace = true\n");
        let workspace = Manifest::parse("Cargo.toml", "[workspace]\n");
        assert_eq!(lints(&[bad, good, workspace]).len(), 1);
    }
}
