//! Interim responses (RFC 9110 §15.2) on their way from an origin to a client, as they come and never stored.
//!
//! hyper's server sends final responses only, so they go around it: a [`Line`] for each HTTP/1.1 connection, which
//! `Turn`s of its requests write to and the node's end of the connection empties. Order is what this file is about:
//!
//! - A connection serves one request at a time, so the line has one turn at a time, and what is said after its turn
//!   goes nowhere.
//! - The connection empties the line only where hyper has nothing more to write: earlier responses are out.
//! - The request's own final response waits until the line is empty (`before`).
//!
//! A hit has no turn. Whoever follows another's fill has none either: what it could still be told early comes with the
//! final response a moment later.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use seawall_cluster::peer;
use seawall_origin::OnInterim;
use seawall_policy::fields;

/// Most interim responses that are forwarded for one turn. Origins send one or two; the rest of a flood is dropped, and
/// the origin's first-byte limit, which they do not touch, ends it.
pub const INTERIM_MAX: u32 = 16;

/// Most bytes of interim responses for one turn: one full head at the size that servers commonly take.
pub const INTERIM_MAX_BYTES: usize = 16 << 10;

/// How long a final response waits for the connection to take the interim ones before it. They wait for earlier responses
/// that this client has not read yet, and so would the final one.
pub const INTERIM_WAIT_LIMIT: Duration = Duration::from_secs(1);

/// The way of interim responses to one HTTP/1.1 connection.
#[derive(Debug, Default)]
pub struct Line {
    /// Something waits. Read for every flush of the connection, where a lock would be too much.
    waiting: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Which turn it is, counted from 1.
    turn: u64,
    /// It has not ended.
    is_open: bool,
    count: u32,
    bytes: usize,
    heads: Vec<u8>,
    /// The task of the connection.
    waker: Option<Waker>,
}

impl Line {
    /// What waits to be sent, for the connection to send before anything else. Call it only where everything before it
    /// has been handed to the connection.
    pub fn take(&self) -> Option<Vec<u8>> {
        if !self.waiting.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.state.lock();
        self.waiting.store(false, Ordering::Release);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        Some(std::mem::take(&mut state.heads)).filter(|heads| !heads.is_empty())
    }

    fn say(&self, turn: u64, status: StatusCode, headers: &HeaderMap) {
        let mut state = self.state.lock();
        if !state.is_open || state.turn != turn || state.count >= INTERIM_MAX {
            return;
        }
        let before = state.heads.len();
        write(&mut state.heads, status, headers);
        let bytes = state.bytes + state.heads.len() - before;
        if bytes > INTERIM_MAX_BYTES {
            state.heads.truncate(before);
            return;
        }
        state.bytes = bytes;
        state.count += 1;
        self.waiting.store(true, Ordering::Release);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Whom to wake when something is to be sent, and when it has been taken.
    fn watch(&self, cx: &Context<'_>) {
        let mut state = self.state.lock();
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

/// One request's right to be told.
#[derive(Debug)]
pub(crate) struct Turn {
    line: Arc<Line>,
    number: u64,
}

impl Turn {
    pub(crate) fn begin(line: &Arc<Line>) -> Self {
        let mut state = line.state.lock();
        let number = state.turn + 1;
        *state = State { turn: number, is_open: true, ..State::default() };
        line.waiting.store(false, Ordering::Release);
        drop(state);
        Self { line: Arc::clone(line), number }
    }

    /// For the requests that are made for this one.
    pub(crate) fn listener(&self) -> OnInterim {
        let (line, number) = (Arc::clone(&self.line), self.number);
        OnInterim::new(move |status, headers| line.say(number, status, headers))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.line.state.lock();
        if state.turn == self.number {
            *state = State { turn: self.number, ..State::default() };
            self.line.waiting.store(false, Ordering::Release);
        }
    }
}

/// Waits for what ends a turn, and then until what was said in it has been taken.
pub(crate) async fn before<F: Future>(turn: Option<&Turn>, last: F) -> F::Output {
    match turn {
        Some(Turn { line, .. }) => before_within(INTERIM_WAIT_LIMIT, line, last).await,
        None => last.await,
    }
}

async fn before_within<F: Future>(limit: Duration, line: &Line, last: F) -> F::Output {
    let mut last = pin!(last);
    let output = poll_fn(|cx| {
        line.watch(cx);
        last.as_mut().poll(cx)
    })
    .await;
    let taken = poll_fn(|cx| {
        line.watch(cx);
        if line.waiting.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(()) }
    });
    if line.waiting.load(Ordering::Acquire) && tokio::time::timeout(limit, taken).await.is_err() {
        tracing::debug!("an interim response was dropped: its connection did not take it in time");
    }
    output
}

/// Writes a head without what is the connection's or this system's own. Nothing is added to it.
fn write(out: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap) {
    let mut headers = headers.clone();
    fields::strip_hop_by_hop(&mut headers);
    peer::strip(&mut headers);
    // RFC 9110 §8.6: it has none.
    headers.remove(CONTENT_LENGTH);
    let reason = status.canonical_reason().unwrap_or_default();
    for part in ["HTTP/1.1 ", status.as_str(), " ", reason, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, value) in &headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
