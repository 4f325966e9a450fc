//! `docs/CONFIG.md`, written from the table of keys.

use std::fmt::Write as _;

use super::keys::{self, Change, Key, Kind, Table, Without};

const HEAD: &str = "\
# Config keys

Written by `cargo xtask config` from the table of keys in the code (`host/node/src/config/keys.rs`); a test holds that it
is what the code says. [OPERATING.md](OPERATING.md#config) says how the file is read and reloaded.

A duration is a whole number and `ms`, `s`, `m`, `h` or `d`. A size is a whole number and `B`, `KiB`, `MiB`, `GiB`, `TiB`,
`KB`, `MB`, `GB` or `TB`. A name is lower-case letters, digits, `-` and `_`, a letter or digit first, at most 63 bytes. A path
starts from the file's folder.

The column *by* says what it takes to change a key: a `reload`, or a `restart`. A reload that changes a key of the second
kind is refused as a whole.

[`config.schema.json`](config.schema.json) is the same for editors. One that knows taplo's schemas, such as VS Code with
*Even Better TOML*, takes it from the file's first line: `#:schema https://…/config.schema.json`, or a path.
";

/// The page.
#[must_use]
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for key in keys::FILE.keys {
        if let Some(table) = key.table() {
            section(&mut page, "##", key, table);
        }
    }
    let restart: Vec<String> = keys::FILE.keys.iter().flat_map(restart_only).collect();
    let _ = writeln!(page, "\n## What a reload cannot change\n\n{}.", restart.join(", "));
    page
}

/// The table that `key` is, then those within it.
fn section(page: &mut String, level: &str, key: &Key, table: &Table) {
    let _ = write!(page, "\n{level} `{}`\n\n{}\n\n", table.label, key.doc.trim());
    page.push_str("| key | type | default | by | |\n|---|---|---|---|---|\n");
    for key in table.keys {
        let (name, kind, without) = (key.name, kind(&key.kind), without(&key.without));
        let _ = writeln!(
            page,
            "| `{name}` | {kind} | {without} | {} | {} |",
            key.change.as_str(),
            key.doc.trim()
        );
    }
    for key in table.keys {
        if let Some(inner) = key.table() {
            section(page, "###", key, inner);
        }
    }
}

fn kind(kind: &Kind) -> String {
    let word = match kind {
        Kind::Text => "string",
        Kind::Name => "name",
        Kind::Flag => "`true` or `false`",
        Kind::Count(of) => return format!("number of {of}"),
        Kind::Share => "number from 0 to 1",
        Kind::Duration => "duration",
        Kind::Size => "size",
        Kind::Address => "IP address and port",
        Kind::Path => "path",
        Kind::Secret => "secret",
        Kind::Words(words) => {
            return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        }
        Kind::Texts => "list of strings",
        Kind::Addresses => "list of addresses",
        Kind::FlagOrTexts => "`true`, `false` or a list of strings",
        Kind::Pairs => "strings by name",
        Kind::Table(_) => "table",
        Kind::Tables(_) => "list of tables",
        Kind::TextsOrTables(_) => "list of strings and tables",
    };
    word.to_owned()
}

fn without(without: &Without) -> String {
    match without {
        Without::Needed => "needed".to_owned(),
        Without::Nothing => "none".to_owned(),
        Without::Is(value) => format!("`{}`", value.trim_matches('"')),
        Without::Says(words) => (*words).to_owned(),
    }
}

/// The keys of a table at the top that need a restart.
fn restart_only(top: &Key) -> Vec<String> {
    let keys = top.table().map(|table| table.keys).unwrap_or_default();
    let restart = keys.iter().filter(|key| key.change == Change::Restart);
    restart.map(|key| format!("`{}.{}`", top.name, key.name)).collect()
}
