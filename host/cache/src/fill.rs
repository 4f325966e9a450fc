//! One fetch that may end in a stored response, as everyone who waits for it sees it.
//!
//! ```text
//! Waiting ──→ Streaming ──→ ended (whole | broken)
//!    │  └───→ Settled   (a stored response was refreshed)
//!    └──────→ Released  (declined, failed, dropped)
//! ```
//!
//! Readers never take from the fill, they read at their own place, each as fast as it can. A body that will be stored
//! is kept whole, so nobody waits for anybody. A body that turned out too large is kept only as far as its slowest
//! reader needs, and the fetch pauses when that is [`WINDOW_BYTES`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use seawall_base::{Fault, Position};
use seawall_policy::range::ByteRange;
use seawall_policy::{Normalise, Selecting, Vary};

use crate::body::BodyWriter;
use crate::config::WINDOW_BYTES;
use crate::entry::{Draft, Entry};

mod follower;

pub(crate) use follower::Seat;
pub use follower::{FillBody, Followed, Follower, Release};

/// A fill in flight.
#[derive(Debug)]
pub struct Fill {
    /// `host/path?query`.
    pub(crate) url: Arc<str>,
    /// Where the log stood, on this node, when the fill started.
    pub(crate) start: Position,
    /// Which fill of this node it is: a later one asked later, whenever it was answered.
    pub(crate) number: u64,
    pub(crate) plan: Plan,
    /// An unsafe request succeeded on this URL: what is on its way is from before it.
    invalidated: AtomicBool,
    state: Mutex<State>,
}

/// What is known of a fill before its response is.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What the leader's request selects, where an older response of this URL told which fields matter.
    pub(crate) expected: Option<Expected>,
    /// The part that is asked for, where it is not the whole.
    pub(crate) range: Option<ByteRange>,
    /// What is stored that the response may keep alive: a purge that names its tags names the response as well.
    pub(crate) prior: Prior,
    /// Whether others may join.
    pub(crate) shared: bool,
}

/// What is stored that a fill may be about.
#[derive(Debug, Default)]
pub(crate) struct Prior {
    /// A response to refresh.
    pub(crate) whole: Option<Arc<Entry>>,
    /// A part to join with what comes.
    pub(crate) part: Option<Arc<Entry>>,
}

impl Prior {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.whole.iter().chain(&self.part)
    }
}

/// What an older response of the URL lets a fill expect: the same `Vary`.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) vary: Vary,
    pub(crate) selecting: Selecting,
}

impl Expected {
    pub(crate) fn is_selected_by(&self, request: &HeaderMap, normalise: Normalise) -> bool {
        self.vary.selects(&self.selecting, request, normalise)
    }
}

#[derive(Debug)]
struct State {
    phase: Phase,
    pieces: VecDeque<Bytes>,
    /// Number of the first piece that is still kept.
    first: usize,
    kept_bytes: usize,
    received_bytes: u64,
    end: Option<Result<Option<HeaderMap>, Fault>>,
    /// The body will not be stored: keep only what readers need.
    windowed: bool,
    readers: Vec<Option<Reader>>,
    writer: Option<Waker>,
}

#[derive(Clone, Debug)]
enum Phase {
    Waiting,
    Streaming(Arc<Draft>),
    Settled(Arc<Entry>, Basis),
    Released(Release),
}

#[derive(Debug, Default)]
struct Reader {
    at: usize,
    waker: Option<Waker>,
}

/// Why a stored response answers those who wait for a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The origin said that it is good.
    Validated,
    /// The origin failed, and it may stand in for this reason.
    StandIn(&'static str),
}

/// What a fill has to show once it has a head.
#[derive(Clone, Debug)]
pub enum FillHead {
    /// The body is on its way.
    Streaming(Arc<Draft>),
    /// All of it is there: a stored response.
    Settled(Arc<Entry>, Basis),
}

impl Fill {
    pub(crate) fn new(url: Arc<str>, start: Position, number: u64, plan: Plan) -> Arc<Self> {
        Arc::new(Self {
            url,
            start,
            number,
            plan,
            invalidated: AtomicBool::new(false),
            state: Mutex::new(State {
                phase: Phase::Waiting,
                pieces: VecDeque::new(),
                first: 0,
                kept_bytes: 0,
                received_bytes: 0,
                end: None,
                windowed: false,
                readers: Vec::new(),
                writer: None,
            }),
        })
    }

    /// A place among the readers, at the body's start; `None` where the start is gone already.
    pub(crate) fn join(self: &Arc<Self>) -> Option<Seat> {
        let mut state = self.state.lock();
        if state.first > 0 || state.windowed || matches!(state.phase, Phase::Released(_)) {
            return None;
        }
        let free = state.readers.iter().position(Option::is_none);
        let number = free.unwrap_or_else(|| {
            state.readers.push(None);
            state.readers.len() - 1
        });
        state.readers[number] = Some(Reader::default());
        drop(state);
        Some(Seat { fill: Arc::clone(self), number })
    }

    /// From now on nobody joins, and nothing is stored.
    pub(crate) fn invalidate(&self) {
        self.invalidated.store(true, Ordering::Release);
    }

    pub(crate) fn is_invalidated(&self) -> bool {
        self.invalidated.load(Ordering::Acquire)
    }

    /// The head, where it is known.
    pub(crate) fn head(&self) -> Option<FillHead> {
        match &self.state.lock().phase {
            Phase::Streaming(draft) => Some(FillHead::Streaming(Arc::clone(draft))),
            Phase::Settled(entry, basis) => Some(FillHead::Settled(Arc::clone(entry), *basis)),
            Phase::Waiting | Phase::Released(_) => None,
        }
    }

    /// What it proved to vary on, where that is known.
    pub(crate) fn vary(&self) -> Option<Vary> {
        match &self.state.lock().phase {
            Phase::Streaming(draft) => Some(draft.terms.vary().clone()),
            Phase::Settled(entry, _) => Some(entry.head.terms.vary().clone()),
            Phase::Waiting | Phase::Released(_) => None,
        }
    }

    pub(crate) fn publish(&self, draft: Arc<Draft>) {
        self.turn(Phase::Streaming(draft));
    }

    pub(crate) fn settle(&self, entry: Arc<Entry>, basis: Basis) {
        self.turn(Phase::Settled(entry, basis));
    }

    pub(crate) fn release(&self, release: Release) {
        self.turn(Phase::Released(release));
    }

    fn turn(&self, phase: Phase) {
        let mut state = self.state.lock();
        state.phase = phase;
        state.wake_readers();
    }

    /// Adds to the body, and answers how many pieces of it are kept.
    pub(crate) fn push(&self, writer: &mut BodyWriter, data: &[u8]) -> usize {
        let mut state = self.state.lock();
        state.received_bytes += data.len() as u64;
        state.kept_bytes += data.len();
        writer.copy(data, |piece| state.pieces.push_back(piece));
        state.trim();
        state.wake_readers();
        state.pieces.len()
    }

    /// Begins the body with what is stored of it already.
    pub(crate) fn begin_with(&self, pieces: &[Bytes]) {
        let mut state = self.state.lock();
        for piece in pieces {
            state.received_bytes += piece.len() as u64;
            state.kept_bytes += piece.len();
            state.pieces.push_back(piece.clone());
        }
        state.wake_readers();
    }

    /// Ends the body.
    pub(crate) fn end(&self, end: Result<Option<HeaderMap>, Fault>) {
        let mut state = self.state.lock();
        if state.end.is_none() {
            state.end = Some(end);
        }
        state.wake_readers();
    }

    /// From now on keeps only what readers need.
    pub(crate) fn keep_window(&self) {
        let mut state = self.state.lock();
        state.windowed = true;
        state.trim();
    }

    /// Takes the places of those who have read least, so that the others can go on.
    pub(crate) fn evict_slowest(&self) {
        let mut state = self.state.lock();
        let first = state.first;
        for seat in &mut state.readers {
            if let Some(reader) = seat.take_if(|reader| reader.at == first)
                && let Some(waker) = reader.waker
            {
                waker.wake();
            }
        }
        state.trim();
    }

    pub(crate) fn received_bytes(&self) -> u64 {
        self.state.lock().received_bytes
    }

    /// All pieces; the body's own when nothing was dropped.
    pub(crate) fn whole(&self) -> Option<Vec<Bytes>> {
        let state = self.state.lock();
        (state.first == 0 && !state.windowed).then(|| state.pieces.iter().cloned().collect())
    }

    /// Ready when there is room for more; `false` when a windowed body has lost its last reader.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<bool> {
        let mut state = self.state.lock();
        if !state.windowed {
            let is_part = matches!(&state.phase, Phase::Streaming(draft) if draft.part.is_some());
            // The whole is worth having for whoever asks next. A part is for those who asked for it.
            return Poll::Ready(!is_part || state.readers.iter().any(Option::is_some));
        }
        if state.readers.iter().all(Option::is_none) {
            return Poll::Ready(false);
        }
        if state.kept_bytes < WINDOW_BYTES {
            return Poll::Ready(true);
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl State {
    fn wake_readers(&mut self) {
        for reader in self.readers.iter_mut().flatten() {
            if let Some(waker) = reader.waker.take() {
                waker.wake();
            }
        }
    }

    /// Drops what every reader of a windowed body has passed.
    fn trim(&mut self) {
        if !self.windowed {
            return;
        }
        let next = self.first + self.pieces.len();
        let slowest = self.readers.iter().flatten().map(|reader| reader.at).min().unwrap_or(next);
        while self.first < slowest {
            let Some(piece) = self.pieces.pop_front() else {
                break;
            };
            self.first += 1;
            self.kept_bytes -= piece.len();
        }
        let deserted = self.readers.iter().all(Option::is_none);
        if (self.kept_bytes < WINDOW_BYTES || deserted)
            && let Some(writer) = self.writer.take()
        {
            writer.wake();
        }
    }
}

#[cfg(test)]
mod tests;
