//! Rooms, not drawers: names that say what is inside.

use crate::breach::Breach;
use crate::manifest::Manifest;
use crate::rust_source::RustSource;

/// Names under which anything can be put, and is.
const DRAWERS: [&str; 12] = [
    "common",
    "core",
    "helper",
    "helpers",
    "misc",
    "shared",
    "stuff",
    "types",
    "util",
    "utilities",
    "utils",
    "various",
];

/// Files called `mod.rs`: a tab with that name says nothing.
pub(crate) fn mod_rs(sources: &[RustSource]) -> Vec<Breach> {
    let found = sources.iter().filter(|source| source.path.ends_with("/mod.rs"));
    found.map(|source| Breach::new(&source.path, 1, "a `mod.rs`")).collect()
}

/// Files, folders and inline modules with a drawer's name.
pub(crate) fn drawers(sources: &[RustSource]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources {
        let parts = source.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| is_drawer(part)) {
            breaches.push(Breach::new(&source.path, 1, format!("`{part}` is a drawer, not a room")));
        }
        for at in source.words("mod") {
            let rest = source.code.get(at + 3..).unwrap_or_default().trim_start();
            let name = rest.split(|c: char| !crate::rust_source::is_word(c)).next().unwrap_or_default();
            if is_drawer(name) {
                breaches.push(Breach::new(
                    &source.path,
                    source.line_of(at),
                    format!("`mod {name}` is a drawer"),
                ));
            }
        }
    }
    breaches
}

/// Packages with a drawer's name, with or without the project's prefix.
pub(crate) fn drawer_packages(manifests: &[Manifest]) -> Vec<Breach> {
    let found = manifests.iter().filter_map(|manifest| {
        let name = manifest.name()?;
        let own = name.strip_prefix("seawall-").unwrap_or(name);
        is_drawer(own).then(|| {
            Breach::new(&manifest.path, manifest.line_of("name"), format!("the package `{name}` is a drawer"))
        })
    });
    found.collect()
}

fn is_drawer(name: &str) -> bool {
    DRAWERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::{drawer_packages, drawers, mod_rs};
    use crate::manifest::Manifest;
    use crate::rust_source::RustSource;

    #[test]
    fn drawers_are_found_in_paths_and_declarations() {
        let bad = [
            RustSource::new("host/a/src/utils.rs", ""),
            RustSource::new("host/common/src/lib.rs", ""),
            RustSource::new("host/a/src/lib.rs", "mod fine;\nmod misc { }\n"),
        ];
        assert_eq!(drawers(&bad).len(), 3);
        let good = [RustSource::new(
            "host/a/src/type_names.rs",
            "// mod utils;\nmod shared_cache;\nuse a::types;\n",
        )];
        assert!(drawers(&good).is_empty());
    }

    #[test]
    fn a_mod_rs_is_found() {
        assert_eq!(mod_rs(&[RustSource::new("host/a/src/b/mod.rs", "")]).len(), 1);
        assert!(mod_rs(&[RustSource::new("host/a/src/b/bmod.rs", "")]).is_empty());
    }

    #[test]
    fn a_drawer_package_is_found_behind_the_prefix() {
        let bad = Manifest::parse("host/a/Cargo.toml", "[package]\nname = \"seawall-core\"\n");
        assert_eq!(drawer_packages(&[bad]).len(), 1);
    }
}
