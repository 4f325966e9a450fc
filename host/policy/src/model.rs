//! A second, naive reading of the RFCs, to hold the real one against.
//!
//! Owns a model of storing, freshness, age, reuse, `Vary` and the 304's update, written from the RFCs' text over plain
//! strings and milliseconds, as slowly and as plainly as they say it; random messages that dwell where the rules meet
//! ([`random`]); and the proof that model and code agree ([`agreement`]). Refuses to share a line with what it checks:
//! only the plain data of [`Rules`](crate::Rules) is the same.

mod agreement;
mod dates;
mod directives;
mod freshness;
mod list;
mod lives;
mod random;
mod reach;
mod reuse;
mod storing;
mod update;
mod variants;

use directives::Value;

/// Milliseconds, of a duration or since 1970. Signed: a model may go below zero and say so.
type Millis = i128;

const SECOND: Millis = 1000;

/// The fields of a request or response, line by line in order, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Message {
    fields: Vec<(String, String)>,
    targeted: Vec<Targeted>,
}

/// A targeted field, with what its text means: the text is made from the meaning, so the model need not parse it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Targeted {
    name: String,
    text: String,
    /// Nothing where the text is no structured-field dictionary.
    members: Option<Vec<(String, Value)>>,
}

/// When a response was asked for and when it came.
#[derive(Clone, Copy, Debug)]
struct Moments {
    requested: Millis,
    received: Millis,
}

impl Message {
    fn lines(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect()
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.lines(name).first().copied()
    }

    fn has(&self, name: &str) -> bool {
        !self.lines(name).is_empty()
    }

    fn members(&self, name: &str) -> Vec<String> {
        self.lines(name).iter().flat_map(|line| list::members(line)).collect()
    }
}
