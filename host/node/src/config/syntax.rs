//! What is wrong with the TOML itself, in words.

use toml::de::Error;

use super::problem::{Problem, Problems};
use super::reader::Report;

/// Whether the document can be read any further.
pub(super) enum Syntax {
    /// It can. The slips are confined to single values, which were read as if there were none.
    Sound { slips: Vec<Problem> },
    /// It cannot: where tables begin and end is a guess, and most of what one could still say would be wrong.
    Broken(Problems),
}

/// What the parser says of a slip that concerns one value only. If its words change, a slip becomes a break, and the
/// tests say so.
const SLIPS: &[(&str, Slip)] = &[
    ("duplicate key", Slip::Twice),
    ("string values must be quoted", Slip::Unquoted),
    ("invalid boolean", Slip::Unquoted),
];

#[derive(Clone, Copy)]
enum Slip {
    Twice,
    Unquoted,
}

pub(super) fn judge(report: &Report<'_>, text: &str, errors: &[Error]) -> Syntax {
    let mut errors: Vec<_> =
        errors.iter().map(|error| (error.span().unwrap_or_default(), error.message())).collect();
    errors.sort_by_key(|(span, _)| span.start);
    let mut broken = false;
    for (span, message) in errors {
        let words = text.get(span.clone()).unwrap_or_default();
        let slip = SLIPS.iter().find(|(start, _)| message.starts_with(start)).map(|(_, slip)| *slip);
        let told = match slip {
            Some(Slip::Twice) => format!("`{words}` is here for the second time. Leave one."),
            Some(Slip::Unquoted) => format!("`{words}` needs quotes. Write `\"{words}\"`."),
            None => format!("this is not TOML: {message}."),
        };
        report.at(span.start, "", told);
        if slip.is_none() {
            // What follows the first break is most often its echo.
            broken = true;
            break;
        }
    }
    if broken && let Some(problems) = Problems::of(report.take()) {
        return Syntax::Broken(problems);
    }
    Syntax::Sound { slips: report.take() }
}
