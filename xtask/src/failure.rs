//! What a command says when it cannot go on: what happened, and what to do about it.

use std::fmt;

/// The result of everything here that can fail.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// One reason to stop, written for the person at the keyboard.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    then: String,
    told: bool,
}

impl Failure {
    /// `what` happened; `then` is what the reader should do.
    pub(crate) fn new(what: impl Into<String>, then: impl Into<String>) -> Self {
        Self { what: what.into(), then: then.into(), told: false }
    }

    /// The same failure, for a caller who has shown it where it belongs.
    pub(crate) fn told(self) -> Self {
        Self { told: true, ..self }
    }

    /// Whether it has been shown.
    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    /// A file that could not be read or written.
    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(format!("{}: {error}", path.display()), "check that the file is there and may be used")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nerror: {}\n what to do: {}", self.what, self.then)
    }
}
