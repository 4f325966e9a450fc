//! Rust text with everything that is not code blanked out, so that rules can search it with simple means.
//!
//! Not a parser: it knows comments, strings and characters, and finds matching brackets. That is all the rules need,
//! and it cannot be surprised by new syntax.

/// One file. `code` has the same length and the same lines as `text`.
pub(crate) struct RustSource {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: String,
    /// Whether the whole file is test code.
    pub(crate) is_test: bool,
}

impl RustSource {
    /// Blanks comments and the inside of strings.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: Blanker::run(text),
            is_test: path.ends_with("/tests.rs")
                || path.split('/').any(|part| part == "tests" || part == "benches"),
        }
    }

    /// Where the files of the modules that it declares are.
    pub(crate) fn folder_of_modules(&self) -> String {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        match file {
            "lib.rs" | "main.rs" => folder.to_owned(),
            _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
        }
    }

    /// The line, from 1, of a byte offset.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        1 + self.code.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    /// Byte offsets in the code at which `word` stands on its own.
    pub(crate) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let before = self.code.get(..*at).and_then(|text| text.chars().next_back());
            let after = self.code.get(at + word.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    }

    /// The offset of the bracket that closes the one at `open`.
    pub(crate) fn closing(&self, open: usize) -> Option<usize> {
        let bytes = self.code.as_bytes();
        let (up, down) = match bytes.get(open)? {
            b'{' => (b'{', b'}'),
            b'[' => (b'[', b']'),
            b'(' => (b'(', b')'),
            _ => return None,
        };
        let mut depth = 0_usize;
        for (at, byte) in bytes.iter().enumerate().skip(open) {
            if *byte == up {
                depth += 1;
            } else if *byte == down {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        None
    }

    /// Byte ranges of `mod` blocks that are only compiled for tests.
    pub(crate) fn test_modules(&self) -> Vec<std::ops::Range<usize>> {
        let marks = self.code.match_indices("#[cfg(test)]").map(|(at, mark)| at + mark.len());
        let ranges = marks.filter_map(|after| {
            let rest = self.code.get(after..)?;
            let open = rest.find(['{', ';'])?;
            let is_block = rest.as_bytes().get(open) == Some(&b'{') && rest.get(..open)?.contains("mod ");
            is_block.then(|| self.closing(after + open)).flatten().map(|end| after..end)
        });
        ranges.collect()
    }
}

/// Marks files that are declared for tests only (`#[cfg(test)] mod x;`), and those below them.
pub(crate) fn mark_test_modules(sources: &mut [RustSource]) {
    let mut marked: Vec<String> = Vec::new();
    for source in sources.iter() {
        for (at, mark) in source.code.match_indices("#[cfg(test)]") {
            let rest = source.code.get(at + mark.len()..).unwrap_or_default();
            let declared = rest.trim_start().strip_prefix("mod ").and_then(|rest| rest.split_once(';'));
            let name = declared.map(|(name, _)| name).filter(|name| name.chars().all(is_word));
            marked.extend(name.map(|name| format!("{}/{name}", source.folder_of_modules())));
        }
    }
    for source in sources {
        let path = source.path.trim_end_matches(".rs");
        let below = |module: &String| {
            let rest = path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        source.is_test |= marked.iter().any(below);
    }
}

/// Letters, digits and underscores make names.
pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Walks over the text once; what is not code becomes spaces.
struct Blanker<'a> {
    bytes: &'a [u8],
    out: Vec<u8>,
    at: usize,
}

impl<'a> Blanker<'a> {
    fn run(text: &'a str) -> String {
        let mut blanker = Self { bytes: text.as_bytes(), out: Vec::with_capacity(text.len()), at: 0 };
        while blanker.at < blanker.bytes.len() {
            blanker.step();
        }
        // Multi-byte characters outside strings and comments do not occur in code; if they do they become '?'.
        String::from_utf8(blanker.out.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect())
            .unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn keep(&mut self, count: usize) {
        for _ in 0..count {
            self.out.push(self.peek(0));
            self.at += 1;
        }
    }

    fn blank(&mut self, count: usize) {
        for _ in 0..count.min(self.bytes.len() - self.at) {
            self.out.push(if self.peek(0) == b'\n' { b'\n' } else { b' ' });
            self.at += 1;
        }
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            (b'/', b'/') => {
                while self.at < self.bytes.len() && self.peek(0) != b'\n' {
                    self.blank(1);
                }
            }
            (b'/', b'*') => self.block_comment(),
            (b'"', _) => self.string(),
            (b'r', b'"' | b'#') if !self.inside_word() && self.raw_hashes(1).is_some() => self.raw_string(1),
            (b'b' | b'c', b'r') if !self.inside_word() && self.raw_hashes(2).is_some() => self.raw_string(2),
            (b'\'', _) => self.character(),
            _ => self.keep(1),
        }
    }

    fn inside_word(&self) -> bool {
        self.out.last().is_some_and(|byte| is_word(char::from(*byte)))
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.blank(2);
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.blank(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.blank(1),
            }
        }
    }

    fn string(&mut self) {
        self.keep(1);
        while self.at < self.bytes.len() {
            match self.peek(0) {
                b'\\' => self.blank(2),
                b'"' => return self.keep(1),
                _ => self.blank(1),
            }
        }
    }

    /// How many `#` follow the prefix of a raw string, if it is one (`r#name` is not).
    fn raw_hashes(&self, prefix: usize) -> Option<usize> {
        let hashes = (0..).take_while(|count| self.peek(prefix + count) == b'#').count();
        (self.peek(prefix + hashes) == b'"').then_some(hashes)
    }

    fn raw_string(&mut self, prefix: usize) {
        let hashes = self.raw_hashes(prefix).unwrap_or(0);
        self.keep(prefix + hashes + 1);
        while self.at < self.bytes.len() {
            if self.peek(0) == b'"' && (1..=hashes).all(|ahead| self.peek(ahead) == b'#') {
                return self.keep(1 + hashes);
            }
            self.blank(1);
        }
    }

    /// A character literal, or the tick of a lifetime.
    fn character(&mut self) {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let end = match rest.first() {
            Some(b'\\') => rest.iter().skip(2).position(|byte| *byte == b'\'').map(|at| at + 2),
            // One character, of up to four bytes, and then the closing tick.
            Some(first) => {
                let width = if first.is_ascii() { 1 } else { first.leading_ones() as usize };
                (rest.get(width) == Some(&b'\'')).then_some(width)
            }
            None => None,
        };
        self.keep(1);
        if let Some(end) = end {
            self.blank(end);
            self.keep(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RustSource, mark_test_modules};

    fn code(text: &str) -> String {
        let source = RustSource::new("x.rs", text);
        assert_eq!(source.code.len(), text.len());
        source.code
    }

    #[test]
    fn comments_and_strings_are_blanked_in_place() {
        assert_eq!(code("a // {\nb"), "a     \nb");
        assert_eq!(code("a /* { /* } */ } */ b"), "a                   b");
        assert_eq!(code(r#"f("{\"}", 1)"#), r#"f("    ", 1)"#);
        assert_eq!(code("r#\"{\"}\"# }"), "r#\"   \"# }");
        assert_eq!(code("for b\"}\" r#type"), "for b\" \" r#type");
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(code("'{' &'a T '\\'' '\"' x"), "' ' &'a T '  ' ' ' x");
        assert_eq!(code("'é' }"), "'  ' }");
        assert_eq!(code("'\\u{1b}' }"), "'      ' }");
    }

    #[test]
    fn files_declared_for_tests_are_marked_with_what_is_below() {
        let mut sources = [
            RustSource::new(
                "a/src/lib.rs",
                "mod kept;\n#[cfg(test)]\nmod suite;\n#[cfg(test)]\nmod tests { }\n",
            ),
            RustSource::new("a/src/suite/vary.rs", ""),
            RustSource::new("a/src/suite.rs", ""),
            RustSource::new("a/src/suites.rs", ""),
            RustSource::new("a/src/kept.rs", ""),
        ];
        mark_test_modules(&mut sources);
        assert_eq!(sources.map(|source| source.is_test), [false, true, true, false, false]);
    }

    #[test]
    fn words_stand_alone_and_test_modules_are_found() {
        let source =
            RustSource::new("x.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n fn f_2() {}\n}\nfn g() {}\n");
        assert_eq!(source.words("f").count(), 1);
        let modules = source.test_modules();
        let [module] = modules.as_slice() else { panic!("{modules:?}") };
        assert!(source.code[module.clone()].contains("f_2") && !source.code[module.clone()].contains("g()"));
    }
}
