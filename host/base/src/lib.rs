//! GROUND. The few words that all rooms share.
//!
//! Owns: names of things, positions in the control log, what a purge says, the one clock, and traces.
//! Refuses: anything that only one room needs, and all I/O besides reading the clock.

pub mod clock;
pub mod fault;
pub mod name;
pub mod position;
pub mod purge;
pub mod trace;

pub use clock::Clock;
pub use fault::{Blame, Cause, Fault, Retry};
pub use name::{NameError, NodeName, OriginName, Region, SiteName};
pub use position::Position;
pub use purge::{Depth, Purge, PurgeId, Scope, Selector};
