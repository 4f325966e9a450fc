//! Write edge functions for Seawall as plain Rust functions.
//!
//! A function has one hook or more: `on_request` runs for every request before the cache is asked, `on_response` for
//! every response before it goes to the client. `on_origin_request` and `on_origin_response` run on either side of a
//! fetch from an origin, once for all who wait for it, and what they make of a response is stored. None sees bodies, and
//! none waits for anything.
//!
//! ```
//! use seawall_edge::{Error, Reply, Request, Response, Verdict, filter};
//!
//! fn on_request(request: &mut Request) -> Result<Verdict, Error> {
//!     if request.path().starts_with("/internal/") {
//!         return Ok(Reply::text(404, "nothing here\n").into());
//!     }
//!     // Crawlers and people get different pages from one URL: keep them apart in the cache.
//!     let crawler = request.header("user-agent").is_some_and(|agent| agent.contains("bot"));
//!     request.add_key_part("crawler", if crawler { "1" } else { "0" })?;
//!     Ok(Verdict::Next)
//! }
//!
//! fn on_response(_request: &Request, response: &mut Response) -> Result<(), Error> {
//!     response.remove_header("x-powered-by")?;
//!     Ok(())
//! }
//!
//! filter! { on_request, on_response }
//!
//! // A test needs no WebAssembly: the same functions run natively, on a request that you make up.
//! # fn main() {
//! let mut request = seawall_edge::mock::request("GET", "https://shop.example/").header("user-agent", "bot").build();
//! assert_eq!(on_request(&mut request), Ok(Verdict::Next));
//! assert_eq!(request.recorded().key_parts, [("crawler".to_owned(), b"1".to_vec())]);
//! # }
//! ```
//!
//! `Cargo.toml` needs `[lib] crate-type = ["cdylib", "rlib"]`. Then:
//!
//! ```text
//! cargo test                                            # natively
//! cargo build --release --target wasm32-wasip1          # what you upload, in target/wasm32-wasip1/release/
//! ```
//!
//! `wasm32-wasip2` works as well. `println!` and `eprintln!` write to the function's log, and so does a panic.
//!
//! What a function may cost: 5 ms of CPU time and 20 ms in all for each hook,
//! 16 MiB of memory; 2000 calls of the host, 128 edits with 32 KiB, 64 KiB of body in a [`Reply`], 16 log lines.
//! A function that goes beyond, panics or returns an error fails its own request, and its edits are undone.

mod error;
mod log;
mod origin;
mod reply;
mod request;
mod response;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[path = "bindings.rs"]
pub mod __bindings;
#[cfg(target_family = "wasm")]
mod guest;
#[cfg(not(target_family = "wasm"))]
pub mod mock;

#[cfg(target_family = "wasm")]
use guest as host;
#[cfg(not(target_family = "wasm"))]
use mock as host;

pub use error::{AccessError, EditError, Error};
pub use log::Level;
pub use origin::{FetchReason, OriginRequest, OriginResponse, OriginVerdict, StoreVerdict};
pub use reply::{Reply, Verdict};
pub use request::{Client, Request};
pub use response::{CacheStatus, Response};

/// Makes an edge function of the hooks that are named: any of `on_request`, `on_origin_request`, `on_origin_response` and
/// `on_response`.
///
/// They are functions of these names in scope, with these types:
///
/// ```
/// # use seawall_edge::{
/// #     Error, OriginRequest, OriginResponse, OriginVerdict, Request, Response, StoreVerdict, Verdict,
/// # };
/// fn on_request(request: &mut Request) -> Result<Verdict, Error> {
/// #   let _ = request; Ok(Verdict::Next)
/// }
/// fn on_origin_request(request: &mut OriginRequest) -> Result<OriginVerdict, Error> {
/// #   let _ = request; Ok(OriginVerdict::Fetch)
/// }
/// fn on_origin_response(request: &OriginRequest, response: &mut OriginResponse) -> Result<StoreVerdict, Error> {
/// #   let _ = (request, response); Ok(StoreVerdict::Store)
/// }
/// fn on_response(request: &Request, response: &mut Response) -> Result<(), Error> {
/// #   let _ = (request, response); Ok(())
/// }
/// seawall_edge::filter! { on_request, on_origin_request, on_origin_response, on_response }
/// # fn main() {}
/// ```
///
/// A hook that is not named does not exist in what you upload, and costs nothing.
#[macro_export]
macro_rules! filter {
    (@on_request) => {
        const _: fn(&mut $crate::Request) -> ::core::result::Result<$crate::Verdict, $crate::Error> = on_request;
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__bindings::request_filter;
            use $crate::__bindings::request_filter::exports::seawall::edge::on_request::{Guest, Verdict};
            impl Guest for SeawallFilter {
                fn handle() -> ::core::result::Result<Verdict, ::std::string::String> {
                    let reply = $crate::__bindings::run_on_request(on_request)?;
                    ::core::result::Result::Ok(reply.map_or(Verdict::Next, Verdict::Respond))
                }
            }
            request_filter::export!(SeawallFilter with_types_in request_filter);
        };
    };
    (@on_origin_request) => {
        const _: fn(
            &mut $crate::OriginRequest,
        ) -> ::core::result::Result<$crate::OriginVerdict, $crate::Error> = on_origin_request;
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__bindings::origin_request_filter;
            use $crate::__bindings::origin_request_filter::exports::seawall::edge::on_origin_request::{
                Guest, Verdict,
            };
            impl Guest for SeawallFilter {
                fn handle() -> ::core::result::Result<Verdict, ::std::string::String> {
                    let reply = $crate::__bindings::run_on_origin_request(on_origin_request)?;
                    ::core::result::Result::Ok(reply.map_or(Verdict::Fetch, Verdict::Respond))
                }
            }
            origin_request_filter::export!(SeawallFilter with_types_in origin_request_filter);
        };
    };
    (@on_origin_response) => {
        const _: fn(
            &$crate::OriginRequest,
            &mut $crate::OriginResponse,
        ) -> ::core::result::Result<$crate::StoreVerdict, $crate::Error> = on_origin_response;
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__bindings::origin_response_filter;
            use $crate::__bindings::origin_response_filter::exports::seawall::edge::on_origin_response::{
                Guest, Verdict,
            };
            impl Guest for SeawallFilter {
                fn handle() -> ::core::result::Result<Verdict, ::std::string::String> {
                    ::core::result::Result::Ok(
                        match $crate::__bindings::run_on_origin_response(on_origin_response)? {
                            $crate::StoreVerdict::Store => Verdict::Store,
                            $crate::StoreVerdict::DeliverOnly => Verdict::DeliverOnly,
                            $crate::StoreVerdict::Retry(origin) => Verdict::Retry(origin),
                        },
                    )
                }
            }
            origin_response_filter::export!(SeawallFilter with_types_in origin_response_filter);
        };
    };
    (@on_response) => {
        const _: fn(&$crate::Request, &mut $crate::Response) -> ::core::result::Result<(), $crate::Error> =
            on_response;
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::__bindings::response_filter;
            use $crate::__bindings::response_filter::exports::seawall::edge::on_response::Guest;
            impl Guest for SeawallFilter {
                fn handle() -> ::core::result::Result<(), ::std::string::String> {
                    $crate::__bindings::run_on_response(on_response)
                }
            }
            response_filter::export!(SeawallFilter with_types_in response_filter);
        };
    };
    (@$other:ident) => {
        ::core::compile_error!(::core::concat!(
            "there is no hook `",
            ::core::stringify!($other),
            "`: on_request, on_origin_request, on_origin_response and on_response are"
        ));
    };
    ($($hook:ident),+ $(,)?) => {
        #[cfg(target_family = "wasm")]
        struct SeawallFilter;
        $($crate::filter!(@$hook);)+
    };
}
