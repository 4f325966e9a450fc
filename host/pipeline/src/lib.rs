//! WALK. The path of one request.
//!
//! ```text
//! admit → on_request → key → claim ┬─ fresh ─────────────→ deliver → on_response
//!                                  ├─ stale → (fill, detached) → deliver → on_response
//!                                  ├─ lead ─→ FILL ─┐
//!                                  ├─ follow ───────┴────→ deliver → on_response
//!                                  └─ pass ─→ route → on_origin_request → fetch → on_origin_response → deliver
//!                                     (no store, but for a POST that brings its URL's page)
//! FILL: route (shield or origin) → on_origin_request → forward → fetch → on_origin_response
//!       → settle (store | refresh | complete | decline | stale | fail)
//! ```
//!
//! Owns: the order. `serve.rs` is the client lane, `fill.rs` the fill lane, `pass.rs` the uncacheable, `peer.rs` the door
//! through which other nodes enter the client lane. Nothing else knows the order; a stage is one file with one verdict
//! and never calls another stage.
//! Refuses: sockets (those are the node's), and what the RFCs say (that is `policy`'s).

mod admit;
mod context;
pub mod cutoff;
mod deliver;
pub mod edge;
pub mod error_page;
pub mod explain;
mod fault;
mod fill;
mod forward;
mod glob;
mod guards;
mod hooks;
mod hops;
pub mod interim;
mod key;
pub mod metrics;
mod origin;
mod origin_side;
mod pass;
pub mod peer;
mod proxies;
mod record;
mod redirect;
pub mod reply;
mod route;
pub mod serve;
pub mod settle;
pub mod site;
mod trace;
mod upgrade;

pub use context::{Connection, LastHost, Way};
pub use cutoff::WhenCutOff;
pub use edge::{Edge, Peers};
pub use glob::{GLOB_MAX_BYTES, Glob, GlobError};
pub use guards::{Guards, MAX_BODY_DEFAULT, OddPaths};
pub use key::{KEY_PARTS_MAX, Keying, Parameters, QueryRules, SORTED_PARAMETERS_MAX, StripCookies};
pub use metrics::Metrics;
pub use origin::Origin;
pub use proxies::Proxies;
pub use record::{AccessLog, Ended, FIELDS as ACCESS_FIELDS, Lines, Trace, Which};
pub use reply::Reply;
pub use serve::serve;
pub use site::{Site, SiteRule, Sites, Statuses, StatusesError};
pub use upgrade::Tunnels;
