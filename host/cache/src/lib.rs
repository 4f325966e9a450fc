//! ROOM. What we hold: stored responses, fills in flight, and the right to fill.
//!
//! Owns: moka and nothing else names it; the atomic question [`Store::claim`]; the obligation to settle a fill; what a
//! purge removes and what it keeps a fill from storing.
//! Refuses: HTTP decisions (those are `policy`'s), fetching (that is `origin`'s), and the clock.
//!
//! Reading order: [`entry`] what is stored, [`fill`] what is being fetched, [`claim`] the question, [`obligation`] its
//! answer's duty, `seal` and [`purge`] how nothing purged comes back.

pub mod body;
pub mod claim;
pub mod config;
pub mod entry;
pub mod fill;
pub mod footprint;
pub mod hits;
mod index;
pub mod key;
mod look;
mod marker;
pub mod metrics;
pub mod obligation;
mod part;
pub mod purge;
mod seal;
pub mod shelf;
pub mod store;
pub mod update;

pub use body::{BodyWriter, StoredBody};
pub use claim::{Ask, Claim, Miss};
pub use config::Config;
pub use entry::{Draft, Entry};
pub use fill::{Basis, Fill, FillBody, FillHead, Followed, Follower, Release};
pub use footprint::Footprint;
pub use key::{Key, KeyParts};
pub use look::{Look, Seen};
pub use metrics::Metrics;
pub use obligation::{Filling, Lead};
pub use purge::Matched;
pub use shelf::Shelf;
pub use store::Store;
pub use update::Update;
