//! How the tour is told: lines that a node sent, why each matters, and whether it is what was expected.
//!
//! Owns the layout and the count of checks. A check that fails is told on the spot with what was expected; the tour
//! goes on, and ends by saying how many failed.

use std::fmt::Display;
use std::io::Write;

use super::error::DemoError;

/// Where the reasons stand, in characters from the left. What most nodes say is shorter.
const NOTE_AT: usize = 65;

/// Whether the reader sees colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// A terminal.
    Terminal,
    /// A file, a pipe or another program.
    Plain,
}

/// The teller.
pub(super) struct Narrator<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
    checks: usize,
    failed: usize,
}

#[derive(Clone, Copy)]
enum Ink {
    Title,
    Note,
    Wrong,
}

impl Ink {
    /// ECMA-48 §8.3.117, select graphic rendition.
    fn code(self) -> &'static str {
        match self {
            Self::Title => "1",
            Self::Note => "2",
            Self::Wrong => "1;31",
        }
    }
}

impl<'a> Narrator<'a> {
    pub(super) fn new(out: &'a mut dyn Write, paint: Paint) -> Self {
        Self { out, paint, checks: 0, failed: 0 }
    }

    /// How many checks there were, and how many failed.
    pub(super) fn score(&self) -> (usize, usize) {
        (self.checks, self.failed)
    }

    /// A line at the left.
    pub(super) fn say(&mut self, text: &str) -> Result<(), DemoError> {
        writeln!(self.out, "{text}")?;
        // Told as it happens, also into a pipe.
        Ok(self.out.flush()?)
    }

    /// The title of a stop, and what it is about.
    pub(super) fn title(&mut self, title: &str, about: &str) -> Result<(), DemoError> {
        let title = self.painted(Ink::Title, title);
        self.say(&format!("\n{title}\n   {about}"))
    }

    /// What is done.
    pub(super) fn act(&mut self, text: &str) -> Result<(), DemoError> {
        self.say(&format!("\n   > {text}"))
    }

    /// What came of it, and why that matters, if it does.
    pub(super) fn tell(&mut self, text: &str, note: &str) -> Result<(), DemoError> {
        let line = format!("     {text}");
        if note.is_empty() {
            return self.say(&line);
        }
        let note = self.painted(Ink::Note, &format!("<- {note}"));
        // At least two blanks in between, however long the line is.
        let width = NOTE_AT.max(line.chars().count() + 2);
        self.say(&format!("{line:<width$}{note}"))
    }

    /// What came of it, held against what was expected. `shown` is the line that says it.
    pub(super) fn check<T: Display + PartialEq>(
        &mut self,
        shown: &str,
        came: &T,
        expected: &T,
        note: &str,
    ) -> Result<(), DemoError> {
        self.checks += 1;
        if came == expected {
            return self.tell(shown, note);
        }
        // The reason is one for what should have come.
        self.tell(shown, "")?;
        self.failed += 1;
        self.wrong(&format!("expected: {expected}"))?;
        self.wrong(&format!("came:     {came}"))
    }

    /// A stop that could not be walked to its end.
    pub(super) fn broke_off(&mut self, error: &DemoError) -> Result<(), DemoError> {
        self.checks += 1;
        self.failed += 1;
        self.wrong(&format!("broken off: {error}"))
    }

    fn wrong(&mut self, text: &str) -> Result<(), DemoError> {
        let text = self.painted(Ink::Wrong, &format!("!!!! {text}"));
        self.say(&text)
    }

    fn painted(&self, ink: Ink, text: &str) -> String {
        match self.paint {
            Paint::Terminal => format!("\x1b[{}m{text}\x1b[0m", ink.code()),
            Paint::Plain => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(paint: Paint, tell: impl FnOnce(&mut Narrator<'_>)) -> String {
        let mut out = Vec::new();
        tell(&mut Narrator::new(&mut out, paint));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_check_that_fails_is_counted_and_says_both() {
        let text = told(Paint::Plain, |narrator| {
            narrator.check("Age: 3", &3, &3, "").unwrap();
            narrator.check("Age: 4", &4, &3, "").unwrap();
            assert_eq!(narrator.score(), (2, 1));
        });
        assert!(text.contains("expected: 3\n") && text.contains("came:     4\n"), "{text}");
    }

    #[test]
    fn reasons_line_up() {
        let text = told(Paint::Plain, |narrator| {
            narrator.tell("short", "one").unwrap();
            narrator.tell("a little longer", "two").unwrap();
        });
        let columns: Vec<_> = text.lines().map(|line| line.find("<-")).collect();
        assert_eq!(columns, [Some(NOTE_AT), Some(NOTE_AT)]);
    }

    #[test]
    fn colours_are_for_terminals() {
        let title = |paint| told(paint, |narrator| narrator.title("Title", "about").unwrap());
        assert!(title(Paint::Terminal).contains('\x1b'));
        assert!(!title(Paint::Plain).contains('\x1b'));
    }
}
