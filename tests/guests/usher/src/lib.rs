//! A handler that does what the path says: `/say/TEXT` answers with it, `/echo` with the request's body, `/stream/N` with
//! N pieces. `/panic`, `/loop`, `/memory`, `/nothing` and `/refuse` fail before there is an answer; `/panic-later`,
//! `/loop-later`, `/leave` and `/big` after it has begun; `/fields`, `/status` and `/exit` cannot be sent. `/out/HOST` asks another
//! server and `/out-often/HOST` does it 40 times, `/log` writes to the log.

#[cfg(target_family = "wasm")]
mod guest;
