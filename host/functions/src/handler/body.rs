//! The body of a handler's answer, read while the guest writes it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use super::run::End;
use crate::error::{FunctionError, FunctionErrorKind};
use crate::function::Hook;

/// A handler's body. It ends well only where the guest has finished it.
#[derive(Debug)]
pub struct HandlerBody {
    // Never locked: it makes what is only `Send` shareable.
    from: Mutex<HyperOutgoingBody>,
    /// Gone at the end.
    unread: Option<Unread>,
    end: Arc<End>,
    function: Arc<str>,
    /// Bytes that it may still have.
    left: u64,
}

/// A guest whose answer nobody has read to its end. Dropping it ends the guest.
#[derive(Debug)]
pub(super) struct Unread(Option<JoinHandle<()>>);

impl Unread {
    pub(super) fn new(guest: JoinHandle<()>) -> Self {
        Self(Some(guest))
    }

    /// Its answer is read: what it does from now on is its own business, within its limits.
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(guest) = &self.0 {
            guest.abort();
        }
    }
}

impl HandlerBody {
    pub(super) fn new(
        from: HyperOutgoingBody,
        unread: Unread,
        end: Arc<End>,
        function: Arc<str>,
        left: u64,
    ) -> Self {
        Self { from: Mutex::new(from), unread: Some(unread), end, function, left }
    }

    /// Ends the guest with the reason, unless it has failed by itself.
    fn broken(&mut self, why: &str) -> FunctionError {
        let error = FunctionError::new(&self.function, Hook::Handle, FunctionErrorKind::BadResponse, why);
        let error = self.end.fail(error);
        self.unread = None;
        error
    }
}

impl Body for HandlerBody {
    type Data = Bytes;
    type Error = FunctionError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FunctionError>>> {
        let this = &mut *self;
        if this.unread.is_none() {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(this.from.get_mut()).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                match this.left.checked_sub(bytes) {
                    Some(left) => {
                        this.left = left;
                        Some(Ok(frame))
                    }
                    None => Some(Err(this.broken("its body is larger than a handler's may be"))),
                }
            }
            Some(Err(_)) => Some(Err(this.broken("it left its body unfinished"))),
            // The body of a guest that is gone ends like one that is whole: only the guest's end tells them apart.
            None => match this.end.failure() {
                Some(error) => {
                    this.unread = None;
                    Some(Err(error))
                }
                None => {
                    if let Some(unread) = this.unread.take() {
                        unread.let_go();
                    }
                    None
                }
            },
        })
    }

    fn is_end_stream(&self) -> bool {
        self.unread.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
