//! The keys of `[[origins]]`: pools, checks, certificates, backups.

use std::num::NonZeroU32;
use std::time::Duration;

use seawall_origin::{Balance, Role, WhenAllOut};

use super::{LEAST, problems, read};
use crate::config::Origin;

fn origin(lines: &str) -> Origin {
    read(&with(lines)).unwrap_or_else(|problems| panic!("{problems}")).origins.remove(0)
}

/// The least config, with more lines in its origin.
fn with(lines: &str) -> String {
    LEAST.replacen("[[sites]]", &format!("{lines}\n[[sites]]"), 1)
}

#[test]
fn an_origin_is_what_was_written() {
    let origin = origin(
        r#"
balance = "p2c-latency"
try_timeout = "2s"
timeout = "10s"
when_all_out = "fail"
max_connections = 20
max_fetches = 30
queue = 0
queue_timeout = "100ms"
http2 = true
sni = "inner.example"
ca_file = "origin-ca.pem"
client_cert = "client.pem"
client_key = "client.key"
health = { path = "/up?x", interval = "1s", timeout = "500ms", status = "204", rise = 1, fall = 4, host = "A.example" }
eject = { failures = 3, base = "2s", max = "4s", share = 10, probes = 2 }
retry = { percent = 5, min_per_second = 0, tries = 2 }
"#,
    );
    let pool = &origin.pool;
    assert_eq!((pool.balance, pool.when_all_out), (Balance::P2cLatency, WhenAllOut::Fail));
    assert_eq!(
        (pool.try_timeout, pool.timeout),
        (Some(Duration::from_secs(2)), Some(Duration::from_secs(10)))
    );
    assert_eq!((pool.max_connections, pool.max_fetches), (NonZeroU32::new(20), NonZeroU32::new(30)));
    assert_eq!((pool.queue, pool.queue_timeout), (0, Duration::from_millis(100)));
    let health = pool.health.as_ref().unwrap();
    assert_eq!((health.path.as_str(), health.status.clone(), health.fall), ("/up?x", 204..=204, 4));
    assert_eq!(health.host.as_deref(), Some("a.example"));
    assert_eq!((pool.eject.failures, pool.eject.share, pool.eject.probes), (3, 10, 2));
    assert_eq!((pool.retry.percent, pool.retry.min_per_second, pool.retry.tries), (5, 0, Some(2)));
    assert!(origin.link.http2 && origin.link.ca_file.is_some() && origin.link.client_key.is_some());
    assert_eq!(origin.link.sni.as_deref(), Some("inner.example"));
}

/// The least config with a handler, and `lines` about it.
fn handled(lines: &str) -> String {
    let of = "[[functions]]\nname = \"page\"\n[[origins]]\nname = \"page\"\nfunction = \"page\"\n";
    format!("{LEAST}\n{of}{lines}")
}

#[test]
fn a_function_may_stand_where_servers_do() {
    let config = read(&handled("")).unwrap_or_else(|problems| panic!("{problems}"));
    let page = config.origins.iter().find(|origin| origin.name.as_str() == "page").unwrap();
    assert_eq!(page.function.as_ref().map(ToString::to_string).as_deref(), Some("page"));
    assert!(page.servers.is_empty());
    for (text, part) in [
        (handled("servers = [\"http://a.example\"]\nbackup = \"shop\""), "`servers` is for servers"),
        (handled("timeout = \"1s\""), "`timeout` is for servers"),
        (handled("").replace("function = \"page\"", "function = \"pag\""), "`pag` is not a function here"),
        (
            handled("[[origins]]\nname = \"b\"\nservers = [\"http://a.example\"]\nbackup = \"page\""),
            "answered by a function",
        ),
        (
            handled(
                "[[sites]]\nname = \"b\"\nhosts = [\"b.example\"]\norigin = \"page\"\nfunctions = [\"page\"]",
            ),
            "answers in an origin's place",
        ),
    ] {
        let said = problems(&text).join("\n");
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_server_is_a_url_or_a_table() {
    let text = LEAST.replace(
        "[\"http://127.0.0.1:3000\"]",
        "['http://a', { url = 'https://b', weight = 3 }, { url = 'http://c', backup = true }]",
    );
    let servers = read(&text).unwrap().origins.remove(0).servers;
    let said: Vec<_> = servers.iter().map(|one| (one.url.to_string(), one.weight.get(), one.role)).collect();
    let expected = [
        ("http://a".to_owned(), 1, Role::Primary),
        ("https://b".to_owned(), 3, Role::Primary),
        ("http://c".to_owned(), 1, Role::Backup),
    ];
    assert_eq!(said, expected);
}

#[test]
fn the_operator_sees_what_is_in_force() {
    let json = read(&with("health = { path = '/up' }")).unwrap().to_redacted_json();
    let origin = &json["origins"][0];
    assert_eq!(origin["balance"], "round-robin");
    assert_eq!(origin["servers"][0]["url"], "http://127.0.0.1:3000");
    assert_eq!(origin["health"]["status"], "200-399");
    assert_eq!(origin["eject"]["base"], "1s");
    assert_eq!(origin["queue_timeout"], "1s");
    assert_eq!(origin["http2"], false);
}

/// In the origin of the least config, each of these is exactly one problem, with these words.
const ONE_MISTAKE: &[(&str, &str)] = &[
    (
        "balance = 'random'",
        "`random` is not known. It is one of `round-robin`, `least-requests`, `p2c-latency`",
    ),
    ("balance = 'hsh'", "Did you mean `hash`?"),
    ("when_all_out = 'stop'", "It is one of `try`, `fail`"),
    ("max_connections = 0", "`max_connections`: 0 is out of range. Write a number from 1 to 1000000."),
    ("max_fetches = -1", "must be a whole number, and this is a negative number"),
    ("timeout = '0s'", "leaves no time at all"),
    ("http2 = 1", "[[origins]] `http2` must be `true` or `false`, and this is a number"),
    ("sni = 'a:443'", "`a:443` is not a name that a certificate can have."),
    ("ca_file = 'none.pem'", "none.pem` cannot be read"),
    ("ca_file = 'ops.token'", "ops.token cannot be used: it has no `BEGIN CERTIFICATE`."),
    ("client_cert = 'client.pem'\nclient_key = 'client.pem'", "client.pem cannot be used: "),
    (
        "client_cert = 'client.pem'",
        "[[origins]] `client_key` is missing. Write `client_key = \"client.key\"`.",
    ),
    ("client_key = 'client.key'", "[[origins]] `client_cert` is missing."),
    ("health = {}", "[origins.health] `path` is missing. Write `path = \"/healthz\"`."),
    ("health = { path = 'up' }", "[origins.health] `path`: `up` is not a path."),
    ("health = { path = '/', status = '399-200' }", "is not a range of statuses"),
    ("health = { path = '/', interval = '1ms' }", "is too often for anybody. Write at least `10ms`."),
    ("health = { path = '/', rise = 0 }", "[origins.health] `rise`: 0 is out of range."),
    ("health = { path = '/', pth = 1 }", "[origins.health] `pth` is not a key here. Did you mean `path`?"),
    ("health = '/up'", "`health` must be a table, and this is a string. Write `health = { path"),
    ("eject = { base = '5s', max = '1s' }", "[origins.eject] `max` is less than `base`."),
    (
        "eject = { share = 101 }",
        "[origins.eject] `share`: 101 is out of range. Write a number from 1 to 100.",
    ),
    ("retry = { percent = 101 }", "[origins.retry] `percent`: 101 is out of range."),
    ("retry = { tries = 0 }", "[origins.retry] `tries`: 0 is out of range."),
    ("backup = 'shop'", "`shop` is the origin itself. Name another, or leave it out."),
    ("backup = 'shp'", "`shp` is not an origin here. Did you mean `shop`?"),
    (
        "backup = 'b'\n[[origins]]\nname = 'b'\nservers = ['http://b']\nbackup = 'c'\n[[origins]]\nname = 'c'\nservers = ['http://c']",
        "6:10: [[origins]] `backup`: `b` has a backup itself.",
    ),
];

#[test]
fn one_mistake_is_one_problem() {
    for (lines, words) in ONE_MISTAKE {
        let told = problems(&with(lines));
        assert!(told.len() == 1 && told[0].contains(words), "{lines}\nwanted {words}\ngot {told:#?}");
    }
}

#[test]
fn a_bad_server_is_one_problem() {
    let many = vec!["'http://a'"; 65].join(", ");
    for (servers, words) in [
        ("[{ url = 'ftp://a' }]", "[[origins.servers]] `url`: `ftp://a` is not a server"),
        ("[{ weight = 1 }]", "[[origins.servers]] `url` is missing."),
        ("[{ url = 'http://a', weight = 0 }]", "`weight`: 0 is out of range. Write a number from 1 to 1000."),
        ("[{ url = 'http://a', backup = 'yes' }]", "`backup` must be `true` or `false`"),
        ("[{ url = 'http://a', backup = true }]", "`servers` are all backups."),
        ("['http://a', 1]", "`servers` must be a list of strings or tables, and this is a number"),
        ("[]", "`servers` is empty. Write `servers = [\"https://a.origin.example\"]`."),
        (&format!("[{many}]"), "`servers` has 65 elements. Write at most 64."),
    ] {
        let told = problems(&LEAST.replace("[\"http://127.0.0.1:3000\"]", servers));
        assert!(told.len() == 1 && told[0].contains(words), "{servers}\nwanted {words}\ngot {told:#?}");
    }
}

#[test]
fn a_bad_error_page_is_one_problem() {
    for (pages, words) in [
        ("{ default = 'none.html' }", "none.html` cannot be read"),
        ("{ default = 'f.wasm' }", "what `f.wasm` is cannot be told. Name it `.html`, `.txt` or `.json`."),
        ("{ 200 = 'error.html' }", "`200` is not a status of an error. Write 400 to 599, or `default`."),
        ("{ always = 'error.html' }", "`always` is not a status of an error."),
    ] {
        let told = problems(&format!("{LEAST}error_page = {pages}\n"));
        assert!(told.len() == 1 && told[0].contains(words), "{pages}\nwanted {words}\ngot {told:#?}");
    }
    let pages = "error_page = { default = 'error.html', 503 = 'error.html' }";
    let config = read(&format!("{LEAST}{pages}\n")).unwrap();
    let statuses: Vec<_> = config.sites[0].error_page.iter().map(|page| page.status).collect();
    assert_eq!(statuses, [Some(503), None]);
}
