//! What the benchmark servers share: their content, and the loop that serves it on one thread.
//!
//! `cargo xtask bench` runs them next to the node and next to nginx. They hold no logic on purpose: what they cost is
//! what hyper and the kernel cost, and everything above that in a node is ours to justify.

pub mod content;
pub mod door;
pub mod serve;
