//! ROOM: what the other nodes know.
//!
//! Owns: the control log (one ordered, durable list of purges), who else is there and how far each node has applied
//! the log, which node of a shield region to ask for a key, and how peers prove themselves to each other.
//! Refuses: what a purge *does* to stored responses ([`Apply`] is implemented above), sockets to peers, consensus
//! and gossip of our own.

pub mod cluster;
pub mod embedded;
pub mod follower;
pub mod log;
pub mod membership;
pub mod metrics;
pub mod nats;
pub mod peer;
pub mod shield;
pub mod survey;

pub use cluster::{Cluster, ClusterError, Order, Published, Readiness, Setup, Touch, Wait};
pub use embedded::{EmbeddedLog, OpenError, Retention};
pub use follower::{Applied, Apply, Follower, Start};
pub use log::{Activation, ControlLog, Entry, LogError, NewRecord, Page, Record, Records};
pub use membership::{
    AppliedState, JoinError, Members, NodeApplied, NodeInfo, NodeState, NodeView, PurgeView, Seat,
};
pub use metrics::Metrics;
pub use nats::{Nats, NatsLog};
pub use peer::{PeerAnswer, PeerError, PeerRequest, PeerSecret, PeerTarget};
pub use survey::{Answering, Footprint, NoAnswer, NodeFootprint, Survey};
