//! What the fuzzers check: one function a target, from any bytes to what must hold for them.
//!
//! Owns the targets, by name in [`TARGETS`], and how their bytes are read: as lines of text, so that a file of the corpus
//! can be read, written and kept by hand. Refuses to know who calls: `libfuzzer/` feeds the targets what it invents, and
//! `tests/seawall/corpus.rs` runs the corpus through them on any toolchain.

mod control;
mod decision;
mod fields;
mod log;
mod peer;
mod play;
mod ranges;
mod selection;
mod urls;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its folder in `corpus/` and of its file in `libfuzzer/fuzz_targets/`.
    pub name: &'static str,
    /// Takes any bytes; panics when something does not hold for them.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 17] = [
    Target { name: "age", run: control::age },
    Target { name: "cache_control", run: control::cache_control },
    Target { name: "cdn_loop", run: fields::cdn_loop },
    Target { name: "conditional", run: selection::conditional },
    Target { name: "content_range", run: ranges::content_range },
    Target { name: "control_log", run: log::control_log },
    Target { name: "date", run: control::date },
    Target { name: "decision", run: decision::decision },
    Target { name: "groups", run: fields::groups },
    Target { name: "hop_by_hop", run: fields::hop_by_hop },
    Target { name: "peer", run: peer::peer },
    Target { name: "range", run: ranges::range },
    Target { name: "reference", run: urls::reference },
    Target { name: "tags", run: fields::tags },
    Target { name: "targeted", run: control::targeted },
    Target { name: "vary", run: selection::vary },
    Target { name: "via_and_status", run: fields::via_and_status },
];

/// Runs the target of that name.
///
/// # Panics
///
/// When something that must hold does not, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    assert!(target.is_some(), "no target is called {name}");
    target.iter().for_each(|target| (target.run)(data));
}
