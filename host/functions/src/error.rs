//! How a runtime, and a call of a hook, can fail. Upload errors are in [`crate::upload`].

use std::fmt;
use std::sync::Arc;

use crate::function::Hook;

/// Why no runtime could be made.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A setting makes no sense.
    #[error("functions: {0}")]
    Setting(&'static str),
    /// The engine could not reserve what the settings ask for, or does not know this machine.
    #[error("the WebAssembly engine did not start: {0}; try a smaller number of instances")]
    Engine(String),
    /// The thread that counts CPU time did not start.
    #[error("the thread that interrupts functions did not start: {0}")]
    Thread(#[source] std::io::Error),
}

/// A hook failed: its own request is affected and nothing else.
///
/// `Display` is safe to show to a client. [`FunctionError::detail`] is for the operator's log: it may hold text and
/// names that the guest chose.
#[derive(Clone, Debug)]
pub struct FunctionError {
    /// Name of the function.
    pub function: Arc<str>,
    /// The hook that was called.
    pub hook: Hook,
    /// What happened.
    pub kind: FunctionErrorKind,
    /// For the log: messages, and the guest's own stack with its function names. At most [`DETAIL_MAX_BYTES`].
    pub detail: String,
}

/// Longest [`FunctionError::detail`], in bytes: a stack of some 40 frames, and no more of a guest's text in a log line.
pub const DETAIL_MAX_BYTES: usize = 4096;

impl FunctionError {
    pub(crate) fn new(function: &Arc<str>, hook: Hook, kind: FunctionErrorKind, detail: &str) -> Self {
        Self {
            function: Arc::clone(function),
            hook,
            kind,
            detail: crate::guest_log::printable(detail, DETAIL_MAX_BYTES),
        }
    }

    /// The stable code, for people to search for: `SW-FN-…`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: function {} failed in {}: {}",
            self.code(),
            self.function,
            self.hook.as_str(),
            self.kind.as_str()
        )
    }
}

impl std::error::Error for FunctionError {}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $word:literal $code:literal,)+) => {
        /// What a failing hook did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FunctionErrorKind { $($(#[$doc])* $kind,)+ }

        impl FunctionErrorKind {
            /// Every kind, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The word for logs, metric labels and `Cache-Status`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $word,)+ }
            }

            /// The stable code, for people to search for.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }
        }
    };
}

kinds! {
    /// It answered with an error of its own.
    Returned "returned-error" "SW-FN-ERROR",
    /// It trapped: a panic, an access out of bounds, a division by zero.
    Trap "trap" "SW-FN-TRAP",
    /// It used up its CPU time.
    Cpu "cpu-limit" "SW-FN-CPU",
    /// It used up its wall time.
    Wall "wall-limit" "SW-FN-WALL",
    /// It asked for more memory than it may have, or for larger tables.
    Memory "memory-limit" "SW-FN-MEMORY",
    /// It recursed too deep.
    Stack "stack-limit" "SW-FN-STACK",
    /// It called the host more often than it may.
    HostCalls "host-call-limit" "SW-FN-CALLS",
    /// It handed over more bytes in one call than it may.
    Transfer "transfer-limit" "SW-FN-TRANSFER",
    /// It answered with a response that cannot be sent.
    BadResponse "bad-response" "SW-FN-RESPONSE",
    /// It did something that the interface does not allow, such as asking for a response where there is none.
    Misuse "misuse" "SW-FN-MISUSE",
    /// All slots were taken for longer than a request waits. Not the function's fault; a retry may help.
    Busy "busy" "SW-FN-BUSY",
    /// The site names it, and no version of it is active.
    Absent "not-active" "SW-FN-ABSENT",
    /// It kept failing, and is not called for a while. See [`crate::breaker`].
    Stopped "stopped" "SW-FN-STOPPED",
    /// The host failed while it served the function. A defect of Seawall: please report it.
    Host "host-failure" "SW-FN-HOST",
}

/// Why the host ends a call. Travels through wasmtime as an error, and comes out as a [`FunctionErrorKind`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the function used up its CPU time of {0} ms")]
    Cpu(u64),
    #[error("the function used up its wall time of {0} ms")]
    Wall(u64),
    #[error("the function asked for more than {0} bytes of memory")]
    Memory(usize),
    #[error("the function asked for a table of more than {0} elements")]
    Table(usize),
    #[error("the function called the host more than {0} times")]
    HostCalls(u32),
    #[error("{0}")]
    Misuse(&'static str),
}

impl Stop {
    pub(crate) fn kind(self) -> FunctionErrorKind {
        match self {
            Self::Cpu(_) => FunctionErrorKind::Cpu,
            Self::Wall(_) => FunctionErrorKind::Wall,
            Self::Memory(_) | Self::Table(_) => FunctionErrorKind::Memory,
            Self::HostCalls(_) => FunctionErrorKind::HostCalls,
            Self::Misuse(_) => FunctionErrorKind::Misuse,
        }
    }
}
