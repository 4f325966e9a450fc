//! Those who wait for a fill, and read it: each from its own place, at its own pace.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use seawall_base::{Blame, Cause, Fault, Position};

use super::{Basis, Fill, FillHead, Phase, State};
use crate::entry::{Draft, Entry};

/// Why a follower must ask for itself.
#[derive(Clone, Debug)]
pub enum Release {
    /// The response is not for storing. Each asks alone; a marker keeps them from queueing.
    Uncacheable,
    /// The leader's fetch failed. Followers share its fault, so that a dead origin is asked once.
    Failed(Fault),
    /// The leader was dropped without an answer.
    Dropped,
    /// The response varies on a field in which the follower's request differs.
    OtherVariant,
    /// A purge that was applied before the follower asked matches what the fill brought.
    Sealed,
}

impl Release {
    /// The word for logs and `Cache-Status`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Uncacheable => "uncacheable",
            Self::Failed(_) => "leader-failed",
            Self::Dropped => "leader-dropped",
            Self::OtherVariant => "other-variant",
            Self::Sealed => "sealed",
        }
    }
}

/// What came of following.
#[derive(Debug)]
pub enum Followed {
    /// The response, its body on its way.
    Streaming(Arc<Draft>, FillBody),
    /// The response, whole.
    Settled(Arc<Entry>, Basis),
    /// Ask for yourself.
    Released(Release),
}

/// A place among a fill's readers. Dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(super) fill: Arc<Fill>,
    pub(super) number: usize,
}

impl Seat {
    fn poll_phase(&self, cx: &Context<'_>) -> Poll<Phase> {
        let mut state = self.fill.state.lock();
        if let Phase::Waiting = state.phase {
            state.wait(self.number, cx);
            return Poll::Pending;
        }
        Poll::Ready(state.phase.clone())
    }

    fn poll_piece(&self, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let mut state = self.fill.state.lock();
        let first = state.first;
        let Some(Some(reader)) = state.readers.get_mut(self.number) else {
            return Poll::Ready(Some(Err(too_slow())));
        };
        let at = reader.at;
        if let Some(piece) = state.pieces.get(at - first).cloned() {
            state.move_on(self.number);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match state.end.clone() {
            None => {
                state.wait(self.number, cx);
                Poll::Pending
            }
            Some(Err(fault)) => Poll::Ready(Some(Err(fault))),
            Some(Ok(Some(trailers))) if at == first + state.pieces.len() => {
                state.move_on(self.number);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Some(Ok(_)) => Poll::Ready(None),
        }
    }
}

impl State {
    fn wait(&mut self, number: usize, cx: &Context<'_>) {
        if let Some(Some(reader)) = self.readers.get_mut(number) {
            reader.waker = Some(cx.waker().clone());
        }
    }

    fn move_on(&mut self, number: usize) {
        if let Some(Some(reader)) = self.readers.get_mut(number) {
            reader.at += 1;
        }
        self.trim();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.fill.state.lock();
        if let Some(reader) = state.readers.get_mut(self.number) {
            *reader = None;
        }
        state.trim();
    }
}

/// One who waits for a fill: its leader's own client, or another.
#[derive(Debug)]
pub struct Follower {
    seat: Seat,
    /// Where the log stood when the follower asked.
    pub(crate) joined: Position,
}

impl Follower {
    pub(crate) fn new(seat: Seat, joined: Position) -> Self {
        Self { seat, joined }
    }

    /// Waits for the head. Put a time limit around it: no follower outlives its limit (invariant 3).
    pub async fn head(&self) -> Result<FillHead, Release> {
        match std::future::poll_fn(|cx| self.seat.poll_phase(cx)).await {
            Phase::Streaming(draft) => Ok(FillHead::Streaming(draft)),
            Phase::Settled(entry, basis) => Ok(FillHead::Settled(entry, basis)),
            Phase::Released(release) => Err(release),
            // `poll_phase` is pending while the fill waits.
            Phase::Waiting => Err(Release::Dropped),
        }
    }

    pub(crate) fn fill(&self) -> &Fill {
        &self.seat.fill
    }

    pub(crate) fn into_body(self, length: Option<u64>) -> FillBody {
        FillBody { seat: self.seat, left: length, ended: false }
    }
}

/// The body of a fill, read from its start while it is still being written.
#[derive(Debug)]
pub struct FillBody {
    seat: Seat,
    left: Option<u64>,
    ended: bool,
}

impl Body for FillBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = std::task::ready!(self.seat.poll_piece(cx));
        match &frame {
            None => self.ended = true,
            Some(Err(_)) => self.ended = true,
            Some(Ok(frame)) => match (frame.data_ref(), &mut self.left) {
                (Some(data), Some(left)) => match left.checked_sub(data.len() as u64) {
                    Some(rest) => *left = rest,
                    None => return Poll::Ready(Some(Err(longer_than_said()))),
                },
                (None, _) => self.ended = true,
                (Some(_), None) => {}
            },
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn too_slow() -> Fault {
    Fault::new(Cause::BodyTimeout, Blame::Client, "this reader held up all others, and lost its place")
}

fn longer_than_said() -> Fault {
    Fault::new(Cause::ResponseIncomplete, Blame::Origin, "the body is longer than its Content-Length")
}
