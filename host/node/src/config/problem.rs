//! What is wrong with a configuration: where, what, and what to write instead.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a problem stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a file, at a line and column (both from 1), or in the file as a whole.
    File {
        /// The file as it was named to us.
        file: PathBuf,
        /// Line and column, where the problem has one.
        line_column: Option<(usize, usize)>,
    },
    /// On the command line, at this flag.
    Flag(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line_column: Some((line, column)) } => {
                write!(f, "{}:{line}:{column}", file.display())
            }
            Self::File { file, line_column: None } => write!(f, "{}", file.display()),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// What is wrong and what to write instead, as full sentences.
    pub message: String,
}

impl Problem {
    /// The line in the file, where there is one.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match &self.place {
            Place::File { line_column, .. } => line_column.map(|(line, _)| line),
            Place::Flag(_) => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// All problems of a configuration, in the order in which they stand; never empty. Prints one per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `None` where nothing is wrong.
    pub(super) fn of(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort();
        problems.dedup();
        (!problems.is_empty()).then_some(Self(problems))
    }

    pub(super) fn one(place: Place, message: String) -> Self {
        Self(vec![Problem { place, message }])
    }

    /// One problem of a file as a whole.
    pub(super) fn of_file(file: &Path, message: String) -> Self {
        let place = Place::File { file: file.to_owned(), line_column: None };
        Self::one(place, message)
    }

    /// In the order in which they stand in the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// How many, as people say it: `1 problem`, `5 problems`.
    #[must_use]
    pub fn count_text(&self) -> String {
        match self.0.len() {
            1 => "1 problem".to_owned(),
            many => format!("{many} problems"),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
