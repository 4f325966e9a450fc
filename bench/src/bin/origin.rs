//! Question: did the cache under load answer by itself? The origin behind it counts every request it gets.
//!
//! `/1k/N`, `/64k/N` and `/4m/N` are objects of that size, fresh for an hour; `/count` is the number of requests for
//! objects so far, and is never stored.

use std::cell::Cell;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use seawall_bench::content::body_of;
use seawall_bench::serve::{address_argument, serve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let asked = Cell::new(0_u64);
    serve(address_argument()?, move |request| {
        let path = request.uri().path();
        if path == "/count" {
            return respond(Bytes::from(asked.get().to_string()), "no-store");
        }
        asked.set(asked.get() + 1);
        match body_of(path) {
            Some(body) => respond(body, "max-age=3600"),
            None => {
                let mut response = respond(Bytes::new(), "no-store");
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
        }
    })?;
    Ok(())
}

fn respond(body: Bytes, cache_control: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    fields.insert(ETAG, HeaderValue::from_static("\"1\""));
    response
}
