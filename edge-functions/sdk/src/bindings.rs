//! The world of `wit/`, as wit-bindgen generates it. Not for authors: [`filter!`](crate::filter) uses it.

use crate::host::Host;
use crate::{
    Error, OriginRequest, OriginResponse, OriginVerdict, Reply, Request, Response, StoreVerdict, Verdict,
};

pub mod imports {
    wit_bindgen::generate!({ path: "../../wit", world: "filter-imports", generate_all });
}

use imports::seawall::edge::types::LocalResponse;

// One world for each hook: `filter!` exports those that an author has, and wit-component joins them.
pub mod request_filter {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "request-filter",
        pub_export_macro: true,
        with: {
            "seawall:edge/types@0.1.0": super::imports::seawall::edge::types,
            "seawall:edge/request@0.1.0": super::imports::seawall::edge::request,
            "seawall:edge/response@0.1.0": super::imports::seawall::edge::response,
            "seawall:edge/client@0.1.0": super::imports::seawall::edge::client,
            "seawall:edge/route@0.1.0": super::imports::seawall::edge::route,
            "seawall:edge/store-policy@0.1.0": super::imports::seawall::edge::store_policy,
            "seawall:edge/vars@0.1.0": super::imports::seawall::edge::vars,
            "seawall:edge/config@0.1.0": super::imports::seawall::edge::config,
            "seawall:edge/log@0.1.0": super::imports::seawall::edge::log,
            "seawall:edge/on-request@0.1.0": generate,
        },
    });
}

pub mod origin_request_filter {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "origin-request-filter",
        pub_export_macro: true,
        with: {
            "seawall:edge/types@0.1.0": super::imports::seawall::edge::types,
            "seawall:edge/request@0.1.0": super::imports::seawall::edge::request,
            "seawall:edge/response@0.1.0": super::imports::seawall::edge::response,
            "seawall:edge/client@0.1.0": super::imports::seawall::edge::client,
            "seawall:edge/route@0.1.0": super::imports::seawall::edge::route,
            "seawall:edge/store-policy@0.1.0": super::imports::seawall::edge::store_policy,
            "seawall:edge/vars@0.1.0": super::imports::seawall::edge::vars,
            "seawall:edge/config@0.1.0": super::imports::seawall::edge::config,
            "seawall:edge/log@0.1.0": super::imports::seawall::edge::log,
            "seawall:edge/on-origin-request@0.1.0": generate,
        },
    });
}

pub mod origin_response_filter {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "origin-response-filter",
        pub_export_macro: true,
        with: {
            "seawall:edge/types@0.1.0": super::imports::seawall::edge::types,
            "seawall:edge/request@0.1.0": super::imports::seawall::edge::request,
            "seawall:edge/response@0.1.0": super::imports::seawall::edge::response,
            "seawall:edge/client@0.1.0": super::imports::seawall::edge::client,
            "seawall:edge/route@0.1.0": super::imports::seawall::edge::route,
            "seawall:edge/store-policy@0.1.0": super::imports::seawall::edge::store_policy,
            "seawall:edge/vars@0.1.0": super::imports::seawall::edge::vars,
            "seawall:edge/config@0.1.0": super::imports::seawall::edge::config,
            "seawall:edge/log@0.1.0": super::imports::seawall::edge::log,
            "seawall:edge/on-origin-response@0.1.0": generate,
        },
    });
}

pub mod response_filter {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "response-filter",
        pub_export_macro: true,
        with: {
            "seawall:edge/types@0.1.0": super::imports::seawall::edge::types,
            "seawall:edge/request@0.1.0": super::imports::seawall::edge::request,
            "seawall:edge/response@0.1.0": super::imports::seawall::edge::response,
            "seawall:edge/client@0.1.0": super::imports::seawall::edge::client,
            "seawall:edge/route@0.1.0": super::imports::seawall::edge::route,
            "seawall:edge/store-policy@0.1.0": super::imports::seawall::edge::store_policy,
            "seawall:edge/vars@0.1.0": super::imports::seawall::edge::vars,
            "seawall:edge/config@0.1.0": super::imports::seawall::edge::config,
            "seawall:edge/log@0.1.0": super::imports::seawall::edge::log,
            "seawall:edge/on-response@0.1.0": generate,
        },
    });
}

/// Runs an author's `on_request`; the response, if there is one, in the shape of the WIT.
pub fn run_on_request(
    hook: fn(&mut Request) -> Result<Verdict, Error>,
) -> Result<Option<LocalResponse>, String> {
    match hook(&mut Request { host: Host }) {
        Ok(Verdict::Next) => Ok(None),
        Ok(Verdict::Respond(reply)) => Ok(Some(local(reply))),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs an author's `on_origin_request`.
pub fn run_on_origin_request(
    hook: fn(&mut OriginRequest) -> Result<OriginVerdict, Error>,
) -> Result<Option<LocalResponse>, String> {
    match hook(&mut OriginRequest { host: Host }) {
        Ok(OriginVerdict::Fetch) => Ok(None),
        Ok(OriginVerdict::Respond(reply)) => Ok(Some(local(reply))),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs an author's `on_origin_response`.
pub fn run_on_origin_response(
    hook: fn(&OriginRequest, &mut OriginResponse) -> Result<StoreVerdict, Error>,
) -> Result<StoreVerdict, String> {
    hook(&OriginRequest { host: Host }, &mut OriginResponse { host: Host }).map_err(|error| error.to_string())
}

/// Runs an author's `on_response`.
pub fn run_on_response(hook: fn(&Request, &mut Response) -> Result<(), Error>) -> Result<(), String> {
    hook(&Request { host: Host }, &mut Response { host: Host }).map_err(|error| error.to_string())
}

fn local(reply: Reply) -> LocalResponse {
    LocalResponse { status: reply.status, headers: reply.headers, body: reply.body }
}
