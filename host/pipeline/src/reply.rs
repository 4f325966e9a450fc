//! The body of a response to a client, wherever it comes from.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use seawall_base::{Blame, Cause, Fault};
use seawall_cache::{FillBody, StoredBody};
use seawall_origin::OriginBody;

use crate::record::Pending;

/// A response's body.
#[derive(Debug, Default)]
pub struct Reply {
    from: Source,
    /// Bytes to leave out at the start.
    skip: u64,
    /// Bytes still to send, where a range or a length says so.
    left: Option<u64>,
    /// A line of the access log that waits for the body's end, where there is one.
    noted: Option<Box<Pending>>,
}

#[derive(Debug, Default)]
enum Source {
    #[default]
    Nothing,
    Piece(Bytes),
    Pieces(Arc<[Bytes]>, usize),
    Fill(FillBody),
    Origin(OriginBody),
}

impl Reply {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A stored body.
    #[must_use]
    pub fn stored(body: &StoredBody) -> Self {
        let from = match body.pieces().as_ref() {
            [] => Source::Nothing,
            [piece] => Source::Piece(piece.clone()),
            _ => Source::Pieces(Arc::clone(body.pieces()), 0),
        };
        Self { from, skip: 0, left: Some(body.len()), noted: None }
    }

    /// The body of a fill, read while it is written.
    #[must_use]
    pub fn fill(body: FillBody) -> Self {
        let left = body.size_hint().exact();
        Self { from: Source::Fill(body), skip: 0, left, noted: None }
    }

    /// A body in one piece.
    #[must_use]
    pub fn whole(piece: Bytes) -> Self {
        Self::stored(&StoredBody::from(piece))
    }

    /// Pieces in order.
    #[must_use]
    pub fn pieces(pieces: Vec<Bytes>) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { from: Source::Pieces(Arc::from(pieces), 0), skip: 0, left: Some(left), noted: None }
    }

    /// Bytes still to send, where that is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.left
    }

    /// A body that goes straight through.
    #[must_use]
    pub fn origin(body: OriginBody) -> Self {
        Self { from: Source::Origin(body), skip: 0, left: None, noted: None }
    }

    /// Only the bytes `first..=last`.
    #[must_use]
    pub fn range(self, first: u64, last: u64) -> Self {
        Self { skip: first, left: Some(last.saturating_sub(first) + 1), ..self }
    }

    /// A line that is written once the body has ended.
    pub(crate) fn note_end(&mut self, pending: Option<Pending>) {
        let Some(mut pending) = pending else { return };
        pending.begin(self.size_hint().exact(), self.is_end_stream());
        self.noted = Some(Box::new(pending));
    }

    fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        loop {
            if self.left == Some(0) {
                return Poll::Ready(None);
            }
            let Some(frame) = ready!(self.poll_piece(cx)) else {
                return Poll::Ready(self.left.filter(|left| *left > 0).map(|left| Err(short(left))));
            };
            match frame?.into_data() {
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                Ok(data) => {
                    if let Some(data) = self.cut(data) {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
            }
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match &mut self.from {
            Source::Nothing => Poll::Ready(None),
            Source::Piece(piece) => {
                let piece = std::mem::take(piece);
                self.from = Source::Nothing;
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Source::Pieces(pieces, next) => {
                let piece = pieces.get(*next).cloned();
                *next += 1;
                Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
            }
            Source::Fill(body) => Pin::new(body).poll_frame(cx),
            Source::Origin(body) => Pin::new(body).poll_frame(cx),
        }
    }

    /// Cuts a piece to what the range wants of it; `None` where it wants nothing.
    fn cut(&mut self, mut data: Bytes) -> Option<Bytes> {
        if self.skip > 0 {
            let skip = usize::try_from(self.skip).unwrap_or(usize::MAX).min(data.len());
            self.skip -= skip as u64;
            data = data.slice(skip..);
        }
        if let Some(left) = &mut self.left {
            let keep = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
            *left -= keep as u64;
            data.truncate(keep);
        }
        (!data.is_empty()).then_some(data)
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let frame = ready!(self.poll_whole(cx));
        if self.noted.is_some() {
            let ends = self.is_end_stream();
            if let Some(noted) = &mut self.noted {
                match &frame {
                    Some(Ok(frame)) => noted.sent(frame.data_ref().map_or(0, Bytes::len)),
                    Some(Err(_)) => {}
                    None => noted.ended(),
                }
                if ends && !matches!(frame, Some(Err(_))) {
                    noted.ended();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            Source::Nothing => true,
            Source::Origin(body) => body.is_end_stream(),
            Source::Piece(_) | Source::Pieces(..) | Source::Fill(_) => self.left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.from, self.left) {
            (Source::Nothing, _) => SizeHint::with_exact(0),
            (_, Some(left)) => SizeHint::with_exact(left),
            (Source::Origin(body), None) => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

fn short(left: u64) -> Fault {
    Fault::new(Cause::ResponseIncomplete, Blame::Origin, format!("the body ended {left} bytes early"))
}
