//! ROOM. What guests may do: users' WebAssembly functions on both sides of the cache.
//!
//! Owns: uploads and their checks, the engine and its limits, the interface of `wit/`, calls of hooks. Refuses: to know
//! about the cache, origins or the order of a request's path; the `pipeline` moves an [`Exchange`] in and out.
//!
//! ```text
//! bytes ── Runtime::prepare ──▶ Function ── Chain::new ──▶ Chain
//!                                                            │ on_request, on_origin_request,
//!                                                            │ on_origin_response, on_response
//!                              Exchange in ──────────────────┴──────────────▶ Exchange out, verdict or error
//! ```
//!
//! A function can fail only the request that it runs for. Whatever it does, the call ends within its limits, the
//! exchange comes back without its edits, and the instance is gone.

pub mod breaker;
pub mod catalog;
pub mod code;
pub mod config;
pub mod depot;
pub mod edits;
pub mod error;
pub mod exchange;
pub mod guest_log;
pub mod metrics;
pub mod reuse;
pub mod store_policy;
pub mod swap;
pub mod upload;
pub mod watch;

mod chain;
mod function;
mod handler;
mod link;
mod live;
mod mount;
mod pulse;
mod roster;
mod runtime;
mod state;
mod verdict;

pub use breaker::Stopped;
pub use catalog::{Catalog, CatalogError, Courier, NobodyElse};
pub use chain::{CHAIN_MAX, Chain, ChainTooLong, Instances};
pub use code::{CompileError, Compiler, EngineItself, compile_into};
pub use config::{Config, HandlerLimits, SlotReset};
pub use error::{FunctionError, FunctionErrorKind, RuntimeError};
pub use exchange::{
    CacheWord, ClientInfo, Exchange, LocalResponse, OriginVerdict, RequestHead, RequestVerdict, ResponseHead,
    RouteEdits, Vars,
};
pub use function::{Function, FunctionSettings, Hook, OnError, Role, TAG_PREFIX, tag, version};
pub use guest_log::{GuestLog, Level, Line};
pub use handler::{
    Asker, Ended, FETCH_REQUEST_MAX_BYTES, FETCH_RESPONSE_MAX_BYTES, FETCHES_AT_ONCE, FETCHES_MAX, Fetch,
    Fetched, HANDLER_FIELDS_MAX_BYTES, HandlerBody, OnEnd,
};
pub use metrics::Metrics;
pub use mount::Mount;
pub use roster::Roster;
pub use runtime::Runtime;
pub use state::HOST_CALLS_MAX;
pub use store_policy::{FetchReason, StoreEdits, StorePolicy};
pub use upload::UploadError;
pub use watch::{Report, Seen, Wanted, Watch, Watching};
