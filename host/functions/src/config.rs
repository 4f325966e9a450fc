//! What an operator may set for functions, and why each default is what it is. Measured: docs and benches of this repo.

use std::path::PathBuf;
use std::time::Duration;

/// Instances that may exist at once. Each holds a slot of the pool: 4 GiB of address space, but only the pages that it
/// touched of memory. 1000 slots take 4 TiB of the 128 TiB that a process has.
pub const DEFAULT_MAX_INSTANCES: u32 = 1000;

/// Linear memory of one instance, in bytes. Also bounds how long one `memory.copy` can run, which nothing interrupts.
pub const DEFAULT_MEMORY_MAX_BYTES: usize = 16 << 20;

/// CPU time of one call of a hook. Useful filters take microseconds; this is what a bad one may cost its neighbours.
pub const DEFAULT_CPU_PER_HOOK: Duration = Duration::from_millis(5);

/// Wall time of one call of a hook, time in which other tasks had the thread included.
pub const DEFAULT_WALL_PER_HOOK: Duration = Duration::from_millis(20);

/// How long a request waits for a slot. A slot is held for microseconds, so a longer queue means overload, and there
/// an early answer is the better one.
pub const DEFAULT_SLOT_WAIT: Duration = Duration::from_millis(10);

/// Size of one upload in bytes. A Rust filter is 30 to 200 KiB; one in JavaScript has its engine with it, 12 MiB.
pub const DEFAULT_UPLOAD_MAX_BYTES: usize = 16 << 20;

/// Instances of handlers that may exist at once: each lives for as long as its response takes. 250 slots take 1 TiB of
/// addresses.
pub const DEFAULT_HANDLER_MAX_INSTANCES: u32 = 250;
/// Linear memory of one handler, in bytes: language runtimes start with tens of megabytes.
pub const DEFAULT_HANDLER_MEMORY_MAX_BYTES: usize = 128 << 20;
/// CPU time of one call of a handler. A page takes a millisecond; this is Fastly's and Netlify's limit.
pub const DEFAULT_HANDLER_CPU: Duration = Duration::from_millis(50);
/// Wall time of one call of a handler, from its start to the end of its body: as long as an origin may take for a head.
pub const DEFAULT_HANDLER_WALL: Duration = Duration::from_secs(30);
/// How long a request waits for a place among the handlers: as long as for a free server of an origin.
pub const DEFAULT_HANDLER_SLOT_WAIT: Duration = Duration::from_secs(1);
/// Body of one answer of a handler, in bytes.
pub const DEFAULT_HANDLER_RESPONSE_MAX_BYTES: u64 = 100 << 20;
/// Size of one uploaded handler in bytes: with a language runtime in it, it has 12 to 20 MiB.
pub const DEFAULT_HANDLER_UPLOAD_MAX_BYTES: usize = 32 << 20;

/// Limits of handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerLimits {
    /// See [`DEFAULT_HANDLER_MAX_INSTANCES`].
    pub max_instances: u32,
    /// See [`DEFAULT_HANDLER_MEMORY_MAX_BYTES`].
    pub memory_max_bytes: usize,
    /// See [`DEFAULT_HANDLER_CPU`].
    pub cpu: Duration,
    /// See [`DEFAULT_HANDLER_WALL`].
    pub wall: Duration,
    /// See [`DEFAULT_HANDLER_SLOT_WAIT`].
    pub slot_wait: Duration,
    /// See [`DEFAULT_HANDLER_RESPONSE_MAX_BYTES`].
    pub response_max_bytes: u64,
    /// See [`DEFAULT_HANDLER_UPLOAD_MAX_BYTES`].
    pub upload_max_bytes: usize,
}

impl Default for HandlerLimits {
    fn default() -> Self {
        Self {
            max_instances: DEFAULT_HANDLER_MAX_INSTANCES,
            memory_max_bytes: DEFAULT_HANDLER_MEMORY_MAX_BYTES,
            cpu: DEFAULT_HANDLER_CPU,
            wall: DEFAULT_HANDLER_WALL,
            slot_wait: DEFAULT_HANDLER_SLOT_WAIT,
            response_max_bytes: DEFAULT_HANDLER_RESPONSE_MAX_BYTES,
            upload_max_bytes: DEFAULT_HANDLER_UPLOAD_MAX_BYTES,
        }
    }
}

/// Limits and sizes of a [`Runtime`](crate::Runtime).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// See [`DEFAULT_MAX_INSTANCES`].
    pub max_instances: u32,
    /// See [`DEFAULT_MEMORY_MAX_BYTES`].
    pub memory_max_bytes: usize,
    /// See [`DEFAULT_CPU_PER_HOOK`]. Counted in ticks of a millisecond.
    pub cpu_per_hook: Duration,
    /// See [`DEFAULT_WALL_PER_HOOK`].
    pub wall_per_hook: Duration,
    /// See [`DEFAULT_SLOT_WAIT`].
    pub slot_wait: Duration,
    /// See [`DEFAULT_UPLOAD_MAX_BYTES`].
    pub upload_max_bytes: usize,
    /// Those of handlers; all others here are those of filters.
    pub handlers: HandlerLimits,
    /// How a used slot is made zero again.
    pub slot_reset: SlotReset,
    /// Where compiled code is kept, absolute. Nobody else may be able to write there: what lies in it is run. Default:
    /// nowhere.
    pub code_folder: Option<PathBuf>,
    /// For tests of functions: instructions are counted, which makes them two to three times slower, and random numbers
    /// come in a fixed order, so that the same call counts the same. Default: no.
    pub count_instructions: bool,
}

impl Config {
    /// The largest upload of any kind, in bytes.
    #[must_use]
    pub fn any_upload_max_bytes(&self) -> usize {
        self.upload_max_bytes.max(self.handlers.upload_max_bytes)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_instances: DEFAULT_MAX_INSTANCES,
            memory_max_bytes: DEFAULT_MEMORY_MAX_BYTES,
            cpu_per_hook: DEFAULT_CPU_PER_HOOK,
            wall_per_hook: DEFAULT_WALL_PER_HOOK,
            slot_wait: DEFAULT_SLOT_WAIT,
            upload_max_bytes: DEFAULT_UPLOAD_MAX_BYTES,
            handlers: HandlerLimits::default(),
            slot_reset: SlotReset::default(),
            code_folder: None,
            count_instructions: false,
        }
    }
}

/// How a used slot is made zero again before the next instance gets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlotReset {
    /// By asking the kernel which pages were written (`PAGEMAP_SCAN`), where that is safe; else like `Madvise`.
    ///
    /// Safe means that no page can be swapped out: wasmtime 48 passes over pages that are not present, and the next
    /// instance would read what they hold. So the host looks for swap at start, see [`crate::swap`].
    #[default]
    Auto,
    /// By giving the pages back to the kernel. Always safe; costs three system calls under a lock of the process, so
    /// that two threads deliver less than one.
    Madvise,
}
