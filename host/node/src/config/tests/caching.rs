//! What a site may override of caching, and what is said about mistakes in it.

use std::time::Duration;

use crate::config::keys::{self, Table};
use crate::config::{Caching, Config, Languages, NoStore, Strip};

use super::{LEAST, problems, read};

fn caching(lines: &str) -> Caching {
    let config: Config = read(&format!("{LEAST}{lines}")).unwrap();
    config.sites[0].caching.clone()
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

const WHOLE: &str = r#"
heuristics = false
stale_when_disconnected = "0s"
no_store = "strict"
request_no_store = false
request_directives = false
store_set_cookie = true
strip_set_cookie = true
store_post = false
strip_request_cookies = ["_ga*", "theme"]
debug_key = true
query = { ignore = ["utm_*", "gclid"], sort = true }
key = { headers = ["X-Device"], cookies = ["currency"] }
normalise = { accept_encoding = false, accept_language = ["en", "de-AT"] }

[[sites.rules]]
paths = ["/assets/*", "*.png"]
ttl = "30d"
override = true

[[sites.rules]]
statuses = ["404", "5xx"]
ttl = "10s"
stale_while_revalidate = "1m"
stale_if_error = "1h"
"#;

#[test]
fn nothing_written_is_what_the_rfcs_say() {
    assert_eq!(caching(""), Caching::default());
}

#[test]
fn what_is_written_is_read() {
    let read = caching(WHOLE);
    assert_eq!((read.heuristics, read.request_no_store, read.request_directives), (false, false, false));
    assert_eq!(
        (read.store_set_cookie, read.strip_set_cookie, read.debug_key, read.store_post),
        (true, true, true, false)
    );
    assert_eq!(read.stale_when_disconnected, Some(Duration::ZERO));
    assert_eq!(read.no_store, NoStore::Strict);
    assert!(matches!(&read.strip_request_cookies, Strip::Named(globs) if texts(globs) == ["_ga*", "theme"]));
    assert_eq!((texts(&read.query.ignore), read.query.sort), (vec!["utm_*".into(), "gclid".into()], true));
    assert_eq!(texts(&read.key.headers), ["x-device"]);
    assert_eq!(read.key.cookies, ["currency"]);
    assert!(!read.normalise.accept_encoding);
    assert_eq!(read.normalise.accept_language, Languages::Supported(vec!["en".into(), "de-at".into()]));
    let [assets, errors] = read.rules.as_slice() else { panic!("{:?}", read.rules) };
    assert_eq!(texts(&assets.paths), ["/assets/*", "*.png"]);
    assert_eq!((assets.ttl, assets.replaces), (Some(Duration::from_secs(30 * 86_400)), true));
    assert_eq!(texts(&errors.statuses), ["404", "5xx"]);
    assert_eq!(errors.stale_if_error, Some(Duration::from_secs(3600)));
    assert!(!errors.replaces);
}

#[test]
fn the_operator_is_shown_what_is_in_force() {
    let json = read(&format!("{LEAST}{WHOLE}")).unwrap().to_redacted_json();
    let site = &json["sites"][0];
    assert_eq!(site["strip_request_cookies"][0], "_ga*");
    assert_eq!(site["query"]["ignore"][1], "gclid");
    assert_eq!(site["normalise"]["accept_language"][1], "de-at");
    assert_eq!(site["rules"][0]["override"], true);
    assert_eq!(site["rules"][1]["statuses"][1], "5xx");
    assert_eq!(site["no_store"], "strict");
}

#[test]
fn an_empty_keep_is_a_key_without_a_query_and_flags_may_stand_for_lists() {
    let read = caching(
        "query = { keep = [] }\nstrip_request_cookies = true\nnormalise = { accept_language = false }",
    );
    assert_eq!(read.query.keep, Some(Vec::new()));
    assert_eq!(read.strip_request_cookies, Strip::All(true));
    assert_eq!(read.normalise.accept_language, Languages::Compared(false));
}

/// Holds that every known key is read: one that were not would take any type.
#[test]
fn every_key_of_every_table_of_a_site_is_read_and_refuses_a_wrong_type() {
    let tables: [&Table; 4] = [&keys::QUERY, &keys::KEY, &keys::NORMALISE, &keys::RULE];
    for table in tables {
        for key in table.keys {
            let told = problems(&format!("{LEAST}{}\n{} = 1979-05-27", table.label, key.name));
            let start = format!("11:{}: {} `{}` must be", key.name.len() + 4, table.label, key.name);
            assert!(
                told.iter().any(|told| told.starts_with(&start)),
                "{} {}: {told:#?}",
                table.label,
                key.name
            );
        }
        for key in table.keys {
            // A rule must set something, and only one of `ignore` and `keep` may be there.
            let more =
                if table.label == "[[sites.rules]]" && key.name != "ttl" { "ttl = \"1d\"\n" } else { "" };
            let text = format!("{LEAST}{}\n{more}{} = {}", table.label, key.name, key.example);
            assert_eq!(problems(&text), Vec::<String>::new(), "{text}");
        }
    }
}

/// Appended to the least config, each of these is exactly one problem, with these words.
const ONE_MISTAKE: &[(&str, &str)] = &[
    // Wherever it was put.
    ("ttl = '1d'", "10:1: [[sites]] `ttl` is not a key here. It belongs in [[sites.rules]]."),
    ("override = true", "[[sites]] `override` is not a key here. It belongs in [[sites.rules]]."),
    ("utm = { ignore = [] }", "[[sites]] `utm` is not a key here."),
    // Switches.
    (
        "heuristics = 'no'",
        "`heuristics` must be `true` or `false`, and this is a string. Write `heuristics = false`.",
    ),
    (
        "no_store = 'Strict'",
        "`no_store`: `Strict` is not known. Did you mean `strict`? It is one of `rfc`, `strict`.",
    ),
    (
        "stale_when_disconnected = '1'",
        "`stale_when_disconnected`: `1` has no unit that is known. Write `1s`.",
    ),
    (
        "store_set_cookie = false\nstrip_set_cookie = true",
        "11:20: [[sites]] `strip_set_cookie = true` stores responses",
    ),
    // Cookies.
    (
        "strip_request_cookies = 'all'",
        "`strip_request_cookies` must be `true`, `false` or a list of strings, and this is a string.",
    ),
    (
        "strip_request_cookies = []",
        "`strip_request_cookies` is empty. Write `strip_request_cookies = [\"_ga*\"]`.",
    ),
    ("strip_request_cookies = ['a b']", "`a b` has white space"),
    (
        "strip_request_cookies = ['cur*']\nkey = { cookies = ['currency'] }",
        "10:26: [[sites]] `strip_request_cookies`: `cur*` takes away the cookie `currency`, which is part of the key",
    ),
    // The query.
    (
        "query = 'utm_*'",
        "[[sites]] `query` must be one table, and this is a string. Write `query = { ignore =",
    ),
    (
        "query = { ignore = 'gclid' }",
        "[sites.query] `ignore` must be a list of strings, and this is a string.",
    ),
    ("query = { ignore = ['a'], keep = ['b'] }", "10:34: [sites.query] has both `ignore` and `keep`."),
    ("query = { ignor = ['a'] }", "[sites.query] `ignor` is not a key here. Did you mean `ignore`?"),
    ("query = { ignore = [''] }", "[sites.query] `ignore`: an empty pattern matches nothing."),
    // Parts of the key.
    ("key = { headers = ['x device'] }", "[sites.key] `headers`: `x device` is not the name of a field."),
    (
        "key = { headers = ['Seawall-Peer'] }",
        "`seawall-peer` is the node's own and is taken from clients' requests.",
    ),
    ("key = { headers = ['Host'] }", "`host` is in every key already. Leave it out."),
    ("key = { headers = ['cookie'] }", "Name the cookies that matter in `cookies`."),
    (
        "key = { headers = ['Range'] }",
        "`range` asks for a part or a check of what the key names. Leave it out.",
    ),
    ("key = { headers = ['X-A', 'x-a'] }", "[sites.key] `headers` has `x-a` twice. Leave one."),
    ("key = { cookies = ['a=b'] }", "`a=b` is not a cookie's name."),
    (
        "key = { cookies = ['1','2','3','4','5','6','7','8','9'] }",
        "`cookies` has 9 elements. Write at most 8.",
    ),
    // Languages.
    (
        "normalise = { accept_language = ['en_GB'] }",
        "`en_GB` is not a language tag. Write one such as `en-GB`.",
    ),
    ("normalise = { accept_language = ['de', 'DE'] }", "`accept_language` has `de` twice."),
    ("normalise = { accept_language = [] }", "`accept_language` is empty. Write `accept_language = ["),
    ("normalise = { accept_charset = true }", "[sites.normalise] `accept_charset` is not a key here."),
    // Rules.
    ("[[sites.rules]]\npaths = ['/a']", "10:1: [[sites.rules]] sets nothing. Write `ttl = \"1d\"`"),
    (
        "[[sites.rules]]\nttl = '1 day'",
        "11:7: [[sites.rules]] `ttl`: `1 day` has no unit that is known. Write `1d`.",
    ),
    ("[[sites.rules]]\nttl = '1d'\npaths = ['assets/*']", "`assets/*` is not a path. Write `/assets/*`"),
    (
        "[[sites.rules]]\nttl = '1d'\npaths = ['/a?b=*']",
        "has a query, and rules match paths without it. Write `/a`.",
    ),
    (
        "[[sites.rules]]\nttl = '1d'\npaths = ['https://b/a']",
        "names a host, and rules match paths. Write `/a`.",
    ),
    ("[[sites.rules]]\nttl = '1d'\nstatuses = ['40x']", "`40x` is not a status. Write one such as `404`"),
    ("[[sites.rules]]\nttl = '1d'\nstatuses = ['304']", "a `304` response is never stored."),
    (
        "[[sites.rules]]\nttl = '1d'\nstatuses = [404]",
        "must be a list of strings, and this is a number. Write `statuses = [",
    ),
    ("[[sites.rules]]\nttl = '1d'\nstatus = ['404']", "`status` is not a key here. Did you mean `statuses`?"),
    ("[sites.rules]\nttl = '1d'", "`rules` must be a list of tables, and this is a table."),
    (
        "[[sites.rules]]\nttl = '1d'\n[[sites.rules]]\nttl = '1h'\npaths = ['/a']",
        "12:1: [[sites.rules]] is never reached: the rule on line 10 matches all that it does",
    ),
    (
        "[[sites.rules]]\nttl = '1d'\nstatuses = ['404', '410']\n[[sites.rules]]\nttl = '1h'\nstatuses = ['410']\npaths = ['/a']",
        "is never reached: the rule on line 10",
    ),
];

#[test]
fn one_mistake_is_one_problem() {
    let mut wrong = Vec::new();
    for (text, words) in ONE_MISTAKE {
        let told = problems(&format!("{LEAST}{text}"));
        if told.len() != 1 || !told[0].contains(words) {
            wrong.push(format!("{text}\nwanted {words}\ngot {told:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = format!(
        "{LEAST}heuristics = 1\nquery = {{ keep = [''], sort = 'yes' }}\nkey = {{ headers = ['te'] }}\n\
         [[sites.rules]]\nttl = '5'\npaths = ['a', '/b']\n[[sites.rules]]\n"
    );
    let lines: Vec<String> =
        problems(&text).iter().filter_map(|told| Some(told.split_once(':')?.0.to_owned())).collect();
    assert_eq!(lines, ["10", "11", "11", "12", "14", "15", "16"]);
}

#[test]
fn rules_that_can_be_reached_are_let_be() {
    let rules = "[[sites.rules]]\nttl = '1d'\npaths = ['/a']\n\
                 [[sites.rules]]\nttl = '1d'\nstatuses = ['404']\n\
                 [[sites.rules]]\nttl = '1d'\nstatuses = ['4xx']\n\
                 [[sites.rules]]\nttl = '1d'\n";
    assert_eq!(caching(rules).rules.len(), 4);
}
