//! Reads a TOML document with places, and reports every problem of shape: unknown keys and wrong types.
//!
//! Not `derive(Deserialize)`, because serde stops at the first wrong type and this file must report all of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeArray, DeTable, DeValue};

use super::keys::{self, Table};
use super::problem::{Place, Problem, Problems};
use super::suggest;

mod kind;

use kind::kind;

/// Collects problems, and knows the text they stand in.
pub(super) struct Report<'t> {
    file: &'t Path,
    text: &'t str,
    problems: RefCell<Vec<Problem>>,
}

/// A value and where it stands: the offset of its first byte.
#[derive(Clone, Debug)]
pub(super) struct Spot<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

/// What was found at a key.
#[derive(Clone, Debug)]
pub(super) enum Field<T> {
    Absent,
    /// Something is there and has been reported: neither to be used nor to be reported as missing.
    Broken,
    Given(Spot<T>),
}

/// A list of strings. Elements of the wrong type have been reported and left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    /// Where the list stands, if there is one.
    pub(super) at: Option<usize>,
    pub(super) items: Vec<Spot<String>>,
    /// Something in it, or it itself, has been reported already.
    pub(super) broken: bool,
}

/// Either of two types that a key may have.
#[derive(Debug)]
pub(super) enum FlagOrTexts {
    Flag(bool),
    Texts(Texts),
}

impl Field<bool> {
    /// What was given, or the default. The default also stands in for a reported value; nobody sees it there.
    pub(super) fn or(&self, default: bool) -> bool {
        match self {
            Self::Given(spot) => spot.value,
            Self::Absent | Self::Broken => default,
        }
    }
}

/// A list of strings and tables. Elements of another type have been reported and left out.
#[derive(Debug)]
pub(super) struct TextsOrTables<T> {
    /// Where the list stands, if there is one.
    pub(super) at: Option<usize>,
    pub(super) items: Vec<TextOrTable<T>>,
    /// Something in it, or it itself, has been reported already.
    pub(super) broken: bool,
}

/// One of them.
#[derive(Debug)]
pub(super) enum TextOrTable<T> {
    Text(Spot<String>),
    Table(T),
}

impl<'t> Report<'t> {
    pub(super) fn new(file: &'t Path, text: &'t str) -> Self {
        Self { file, text, problems: RefCell::default() }
    }

    /// A problem at an offset. `label` is the table it is in, as people write it.
    pub(super) fn at(&self, at: usize, label: &str, message: impl AsRef<str>) {
        let message = message.as_ref();
        let message = if label.is_empty() { message.to_owned() } else { format!("{label} {message}") };
        let place = Place::File { file: self.file.to_owned(), line_column: Some(self.line_column(at)) };
        self.problems.borrow_mut().push(Problem { place, message });
    }

    /// A problem of the file as a whole.
    pub(super) fn whole(&self, message: &str) {
        let place = Place::File { file: self.file.to_owned(), line_column: None };
        self.problems.borrow_mut().push(Problem { place, message: message.to_owned() });
    }

    pub(super) fn line(&self, at: usize) -> usize {
        self.line_column(at).0
    }

    /// Both from 1; columns count characters, as editors do.
    fn line_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column =
            before.get(start..).unwrap_or_default().trim_start_matches('\u{feff}').chars().count() + 1;
        (line, column)
    }

    /// The problems, without those that only follow from an earlier one on a line in `lines`.
    pub(super) fn finish(self, before: Vec<Problem>) -> Option<Problems> {
        let lines: Vec<_> = before.iter().filter_map(Problem::line).collect();
        let mut problems = self.problems.into_inner();
        problems.retain(|problem| problem.line().is_none_or(|line| !lines.contains(&line)));
        problems.extend(before);
        Problems::of(problems)
    }

    /// Takes what has been reported so far.
    pub(super) fn take(&self) -> Vec<Problem> {
        self.problems.take()
    }
}

/// One table being read. Making one reports the keys that have no business in it.
pub(super) struct TableReader<'r> {
    report: &'r Report<'r>,
    spec: &'static Table,
    entries: Option<&'r DeTable<'r>>,
    at: usize,
    /// Known keys that an unknown one was most likely meant to be: not to be reported as missing too.
    misspelt: Vec<&'static str>,
}

impl<'r> TableReader<'r> {
    pub(super) fn new(
        report: &'r Report<'r>,
        spec: &'static Table,
        entries: Option<&'r DeTable<'r>>,
        at: usize,
    ) -> Self {
        let mut reader = Self { report, spec, entries, at, misspelt: Vec::new() };
        for key in entries.into_iter().flat_map(DeTable::keys) {
            if !spec.names().any(|name| name == key.get_ref()) {
                reader.unknown(key.get_ref(), key.span().start);
            }
        }
        reader
    }

    /// Where the table stands.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Its keys that are there, in the order in which they are documented.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let is_there = |name: &&str| self.entries.is_some_and(|entries| entries.contains_key(*name));
        self.spec.names().filter(is_there).collect()
    }

    fn unknown(&mut self, key: &str, at: usize) {
        let advice = if let Some(near) = suggest::nearest(key, self.spec.names()) {
            self.misspelt.push(near);
            let near = if self.spec.label.is_empty() { self.spec.example(near) } else { near };
            format!("Did you mean `{near}`?")
        } else if let homes = keys::homes(key)
            && !homes.is_empty()
        {
            format!("It belongs in {}.", homes.join(" or "))
        } else if self.spec.label.is_empty() {
            let headers: Vec<_> = self.spec.keys.iter().map(|key| key.example).collect();
            format!("Tables here: {}.", suggest::listed(&headers))
        } else {
            format!("Keys here: {}.", suggest::listed(&self.spec.names().collect::<Vec<_>>()))
        };
        let what =
            if self.spec.label.is_empty() { "is not a table of this file" } else { "is not a key here" };
        self.report.at(at, self.spec.label, format!("`{key}` {what}. {advice}"));
    }

    fn value(&self, key: &str) -> Field<&'r DeValue<'r>> {
        match self.entries.and_then(|entries| entries.get(key)) {
            Some(value) => Field::Given(Spot { value: value.get_ref(), at: value.span().start }),
            None if self.misspelt.contains(&key) => Field::Broken,
            None => Field::Absent,
        }
    }

    /// Reads the value at `key` with `read`, which answers `None` for a wrong type.
    fn typed<T>(&self, key: &str, wanted: &str, read: impl Fn(&'r DeValue<'r>) -> Option<T>) -> Field<T> {
        match self.value(key) {
            Field::Absent => Field::Absent,
            Field::Broken => Field::Broken,
            Field::Given(Spot { value, at }) => match read(value) {
                Some(value) => Field::Given(Spot { value, at }),
                None => {
                    self.wrong_type(key, at, wanted, value);
                    Field::Broken
                }
            },
        }
    }

    fn wrong_type(&self, key: &str, at: usize, wanted: &str, found: &DeValue<'_>) {
        let found = kind(found);
        let example = self.spec.example(key);
        let write =
            if self.spec.label.is_empty() { example.to_owned() } else { format!("{key} = {example}") };
        self.report.at(
            at,
            self.spec.label,
            format!("`{key}` must be {wanted}, and this is {found}. Write `{write}`."),
        );
    }

    pub(super) fn text(&self, key: &str) -> Field<String> {
        self.typed(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A whole number of at least 0.
    pub(super) fn number(&self, key: &str) -> Field<u64> {
        self.typed(key, "a whole number", |value| {
            let number = value.as_integer()?;
            u64::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    /// A number, with a fraction or without.
    pub(super) fn decimal(&self, key: &str) -> Field<f64> {
        self.typed(key, "a number", |value| match value {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        })
    }

    pub(super) fn flag(&self, key: &str) -> Field<bool> {
        self.typed(key, "`true` or `false`", DeValue::as_bool)
    }

    pub(super) fn flag_or_texts(&self, key: &str) -> Field<FlagOrTexts> {
        const WANTED: &str = "`true`, `false` or a list of strings";
        let either = self.typed(key, WANTED, |value| match value {
            DeValue::Boolean(flag) => Some(Some(*flag)),
            DeValue::Array(_) => Some(None),
            _ => None,
        });
        match either {
            Field::Absent => Field::Absent,
            Field::Broken => Field::Broken,
            Field::Given(Spot { value: Some(flag), at }) => {
                Field::Given(Spot { value: FlagOrTexts::Flag(flag), at })
            }
            Field::Given(Spot { value: None, at }) => {
                Field::Given(Spot { value: FlagOrTexts::Texts(self.texts(key)), at })
            }
        }
    }

    pub(super) fn texts(&self, key: &str) -> Texts {
        let (list, at) = match self.typed(key, "a list of strings", DeValue::as_array) {
            Field::Absent => return Texts::default(),
            Field::Broken => {
                return Texts { broken: true, ..Texts::default() };
            }
            Field::Given(Spot { value, at }) => (value, at),
        };
        let mut texts = Texts { at: Some(at), ..Texts::default() };
        for element in list {
            let at = element.span().start;
            if let Some(text) = element.get_ref().as_str() {
                texts.items.push(Spot { value: text.to_owned(), at });
            } else {
                self.wrong_type(key, at, "a list of strings", element.get_ref());
                texts.broken = true;
            }
        }
        texts
    }

    /// A table of strings under names of the author's choice.
    pub(super) fn pairs(&self, key: &str) -> Field<BTreeMap<String, String>> {
        let (table, at) = match self.typed(key, "a table of strings", DeValue::as_table) {
            Field::Absent => return Field::Absent,
            Field::Broken => return Field::Broken,
            Field::Given(Spot { value, at }) => (value, at),
        };
        let mut pairs = BTreeMap::new();
        for (name, value) in table {
            if let Some(text) = value.get_ref().as_str() {
                pairs.insert(name.get_ref().to_string(), text.to_owned());
            } else {
                self.wrong_type(key, value.span().start, "a table of strings", value.get_ref());
            }
        }
        Field::Given(Spot { value: pairs, at })
    }

    /// A table; one with nothing in it where there is none.
    pub(super) fn table(&self, key: &str, spec: &'static Table) -> TableReader<'r> {
        match self.typed(key, "one table", DeValue::as_table) {
            Field::Given(Spot { value, at }) => TableReader::new(self.report, spec, Some(value), at),
            Field::Absent | Field::Broken => TableReader::new(self.report, spec, None, self.at),
        }
    }

    /// A table that need not be there, read with `read`.
    pub(super) fn table_if_given<T>(
        &self,
        key: &str,
        spec: &'static Table,
        read: impl Fn(&TableReader<'r>) -> T,
    ) -> Field<T> {
        match self.typed(key, "a table", DeValue::as_table) {
            Field::Given(Spot { value, at }) => {
                let table = TableReader::new(self.report, spec, Some(value), at);
                Field::Given(Spot { value: read(&table), at })
            }
            Field::Absent => Field::Absent,
            Field::Broken => Field::Broken,
        }
    }

    /// A list whose elements are strings, or tables read with `read`.
    pub(super) fn texts_or_tables<T>(
        &self,
        key: &str,
        spec: &'static Table,
        read: impl Fn(&TableReader<'r>) -> T,
    ) -> TextsOrTables<T> {
        const WANTED: &str = "a list of strings or tables";
        let (list, at) = match self.typed(key, WANTED, DeValue::as_array) {
            Field::Absent => return TextsOrTables { at: None, items: Vec::new(), broken: false },
            Field::Broken => return TextsOrTables { at: None, items: Vec::new(), broken: true },
            Field::Given(Spot { value, at }) => (value, at),
        };
        let mut found = TextsOrTables { at: Some(at), items: Vec::new(), broken: false };
        for element in list {
            let at = element.span().start;
            match element.get_ref() {
                DeValue::String(text) => {
                    let value = text.as_ref().to_owned();
                    found.items.push(TextOrTable::Text(Spot { value, at }));
                }
                DeValue::Table(table) => {
                    let table = TableReader::new(self.report, spec, Some(table), at);
                    found.items.push(TextOrTable::Table(read(&table)));
                }
                other => {
                    self.wrong_type(key, at, WANTED, other);
                    found.broken = true;
                }
            }
        }
        found
    }

    /// A list of tables, each read with `read`. Elements of the wrong type are reported and left out.
    pub(super) fn tables<T>(
        &self,
        key: &str,
        spec: &'static Table,
        read: impl Fn(&TableReader<'r>) -> T,
    ) -> Field<Vec<T>> {
        let (list, at): (&'r DeArray<'r>, _) = match self.typed(key, "a list of tables", DeValue::as_array) {
            Field::Absent => return Field::Absent,
            Field::Broken => return Field::Broken,
            Field::Given(Spot { value, at }) => (value, at),
        };
        let mut tables = Vec::new();
        for element in list {
            let at = element.span().start;
            if let Some(table) = element.get_ref().as_table() {
                tables.push(read(&TableReader::new(self.report, spec, Some(table), at)));
            } else {
                self.wrong_type(key, at, "a list of tables", element.get_ref());
            }
        }
        Field::Given(Spot { value: tables, at })
    }
}
