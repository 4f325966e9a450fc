//! `[[functions]]`: the WebAssembly that runs on both sides of the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use seawall_base::OriginName;
use seawall_functions::{Hook, OnError};
use serde::{Serialize, Serializer};

use super::check::{Check, Names};
use super::path_text;
use super::raw::RawFunction;
use super::reader::Field;
use super::secret::REDACTED;
use super::suggest::listed;

/// What sites call a function. The rule is that of all names, see `seawall_base::name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FunctionName(String);

impl FunctionName {
    /// Checks `text` against the rule for names.
    pub fn new(text: &str) -> Result<Self, seawall_base::NameError> {
        // Every name obeys one rule; base has no word for this one, since no other room shares it.
        OriginName::new(text).map(|name| Self(name.as_str().to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[[functions]]`: one function.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Function {
    /// What sites call it.
    pub name: FunctionName,
    /// A core module or a component. Default: none; then its versions are deployed through the admin API.
    #[serde(serialize_with = "optional_path")]
    pub file: Option<PathBuf>,
    /// What the function can ask for by name. Default: nothing. Shown by name only: functions are handed keys of other
    /// services this way.
    #[serde(serialize_with = "names_only")]
    pub config: BTreeMap<String, String>,
    /// What it may do beyond what every function may: `store-private`, `reuse`. Default: nothing.
    pub grants: BTreeSet<Grant>,
    /// What a failure does, by hook. Default: [`OnError::default_of`].
    pub on_error: BTreeMap<Hook, OnError>,
}

/// What a function may be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// To store what the origin calls `private` or `no-store`.
    StorePrivate,
    /// To find in its memory what it left there in the request before.
    Reuse,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, file, config, grants, on_error } = self;
        let keys: Vec<_> = config.keys().collect();
        f.debug_struct("Function")
            .field("name", name)
            .field("file", file)
            .field("config", &keys)
            .field("grants", grants)
            .field("on_error", on_error)
            .finish()
    }
}

fn optional_path<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => path_text(path, serializer),
        None => serializer.serialize_none(),
    }
}

fn names_only<S: Serializer>(config: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(config.keys().map(|name| (name, REDACTED)))
}

impl Function {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawFunction, names: &mut Names) -> Option<Self> {
        let RawFunction { at, name, file, config, grants, on_error } = raw;
        names.note(check, &name);
        let name = check.required("name", name, FunctionName::new);
        let is_deployed = matches!(file, Field::Absent);
        let file = check.optional("file", file, |text| {
            let path = check.path(text)?;
            readable(&path).map(|()| path)
        });
        if is_deployed {
            for (key, given) in [
                ("config", matches!(config, Field::Given(_))),
                ("grants", grants.at.is_some()),
                ("on_error", matches!(on_error, Field::Given(_))),
            ] {
                if given {
                    check.problem(at, format!("has no `file`, so its versions are deployed, each with its own `{key}`. Remove `{key}` here."));
                }
            }
        }
        let config = match config {
            Field::Given(pairs) => pairs.value,
            Field::Absent | Field::Broken => BTreeMap::new(),
        };
        let grant = |item| check.optional("grants", Field::Given(item), grant).map(|spot| spot.value);
        let grants = grants.items.into_iter().filter_map(grant).collect();
        let on_error = read_on_error(check, on_error);
        if file.is_none() && !is_deployed {
            return None;
        }
        Some(Self { name: name?.value, file: file.map(|spot| spot.value), config, grants, on_error })
    }

    /// `--function shop_front.wasm`: named after its file.
    pub(super) fn of_file(file: &Path) -> Result<Self, String> {
        readable(file)?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let name = FunctionName::new(&stem).map_err(|wrong| {
            format!(
                "the function is named after its file, and {wrong}. Rename the file, or use a config file."
            )
        })?;
        let (config, grants, on_error) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Ok(Self { name, file: Some(file.to_owned()), config, grants, on_error })
    }
}

fn grant(text: &str) -> Result<Grant, String> {
    match text {
        "store-private" => Ok(Grant::StorePrivate),
        "reuse" => Ok(Grant::Reuse),
        _ => Err(format!(
            "`{text}` cannot be granted. Write `\"store-private\"` or `\"reuse\"`, or leave it out."
        )),
    }
}

/// Pairs of a hook and what its failure does; all that is wrong is reported.
fn read_on_error(check: &Check<'_>, field: Field<BTreeMap<String, String>>) -> BTreeMap<Hook, OnError> {
    let Field::Given(pairs) = field else { return BTreeMap::new() };
    let mut read = BTreeMap::new();
    for (hook, then) in &pairs.value {
        match on_error(hook, then) {
            Ok((hook, then)) => drop(read.insert(hook, then)),
            Err(wrong) => check.problem(pairs.at, format!("`on_error`: {wrong}")),
        }
    }
    read
}

fn on_error(hook: &str, then: &str) -> Result<(Hook, OnError), String> {
    let hooks = Hook::ALL.map(Hook::as_str);
    let found = Hook::ALL.into_iter().find(|known| known.as_str() == hook);
    let found = found.ok_or_else(|| format!("`{hook}` is no hook. Write one of {}.", listed(&hooks)))?;
    let words: Vec<OnError> = OnError::ALL.into_iter().filter(|then| then.is_for(found)).collect();
    let then = words.iter().find(|known| known.as_str() == then);
    let words: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
    then.map(|then| (found, *then)).ok_or_else(|| format!("for `{hook}` write one of {}.", listed(&words)))
}

/// Looks whether the file is there; whether it is a function is for the functions room to say.
fn readable(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(format!("`{}` is not a file. Write the path of a `.wasm` file.", path.display())),
        Err(error) => {
            Err(format!("`{}` cannot be read: {error}. Write the path of a `.wasm` file.", path.display()))
        }
    }
}
