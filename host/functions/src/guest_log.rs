//! What functions write for the operator: lines, fields and counters, within limits and made printable.

use std::sync::Arc;

use crate::function::Hook;

/// Most lines of one call of a hook.
pub const LINES_MAX: u32 = 16;
/// Bytes of all lines of one call of a hook.
pub const LINES_MAX_BYTES: usize = 4096;
/// Most lines of one call of a handler.
pub const HANDLER_LINES_MAX: u32 = 128;
/// Bytes of all lines of one call of a handler.
pub const HANDLER_LINES_MAX_BYTES: usize = 64 << 10;
/// Most access-log fields of a request.
pub const FIELDS_MAX: usize = 16;
/// Longest name of a field or counter, in bytes.
pub const FIELD_NAME_MAX_BYTES: usize = 64;
/// Longest value of a field, in bytes.
pub const FIELD_VALUE_MAX_BYTES: usize = 256;
/// Most different counters that one request may add to. Each is a time series for the operator to keep.
pub const COUNTERS_MAX: usize = 8;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something is wrong.
    Error,
}

impl Level {
    /// The word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who wrote it.
    pub function: Arc<str>,
    /// In which hook.
    pub hook: Hook,
    /// How much it matters. Standard output is `info`, standard error is `warn`.
    pub level: Level,
    /// One line of text without control characters.
    pub text: String,
}

/// What functions wrote about one request.
#[derive(Clone, Debug, Default)]
pub struct GuestLog {
    /// In the order in which they were written.
    pub lines: Vec<Line>,
    /// Fields for the request's access-log record; a later value replaces an earlier one.
    pub fields: Vec<(Box<str>, String)>,
    /// Sums to add to the functions' own counters: function, name, how much.
    pub counts: Vec<(Arc<str>, Box<str>, u64)>,
    /// Lines, fields and counters that were dropped for a limit.
    pub dropped: u32,
}

impl GuestLog {
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        let value = printable(value, FIELD_VALUE_MAX_BYTES);
        if let Some(known) = self.fields.iter_mut().find(|(known, _)| known.as_ref() == name) {
            known.1 = value;
        } else if self.fields.len() < FIELDS_MAX && is_metric_name(name) {
            self.fields.push((name.into(), value));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    pub(crate) fn count(&mut self, function: &Arc<str>, name: &str, delta: u64) {
        let same = |(by, known, _): &&mut (Arc<str>, Box<str>, u64)| {
            Arc::ptr_eq(by, function) && known.as_ref() == name
        };
        if let Some(known) = self.counts.iter_mut().find(same) {
            known.2 = known.2.saturating_add(delta);
        } else if self.counts.len() < COUNTERS_MAX && is_metric_name(name) {
            self.counts.push((Arc::clone(function), name.into(), delta));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}

fn is_metric_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=FIELD_NAME_MAX_BYTES).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// `text` with control characters replaced by spaces, cut at a character's end to at most `max_bytes`: a guest must not
/// forge log lines or steer a terminal.
pub(crate) fn printable(text: &str, max_bytes: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max_bytes));
    for c in text.trim_end().chars() {
        if out.len() + c.len_utf8() > max_bytes {
            break;
        }
        // U+2028, U+2029 and the bidirectional controls are not `is_control`, and change what a reader sees as well.
        let odd = matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        out.push(if c == '\n' || c.is_control() || odd { ' ' } else { c });
    }
    out
}

/// Text that a call has written to its log so far: the limits are per call, the log is per request.
#[derive(Debug)]
pub(crate) struct LineBudget {
    lines: u32,
    bytes: usize,
    lines_max: u32,
    bytes_max: usize,
    /// Standard output and standard error after their last line end.
    partial: [Vec<u8>; 2],
}

impl Default for LineBudget {
    fn default() -> Self {
        Self::with(LINES_MAX, LINES_MAX_BYTES)
    }
}

impl LineBudget {
    /// At most so many lines and bytes.
    pub(crate) fn with(lines_max: u32, bytes_max: usize) -> Self {
        Self { lines: 0, bytes: 0, lines_max, bytes_max, partial: Default::default() }
    }

    pub(crate) fn write(&mut self, log: &mut GuestLog, by: (&Arc<str>, Hook), level: Level, text: &str) {
        let room = self.bytes_max.saturating_sub(self.bytes);
        if self.lines >= self.lines_max || room == 0 {
            log.dropped = log.dropped.saturating_add(1);
            return;
        }
        let text = printable(text, room);
        self.lines += 1;
        self.bytes += text.len().max(1);
        log.lines.push(Line { function: Arc::clone(by.0), hook: by.1, level, text });
    }

    /// Bytes to standard output (1) or standard error (any other number).
    pub(crate) fn stdio(&mut self, log: &mut GuestLog, by: (&Arc<str>, Hook), stream: u32, bytes: &[u8]) {
        let (at, level) = if stream == 1 { (0, Level::Info) } else { (1, Level::Warn) };
        let [out, err] = &mut self.partial;
        let mut partial = std::mem::take(if at == 0 { out } else { err });
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (line, after) = rest.split_at(end);
            partial.extend_from_slice(line);
            // Programs space their output with empty lines; each line here has its own record.
            if !partial.trim_ascii().is_empty() {
                self.write(log, by, level, &String::from_utf8_lossy(&partial));
            }
            partial.clear();
            rest = after.get(1..).unwrap_or_default();
        }
        let room = self.bytes_max.saturating_sub(partial.len());
        partial.extend_from_slice(rest.get(..room).unwrap_or(rest));
        let [out, err] = &mut self.partial;
        *(if at == 0 { out } else { err }) = partial;
    }

    /// Writes what has no line end, and starts anew for the next call.
    pub(crate) fn finish(&mut self, log: &mut GuestLog, by: (&Arc<str>, Hook)) {
        let [out, err] = std::mem::take(&mut self.partial);
        for (level, bytes) in [(Level::Info, out), (Level::Warn, err)] {
            if !bytes.is_empty() {
                self.write(log, by, level, &String::from_utf8_lossy(&bytes));
            }
        }
        (self.lines, self.bytes) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(write: impl FnOnce(&mut LineBudget, &mut GuestLog, (&Arc<str>, Hook))) -> GuestLog {
        let (mut budget, mut log, name) = (LineBudget::default(), GuestLog::default(), Arc::from("f"));
        write(&mut budget, &mut log, (&name, Hook::OnRequest));
        budget.finish(&mut log, (&name, Hook::OnRequest));
        log
    }

    #[test]
    fn a_guest_cannot_forge_lines_or_steer_a_terminal() {
        let log =
            log_of(|budget, log, by| budget.write(log, by, Level::Info, "a\nb\u{1b}[2J\u{202e}c\u{85}\n"));
        assert_eq!(log.lines[0].text, "a b [2J c");
    }

    #[test]
    fn standard_output_becomes_lines() {
        let log = log_of(|budget, log, by| {
            for part in ["\none\ntw", "o\n\n", "three"] {
                budget.stdio(log, by, 1, part.as_bytes());
            }
            budget.stdio(log, by, 2, b"oops\xff\n");
        });
        let lines: Vec<_> = log.lines.iter().map(|l| (l.level.as_str(), l.text.as_str())).collect();
        assert_eq!(lines, [("info", "one"), ("info", "two"), ("warn", "oops\u{fffd}"), ("info", "three")]);
    }

    #[test]
    fn lines_beyond_the_limit_are_dropped_and_counted() {
        let log = log_of(|budget, log, by| (0..20).for_each(|_| budget.write(log, by, Level::Info, "x")));
        assert_eq!((log.lines.len(), log.dropped), (LINES_MAX as usize, 4));
        let long = "é".repeat(LINES_MAX_BYTES);
        let log = log_of(|budget, log, by| (0..2).for_each(|_| budget.write(log, by, Level::Info, &long)));
        assert_eq!((log.lines.len(), log.lines[0].text.len(), log.dropped), (1, LINES_MAX_BYTES, 1));
    }

    #[test]
    fn fields_and_counters_have_names_and_limits() {
        let (mut log, f) = (GuestLog::default(), Arc::from("f"));
        log.field("ab", "a");
        log.field("ab", "b");
        log.field("A b", "c");
        assert_eq!((log.fields.len(), log.fields[0].1.as_str(), log.dropped), (1, "b", 1));
        log.count(&f, "seen", u64::MAX);
        log.count(&f, "seen", 1);
        (0..20).for_each(|n| log.count(&f, &format!("n{n}"), 1));
        assert_eq!((log.counts.len(), log.counts[0].2), (COUNTERS_MAX, u64::MAX));
    }
}
