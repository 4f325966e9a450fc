//! Seawall from the outside: real nodes in this process, a scripted origin, clients that see every byte.
//!
//! Each file is a theme and each test a play: races are scripted with gates, never with sleeps. What one function
//! decides is tested next to it; here is what only the whole path shows.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program: what should not be ends it with a message"
)]

mod harness;

mod bodies;
mod breaker;
mod clusters;
mod collapse;
mod corpus;
mod deploy;
mod desk;
mod faults;
mod fields;
mod fleet;
mod framing;
mod front;
mod functions;
mod handlers;
mod hit;
mod hops;
mod interim;
mod methods;
mod origin_hooks;
mod origins;
mod process;
mod purge;
mod ranges;
mod reload;
mod revalidation;
mod settings;
mod shield;
mod storm;
mod tail;
mod telemetry;
mod traces;
mod uploads;
mod vary;
mod write;
