//! The world of `wit/`, as wit-bindgen generates it. Not for authors: [`filter!`](crate::filter) uses it.

use crate::host::Host;
use crate::{Error, Request, Response, Verdict};

pub mod imports {
    wit_bindgen::generate!({ path: "../../wit", world: "filter-imports", generate_all });
}

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
            "seawall:edge/vars@0.1.0": super::imports::seawall::edge::vars,
            "seawall:edge/config@0.1.0": super::imports::seawall::edge::config,
            "seawall:edge/log@0.1.0": super::imports::seawall::edge::log,
            "seawall:edge/on-request@0.1.0": generate,
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
) -> Result<Option<imports::seawall::edge::types::LocalResponse>, String> {
    match hook(&mut Request { host: Host }) {
        Ok(Verdict::Next) => Ok(None),
        Ok(Verdict::Respond(reply)) => Ok(Some(imports::seawall::edge::types::LocalResponse {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
        })),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs an author's `on_response`.
pub fn run_on_response(hook: fn(&Request, &mut Response) -> Result<(), Error>) -> Result<(), String> {
    hook(&Request { host: Host }, &mut Response { host: Host }).map_err(|error| error.to_string())
}
