//! The config file as a JSON schema (draft-07, which TOML editors read), written from the table of keys.
//!
//! It knows what a value looks like. What values mean together, only `seawall check` says.

use serde_json::{Map, Value, json};

use super::duration;
use super::keys::{self, Key, Kind, Table, Without};

/// The schema.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = table(&keys::FILE);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
        schema.insert("title".to_owned(), "seawall.toml".into());
    }
    schema
}

fn table(table: &Table) -> Value {
    let properties: Map<String, Value> =
        table.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let needed: Vec<&str> = table.keys.iter().filter(|key| is_needed(key)).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false })
}

fn is_needed(key: &Key) -> bool {
    matches!(key.without, Without::Needed)
}

fn property(key: &Key) -> Value {
    let mut schema = looks_of(&key.kind);
    let Some(object) = schema.as_object_mut() else { return schema };
    let change = format!("Changed by a {}.", key.change.as_str());
    let without = match key.without {
        Without::Needed => String::new(),
        Without::Nothing => "Default: none. ".to_owned(),
        Without::Is(value) => format!("Default: {value}. "),
        Without::Says(words) => format!("Default: {words}. "),
    };
    object.insert("description".to_owned(), format!("{}\n\n{without}{change}", key.doc.trim()).into());
    if let Without::Is(value) = key.without
        && let Some(value) = default_value(value)
    {
        object.insert("default".to_owned(), value);
    }
    schema
}

/// A TOML value as JSON.
fn default_value(value: &str) -> Option<Value> {
    let document: toml::Table = toml::from_str(&format!("it = {value}")).ok()?;
    serde_json::to_value(document.get("it")?).ok()
}

fn looks_of(kind: &Kind) -> Value {
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    match kind {
        Kind::Text | Kind::Path => json!({ "type": "string", "minLength": 1 }),
        Kind::Name => json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$" }),
        Kind::Secret => json!({ "type": "string", "minLength": 16, "maxLength": 1024 }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count(_) => json!({ "type": "integer", "minimum": 0 }),
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Duration => json!({ "type": "string", "pattern": format!("^[0-9]+({})$", duration::units()) }),
        Kind::Size => json!({ "type": "string", "pattern": "^[0-9]+(B|[KMGT]i?B)$" }),
        Kind::Address => json!({ "type": "string", "pattern": ":[0-9]{1,5}$" }),
        Kind::Words(words) => json!({ "type": "string", "enum": words }),
        Kind::Texts => texts(),
        Kind::Addresses => json!({ "type": "array", "items": looks_of(&Kind::Address), "minItems": 1 }),
        Kind::FlagOrTexts => json!({ "anyOf": [{ "type": "boolean" }, texts()] }),
        Kind::Pairs => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Table(inner) => table(inner),
        Kind::Tables(inner) => json!({ "type": "array", "items": table(inner) }),
        Kind::TextsOrTables(inner) => {
            json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, table(inner)] } })
        }
    }
}
