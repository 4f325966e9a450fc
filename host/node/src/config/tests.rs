//! The config file as people meet it: what is accepted, and what is said about what is not.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::keys::{FILE, Table};
use super::*;

mod caching;
mod flags;
mod key_table;
mod listen;
mod mistakes;
mod origins;

/// Reads `text` as `seawall.toml` of a folder in which `f.wasm` and a secret file stand.
fn read(text: &str) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f.wasm"), "").unwrap();
    std::fs::write(folder.path().join("error.html"), "").unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
    std::fs::write(folder.path().join("origin-ca.pem"), &certificate).unwrap();
    for name in ["client", "shop"] {
        std::fs::write(folder.path().join(format!("{name}.pem")), &certificate).unwrap();
        std::fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    std::fs::write(folder.path().join("ops.token"), "0123456789abcdef-ops\n").unwrap();
    Config::from_toml(text, &folder.path().join("seawall.toml"))
}

/// `line:column: message` of every problem.
fn problems(text: &str) -> Vec<String> {
    let Err(problems) = read(text) else {
        return Vec::new();
    };
    problems
        .iter()
        .map(|problem| match &problem.place {
            Place::File { line_column: Some((line, column)), .. } => {
                format!("{line}:{column}: {}", problem.message)
            }
            _ => problem.message.clone(),
        })
        .collect()
}

/// The least that is a config.
const LEAST: &str = r#"
[[origins]]
name = "shop"
servers = ["http://127.0.0.1:3000"]

[[sites]]
name = "shop"
hosts = ["*"]
origin = "shop"
"#;

const WHOLE: &str = r#"
[node]
name = "fra-1"
region = "fra"
data_dir = "state"
threads = 4

[listen]
http = ["0.0.0.0:80", "[::]:80"]
peers = "10.0.0.1:7000"

[cache]
memory = "2GiB"
max_object = "8MiB"

[admin]
listen = "127.0.0.1:9091"
tokens = [
    { name = "ops", role = "write", secret_file = "ops.token" },
    { name = "ci", role = "read", secret = "0123456789abcdef-ci" },
]

[cluster]
secret = "0123456789abcdef-all"
max_lag = "2s"
nats = ["nats://10.0.0.5:4222", "tls://nats.example:4222"]
replicas = 3
token_file = "ops.token"
tls_ca = "ca.pem"

[[origins]]
name = "shop"
servers = ["https://a.origin.example", "https://b.origin.example:8443"]
connect_timeout = "1s"
first_byte_timeout = "500ms"
between_bytes_timeout = "2m"
host_header = "Origin.Example"

[[functions]]
name = "front"
file = "f.wasm"
config = { key = "hunter2" }

[[sites]]
name = "shop"
hosts = ["Shop.Example", "*.shop.example"]
origin = "shop"
functions = ["front"]
shield = "ams"
when_cut_off = "serve"
default_ttl = "2m"
stale_while_revalidate = "30s"
stale_if_error = "1h"
negative_ttl = "0s"

[log]
level = "debug"
access = "all"
format = "json"
"#;

#[test]
fn the_least_config_has_every_default() {
    let config = read(LEAST).unwrap();
    assert_eq!(config.node.name.as_str(), DEFAULT_NAME);
    assert_eq!(config.node.region.as_str(), DEFAULT_REGION);
    assert_eq!(config.node.data_dir, default_data_dir());
    assert_eq!(config.listen, Listen::default());
    assert_eq!(config.cache, Cache::default());
    assert_eq!(config.admin, Admin::default());
    assert_eq!(config.cluster, Cluster::default());
    assert_eq!(config.log, Log::default());
    assert_eq!(config.origins[0].connect_timeout, DEFAULT_CONNECT_TIMEOUT);
    assert_eq!(config.sites[0].when_cut_off, WhenCutOff::Revalidate);
    assert_eq!(config.sites[0].default_ttl, None);
}

#[test]
fn the_whole_config_says_what_was_written() {
    let config = read(WHOLE).unwrap();
    assert!(
        config.node.data_dir.ends_with("state") && config.node.data_dir.is_absolute(),
        "from the file's folder"
    );
    assert_eq!(config.node.threads.get(), 4);
    assert_eq!(config.listen.http.len(), 2);
    assert_eq!(config.cache, Cache { memory: Bytes(2 << 30), max_object: Bytes::mib(8) });
    assert_eq!(config.admin.tokens[0].secret.expose(), "0123456789abcdef-ops");
    assert_eq!(config.admin.tokens[1].role, Role::Read);
    assert_eq!(config.cluster.max_lag, Duration::from_secs(2));
    let nats = config.cluster.nats.as_ref().unwrap();
    assert_eq!((nats.servers.len(), nats.replicas, nats.name.as_str()), (2, 3, "seawall"));
    assert!(matches!(&nats.login, NatsLogin::Token(token) if token.expose() == "0123456789abcdef-ops"));
    assert!(nats.tls_ca.as_ref().is_some_and(|path| path.is_absolute() && path.ends_with("ca.pem")));
    assert_eq!(config.origins[0].first_byte_timeout, Duration::from_millis(500));
    assert_eq!(config.origins[0].host_header.as_deref(), Some("origin.example"));
    assert_eq!(config.functions[0].config["key"], "hunter2");
    let site = &config.sites[0];
    assert_eq!(site.hosts[0], HostPattern::Exact("shop.example".into()));
    assert_eq!(site.hosts[1], HostPattern::Below("shop.example".into()));
    assert_eq!(site.when_cut_off, WhenCutOff::Serve);
    assert_eq!(site.negative_ttl, Some(Duration::ZERO));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn no_secret_is_shown() {
    let config = read(WHOLE).unwrap();
    let json = config.to_redacted_json();
    for shown in [json.to_string(), format!("{config:?}")] {
        assert!(!shown.contains("0123456789abcdef") && !shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(json["admin"]["tokens"][0]["name"], "ops");
    assert_eq!(json["admin"]["tokens"][0]["secret"], REDACTED);
    assert_eq!(json["cluster"]["max_lag"], "2s");
    assert_eq!(json["cluster"]["nats"]["login"]["token"], REDACTED);
    assert_eq!(json["cluster"]["nats"]["retention"], "7d");
    assert_eq!(json["cache"]["memory"], "2GiB");
    assert_eq!(json["functions"][0]["config"]["key"], REDACTED);
    assert_eq!(json["sites"][0]["hosts"][1], "*.shop.example");
    assert_eq!(json["sites"][0]["when_cut_off"], "serve");
}

/// What the example of `backup` names.
const SPARE: &str = "[[origins]]\nname = \"shop-backup\"\nservers = [\"http://127.0.0.1:1\"]\n";

/// A file in which every key of `keys` has its example, but `broken` has `value`.
fn from_examples(broken: Option<(&str, &str)>, value: &str) -> (String, usize) {
    let mut text = String::new();
    let mut line = 0;
    for key in FILE.keys {
        writeln!(text, "{}", key.example).unwrap();
        let table = keys::TABLES.iter().find(|table| table.label == key.example).unwrap();
        write_examples(&mut text, table, broken, value, &mut line);
    }
    let files = ["cluster.secret", "nats.password"];
    let text = files.iter().fold(text, |text, file| text.replace(file, "ops.token"));
    (text.replace("shop_front.wasm", "f.wasm") + SPARE, line)
}

fn write_examples(
    text: &mut String,
    table: &Table,
    broken: Option<(&str, &str)>,
    value: &str,
    line: &mut usize,
) {
    for key in table.keys {
        // The two ways to give a secret exclude each other, as do the ways to log in.
        let is_broken = broken == Some((table.label, key.name));
        // A function stands in place of servers.
        let is_origins_function = (table.label, key.name) == ("[[origins]]", "function");
        if ["secret", "credentials", "nkey_file", "token_file"].contains(&key.name) && !is_broken
            || key.name == "secret_file" && broken == Some((table.label, "secret"))
            || is_origins_function && !is_broken
        {
            continue;
        }
        writeln!(text, "{} = {}", key.name, if is_broken { value } else { key.example }).unwrap();
        if is_broken {
            *line = text.lines().count();
        }
    }
}

#[test]
fn every_example_that_a_message_shows_is_accepted() {
    let (text, _) = from_examples(None, "");
    assert_eq!(problems(&text), Vec::<String>::new(), "{text}");
}

/// Holds that every known key is read: one that were not would take any type.
#[test]
fn every_key_is_read_and_refuses_a_wrong_type() {
    // Tables within others have tests of their own.
    for table in keys::TABLES.iter().filter(|table| !table.label.contains('.')) {
        for key in table.keys {
            let (text, line) = from_examples(Some((table.label, key.name)), "1979-05-27");
            let told = problems(&text);
            let start = format!("{line}:{}: {} `{}` must be", key.name.len() + 4, table.label, key.name);
            assert!(
                told.len() == 1 && told[0].starts_with(&start),
                "{} {}: {told:#?}",
                table.label,
                key.name
            );
        }
    }
}

#[test]
fn every_key_of_a_token_is_read_and_refuses_a_wrong_type() {
    for (key, token) in [
        ("name", "name = 1, role = 'read', secret = '0123456789abcdef'"),
        ("role", "name = 'a', role = 1, secret = '0123456789abcdef'"),
        ("secret", "name = 'a', role = 'read', secret = 1"),
        ("secret_file", "name = 'a', role = 'read', secret_file = 1"),
    ] {
        let told = problems(&format!("{LEAST}[admin]\ntokens = [{{ {token} }}]"));
        let words = format!("[[admin.tokens]] `{key}` must be a string");
        assert!(told.len() == 1 && told[0].contains(&words), "{key}: {told:#?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_problem_of_the_file() {
    let said = Config::load(Path::new("no/such.toml"), RunFlags::default()).unwrap_err().to_string();
    assert!(said.starts_with("no/such.toml: cannot be read:"), "{said}");
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Config::from_toml(&text, Path::new("seawall.toml"));
    }

    /// Closer to real files than random text is: lines of the whole config, cut and shuffled.
    #[test]
    fn no_shuffled_config_panics(
        picks in proptest::collection::vec((0usize..60, 0usize..40), 0..40),
    ) {
        let lines: Vec<_> = WHOLE.lines().collect();
        let mut text = String::new();
        for (line, cut) in picks {
            let line = lines[line % lines.len()];
            text.push_str(line.get(..cut).unwrap_or(line));
            text.push('\n');
        }
        if let Err(problems) = Config::from_toml(&text, Path::new("seawall.toml")) {
            prop_assert!(problems.iter().count() > 0);
            let last = text.lines().count() + 1;
            prop_assert!(problems.iter().all(|problem| problem.line().is_none_or(|line| line <= last)));
        }
    }
}
