//! Counts tests from the summary lines that nextest and cargo print.

use std::fmt;

/// How many tests passed and failed so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Adds the counts of one line of output, if it is a summary line.
    pub(crate) fn read(&mut self, line: &str) {
        let line = without_colour(line);
        if !line.contains("Summary [") && !line.starts_with("test result:") {
            return;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            let [number, what] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what.trim_end_matches([',', ';']) {
                "passed" => self.passed += number,
                "failed" | "timed" | "exec" => self.failed += number,
                _ => {}
            }
        }
    }

    /// A check that is not a test stopped the gate: it must not look like a success.
    pub(crate) fn stopped(&mut self) {
        self.failed = self.failed.max(1);
    }

    /// Whether any test was counted at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// `line` without terminal colour sequences (`ESC [ ... m`).
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn nextest_summary_is_counted_with_and_without_colour() {
        let plain = tally(&[
            "     Summary [   1.234s] 45 tests run: 42 passed (1 slow), 2 failed, 1 timed out, 3 skipped",
        ]);
        assert_eq!(plain, Tally { passed: 42, failed: 3 });
        let colour = tally(&[
            "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m7\u{1b}[0m tests run: \u{1b}[1m7\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped",
        ]);
        assert_eq!(colour, Tally { passed: 7, failed: 0 });
    }

    #[test]
    fn cargo_summaries_add_up_and_other_lines_do_not() {
        let sum = tally(&[
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "test 9 passed something",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured",
        ]);
        assert_eq!(sum, Tally { passed: 4, failed: 2 });
    }

    #[test]
    fn a_stopped_gate_never_reads_as_a_success() {
        let mut tally = Tally::default();
        tally.stopped();
        assert_eq!(tally.to_string(), "0 passed, 1 failed");
    }
}
