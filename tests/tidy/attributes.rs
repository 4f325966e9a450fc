//! Nothing unfinished, and no lint switched off without saying why.

use crate::breach::Breach;
use crate::rust_source::RustSource;

/// Macros that stand for code that is not there, or that was for looking only.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Placeholders and tests that never run.
pub(crate) fn unfinished(sources: &[RustSource]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources {
        for name in UNFINISHED {
            let calls = source
                .words(name)
                .filter(|at| source.code.get(at + name.len()..).is_some_and(|c| c.starts_with('!')));
            breaches
                .extend(calls.map(|at| Breach::new(&source.path, source.line_of(at), format!("`{name}!`"))));
        }
        let ignored = source.code.match_indices("#[ignore").map(|(at, _)| at);
        breaches.extend(ignored.map(|at| Breach::new(&source.path, source.line_of(at), "an ignored test")));
    }
    breaches
}

/// `allow` and `expect` attributes without a reason.
pub(crate) fn reasons(sources: &[RustSource]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources {
        for start in ["#[allow(", "#[expect(", "#![allow(", "#![expect("] {
            for (at, text) in source.code.match_indices(start) {
                let open = at + text.len() - 1;
                let inside =
                    source.closing(open).and_then(|close| source.code.get(open..close)).unwrap_or_default();
                if !inside.contains("reason =") {
                    breaches.push(Breach::new(
                        &source.path,
                        source.line_of(at),
                        format!("`{start}...)]` without a reason"),
                    ));
                }
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::{reasons, unfinished};
    use crate::rust_source::RustSource;

    fn source(text: &str) -> [RustSource; 1] {
        [RustSource::new("a.rs", text)]
    }

    #[test]
    fn placeholders_are_found_in_code_only() {
        let text = "fn a() { todo!() }\nfn b() { dbg!(1); }\n#[ignore = \"slow\"]\nfn c() {}\n";
        assert_eq!(unfinished(&source(text)).len(), 3);
        assert!(
            unfinished(&source("// todo!()\nlet s = \"dbg!\"; let todo = 1; if !todo != x {}\n")).is_empty()
        );
    }

    #[test]
    fn a_reason_is_wanted_on_one_line_or_many() {
        let bad = "#[allow(dead_code)]\nfn a() {}\n#![expect(\n    clippy::panic,\n)]\n#[allow(x)] // reason = \"no\"\n";
        assert_eq!(reasons(&source(bad)).len(), 3);
        let good =
            "#[expect(\n    dead_code,\n    reason = \"read by the macro (both of them)\"\n)]\nfn a() {}\n";
        assert!(reasons(&source(good)).is_empty());
    }
}
