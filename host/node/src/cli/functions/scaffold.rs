//! `seawall functions new`: a crate that builds as it is, anywhere. The kit is not published, so it comes along, out of
//! this very binary.

use std::fs;
use std::io;
use std::path::Path;

pub(super) mod js;

/// Makes the table of files that come along: where they go, and what is in them.
macro_rules! embedded {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../../", $path))),)+]
    };
}

/// The kit and the interface that it is made of; its own place is that of the repository, since it looks for `wit` from
/// there.
const KIT: &[(&str, &str)] = embedded![
    "edge-functions/sdk/src/bindings.rs",
    "edge-functions/sdk/src/error.rs",
    "edge-functions/sdk/src/guest.rs",
    "edge-functions/sdk/src/lib.rs",
    "edge-functions/sdk/src/log.rs",
    "edge-functions/sdk/src/mock.rs",
    "edge-functions/sdk/src/mock/host.rs",
    "edge-functions/sdk/src/mock/rules.rs",
    "edge-functions/sdk/src/origin.rs",
    "edge-functions/sdk/src/reply.rs",
    "edge-functions/sdk/src/request.rs",
    "edge-functions/sdk/src/response.rs",
    "wit/client.wit",
    "wit/hooks.wit",
    "wit/request.wit",
    "wit/response.wit",
    "wit/route.wit",
    "wit/store_policy.wit",
    "wit/sys.wit",
    "wit/transaction.wit",
    "wit/types.wit",
    "wit/worlds.wit",
];

/// The kit's manifest, standing by itself. The version of wit-bindgen is the workspace's.
const KIT_MANIFEST: &str = r#"[package]
name = "seawall-edge"
description = "Write edge functions for Seawall as plain Rust functions."
version = "0.1.0"
edition = "2024"
license = "Apache-2.0"
publish = false

[target.'cfg(target_family = "wasm")'.dependencies]
wit-bindgen = "0.61"
"#;

const MANIFEST: &str = r#"[package]
name = "NAME"
version = "0.1.0"
edition = "2024"
publish = false

[lib]
# cdylib is what is uploaded; rlib lets the tests run natively.
crate-type = ["cdylib", "rlib"]

[dependencies]
seawall-edge = { path = "vendor/edge-functions/sdk" }

[profile.release]
opt-level = "s"
lto = true
# Keeps the functions' names, which the log shows when one traps. Never wasm-strip: it removes the section that tells the
# host what the function exports.
strip = "debuginfo"

# Stands by itself, wherever it lies.
[workspace]
"#;

const SOURCE: &str = r#"//! An edge function: says where a request came by, and keeps what the origin forgot to give a lifetime.

use seawall_edge::{Error, OriginRequest, OriginResponse, Request, StoreVerdict, Verdict, filter};

/// Before the cache is asked.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    request.set_header("x-edge", "NAME")?;
    Ok(Verdict::Next)
}

/// Before an origin's response is stored.
pub fn on_origin_response(_: &OriginRequest, response: &mut OriginResponse) -> Result<StoreVerdict, Error> {
    if response.status() == 200 && response.ttl() == Some(0) {
        response.set_ttl(60)?;
    }
    Ok(StoreVerdict::Store)
}

filter! { on_request, on_origin_response }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    #[test]
    fn the_origin_learns_where_a_request_came_by() {
        let mut request = mock::request("GET", "https://shop.example/").build();
        assert_eq!(on_request(&mut request), Ok(Verdict::Next));
        assert_eq!(request.header("x-edge").as_deref(), Some("NAME"));
    }

    #[test]
    fn what_has_no_lifetime_gets_a_minute() {
        let request = mock::origin_request("https://shop.example/").build();
        let mut response = mock::origin_response(&request, 200).ttl(0).build();
        on_origin_response(&request, &mut response).unwrap();
        assert_eq!(request.recorded().store.ttl, Some(60));
    }
}
"#;

const FIXTURE: &str = r#"[
  {
    "name": "the origin learns where a request came by",
    "request": { "url": "https://shop.example/page" },
    "expect": { "on-request": { "verdict": "next", "path": "/page", "headers": { "x-edge": "NAME" } } }
  },
  {
    "name": "what has no lifetime gets a minute",
    "request": { "url": "https://shop.example/page" },
    "origin": { "status": 200, "ttl": 0 },
    "expect": { "on-origin-response": { "verdict": "store", "ttl": 60 } }
  }
]
"#;

const README: &str = r#"# NAME

An edge function for Seawall. `src/lib.rs` has its hooks and their tests.

```
cargo test                                         # natively, without WebAssembly
rustup target add wasm32-wasip1                    # once
cargo build --release --target wasm32-wasip1
seawall functions test target/wasm32-wasip1/release/FILE.wasm
seawall dev --origin http://127.0.0.1:3000 --function target/wasm32-wasip1/release/FILE.wasm
seawall functions deploy NAME target/wasm32-wasip1/release/FILE.wasm --activate
```

`vendor/` is the kit that it is written with, and the interface behind that. `fixtures/` says what is expected of the
built function.
"#;

/// Writes the crate into `folder`, which must not be there.
pub(super) fn write(folder: &Path, name: &str) -> io::Result<()> {
    fs::create_dir(folder)?;
    let filled = |text: &str| text.replace("NAME", name).replace("FILE", &name.replace('-', "_"));
    let own = [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", SOURCE),
        ("fixtures/basic.json", FIXTURE),
        ("README.md", README),
        (".gitignore", "/target\n"),
    ];
    for (path, text) in own {
        put(folder, path, &filled(text))?;
    }
    put(folder, "vendor/edge-functions/sdk/Cargo.toml", KIT_MANIFEST)?;
    KIT.iter().try_for_each(|(path, text)| put(folder, &format!("vendor/{path}"), text))
}

fn put(folder: &Path, path: &str, text: &str) -> io::Result<()> {
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");

    fn files(under: &str, suffix: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(format!("{ROOT}{under}")).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{under}/{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                files(&path, suffix, found);
            } else if path.ends_with(suffix) {
                found.insert(path);
            }
        }
    }

    #[test]
    fn the_whole_kit_comes_along() {
        let mut there = BTreeSet::new();
        files("edge-functions/sdk/src", ".rs", &mut there);
        files("wit", ".wit", &mut there);
        let embedded: BTreeSet<String> = KIT.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(embedded, there, "add to `KIT` what is new");
    }

    #[test]
    fn the_kit_is_built_with_the_same_tool() {
        let workspace: toml::Table =
            fs::read_to_string(format!("{ROOT}Cargo.toml")).unwrap().parse().unwrap();
        let version = workspace["workspace"]["dependencies"]["wit-bindgen"].as_str().unwrap().to_owned();
        assert!(KIT_MANIFEST.contains(&format!("wit-bindgen = \"{version}\"")), "{version}");
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("front");
        write(&own, "front").unwrap();
        let source = fs::read_to_string(own.join("src/lib.rs")).unwrap();
        assert!(source.contains("\"front\"") && !source.contains("NAME"));
        assert!(own.join("vendor/edge-functions/sdk/src/mock/host.rs").is_file());
        assert_eq!(write(&own, "front").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
