//! ROOM. Who we ask: origins and peers, over HTTP.
//!
//! Owns: hyper's client and nothing else names it; which server of a pool is asked, and whether it is well; every limit of
//! a fetch; which failure may be asked again.
//! Refuses: what a response means (that is `policy`'s), and where a site's requests go (that is the pipeline's).

pub mod balance;
pub mod body;
pub mod budget;
pub mod circuit;
pub mod client;
pub mod connect;
mod failure;
pub mod fetch;
mod framing;
pub mod health;
pub mod interim;
mod latency;
mod member;
pub mod metrics;
pub mod pool;
mod queue;
mod repeat;
pub mod report;
pub mod resolve;
mod seat;
pub mod server;
pub mod trust;
pub mod tunnel;

pub use balance::Balance;
pub use body::{OriginBody, Outgoing};
pub use budget::RetryLimits;
pub use circuit::{CircuitState, Ejection};
pub use client::{Client, ClientSetup, Limits, Protocol};
pub use failure::UploadError;
pub use fetch::{BackupRule, FromBackup, HostRule, Wish};
pub use health::HealthCheck;
pub use interim::OnInterim;
pub use metrics::{Metrics, PoolMetrics};
pub use pool::{Caps, Pool, PoolSetup, Settings, WhenAllOut};
pub use report::{Health, PoolReport, ServerReport};
pub use server::{Role, Server};
pub use trust::{TlsFiles, Trust};
pub use tunnel::{ClientEnd, OriginEnd, TunnelEnd};
