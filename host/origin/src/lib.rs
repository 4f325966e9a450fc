//! ROOM. Who we ask: origins and peers, over HTTP.
//!
//! Owns: hyper's client and nothing else names it; which server of a pool is asked; connect, first-byte and
//! between-bytes limits; which failure may be asked again.
//! Refuses: what a response means (that is `policy`'s), and where a site's requests go (that is the pipeline's).

pub mod body;
pub mod client;
mod connect;
mod failure;
pub mod interim;
pub mod metrics;
pub mod pool;
pub mod trust;

pub use body::{OriginBody, Outgoing};
pub use client::{Client, Limits};
pub use failure::UploadError;
pub use interim::OnInterim;
pub use metrics::Metrics;
pub use pool::{Pool, Server};
pub use trust::Trust;
