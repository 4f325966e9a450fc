//! What functions can and cannot do, seen from outside: guests in WebAssembly text against the public interface.

mod guests;
mod hooks;
mod hostile;
mod limits;
mod slots;
mod uploads;
