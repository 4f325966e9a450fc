//! Imports run downward only: the edges between our own crates are exactly those of the design.

use crate::breach::Breach;
use crate::manifest::Manifest;

const GROUND: [&str; 2] = ["seawall-policy", "seawall-base"];

/// What each crate of the host may import of the host. Rooms never import rooms, walks never import walks.
const HOST: [(&str, &[&str]); 9] = [
    ("seawall-policy", &[]),
    ("seawall-base", &[]),
    ("seawall-cache", &GROUND),
    ("seawall-origin", &GROUND),
    ("seawall-functions", &GROUND),
    // The second for its tests only: it runs real servers.
    ("seawall-cluster", &["seawall-base", "seawall-nats-server"]),
    (
        "seawall-pipeline",
        &[
            "seawall-policy",
            "seawall-base",
            "seawall-cache",
            "seawall-origin",
            "seawall-functions",
            "seawall-cluster",
        ],
    ),
    ("seawall-admin", &["seawall-base", "seawall-cache", "seawall-cluster"]),
    (
        "seawall",
        &[
            "seawall-policy",
            "seawall-base",
            "seawall-cache",
            "seawall-origin",
            "seawall-functions",
            "seawall-cluster",
            "seawall-pipeline",
            "seawall-admin",
        ],
    ),
];

/// The simulation drives the real cache, log and decisions, and is itself imported by nobody.
const SIMULATION: (&str, &[&str]) = (
    "seawall-simulation",
    &[
        "seawall-policy",
        "seawall-base",
        "seawall-cache",
        "seawall-cluster",
        "seawall-pipeline",
        // For what a site names: a pool that is never asked, and no functions.
        "seawall-origin",
        "seawall-functions",
    ],
);

/// Every edge between workspace packages that the design does not have.
pub(crate) fn check(manifests: &[Manifest]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for manifest in manifests {
        let Some(name) = manifest.name() else { continue };
        if manifest.folder().starts_with("host/") && !HOST.iter().any(|(known, _)| *known == name) {
            breaches.push(Breach::new(
                &manifest.path,
                1,
                format!("`{name}` is not in tests/tidy/edges.rs: say what it may import"),
            ));
        }
        for (dependency, line) in manifest.dependencies() {
            let ours = manifests.iter().any(|other| other.name() == Some(dependency.as_str()));
            if ours && !allowed(manifest, name, &dependency) {
                breaches.push(Breach::new(
                    &manifest.path,
                    line,
                    format!("`{name}` must not import `{dependency}`"),
                ));
            }
        }
    }
    breaches.extend(order(manifests));
    breaches
}

fn allowed(manifest: &Manifest, name: &str, dependency: &str) -> bool {
    if let Some((_, edges)) = HOST.iter().find(|(known, _)| *known == name) {
        return edges.contains(&dependency);
    }
    if dependency == SIMULATION.0 {
        return false;
    }
    if name == SIMULATION.0 {
        return SIMULATION.1.contains(&dependency);
    }
    match manifest.folder().split('/').next() {
        // Guests know their kit and nothing of the host that runs them.
        Some("edge-functions") => dependency == "seawall-edge" && name != dependency,
        // The tool that prepares everything else must not need it.
        Some("xtask") => false,
        _ => true,
    }
}

/// Members are listed lowest to highest: a crate imports only crates above its own line.
fn order(manifests: &[Manifest]) -> Vec<Breach> {
    let Some(workspace) = manifests.iter().find(|manifest| manifest.path == "Cargo.toml") else {
        return Vec::new();
    };
    let members = workspace.workspace_list("members");
    let place = |manifest: &Manifest| members.iter().position(|member| *member == manifest.folder());
    let mut breaches = Vec::new();
    let excluded = workspace.workspace_list("exclude");
    let ours = |manifest: &&Manifest| manifest.name().is_some() && !excluded.contains(&manifest.folder());
    for manifest in manifests.iter().filter(ours) {
        let Some(own) = place(manifest) else {
            breaches.push(Breach::new(&manifest.path, 1, "not listed among the workspace's members"));
            continue;
        };
        for (dependency, line) in manifest.dependencies() {
            let other =
                manifests.iter().find(|other| other.name() == Some(dependency.as_str())).and_then(place);
            if other.is_some_and(|other| other >= own) {
                let what = format!("`{dependency}` is listed below this crate in the workspace's members");
                breaches.push(Breach::new(&manifest.path, line, what));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::manifest::Manifest;

    fn package(folder: &str, name: &str, dependencies: &[&str]) -> Manifest {
        let list: String = dependencies.iter().map(|name| format!("{name}.workspace = true\n")).collect();
        let text = format!("[package]\nname = \"{name}\"\n[dependencies]\n{list}");
        Manifest::parse(&format!("{folder}/Cargo.toml"), &text)
    }

    fn with_members(mut packages: Vec<Manifest>, members: &str) -> Vec<Manifest> {
        packages.push(Manifest::parse("Cargo.toml", &format!("[workspace]\nmembers = [{members}]\n")));
        packages
    }

    #[test]
    fn a_room_that_imports_a_room_is_found() {
        let packages = vec![
            package("host/cache", "seawall-cache", &[]),
            package("host/origin", "seawall-origin", &["seawall-cache"]),
        ];
        let found = check(&with_members(packages, "\"host/cache\", \"host/origin\""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].to_string().contains("host/origin/Cargo.toml:4"), "{}", found[0]);
    }

    #[test]
    fn the_edges_of_the_design_pass() {
        let packages = vec![
            package("host/base", "seawall-base", &[]),
            package("host/cache", "seawall-cache", &["seawall-base", "moka"]),
        ];
        assert!(check(&with_members(packages, "\"host/base\", \"host/cache\"")).is_empty());
    }

    #[test]
    fn the_order_of_members_is_held() {
        let packages = vec![
            package("host/base", "seawall-base", &[]),
            package("tests", "seawall-tests", &["seawall-base"]),
        ];
        assert_eq!(check(&with_members(packages, "\"tests\", \"host/base\"")).len(), 1);
    }

    #[test]
    fn a_workspace_of_its_own_has_no_place() {
        let mut packages = vec![package("fuzz", "feeder", &[])];
        assert_eq!(check(&with_members(packages.split_off(0), "")).len(), 1);
        packages = vec![package("fuzz", "feeder", &[])];
        packages.push(Manifest::parse("Cargo.toml", "[workspace]\nmembers = []\nexclude = [\"fuzz\"]\n"));
        assert!(check(&packages).is_empty());
    }

    #[test]
    fn an_unknown_crate_a_guest_and_the_tool_are_held() {
        let packages = vec![
            package("host/base", "seawall-base", &[]),
            package("host/new", "seawall-new", &[]),
            package("edge-functions/x", "x", &["seawall-base"]),
            package("xtask", "xtask", &["seawall-base"]),
        ];
        let members = "\"host/base\", \"host/new\", \"edge-functions/x\", \"xtask\"";
        assert_eq!(check(&with_members(packages, members)).len(), 3);
    }

    #[test]
    fn the_simulation_is_imported_by_nobody_and_starts_no_node() {
        let packages = vec![
            package("host/cache", "seawall-cache", &[]),
            package("host/node", "seawall", &[]),
            package("tests/simulation", "seawall-simulation", &["seawall-cache", "seawall"]),
            package("tests", "seawall-tests", &["seawall-simulation"]),
        ];
        let members = "\"host/cache\", \"host/node\", \"tests/simulation\", \"tests\"";
        assert_eq!(check(&with_members(packages, members)).len(), 2);
    }
}
