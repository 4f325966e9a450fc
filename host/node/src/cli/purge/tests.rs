use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use clap::Parser;

use super::*;
use crate::cli::{Cli, Command, nodes, purges};

const TOKEN: &str = "0123456789abcdef-purge";

/// A node that takes one call, answers `status` and `body`, and tells what it was asked: head and body.
fn node(status: &str, body: &str) -> (SocketAddr, JoinHandle<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            reader.read_line(&mut head).unwrap();
        }
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    (address, asked)
}

struct Ran {
    exit: Exit,
    out: String,
    err: String,
}

/// Runs a command line against a node whose token stands in a data directory.
fn run(line: &str, admin: SocketAddr) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(crate::cli::token::ADMIN_TOKEN_FILE);
    std::fs::write(&file, TOKEN).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let admin = admin.to_string();
    let dir = folder.path().to_str().unwrap();
    let words = line.split(' ').chain(["--admin", &admin, "--data-dir", dir]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = match Cli::try_parse_from(words).unwrap().command {
        Command::Purge(args) => purge(&args, &mut out, &mut err),
        Command::Purges(args) => purges(&args, &mut out, &mut err),
        Command::Nodes(args) => nodes(&args, &mut out, &mut err),
        other => panic!("{other:?}"),
    };
    Ran { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

/// An answer in which two nodes are in these states.
fn answer(a: &str, b: &str) -> String {
    json!({
        "id": "42", "position": 42, "matched": 17,
        "nodes": [
            { "name": "fra-1", "region": "fra", "state": a, "applied_after_us": 1250, "matched": 17 },
            { "name": "ams-1", "region": "ams", "state": b, "applied_after_us": null },
        ],
    })
    .to_string()
}

#[test]
fn a_purge_says_what_was_said_and_shows_every_node() {
    let (admin, asked) = node("200 OK", &answer("applied", "applied"));
    let ran =
        run("seawall purge --site shop --tag a --tag b --url shop.example/x --soft --timeout 1500ms", admin);
    let (head, body) = asked.join().unwrap();
    assert!(head.starts_with("POST /v1/purge?wait=all&timeout=1500ms HTTP/1.1\r\n"), "{head}");
    assert!(head.to_lowercase().contains(&format!("authorization: bearer {TOKEN}\r\n")), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/json\r\n"), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body, json!({ "site": "shop", "tags": ["a", "b"], "urls": ["shop.example/x"], "soft": true }));
    assert_eq!(ran.exit, Exit::Ok, "{}", ran.err);
    assert_eq!(
        ran.out,
        "purge 42: 17 stored responses so far\n\
         NODE   REGION  STATE    APPLIED AFTER  MATCHED\n\
         fra-1  fra     applied  1.250 ms       17\n\
         ams-1  ams     applied  -              -\n"
    );
}

#[test]
fn the_exit_code_says_whether_those_waited_for_have_applied() {
    for (wait, status, state, exit) in [
        ("all", "200 OK", "applied", Exit::Ok),
        ("all", "202 Accepted", "pending", Exit::PurgeIncomplete),
        ("all", "200 OK", "unreachable", Exit::PurgeIncomplete),
        ("local", "200 OK", "pending", Exit::Ok),
        ("local", "202 Accepted", "pending", Exit::PurgeIncomplete),
        ("none", "202 Accepted", "pending", Exit::Ok),
    ] {
        let (admin, asked) = node(status, &answer("applied", state));
        let ran = run(&format!("seawall purge --all --wait {wait}"), admin);
        asked.join().unwrap();
        assert_eq!(ran.exit, exit, "{wait} {status} {state}");
        assert_eq!(
            ran.err.contains("not everyone waited for has applied it within 5s"),
            exit == Exit::PurgeIncomplete
        );
    }
}

#[test]
fn a_dry_run_shows_what_every_node_counted() {
    let body = json!({"dry_run": true, "matched": 17, "matched_bytes": 1700, "missing": ["ams-1"], "nodes": [
        {"name": "ams-1", "region": "ams", "state": "no-answer", "matched": null, "matched_bytes": null,
            "recent_hits": null, "recent_hits_percent": null},
        {"name": "fra-1", "region": "fra", "state": "counted", "matched": 17, "matched_bytes": 1700,
            "recent_hits": 1, "recent_hits_percent": 12.5},
    ]});
    let (admin, asked) = node("200 OK", &body.to_string());
    let ran = run("seawall purge --all --dry-run", admin);
    assert_eq!(asked.join().unwrap().1, r#"{"all":true,"dry_run":true}"#);
    assert_eq!(ran.exit, Exit::Ok, "{}", ran.err);
    assert_eq!(
        ran.out,
        "would match 17 stored responses\n\
         NODE   REGION  STATE      MATCHED  BYTES  OF RECENT HITS\n\
         ams-1  ams     no-answer  -        -      -\n\
         fra-1  fra     counted    17       1700   12.5 %\n"
    );
}

#[test]
fn limits_and_a_key_are_said_as_the_api_wants_them() {
    let again = json!({"id": "42", "position": 42, "repeated": true, "matched": 1, "nodes": []});
    let (admin, asked) = node("200 OK", &again.to_string());
    let ran = run("seawall purge --tag a --max-objects 100 --confirm --key deploy-7", admin);
    let (head, body) = asked.join().unwrap();
    assert!(head.to_lowercase().contains("\r\nidempotency-key: deploy-7\r\n"), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body, json!({"tags": ["a"], "max_objects": 100, "confirm": true}));
    assert_eq!(ran.out, "purge 42 (given before): 1 stored response so far\n");
}

#[test]
fn orders_are_listed_and_one_is_shown_with_its_nodes() {
    let one = json!({"id": "7", "position": 7, "kind": "purge", "actor": "ops", "accepted_by": "fra-1",
        "at_unix_ms": 0, "keyed": false, "soft": false, "selects": {"tags": ["a"]}, "selectors": 1, "matched": 2});
    let page = json!({"answered_by": "fra-1", "before": 0, "head": 9, "next": 7, "orders": [one]});
    let (admin, asked) = node("200 OK", &page.to_string());
    let ran = run("seawall purges --since 6 --limit 1", admin);
    assert!(asked.join().unwrap().0.starts_with("GET /v1/purges?limit=1&since=6 HTTP/1.1\r\n"));
    assert_eq!(
        ran.out,
        "POSITION  WHEN (UTC)           WHO  AT NODE  SITE  WHAT   MATCHED\n\
         7         1970-01-01 00:00:00  ops  fra-1    all   tag a  2\n\
         there are more: --since 7\n"
    );
    let mut whole = page["orders"][0].clone();
    whole["nodes"] =
        json!([{"name": "fra-1", "region": "fra", "state": "applied", "applied_after_us": 90, "matched": 2}]);
    let (admin, asked) = node("200 OK", &whole.to_string());
    let ran = run("seawall purges 7", admin);
    assert!(asked.join().unwrap().0.starts_with("GET /v1/purges/7 HTTP/1.1\r\n"));
    assert!(ran.out.ends_with("fra-1  fra     applied  0.090 ms       2\n"), "{}", ran.out);
}

#[test]
fn json_is_the_answer_itself() {
    let (admin, asked) = node("200 OK", &answer("applied", "pending"));
    let ran = run("seawall purge --all --json", admin);
    asked.join().unwrap();
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown, serde_json::from_str::<Value>(&answer("applied", "pending")).unwrap());
    assert_eq!(ran.exit, Exit::PurgeIncomplete);
}

#[test]
fn a_problem_document_is_told_in_words() {
    for (status, body, words) in [
        (
            "422 Unprocessable Content",
            r##"{"title":"Bad selector","detail":"See `errors`.",
                "errors":[{"pointer":"#/tags/0","detail":"`a b` has white space"}]}"##,
            "seawall: Bad selector (422): See `errors`.\n  #/tags/0 `a b` has white space\n",
        ),
        ("503 Service Unavailable", "<html>", "seawall: Service Unavailable (503)\n"),
        (
            "401 Unauthorized",
            r#"{"title":"Unauthorized"}"#,
            "Set SEAWALL_ADMIN_TOKEN to a token of this node",
        ),
        ("200 OK", "<html>", "is not what a Seawall node says"),
        ("200 OK", "[]", "not a purge"),
    ] {
        let (admin, asked) = node(status, body);
        let ran = run("seawall purge --all", admin);
        asked.join().unwrap();
        assert_eq!(ran.exit, Exit::Failed);
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
        assert!(ran.out.is_empty());
    }
}

#[test]
fn a_refused_connection_says_where_and_what_to_start() {
    // Bound and dropped: nobody listens there.
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = run("seawall purge --all", admin);
    assert_eq!(ran.exit, Exit::Failed);
    assert!(
        ran.err.starts_with(&format!("seawall: nothing listens at http://{admin}. Start a node")),
        "{}",
        ran.err
    );
}

#[test]
fn nodes_are_listed_with_what_is_known_of_them() {
    let body = r#"{"nodes":[{"name":"fra-1","region":"fra","state":"ready","applied":42,"version":"0.1.0","peer_addr":"10.0.0.1:7000"},
        {"name":"ams-1","region":"ams","state":"unreachable","applied":null}]}"#;
    let (admin, asked) = node("200 OK", body);
    let ran = run("seawall nodes", admin);
    assert!(asked.join().unwrap().0.starts_with("GET /v1/nodes HTTP/1.1\r\n"));
    assert_eq!(
        ran.out,
        "NODE   REGION  STATE        APPLIED  VERSION  PEERS REACH IT AT\n\
         fra-1  fra     ready        42       0.1.0    10.0.0.1:7000\n\
         ams-1  ams     unreachable  -        -        -\n"
    );
    assert_eq!(ran.exit, Exit::Ok);
}
