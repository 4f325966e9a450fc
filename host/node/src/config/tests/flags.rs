//! Flags instead of a file, and on top of one.

use std::path::PathBuf;

use super::{LEAST, read};
use crate::config::{Bytes, Config, DEFAULT_ADMIN, HostPattern, RunFlags};

fn of_origin() -> RunFlags {
    RunFlags { origin: Some("http://127.0.0.1:3000".parse().unwrap()), ..RunFlags::default() }
}

#[test]
fn an_origin_alone_is_a_config_for_any_host_with_loopback_admin() {
    let config = Config::for_origin(of_origin()).unwrap();
    assert_eq!(config.sites.len(), 1);
    assert_eq!(config.sites[0].hosts, [HostPattern::Any]);
    assert_eq!(config.sites[0].origin, config.origins[0].name);
    assert_eq!(config.origins[0].servers[0].to_string(), "http://127.0.0.1:3000");
    assert_eq!(config.admin.listen, DEFAULT_ADMIN);
    assert!(config.admin.tokens.is_empty());
}

#[test]
fn functions_are_named_after_their_files_and_run_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = ["b.wasm", "a_1.wasm"].iter().map(|name| folder.path().join(name)).collect();
    for file in &files {
        std::fs::write(file, "").unwrap();
    }
    let config = Config::for_origin(RunFlags { functions: files, ..of_origin() }).unwrap();
    let names: Vec<_> = config.sites[0].functions.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["b", "a_1"]);
}

#[test]
fn every_wrong_function_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str| folder.path().join(name);
    std::fs::write(named("my.shop.wasm"), "").unwrap();
    std::fs::write(named("a.wasm"), "").unwrap();
    let functions = vec![named("none.wasm"), named("my.shop.wasm"), named("a.wasm"), named("a.wasm")];
    let problems = Config::for_origin(RunFlags { functions, ..RunFlags::default() }).unwrap_err();
    let said = problems.to_string();
    assert_eq!(problems.count_text(), "4 problems", "{said}");
    for words in [
        "none.wasm` cannot be read",
        "`my.shop` is not a name",
        "two files make a function named `a`",
        "--origin: is missing",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn flags_override_what_the_file_says() {
    let flags = RunFlags {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        admin: Some("127.0.0.1:0".parse().unwrap()),
        memory: Some(Bytes::mib(16)),
        threads: "2".parse().ok(),
        data_dir: Some(PathBuf::from("here")),
        ..RunFlags::default()
    };
    let config = flags.apply(read(LEAST).unwrap()).unwrap();
    assert_eq!(config.listen.http.len(), 1);
    assert_eq!(config.listen.http[0].port(), 0);
    assert_eq!(
        config.admin.listen.port(),
        0,
        "port 0 is any free port, so two listeners may both ask for it"
    );
    assert_eq!(config.cache.memory, Bytes::mib(16));
    assert_eq!(config.cache.max_object, Bytes::mib(16), "no object is larger than the whole cache");
    assert_eq!(config.node.threads.get(), 2);
    assert_eq!(config.node.data_dir, PathBuf::from("here"));
}

#[test]
fn a_flag_that_takes_a_listeners_address_is_reported() {
    let flags = RunFlags { admin: Some("127.0.0.1:8080".parse().unwrap()), ..of_origin() };
    let said = Config::for_origin(flags).unwrap_err().to_string();
    assert_eq!(said, "--admin: `127.0.0.1:8080` is taken by listen.http already. Write another port.");
}

#[test]
fn one_file_serves_several_nodes_that_are_named_by_flag() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seawall.toml");
    std::fs::write(&file, format!("{LEAST}[cluster]\nsecret = '0123456789abcdef'\n")).unwrap();
    let said = Config::load(&file, RunFlags::default()).unwrap_err().to_string();
    assert!(said.contains("[node] `name` is missing"), "{said}");
    let flags = RunFlags { name: seawall_base::NodeName::new("ams-2").ok(), ..RunFlags::default() };
    assert_eq!(Config::load(&file, flags).unwrap().node.name.as_str(), "ams-2");
}
