//! One crate names each engine: to replace an engine is to rewrite one room.

use crate::breach::Breach;
use crate::manifest::Manifest;
use crate::rust_source::RustSource;

/// Folders whose manifest may name a crate. `deny.toml` holds the same for what arrives indirectly.
const OWNERS: [(&str, &[&str]); 12] = [
    ("async-nats", &["host/cluster"]),
    ("axum", &["host/admin", "bench"]),
    ("hyper-rustls", &["host/origin"]),
    ("opentelemetry", &["host/node"]),
    ("opentelemetry-otlp", &["host/node"]),
    ("opentelemetry_sdk", &["host/node"]),
    ("moka", &["host/cache", "bench"]),
    ("wasmparser", &["host/functions"]),
    ("wasmtime", &["host/functions"]),
    ("wasmtime-wasi", &["host/functions"]),
    ("wasmtime-wasi-http", &["host/functions"]),
    ("wit-component", &["host/functions"]),
];

/// hyper's client and server are one crate with features, so who uses the client is seen only in the source.
const CLIENT_OWNERS: [&str; 3] = ["host/origin/", "bench/", "tests/"];

/// Manifests that name an engine of another crate.
pub(crate) fn manifests(manifests: &[Manifest]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for manifest in manifests.iter().filter(|manifest| manifest.name().is_some()) {
        for (dependency, line) in manifest.dependencies() {
            let Some((_, owners)) = OWNERS.iter().find(|(engine, _)| *engine == dependency) else {
                continue;
            };
            if !owners.contains(&manifest.folder()) {
                let what = format!("`{dependency}` is named only by {}", owners.join(" and "));
                breaches.push(Breach::new(&manifest.path, line, what));
            }
        }
    }
    breaches
}

/// Sources outside the origin room that use hyper's client.
pub(crate) fn hyper_client(sources: &[RustSource]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources {
        if CLIENT_OWNERS.iter().any(|owner| source.path.starts_with(owner)) {
            continue;
        }
        let direct = ["hyper::client", "hyper_util::client"].iter().flat_map(|path| source.words(path));
        let grouped = ["hyper::{", "hyper_util::{"].iter().flat_map(|path| {
            let groups = source.code.match_indices(path).map(|(at, path)| at + path.len() - 1);
            groups.filter(|open| names_client(source, *open)).collect::<Vec<_>>()
        });
        for at in direct.chain(grouped) {
            let what = "hyper's client is named only by host/origin";
            breaches.push(Breach::new(&source.path, source.line_of(at), what));
        }
    }
    breaches
}

fn names_client(source: &RustSource, open: usize) -> bool {
    source.closing(open).is_some_and(|close| source.words("client").any(|at| (open..close).contains(&at)))
}

#[cfg(test)]
mod tests {
    use super::{hyper_client, manifests};
    use crate::manifest::Manifest;
    use crate::rust_source::RustSource;

    #[test]
    fn an_engine_in_the_wrong_manifest_is_found() {
        let text = "[package]\nname = \"x\"\n[dependencies]\nmoka.workspace = true\n";
        assert_eq!(manifests(&[Manifest::parse("host/pipeline/Cargo.toml", text)]).len(), 1);
        assert!(manifests(&[Manifest::parse("host/cache/Cargo.toml", text)]).is_empty());
        assert!(
            manifests(&[Manifest::parse("Cargo.toml", "[workspace.dependencies]\nmoka = \"1\"\n")])
                .is_empty()
        );
    }

    #[test]
    fn the_client_is_found_in_paths_and_groups() {
        let text = "//! hyper::client in words.\nuse hyper_util::client::legacy::Client;\nuse hyper::{body, client::conn};\n";
        assert_eq!(hyper_client(&[RustSource::new("host/node/src/a.rs", text)]).len(), 2);
        assert!(hyper_client(&[RustSource::new("host/origin/src/a.rs", text)]).is_empty());
        let server = "use hyper_util::{rt::TokioIo, server::conn};\n";
        assert!(hyper_client(&[RustSource::new("host/node/src/a.rs", server)]).is_empty());
    }
}
