//! Bodies to and from an origin, streamed both ways.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use parking_lot::Mutex;
use seawall_base::{Blame, Cause, Fault};
use tokio::time::Sleep;

use crate::failure::{self, UploadError};
use crate::seat::Seat;
use crate::tunnel::OriginEnd;

mod bound;
mod lender;

use bound::Bound;
pub(crate) use lender::Lender;

/// A request's body on its way to an origin.
#[derive(Debug, Default)]
pub struct Outgoing {
    upload: Option<Arc<Upload>>,
    /// How long the client may leave between two pieces.
    limit: Duration,
    patience: Option<Pin<Box<Sleep>>>,
    /// Most bytes of it that may come, and how many may still.
    bound: Bound,
    /// Where the body goes back to if nobody has asked for any of it.
    lender: Option<Lender>,
}

/// A client's body, and how far it has come.
#[derive(Debug)]
pub(crate) struct Upload {
    /// Gone where it was given up.
    from: Mutex<Option<Source>>,
    /// Frames handed on so far.
    frames: AtomicU64,
    /// The next one has been asked for, and the client has not sent it.
    awaited: AtomicBool,
    /// Who asked.
    asker: Mutex<Option<Waker>>,
}

/// Where a request's body comes from.
#[derive(Debug)]
enum Source {
    Client(Incoming),
    /// It is there already.
    Here(Full<Bytes>),
}

impl Body for Source {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Client(body) => Pin::new(body).poll_frame(cx),
            Self::Here(body) => {
                let Ok(frame) = ready!(Pin::new(body).poll_frame(cx)).transpose();
                Poll::Ready(frame.map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(body) => body.is_end_stream(),
            Self::Here(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(body) => body.size_hint(),
            Self::Here(body) => body.size_hint(),
        }
    }
}

impl Upload {
    /// Whether the time since this was asked last is the client's, and the origin is not late.
    pub(crate) fn is_the_clients(&self, seen: &mut u64) -> bool {
        let frames = self.frames.load(Ordering::Relaxed);
        let before = std::mem::replace(seen, frames);
        before != frames || self.awaited.load(Ordering::Relaxed)
    }

    /// Takes no more of it, so that its client's connection can end: an origin that takes nothing holds its own for as
    /// long as it likes.
    pub(crate) fn give_up(&self) {
        drop(self.from.lock().take());
    }
}

/// Woken when the client has sent something. That it has must be known at once: an origin that takes no more of a body
/// never has it asked for again.
impl Wake for Upload {
    fn wake(self: Arc<Self>) {
        self.awaited.store(false, Ordering::Relaxed);
        if let Some(asker) = self.asker.lock().take() {
            asker.wake();
        }
    }
}

impl Outgoing {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A client's body, handed on as it comes. It breaks off where the client sends nothing for `limit`.
    #[must_use]
    pub fn from_client(body: Incoming, limit: Duration) -> Self {
        Self::of(Source::Client(body), limit)
    }

    /// A body that is there already.
    #[must_use]
    pub fn whole(body: Bytes) -> Self {
        Self::of(Source::Here(Full::new(body)), Duration::MAX)
    }

    fn of(body: Source, limit: Duration) -> Self {
        let upload = (!body.is_end_stream()).then(|| {
            Arc::new(Upload {
                from: Mutex::new(Some(body)),
                frames: AtomicU64::new(0),
                awaited: AtomicBool::new(false),
                asker: Mutex::new(None),
            })
        });
        Self { upload, limit, patience: None, bound: Bound::default(), lender: None }
    }

    /// The same body, of which at most so many bytes may come: it breaks off before the first one beyond them is handed on.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.bound = Bound::of(bytes);
        self
    }

    /// Whether it says that it is larger than that.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.size_hint().lower() > self.bound.left
    }

    /// Whether there is nothing to send; such a request can be sent again.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.upload.is_none()
    }

    /// Lends the body for one try.
    pub(crate) fn lend(&mut self) -> Lender {
        let lender = Lender::default();
        self.lend_by(&lender);
        lender
    }

    /// Lends it once more.
    pub(crate) fn lend_by(&mut self, lender: &Lender) {
        self.lender = Some(lender.clone());
    }

    /// The client's body, where there is one.
    pub(crate) fn upload(&self) -> Option<Arc<Upload>> {
        self.upload.clone()
    }
}

impl Drop for Outgoing {
    /// The body holds the waker, and the waker what holds the body: one of them must let go. Nobody has asked for a body
    /// that is still lent, so it has no waker.
    fn drop(&mut self) {
        if let Some(lender) = self.lender.take() {
            *lender.0.lock() = Some(std::mem::take(self));
        } else if let Some(upload) = &self.upload {
            upload.give_up();
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = &mut *self;
        let Some(upload) = &this.upload else {
            return Poll::Ready(None);
        };
        // Who asks for the body has sent the head, or is about to.
        this.lender = None;
        *upload.asker.lock() = Some(cx.waker().clone());
        upload.awaited.store(true, Ordering::Relaxed);
        let sent = Waker::from(Arc::clone(upload));
        let polled = match &mut *upload.from.lock() {
            Some(body) => Pin::new(body).poll_frame(&mut Context::from_waker(&sent)),
            None => return Poll::Ready(Some(Err(UploadError::GivenUp))),
        };
        if let Poll::Ready(frame) = polled {
            this.patience = None;
            upload.awaited.store(false, Ordering::Relaxed);
            upload.frames.fetch_add(1, Ordering::Relaxed);
            let frame = frame.map(|frame| frame.map_err(UploadError::Broken));
            let frame = frame.map(|frame| frame.and_then(|frame| this.bound.count(frame)));
            if let Some(Err(UploadError::TooLarge(_))) = &frame {
                upload.give_up();
            }
            return Poll::Ready(frame);
        }
        let limit = this.limit;
        let patience = this.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(Some(Err(UploadError::Stalled(limit))))
    }

    fn is_end_stream(&self) -> bool {
        // One that was given up has not ended.
        let of = |upload: &Arc<Upload>| upload.from.lock().as_ref().is_some_and(Body::is_end_stream);
        self.upload.as_ref().is_none_or(of)
    }

    fn size_hint(&self) -> SizeHint {
        let of = |upload: &Arc<Upload>| upload.from.lock().as_ref().map(Body::size_hint).unwrap_or_default();
        self.upload.as_ref().map_or_else(|| SizeHint::with_exact(0), of)
    }
}

/// A response's body as it comes from an origin. Breaks off with a fault when nothing comes for too long.
#[derive(Debug)]
pub struct OriginBody {
    from: From,
    between_bytes: Duration,
    patience: Option<Pin<Box<Sleep>>>,
    blame: Blame,
    /// The place that it takes at its server, until it has ended.
    seat: Option<Seat>,
    /// There is no body, and what comes next is not HTTP.
    tunnel: Option<OriginEnd>,
}

#[derive(Debug)]
enum From {
    Origin(Incoming),
    /// Not from an origin at all, but in its place.
    Here(Full<Bytes>),
    /// The same, as it comes.
    Streamed(BoxBody<Bytes, Fault>),
}

impl OriginBody {
    pub(crate) fn new(from: Incoming, between_bytes: Duration, blame: Blame) -> Self {
        Self { from: From::Origin(from), between_bytes, patience: None, blame, seat: None, tunnel: None }
    }

    /// A body that is there already: the answer of one who stands in for an origin.
    #[must_use]
    pub fn whole(body: Bytes) -> Self {
        let from = From::Here(Full::new(body));
        Self {
            from,
            between_bytes: Duration::ZERO,
            patience: None,
            blame: Blame::Node,
            seat: None,
            tunnel: None,
        }
    }

    /// The same, of a response that may leave HTTP.
    pub(crate) fn leaving(self, tunnel: Option<OriginEnd>) -> Self {
        Self { tunnel, ..self }
    }

    /// The origin's end, where its connection has left HTTP.
    pub fn take_tunnel(&mut self) -> Option<OriginEnd> {
        self.tunnel.take()
    }

    /// A body that is being made: the answer of one who stands in for an origin, and who has limits of its own.
    #[must_use]
    pub fn streamed(body: impl Body<Data = Bytes, Error = Fault> + Send + Sync + 'static) -> Self {
        let from = From::Streamed(body.boxed());
        Self {
            from,
            between_bytes: Duration::ZERO,
            patience: None,
            blame: Blame::Node,
            seat: None,
            tunnel: None,
        }
    }

    /// The same, and its end is the seat's.
    pub(crate) fn seated(mut self, seat: Seat) -> Self {
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.seat = Some(seat);
            return self;
        }
        self.seat = Some(seat);
        self.leave_at_the_end();
        self
    }

    /// Some never ask for the end of a body that has said how long it is.
    fn leave_at_the_end(&mut self) {
        if self.is_end_stream()
            && let Some(seat) = self.seat.take()
        {
            seat.whole();
        }
    }

    fn broken(&mut self, fault: Fault) -> Fault {
        if let Some(seat) = self.seat.take() {
            seat.failed();
        }
        fault
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
        let from = match &mut this.from {
            From::Origin(from) => from,
            From::Here(body) => {
                let Ok(frame) = ready!(Pin::new(body).poll_frame(cx)).transpose();
                return Poll::Ready(frame.map(Ok));
            }
            From::Streamed(body) => return Pin::new(body).poll_frame(cx),
        };
        if let Poll::Ready(frame) = Pin::new(from).poll_frame(cx) {
            this.patience = None;
            return Poll::Ready(match frame {
                Some(Ok(frame)) => {
                    this.leave_at_the_end();
                    Some(Ok(frame))
                }
                Some(Err(error)) => Some(Err(this.broken(failure::of_body(&error, this.blame)))),
                None => {
                    this.leave_at_the_end();
                    None
                }
            });
        }
        let between = this.between_bytes;
        let patience = this.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(between)));
        ready!(patience.as_mut().poll(cx));
        let detail = format!("no byte of the body came for {} ms", between.as_millis());
        Poll::Ready(Some(Err(this.broken(Fault::new(Cause::BodyTimeout, this.blame, detail)))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            From::Origin(from) => from.is_end_stream(),
            From::Here(body) => body.is_end_stream(),
            From::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.from {
            From::Origin(from) => from.size_hint(),
            From::Here(body) => body.size_hint(),
            From::Streamed(body) => body.size_hint(),
        }
    }
}
