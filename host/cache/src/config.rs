//! The cache's limits, each with its unit and reason.

use std::time::Duration;

/// How much the cache may hold, and how long what is in flight may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bytes of all stored responses together: bodies, header blocks, tags and [`ENTRY_OVERHEAD_BYTES`] each.
    pub memory_bytes: u64,
    /// Largest body that is stored, in bytes. A larger one passes through.
    pub object_max_bytes: u64,
    /// How long a follower waits for its leader's response head before it asks for itself. Longer than any sane
    /// first byte, shorter than clients' patience.
    pub follow_limit: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            memory_bytes: MEMORY_DEFAULT_BYTES,
            object_max_bytes: OBJECT_MAX_DEFAULT_BYTES,
            follow_limit: FOLLOW_LIMIT_DEFAULT,
        }
    }
}

impl Config {
    /// Bytes that all fills in flight may keep for storing: half of the memory beside what is stored, and room for one
    /// object at least. What comes beyond is handed on and not stored.
    #[must_use]
    pub fn fills_max_bytes(&self) -> u64 {
        (self.memory_bytes / 2).max(self.object_max_bytes)
    }
}

/// Default of [`Config::memory_bytes`]: what a small machine can spare.
pub const MEMORY_DEFAULT_BYTES: u64 = 256 << 20;

/// Default of [`Config::object_max_bytes`]: a body is one allocation's worth of a small cache, not all of it.
pub const OBJECT_MAX_DEFAULT_BYTES: u64 = 64 << 20;

/// Default of [`Config::follow_limit`].
pub const FOLLOW_LIMIT_DEFAULT: Duration = Duration::from_secs(30);

/// Bytes counted for each stored response besides its text and body: the entry, its place in moka and in the indexes.
/// Counted high rather than low, so that the configured memory is a bound and not a hope.
pub const ENTRY_OVERHEAD_BYTES: u64 = 1024;

/// Bytes counted for each field of a stored response besides its value: its place in the stored map, and in the map of
/// the last hit, which shares the values.
pub const FIELD_OVERHEAD_BYTES: usize = 256;

/// Bytes counted for each tag of a stored response besides its text: the key in the tag's set, and the set's own room.
/// `cargo xtask bench purge` finds 135 for a tag that many share and 210 for one of its own, their text included.
pub const TAG_OVERHEAD_BYTES: u64 = 256;

/// Most variants of one URL. Past it the oldest goes: a `Vary` on something unbounded must not grow one URL for ever.
pub const VARIANTS_MAX: usize = 64;

/// Shards of the table of fills in flight. Claims of different URLs seldom meet in one lock.
pub const SHARDS: usize = 64;

/// Most pass markers remembered, over all shards. At about 100 bytes each: 6 MiB.
pub const PASS_MARKERS_MAX: usize = 65_536;

/// How long a declined fill keeps others from queueing on the same URL. A cacheable response ends it at once.
pub const PASS_MARKER_TTL: Duration = Duration::from_secs(120);

/// How long a stale response whose refresh failed is served without another try. An origin that is down is then asked
/// once in this time for each URL, not once for each request.
pub const REFRESH_REST: Duration = Duration::from_secs(5);

/// Most purge selectors remembered for fills that started before them. A fill older than what is remembered is not
/// stored. At 5,000 selectors a second: 26 seconds of fill.
pub const SEALS_MAX: usize = 131_072;

/// Most pieces of a body that is to be stored, where they are [`CRUMB_BYTES`] on average or less: each costs some 100
/// bytes until the body is whole.
pub const PIECES_MAX: usize = 65_536;

/// Average length of pieces below which [`PIECES_MAX`] holds, in bytes. An origin that flushes each line sends more.
pub const CRUMB_BYTES: u64 = 256;

/// Bytes of a body that will not be stored which may wait for its slowest reader. The fetch pauses past it.
pub const WINDOW_BYTES: usize = 1 << 20;
