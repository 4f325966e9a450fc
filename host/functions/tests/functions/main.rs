//! What functions can and cannot do, seen from outside: guests in WebAssembly text against the public interface.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

mod code;
mod guests;
mod hardship;
mod hooks;
mod hostile;
mod limits;
mod neighbours;
mod reuse;
mod slots;
mod uploads;
mod watch;
