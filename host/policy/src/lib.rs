//! What the HTTP caching RFCs say, as pure functions.
//!
//! One file per section of RFC 9111 and of its companions. Nothing here does I/O, reads a clock, sees a body or
//! panics: time is an argument, every "no" is a closed enum with a reason, and every limit is a named constant.
//!
//! The reading order is the order in which a response meets these rules: [`storing::may_store`] decides once and
//! computes [`Terms`]; [`reuse::reuse`] answers each later request from those terms without touching the response's
//! fields again; [`validation`] turns a stale response back into a fresh one.

pub mod admission;
pub mod age;
pub mod cache_control;
pub mod cache_status;
pub mod cdn_loop;
pub mod conditional;
pub mod date;
pub mod disguise;
pub mod fields;
pub mod forwarded;
pub mod framing;
pub mod freshness;
pub mod glance;
pub mod groups;
pub mod invalidation;
pub mod negotiation;
pub mod overrides;
pub mod partial;
pub mod path;
pub mod proxy_status;
pub mod range;
pub mod reference;
pub mod restate;
pub mod reuse;
pub mod rules;
pub mod select;
pub mod storing;
pub mod tags;
pub mod targeted;
pub mod terms;
pub mod validation;
pub mod vary;
pub mod via;

mod list;

#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod suite;

pub use cache_control::{MaxStale, RequestDirectives, ResponseDirectives};
pub use cache_status::{CacheStatus, Forward};
pub use conditional::Precondition;
pub use freshness::LifetimeSource;
pub use glance::Glance;
pub use negotiation::Normalise;
pub use partial::Part;
pub use proxy_status::{ProxyError, ProxyStatus};
pub use reuse::{OriginFailure, Reuse, RevalidateReason, StaleOnError};
pub use rules::{Rules, Ruling};
pub use storing::{DeclineReason, RequestView, ResponseView, Storing};
pub use terms::Terms;
pub use validation::Validators;
pub use vary::{Selecting, Vary};
