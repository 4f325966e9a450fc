//! Connections that have left HTTP (RFC 9110 §7.8), such as WebSockets: what one side sends, the other gets.
//!
//! Owns joining the two sides, and the limit of their silence. Refuses: knowing what is spoken.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::UPGRADE;
use http::{Extensions, HeaderValue, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::seat::Seat;

/// How long both sides may take to leave HTTP after the head that says so: it is one write.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// How long a side may take to be told that it is over.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Bytes read at once from either side.
const WINDOW_BYTES: usize = 16 << 10;

/// A client's end, should its connection leave HTTP.
#[derive(Clone, Debug)]
pub struct ClientEnd(OnUpgrade);

impl ClientEnd {
    /// That of a request with these extensions, where it asks for it.
    pub fn of(extensions: &mut Extensions) -> Option<Self> {
        extensions.remove().map(Self)
    }
}

/// An origin's end, after its 101.
#[derive(Debug)]
pub struct OriginEnd {
    on: OnUpgrade,
    protocol: Option<HeaderValue>,
    /// The place at the server that it takes for as long as it lasts.
    pub(crate) seat: Option<Seat>,
}

impl OriginEnd {
    pub(crate) fn of<B>(response: &mut Response<B>) -> Option<Self> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return None;
        }
        let protocol = response.headers().get(UPGRADE).cloned();
        Some(Self { on: hyper::upgrade::on(response), protocol, seat: None })
    }

    /// What it speaks from here on.
    #[must_use]
    pub fn protocol(&self) -> Option<&HeaderValue> {
        self.protocol.as_ref()
    }
}

/// How a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelEnd {
    /// A side ended it.
    Closed,
    /// A side broke off, or never came.
    Broken,
    /// Nothing moved for too long.
    Idle,
    /// The node drains.
    Drained,
}

impl TunnelEnd {
    /// The word in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::Drained => "drained",
        }
    }
}

/// Hands on what either side sends until both have ended, nothing has moved for `idle` (and at most half of it more), or
/// `drained` ends.
pub async fn splice(
    client: ClientEnd,
    origin: OriginEnd,
    idle: Duration,
    drained: impl Future<Output = ()>,
) -> TunnelEnd {
    let mut drained = pin!(drained);
    let OriginEnd { on, seat, .. } = origin;
    let opening = tokio::time::timeout(OPEN_LIMIT, async { tokio::try_join!(client.0, on) });
    let (client, origin) = tokio::select! {
        opened = opening => match opened {
            Ok(Ok(both)) => both,
            Ok(Err(_)) | Err(_) => return TunnelEnd::Broken,
        },
        () = &mut drained => return TunnelEnd::Drained,
    };
    let moves = Arc::new(AtomicU64::new(0));
    let mut client = Counted { stream: TokioIo::new(client), moves: Arc::clone(&moves) };
    let mut origin = TokioIo::new(origin);
    let end = {
        let mut copying = pin!(tokio::io::copy_bidirectional_with_sizes(
            &mut client,
            &mut origin,
            WINDOW_BYTES,
            WINDOW_BYTES
        ));
        let (mut seen, mut quiet) = (0, 0);
        loop {
            tokio::select! {
                copied = &mut copying => {
                    break if copied.is_ok() { TunnelEnd::Closed } else { TunnelEnd::Broken };
                }
                () = &mut drained => break TunnelEnd::Drained,
                () = tokio::time::sleep(idle / 2) => {
                    let now = moves.load(Ordering::Relaxed);
                    quiet = if now == std::mem::replace(&mut seen, now) { quiet + 1 } else { 0 };
                    if quiet >= 2 {
                        break TunnelEnd::Idle;
                    }
                }
            }
        }
    };
    let closing = async { tokio::join!(client.shutdown(), origin.shutdown()) };
    // A side that does not take even this is gone when the stream is dropped.
    let _ = tokio::time::timeout(CLOSE_LIMIT, closing).await;
    if let Some(seat) = seat {
        seat.whole();
    }
    end
}

/// A stream that counts what moves on it.
struct Counted {
    stream: TokioIo<Upgraded>,
    moves: Arc<AtomicU64>,
}

impl Counted {
    fn noted<T>(&self, polled: Poll<T>) -> Poll<T> {
        if polled.is_ready() {
            self.moves.fetch_add(1, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.noted(polled)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.noted(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
