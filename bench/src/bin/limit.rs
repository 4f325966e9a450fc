//! Question: how many cache hits a second can one core serve if a cache did nothing but look up and answer?
//!
//! hyper 1 on one current-thread runtime, moka keyed by path, and no logic: no policy, no `Vary`, no `Age`, no
//! functions, no log. The node is built of the same parts, so this is the limit that it is measured against.
//! An object is made the first time it is asked for; from then on every request is a hit.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use moka::sync::Cache;
use seawall_bench::content::body_of;
use seawall_bench::serve::{address_argument, serve};

/// More than any load here asks for, so nothing is evicted while it is measured.
const OBJECTS: u64 = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache: Cache<String, Bytes> = Cache::new(OBJECTS);
    serve(address_argument()?, move |request| {
        let path = request.uri().path();
        let body = cache.get(path).or_else(|| {
            let made = body_of(path)?;
            cache.insert(path.to_owned(), made.clone());
            Some(made)
        });
        let mut response = Response::new(Full::new(body.clone().unwrap_or_default()));
        if body.is_none() {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
        response
    })?;
    Ok(())
}
