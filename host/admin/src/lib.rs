//! WALK: the operator's door.
//!
//! Owns: the JSON API under `/v1`, who may use it, health and metrics, and the description of all that. Refuses:
//! deciding anything about the cache or the cluster; it asks them and says what they said.

pub mod auth;
pub mod config;
pub mod dev;
pub mod explain;
pub mod functions;
pub mod health;
pub mod nodes;
pub mod openapi;
pub mod origins;
pub mod problem;
pub mod purge;
pub mod router;
pub mod serve;
pub mod state;

pub use auth::{Role, Token, TokenError, Tokens};
pub use config::{Configured, InForce, Mistake, NotReloaded, Reloaded};
pub use explain::Explain;
pub use functions::{Functions, Refusal};
pub use origins::Origins;
pub use problem::{FieldError, Kind, Problem};
pub use router::router;
pub use serve::serve;
pub use state::{AdminState, ConfirmLimits};
