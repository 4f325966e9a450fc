//! Every metric that is registered by its name stands in docs/METRICS.md.
//!
//! Types, labels, and what the page has too much are compared with a running node by `tests/seawall/telemetry.rs`; but a
//! family without a series is not exported, so that one that is not documented would be missed there.

use crate::breach::Breach;
use crate::repository::TextFile;
use crate::rust_source::RustSource;

const PAGE: &str = "docs/METRICS.md";

/// What takes a metric's name as its first argument.
const REGISTERS: [&str; 3] = [".register(", ".register_with_unit(", "encode_descriptor("];

/// Names in code that are not on the page.
pub(crate) fn check(sources: &[RustSource], texts: &[TextFile]) -> Vec<Breach> {
    let Some(page) = texts.iter().find(|file| file.path == PAGE) else {
        return vec![Breach::new(PAGE, 1, "is not there")];
    };
    let documented: Vec<&str> = page.text.lines().filter_map(name).collect();
    let mut registered = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("host/") && !source.is_test) {
        registered.extend(names(&source.text).map(|(at, name)| (source, at, name)));
    }
    let mut breaches = Vec::new();
    for (source, at, name) in &registered {
        if !documented.iter().any(|known| is_of(known, name)) {
            let line = source.text[..*at].lines().count();
            breaches.push(Breach::new(&source.path, line, format!("the metric `{name}` is not in {PAGE}")));
        }
    }
    breaches
}

/// `known` is `name` with prefixes, and perhaps with its unit.
fn is_of(known: &str, name: &str) -> bool {
    let known = known.strip_suffix("_seconds").filter(|bare| bare.ends_with(name)).unwrap_or(known);
    known.strip_suffix(name).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('_'))
}

/// The name in a row of the page's tables.
fn name(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)
}

/// Literal names, and where they stand.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    REGISTERS.iter().flat_map(move |call| {
        text.match_indices(call).filter_map(move |(at, call)| {
            let (name, _) = text[at + call.len()..].trim_start().strip_prefix('"')?.split_once('"')?;
            Some((at, name))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::repository::TextFile;
    use crate::rust_source::RustSource;

    fn found(code: &str) -> usize {
        let text = "| name |\n| `seawall_cache_stored` | counter |\n| `seawall_lag_seconds` | gauge |\n";
        let page = TextFile { path: "docs/METRICS.md".to_owned(), text: text.to_owned() };
        check(&[RustSource::new("host/a/src/metrics.rs", code)], &[page]).len()
    }

    #[test]
    fn a_metric_that_is_not_on_the_page_is_found() {
        assert_eq!(found("registry.register(\n    \"stored\",\n    help);"), 0);
        assert_eq!(found("registry.register_with_unit(\"lag\", help, Unit::Seconds, x);"), 0);
        assert_eq!(found("registry.register(\"declined\", help, x);"), 1);
        assert_eq!(found("registry.register(\"tored\", help, x);"), 1);
        assert_eq!(found("e.encode_descriptor(\"left_seconds\", help)"), 1);
    }
}
