//! Files and functions that fit into a head. What is longer is on a list that may only shrink.

use crate::breach::Breach;
use crate::rust_source::{RustSource, is_word};

/// A file is one noun or one stage; ten screens are the most that one has ever needed.
const FILE_LINES: usize = 400;

/// Tests are read one at a time, so their files may be longer.
const TEST_FILE_LINES: usize = 800;

/// A function is seen at a glance, without scrolling.
const FUNCTION_LINES: usize = 70;

/// A recorded breach: `PATH LINES` for a file, `PATH fn NAME LINES` for a function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    path: String,
    function: Option<String>,
    lines: usize,
    at_line: usize,
}

impl Exception {
    /// Reads the list; `#` begins a comment.
    pub(crate) fn parse_all(text: &str) -> Vec<Self> {
        let lines =
            text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
        let entries = lines.map(|(index, line)| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (path, function, lines) = match words.as_slice() {
                [path, lines] => (*path, None, *lines),
                [path, "fn", name, lines] => (*path, Some((*name).to_owned()), *lines),
                _ => ("", None, ""),
            };
            // An entry that cannot be read has no path, so the shrinking rule reports it as stale.
            Self { path: path.to_owned(), function, lines: lines.parse().unwrap_or(0), at_line: index + 1 }
        });
        entries.collect()
    }

    fn covers(&self, path: &str, function: Option<&str>, lines: usize) -> bool {
        self.path == path && self.function.as_deref() == function && lines <= self.lines
    }
}

/// Files over the limit, unless recorded with at least their present length.
pub(crate) fn files(sources: &[RustSource], exceptions: &[Exception]) -> Vec<Breach> {
    let long = sources.iter().filter_map(|source| {
        let lines = source.text.lines().count();
        let limit = file_limit(source);
        let allowed = exceptions.iter().any(|entry| entry.covers(&source.path, None, lines));
        (lines > limit && !allowed).then(|| {
            Breach::new(&source.path, limit, format!("the file has {lines} lines, the limit is {limit}"))
        })
    });
    long.collect()
}

/// Functions over the limit that are not test code.
pub(crate) fn functions(sources: &[RustSource], exceptions: &[Exception]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources {
        for function in long_functions(source) {
            let Function { name, line, lines } = &function;
            if !exceptions.iter().any(|entry| entry.covers(&source.path, Some(name), *lines)) {
                let what = format!("`fn {name}` has {lines} lines, the limit is {FUNCTION_LINES}");
                breaches.push(Breach::new(&source.path, *line, what));
            }
        }
    }
    breaches
}

/// Entries of the list that are no longer true: their number must follow the code downwards.
pub(crate) fn exceptions(sources: &[RustSource], exceptions: &[Exception]) -> Vec<Breach> {
    let stale = exceptions.iter().filter_map(|entry| {
        let source = sources.iter().find(|source| source.path == entry.path);
        let now = source.and_then(|source| match &entry.function {
            None => Some(source.text.lines().count()).filter(|lines| *lines > file_limit(source)),
            Some(name) => long_functions(source).into_iter().find(|f| f.name == *name).map(|f| f.lines),
        });
        let what = match now {
            None => "the entry is no longer needed: remove it".to_owned(),
            Some(lines) if lines < entry.lines => {
                format!("it has {lines} lines now: lower {} to that", entry.lines)
            }
            Some(_) => return None,
        };
        Some(Breach::new("tests/tidy/exceptions.txt", entry.at_line, what))
    });
    stale.collect()
}

fn file_limit(source: &RustSource) -> usize {
    if source.is_test { TEST_FILE_LINES } else { FILE_LINES }
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

fn long_functions(source: &RustSource) -> Vec<Function> {
    if source.is_test {
        return Vec::new();
    }
    let tests = source.test_modules();
    let starts = source.words("fn").filter(|at| !tests.iter().any(|range| range.contains(at)));
    starts
        .filter_map(|at| function_at(source, at))
        .filter(|function| function.lines > FUNCTION_LINES)
        .collect()
}

/// The function whose `fn` is at `at`; nothing for a function type, a trait's declaration or a macro's fragment.
fn function_at(source: &RustSource, at: usize) -> Option<Function> {
    let rest = source.code.get(at + 2..)?;
    let name: String = rest.trim_start().chars().take_while(|c| is_word(*c)).collect();
    if name.is_empty() {
        return None;
    }
    let mut depth = 0_usize;
    let body = rest.char_indices().find_map(|(offset, character)| {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '{' if depth == 0 => return Some(Some(offset)),
            ';' if depth == 0 => return Some(None),
            _ => {}
        }
        None
    })??;
    let end = source.closing(at + 2 + body)?;
    let line = source.line_of(at);
    Some(Function { name, line, lines: source.line_of(end) - line + 1 })
}

#[cfg(test)]
mod tests {
    use super::{Exception, exceptions, files, functions};
    use crate::rust_source::RustSource;

    fn function(lines: usize) -> String {
        format!("//! Doc.\nfn long(x: [u8; 3]) -> u8 {{\n{}}}\n", "    // }\n".repeat(lines - 2))
    }

    fn source(path: &str, text: &str) -> Vec<RustSource> {
        vec![RustSource::new(path, text)]
    }

    #[test]
    fn a_long_file_is_found_and_a_test_file_may_be_longer() {
        let text = "// x\n".repeat(401);
        assert_eq!(files(&source("host/a/src/lib.rs", &text), &[]).len(), 1);
        assert!(files(&source("host/a/src/a/tests.rs", &text), &[]).is_empty());
        assert_eq!(files(&source("tests/path/a.rs", &"// x\n".repeat(801)), &[]).len(), 1);
    }

    #[test]
    fn a_long_function_is_found_with_its_line() {
        let found = functions(&source("a.rs", &function(71)), &[]);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("a.rs:2: `fn long` has 71 lines"), "{}", found[0]);
        assert!(functions(&source("a.rs", &function(70)), &[]).is_empty());
    }

    #[test]
    fn test_code_and_function_types_do_not_count() {
        let test = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(90));
        assert!(functions(&source("a.rs", &test), &[]).is_empty());
        let types = format!("type F = fn(u8) -> u8;\ntrait T {{ fn a(&self); }}\n{}", "// }\n".repeat(90));
        assert!(functions(&source("a.rs", &types), &[]).is_empty());
    }

    #[test]
    fn an_exception_covers_its_number_and_may_only_shrink() {
        let list = Exception::parse_all("# why\na.rs fn long 80\n");
        assert!(functions(&source("a.rs", &function(80)), &list).is_empty());
        assert_eq!(functions(&source("a.rs", &function(81)), &list).len(), 1);
        assert!(exceptions(&source("a.rs", &function(80)), &list).is_empty());
        assert_eq!(exceptions(&source("a.rs", &function(79)), &list).len(), 1);
        assert_eq!(exceptions(&source("a.rs", &function(60)), &list).len(), 1);
        assert_eq!(exceptions(&[], &Exception::parse_all("what is this\n")).len(), 1);
    }
}
