//! Turns raw fields into typed ones, and reports each that does not fit.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::keys::Table;
use super::raw::RawSecret;
use super::reader::{Field, Report, Spot, Texts};
use super::secret::Secret;
use super::suggest;

/// Largest secret file that is read, in bytes: many times the longest secret, so that a wrong path to something huge
/// does no harm.
const SECRET_FILE_MAX_BYTES: u64 = 64 * 1024;

/// What checking one table needs.
pub(super) struct Check<'r> {
    report: &'r Report<'r>,
    table: &'static Table,
    /// Where the table stands.
    at: usize,
    /// What relative paths start from.
    folder: &'r Path,
}

impl<'r> Check<'r> {
    pub(super) fn new(report: &'r Report<'r>, folder: &'r Path, table: &'static Table, at: usize) -> Self {
        Self { report, table, at, folder }
    }

    pub(super) fn problem(&self, at: usize, message: impl AsRef<str>) {
        self.report.at(at, self.table.label, message);
    }

    /// The typed value, if there is one and it is right.
    pub(super) fn optional<T, E: Display>(
        &self,
        key: &str,
        field: Field<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Spot<T>> {
        let Field::Given(Spot { value, at }) = field else {
            return None;
        };
        match parse(&value) {
            Ok(value) => Some(Spot { value, at }),
            Err(wrong) => {
                self.problem(at, format!("`{key}`: {wrong}"));
                None
            }
        }
    }

    /// As [`Check::optional`], and it must be there.
    pub(super) fn required<T, E: Display>(
        &self,
        key: &str,
        field: Field<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Spot<T>> {
        if matches!(field, Field::Absent) {
            self.missing(key);
        }
        self.optional(key, field, parse)
    }

    /// As [`Check::optional`], with a default. The default also stands in for a reported value; nobody sees it there.
    pub(super) fn or<T, E: Display>(
        &self,
        key: &str,
        field: Field<String>,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> T {
        self.optional(key, field, parse).map_or(default, |spot| spot.value)
    }

    /// All elements that are right. An empty or missing list is reported, as is each wrong element.
    pub(super) fn some_of<T, E: Display>(
        &self,
        key: &str,
        texts: Texts,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Spot<T>> {
        let Texts { at, items, broken } = texts;
        match at {
            None if !broken => self.missing(key),
            Some(at) if items.is_empty() && !broken => {
                self.problem(at, format!("`{key}` is empty. Write `{key} = {}`.", self.table.example(key)));
            }
            _ => {}
        }
        items.into_iter().filter_map(|item| self.optional(key, Field::Given(item), &parse)).collect()
    }

    /// All elements that are right, of a list that need not be there. Each wrong one is reported.
    pub(super) fn any_of<T, E: Display>(
        &self,
        key: &str,
        texts: Texts,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Spot<T>> {
        texts.items.into_iter().filter_map(|item| self.optional(key, Field::Given(item), &parse)).collect()
    }

    /// The list, cut to what is allowed; a longer one is reported.
    pub(super) fn up_to(&self, key: &str, mut texts: Texts, most: usize) -> Texts {
        if let Some(at) = texts.at
            && texts.items.len() > most
        {
            self.problem(at, format!("`{key}` has {} elements. Write at most {most}.", texts.items.len()));
            texts.items.truncate(most);
        }
        texts
    }

    /// The list without repetitions; each is reported.
    pub(super) fn each_once<T: PartialEq + Display>(&self, key: &str, list: Vec<Spot<T>>) -> Vec<Spot<T>> {
        let mut once: Vec<Spot<T>> = Vec::new();
        for spot in list {
            if once.iter().any(|other| other.value == spot.value) {
                self.problem(spot.at, format!("`{key}` has `{}` twice. Leave one.", spot.value));
            } else {
                once.push(spot);
            }
        }
        once
    }

    /// A whole number within a range, if there is one and it is right.
    pub(super) fn number(&self, key: &str, field: &Field<u64>, range: RangeInclusive<u32>) -> Option<u32> {
        let Field::Given(Spot { value, at }) = field else {
            return None;
        };
        let number = u32::try_from(*value).ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            self.problem(
                *at,
                format!("`{key}`: {value} is out of range. Write a number from {least} to {most}."),
            );
        }
        number
    }

    /// The path of a file that can be read.
    pub(super) fn file(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.path(text)?;
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => Ok(path),
            Ok(_) => Err(format!("`{}` is not a file.", path.display())),
            Err(error) => Err(format!("`{}` cannot be read: {error}.", path.display())),
        }
    }

    /// The checks of a table within this one.
    pub(super) fn within(&self, table: &'static Table, at: usize) -> Self {
        Self { report: self.report, table, at, folder: self.folder }
    }

    pub(super) fn line(&self, at: usize) -> usize {
        self.report.line(at)
    }

    pub(super) fn missing(&self, key: &str) {
        self.problem(self.at, format!("`{key}` is missing. Write `{key} = {}`.", self.table.example(key)));
    }

    /// A path, from the config file's folder.
    pub(super) fn path(&self, text: &str) -> Result<PathBuf, &'static str> {
        if text.is_empty() {
            Err("is empty. Write the path of a file or folder.")
        } else {
            Ok(self.folder.join(text))
        }
    }

    /// A secret given either way. `Ok(None)` where neither is given; `Err` where what is given has been reported.
    pub(super) fn secret(&self, raw: RawSecret) -> Result<Option<Secret>, ()> {
        let RawSecret { secret, secret_file } = raw;
        match (secret, secret_file) {
            (Field::Absent, Field::Absent) => Ok(None),
            (Field::Given(_), Field::Given(file)) => {
                self.problem(file.at, "has both `secret` and `secret_file`. Keep `secret_file` only.");
                Err(())
            }
            (secret @ Field::Given(_), _) => {
                let secret = self.optional("secret", secret, Secret::new).ok_or(())?;
                Ok(Some(secret.value))
            }
            (_, file @ Field::Given(_)) => {
                let secret = self.optional("secret_file", file, |text| self.read_secret(text)).ok_or(())?;
                Ok(Some(secret.value))
            }
            (Field::Broken, _) | (_, Field::Broken) => Err(()),
        }
    }

    /// A secret of someone else's making, in a file.
    pub(super) fn secret_of_others(&self, key: &str, file: Field<String>) -> Option<Secret> {
        let spot = self.optional(key, file, |text| {
            let content = self.secret_file(text)?;
            Secret::of_others(content.trim()).map_err(|wrong| format!("`{text}` {wrong}"))
        });
        spot.map(|spot| spot.value)
    }

    fn read_secret(&self, text: &str) -> Result<Secret, String> {
        let content = self.secret_file(text)?;
        let named = self.path(text)?;
        let named = named.display();
        Secret::new(content.trim()).map_err(|wrong| format!("the secret in `{named}` {wrong}"))
    }

    fn secret_file(&self, text: &str) -> Result<String, String> {
        let path = self.path(text)?;
        let named = path.display();
        let size =
            std::fs::metadata(&path).map_err(|error| format!("`{named}` cannot be read: {error}."))?.len();
        if size > SECRET_FILE_MAX_BYTES {
            return Err(format!("`{named}` has {size} bytes and cannot be a secret."));
        }
        std::fs::read_to_string(&path).map_err(|error| format!("`{named}` cannot be read: {error}."))
    }

    /// A place to listen.
    pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
        text.parse().map_err(|_| {
            let port = text.rsplit_once(':').map_or("8080", |(_, port)| port);
            let port = if port.parse::<u16>().is_ok() { port } else { "8080" };
            let host = match text.rsplit_once(':').map_or(text, |(host, _)| host) {
                "" | "*" => "0.0.0.0",
                host if host.parse::<std::net::Ipv4Addr>().is_ok() => host,
                _ => "127.0.0.1",
            };
            format!("`{text}` is not an address to listen on. Write an IP address and a port, such as `{host}:{port}`.")
        })
    }

    /// One of a closed set of words.
    pub(super) fn word<T: Copy>(
        text: &str,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Result<T, String> {
        all.iter().copied().find(|word| as_str(*word) == text).ok_or_else(|| {
            let words: Vec<_> = all.iter().map(|word| as_str(*word)).collect();
            let near = suggest::nearest(text, words.iter().copied()).map_or_else(
                || "It is one of".to_owned(),
                |near| format!("Did you mean `{near}`? It is one of"),
            );
            format!("`{text}` is not known. {near} {}.", suggest::listed(&words))
        })
    }
}

/// What has been named so far in one list: reports the second of two equal names, and resolves references to them.
pub(super) struct Names {
    /// What is named, with its article: `an origin`.
    what: &'static str,
    seen: HashMap<String, usize>,
    /// Some entry's name is unknown to us, so that a reference we do not find may still be right.
    incomplete: bool,
}

impl Names {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, seen: HashMap::new(), incomplete: false }
    }

    /// Something here has no readable name.
    pub(super) fn lose_one(&mut self) {
        self.incomplete = true;
    }

    /// Notes the name as it is written, right or wrong, so that a reference to it is not reported as well.
    pub(super) fn note(&mut self, check: &Check<'_>, field: &Field<String>) {
        let Field::Given(Spot { value, at }) = field else {
            self.incomplete = true;
            return;
        };
        self.note_text(check, value, *at);
    }

    pub(super) fn note_text(&mut self, check: &Check<'_>, value: &str, at: usize) {
        match self.seen.get(value) {
            Some(first) => {
                let line = check.report.line(*first);
                check.problem(
                    at,
                    format!("`{value}` is taken by {} on line {line} already. Write another.", self.what),
                );
            }
            None => {
                self.seen.insert(value.to_owned(), at);
            }
        }
    }

    /// Checks a reference. `header` says what to add where nothing of the kind is configured.
    pub(super) fn resolve(&self, name: &str, header: &str) -> Result<(), String> {
        if self.incomplete || self.seen.contains_key(name) {
            return Ok(());
        }
        let mut names: Vec<_> = self.seen.keys().map(String::as_str).collect();
        names.sort_unstable();
        let none = format!("There is none: add a {header} table with `name = \"{name}\"`.");
        Err(format!(
            "`{name}` is not {} here. {}",
            self.what,
            suggest::instead(name, &names, "There are", &none)
        ))
    }
}
