//! Every file begins by saying what it is.

use crate::breach::Breach;
use crate::rust_source::RustSource;

/// Files without a module doc on their first line. A `tests.rs` is described by what it tests.
pub(crate) fn module_docs(sources: &[RustSource]) -> Vec<Breach> {
    let without = sources.iter().filter(|source| {
        let is_tests = source.path.ends_with("/tests.rs");
        !is_tests && !source.text.starts_with("//! ")
    });
    without.map(|source| Breach::new(&source.path, 1, "no `//!` on the first line")).collect()
}

#[cfg(test)]
mod tests {
    use super::module_docs;
    use crate::rust_source::RustSource;

    #[test]
    fn a_file_that_begins_with_code_is_found() {
        let bad = [RustSource::new("a/src/b.rs", "use x;\n//! late\n"), RustSource::new("a/src/c.rs", "")];
        assert_eq!(module_docs(&bad).len(), 2);
        let good = [
            RustSource::new("a/src/b.rs", "//! What it is.\n"),
            RustSource::new("a/src/b/tests.rs", "use x;\n"),
        ];
        assert!(module_docs(&good).is_empty());
    }
}
