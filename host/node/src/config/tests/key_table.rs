//! The table of keys: what is written from it, and that it tells the truth.

use serde_json::Value;

use super::*;
use crate::config::keys::{Kind, Without};

/// Compares a page in `docs/` with what the code says it is.
fn is_as_written(page: &str, written: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == written,
        "docs/{page} is not what the code says: run `cargo xtask config`, and commit it"
    );
}

#[test]
fn the_pages_in_docs_are_as_the_code_writes_them() {
    is_as_written("CONFIG.md", &markdown());
    is_as_written("config.schema.json", &format!("{:#}\n", json_schema()));
}

/// Every page line is one that people can read: a key has a meaning, which ends as a sentence does.
#[test]
fn every_key_says_what_it_means() {
    for table in keys::TABLES.iter().chain([&&FILE]) {
        for key in table.keys {
            let doc = key.doc.trim();
            assert!(doc.len() > 8 && doc.ends_with('.'), "{} {}: `{doc}`", table.label, key.name);
            assert!(!doc.contains('|'), "{} {}: a `|` would end the table's cell", table.label, key.name);
        }
    }
}

/// The least that each table needs for itself.
fn least_of(table: &Table) -> &'static str {
    match table.label {
        "[origins.health]" => "path = \"/\"\n",
        "[[sites.rules]]" => "ttl = \"1d\"\n",
        _ => "",
    }
}

/// Where more keys of the table can be written behind [`LEAST`], which ends within its site.
fn with(table: &Table, line: &str) -> Option<String> {
    let (label, least) = (table.label, least_of(table));
    Some(match label {
        "[[origins]]" => LEAST.replace("[[sites]]", &format!("{line}\n[[sites]]")),
        "[origins.health]" | "[origins.eject]" | "[origins.retry]" => {
            LEAST.replace("[[sites]]", &format!("{label}\n{least}{line}\n[[sites]]"))
        }
        "[[sites]]" => format!("{LEAST}{line}\n"),
        "[[origins.servers]]" | "[[admin.tokens]]" | "[[functions]]" | "[[certificates]]" => return None,
        _ => format!("{LEAST}{label}\n{least}{line}\n"),
    })
}

#[test]
fn a_default_that_is_written_changes_nothing() {
    let mut checked = 0;
    for table in keys::TABLES {
        let Some(plain) = with(table, "") else { continue };
        let plain = read(&plain).unwrap_or_else(|problems| panic!("{problems}")).to_redacted_json();
        for key in table.keys {
            let Without::Is(value) = key.without else { continue };
            let text = with(table, &format!("{} = {value}", key.name)).unwrap();
            let written = read(&text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
            // A list in the file is compared as the config shows it, where the folder plays no part.
            assert_eq!(without_paths(written.to_redacted_json()), without_paths(plain.clone()), "{text}");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

/// Every test reads its file in a folder of its own.
fn without_paths(mut shown: Value) -> Value {
    shown["node"]["data_dir"] = Value::Null;
    // What a key that is not written and one that says the default come to may be shown apart.
    for site in shown["sites"].as_array_mut().into_iter().flatten() {
        if site["stale_when_disconnected"].is_null() {
            site["stale_when_disconnected"] = "1d".into();
        }
    }
    shown
}

#[test]
fn every_word_of_a_closed_set_is_one_that_is_read() {
    for table in keys::TABLES {
        for key in table.keys {
            let Kind::Words(words) = key.kind else { continue };
            for word in words.iter().chain(&["no-such-word"]) {
                let Some(text) = with(table, &format!("{} = \"{word}\"", key.name)) else { continue };
                assert_eq!(read(&text).is_ok(), *word != "no-such-word", "{text}");
            }
        }
    }
}

#[test]
fn the_schema_takes_what_is_a_config_and_refuses_what_does_not_look_like_one() {
    let schema = json_schema();
    let (examples, _) = from_examples(None, "");
    for good in [LEAST, WHOLE, &examples] {
        assert_eq!(judge(&schema, &json_of(good), ""), Vec::<String>::new(), "{good}");
    }
    for (bad, at) in [
        ("[node]\nnam = 1", "/node/nam"),
        ("[node]\nname = 1", "/node/name"),
        ("[node]\nname = 'A'", "/node/name"),
        ("[cache]\nmemory = '1 GB'", "/cache/memory"),
        ("[log]\nlevel = 'loud'", "/log/level"),
        ("[listen]\nbody_timeout = '5 sec'", "/listen/body_timeout"),
        ("[[functions]]\nname = 'f'\ngrants = [1]", "/functions/0/grants/0"),
        ("[sites]", "/sites"),
    ] {
        let text = format!("{}{bad}", if at == "/sites" { "" } else { LEAST });
        let told = judge(&schema, &json_of(&text), "");
        assert!(told.iter().any(|told| told == at), "{text}: {told:?}");
    }
}

#[test]
fn the_sample_configs_fit_the_schema() {
    let schema = json_schema();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/samples");
    let mut seen = 0;
    for file in std::fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(judge(&schema, &json_of(&text), ""), Vec::<String>::new(), "{}", file.display());
            assert!(text.starts_with("#:schema ../config.schema.json\n"), "{}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 0);
}

fn json_of(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

/// Where `value` is not what `schema` says: as much of JSON Schema as the schema uses, patterns as far as they are
/// classes of characters, which [`looks_like`] knows.
fn judge(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let wrong = || vec![at.to_owned()];
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|one| judge(one, value, at).is_empty());
        return if fits { Vec::new() } else { wrong() };
    }
    match (schema["type"].as_str().unwrap(), value) {
        ("object", Value::Object(object)) => {
            let needed = schema["required"].as_array().into_iter().flatten();
            let missing = needed.filter(|name| !object.contains_key(name.as_str().unwrap()));
            let mut told: Vec<String> = missing.map(|name| format!("{at}/{name}")).collect();
            for (name, value) in object {
                let at = format!("{at}/{name}");
                match (schema["properties"].get(name), &schema["additionalProperties"]) {
                    (Some(known), _) => told.extend(judge(known, value, &at)),
                    (None, Value::Bool(false)) => told.push(at),
                    (None, more) => told.extend(judge(more, value, &at)),
                }
            }
            told
        }
        ("array", Value::Array(items)) => {
            let judged = items
                .iter()
                .enumerate()
                .flat_map(|(nth, item)| judge(&schema["items"], item, &format!("{at}/{nth}")));
            judged.collect()
        }
        ("string", Value::String(text)) => {
            let words = schema["enum"].as_array().is_none_or(|words| words.iter().any(|word| word == text));
            let pattern = schema["pattern"].as_str().is_none_or(|pattern| looks_like(pattern, text));
            if words && pattern { Vec::new() } else { wrong() }
        }
        ("boolean", Value::Bool(_)) | ("integer" | "number", Value::Number(_)) => Vec::new(),
        _ => wrong(),
    }
}

fn looks_like(pattern: &str, text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    match pattern {
        "^[0-9]+(d|h|m|s|ms)$" => digits.len() < text.len() && ["d", "h", "m", "s", "ms"].contains(&digits),
        "^[0-9]+(B|[KMGT]i?B)$" => digits.len() < text.len() && text.parse::<Bytes>().is_ok(),
        "^[a-z0-9][a-z0-9_-]{0,62}$" => seawall_base::SiteName::new(text).is_ok(),
        ":[0-9]{1,5}$" => text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()),
        other => panic!("a pattern that this test does not know: {other}"),
    }
}
