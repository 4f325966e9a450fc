//! Bodies to and from an origin, streamed both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use seawall_base::{Blame, Cause, Fault};
use tokio::time::Sleep;

use crate::failure;

/// A request's body on its way to an origin.
#[derive(Debug, Default)]
pub struct Outgoing {
    from: Option<Incoming>,
    /// Frames handed on so far: while this moves, the origin is not late.
    pub(crate) progress: Arc<AtomicU64>,
}

impl Outgoing {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A client's body, handed on as it comes.
    #[must_use]
    pub fn from_client(body: Incoming) -> Self {
        Self { from: (!body.is_end_stream()).then_some(body), progress: Arc::default() }
    }

    /// Whether there is nothing to send; such a request can be sent again.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from.is_none()
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.from else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        self.progress.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.from.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.from.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A response's body as it comes from an origin. Breaks off with a fault when nothing comes for too long.
#[derive(Debug)]
pub struct OriginBody {
    from: Incoming,
    between_bytes: Duration,
    patience: Option<Pin<Box<Sleep>>>,
    blame: Blame,
}

impl OriginBody {
    pub(crate) fn new(from: Incoming, between_bytes: Duration, blame: Blame) -> Self {
        Self { from, between_bytes, patience: None, blame }
    }
}

impl Body for OriginBody {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.from).poll_frame(cx) {
            this.patience = None;
            return Poll::Ready(
                frame.map(|frame| frame.map_err(|error| failure::of_body(&error, this.blame))),
            );
        }
        let between = this.between_bytes;
        let patience = this.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(between)));
        ready!(patience.as_mut().poll(cx));
        let detail = format!("no byte of the body came for {} ms", between.as_millis());
        Poll::Ready(Some(Err(Fault::new(Cause::BodyTimeout, this.blame, detail))))
    }

    fn is_end_stream(&self) -> bool {
        self.from.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.from.size_hint()
    }
}
