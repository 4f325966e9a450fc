//! A fill's body, on its way into the store.
//!
//! Owns: how long it may take, and what its readers may cost. Refuses: what becomes of a response's head.

use std::pin::pin;
use std::time::Duration;

use http_body::Body;
use http_body_util::BodyExt;
use seawall_base::{Blame, Cause, Fault};
use seawall_cache::Filling;
use seawall_origin::OriginBody;

/// How long a fill may take from its start to the last byte. An origin that drips a byte now and then never trips the
/// between-bytes limit; this ends it.
const FILL_LIMIT: Duration = Duration::from_secs(3600);

/// How long one reader of a body that is not stored may hold up the others. Longer than a phone's dead spot.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Waits until there is room, at the cost of the slowest reader if need be. `false`: nobody reads any more.
async fn wait_for_room(filling: &Filling) -> bool {
    loop {
        match tokio::time::timeout(STALL_LIMIT, filling.room()).await {
            Ok(wanted) => return wanted,
            Err(_) => filling.evict_slowest(),
        }
    }
}

/// Pours a body into the store, and to all who read it meanwhile.
pub(crate) async fn pour(mut filling: Filling, body: OriginBody) {
    let mut body = pin!(body);
    let poured = tokio::time::timeout(FILL_LIMIT, async {
        // A body that says it has ended is not asked again: the entry is there as soon as its last byte is.
        while !body.is_end_stream() {
            let Some(frame) = body.frame().await else { break };
            match frame?.into_data() {
                Ok(data) => filling.push(&data),
                Err(frame) => return Ok(frame.into_trailers().ok()),
            }
            if !wait_for_room(&filling).await {
                return Err(Fault::new(
                    Cause::FillDropped,
                    Blame::Client,
                    "nobody reads it, and nobody else is served by it",
                ));
            }
        }
        Ok(None)
    });
    match poured.await {
        Ok(Ok(trailers)) => drop(filling.finish(trailers)),
        Ok(Err(fault)) => filling.abort(fault),
        Err(_) => {
            let detail = format!("the body took longer than {} s", FILL_LIMIT.as_secs());
            filling.abort(Fault::new(Cause::BodyTimeout, Blame::Origin, detail));
        }
    }
}
