use std::path::Path;

use super::super::{Config, RunFlags};

const BEFORE: &str = r#"[node]
name = "fra-1"
region = "fra"

[listen]
http = ["127.0.0.1:8080"]

[cluster]
secret = "0123456789abcdef-all"

[[origins]]
name = "shop"
servers = ["http://127.0.0.1:3000"]

[[sites]]
name = "shop"
hosts = ["*"]
origin = "shop"
"#;

/// What is said of a reload of [`BEFORE`] with one text in place of another.
fn said(from: &str, to: &str) -> Vec<String> {
    let file = Path::new("seawall.toml");
    let before = Config::from_text(BEFORE, file, RunFlags::default()).unwrap();
    assert!(BEFORE.contains(from), "{from}");
    let text = BEFORE.replace(from, to);
    let after = Config::from_text(&text, file, RunFlags::default()).unwrap_or_else(|wrong| panic!("{wrong}"));
    match before.may_become(&after, file, &text) {
        Ok(()) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_only_a_restart_changes_is_refused_with_its_place() {
    const ADVICE: &str = "changes only with a restart. Write what was there before, or restart the node.";
    for (from, to, place) in [
        ("fra-1", "fra-2", "2:8: [node] `name`"),
        ("name = \"fra-1\"", "name = \"fra-1\"\nthreads = 977", "3:11: [node] `threads`"),
        ("127.0.0.1:8080", "127.0.0.1:8081", "6:8: [listen] `http`"),
        ("cdef-all", "cdef-none", "9:10: [cluster] a secret"),
        ("[cluster]", "[cluster]\nmax_lag = \"9s\"", "9:11: [cluster] `max_lag`"),
        ("[cluster]", "[cache]\nmemory = \"1GiB\"\n[cluster]", "9:10: [cache] `memory`"),
    ] {
        assert_eq!(said(from, to), [format!("seawall.toml:{place} {ADVICE}")], "{to}");
    }
}

#[test]
fn a_key_that_is_taken_away_is_told_at_its_table() {
    let told = said("region = \"fra\"\n", "");
    assert!(told.len() == 1 && told[0].contains(":1:1: [node] `region`"), "{told:?}");
}

#[test]
fn all_else_may_change() {
    assert!(said("127.0.0.1:3000", "127.0.0.1:3001").is_empty());
    assert!(said("\"*\"", "\"shop.example\"").is_empty());
    assert!(said("[cluster]", "[log]\nlevel = \"debug\"\n[cluster]").is_empty());
    assert!(said("[cluster]", "[admin]\ntokens = []\n[cluster]").is_empty());
    assert!(said("[listen]", "[listen]\nbody_timeout = \"5s\"").is_empty());
    assert!(said("fra-1\"", "fra-1\"\nwatch_config = true").is_empty());
}
