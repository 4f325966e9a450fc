//! `[cache]`: how much is held.

use serde::Serialize;

use super::check::Check;
use super::raw::RawCache;
use super::size::Bytes;

/// Default of [`Cache::memory`]: what a small machine can spare.
pub const DEFAULT_MEMORY: Bytes = Bytes::mib(256);

/// Smallest [`Cache::memory`]: below this hardly one page with its pictures fits, and everything evicts everything.
pub const MEMORY_MIN: Bytes = Bytes::mib(1);

/// Default of [`Cache::max_object`]: one body takes a quarter of the default memory at most.
pub const DEFAULT_MAX_OBJECT: Bytes = Bytes::mib(64);

/// `[cache]`: how much is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// Bytes for all stored responses together. Default [`DEFAULT_MEMORY`].
    pub memory: Bytes,
    /// Largest body that is stored; a larger one passes through. Default [`DEFAULT_MAX_OBJECT`], or `memory` if that
    /// is less.
    pub max_object: Bytes,
}

impl Default for Cache {
    fn default() -> Self {
        Self { memory: DEFAULT_MEMORY, max_object: DEFAULT_MAX_OBJECT }
    }
}

impl Cache {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawCache) -> Self {
        let RawCache { at: _, memory, max_object } = raw;
        let memory = check.or("memory", memory, DEFAULT_MEMORY, parse_memory);
        let max_object = check.optional("max_object", max_object, str::parse::<Bytes>);
        if let Some(object) = &max_object
            && object.value > memory
        {
            let wrong = format!(
                "`max_object` ({}) is more than all of `memory` ({memory}). Write at most that.",
                object.value
            );
            check.problem(object.at, wrong);
        }
        Self { memory, max_object: max_object.map_or(DEFAULT_MAX_OBJECT.min(memory), |spot| spot.value) }
    }

    /// What `--memory` asks for. Objects larger than all of it are no longer stored.
    pub(super) fn resize(&mut self, memory: Bytes) {
        self.memory = memory;
        self.max_object = self.max_object.min(memory);
    }
}

/// A size that a cache can have.
pub(super) fn parse_memory(text: &str) -> Result<Bytes, String> {
    let memory: Bytes = text.parse().map_err(|wrong: super::SizeError| wrong.to_string())?;
    if memory < MEMORY_MIN {
        Err(format!("`{text}` is too little to hold anything. Write at least `{MEMORY_MIN}`."))
    } else {
        Ok(memory)
    }
}
