//! One end of a client's connection: what comes in, looked at before hyper reads it.
//!
//! hyper takes what RFC 9112 lets a recipient take, and does not say what it was. What [`Framing`] calls an oddity is not
//! handed on; in its place hyper gets what no parser takes, refuses it with a 400 or breaks the body off, and closes the
//! connection. Nothing that comes after it is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use seawall_policy::framing::{Breach, Framing};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Ends any head and any chunk, as neither can.
const REFUSED: &[u8] = b"\0\r\n\r\n";

/// How a response begins after which another protocol is spoken.
const SWITCHES: &[u8] = b"HTTP/1.1 101";

/// A stream whose framing is strict.
pub(super) struct Strict<T> {
    stream: T,
    framing: Framing,
    /// What of [`REFUSED`] hyper has still to read, once something was refused.
    refusal: Option<&'static [u8]>,
}

impl<T> Strict<T> {
    pub(super) fn new(stream: T) -> Self {
        Self { stream, framing: Framing::default(), refusal: None }
    }

    /// Takes back what came from `before` on, as far as it is odd.
    fn judge(&mut self, before: usize, buf: &mut ReadBuf<'_>) {
        let Err(Breach { at, oddity }) = self.framing.look(buf.filled().get(before..).unwrap_or_default())
        else {
            return;
        };
        tracing::debug!(oddity = oddity.as_str(), "a request was refused for its framing");
        buf.set_filled(before.saturating_add(at));
        self.refusal = Some(REFUSED);
        self.refuse(buf);
    }

    /// Hands on what there is to hand on of a refusal; nothing, which is the end, after it.
    fn refuse(&mut self, buf: &mut ReadBuf<'_>) {
        let Some(rest) = &mut self.refusal else { return };
        let (now, later) = rest.split_at(rest.len().min(buf.remaining()));
        buf.put_slice(now);
        *rest = later;
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Strict<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.refusal.is_some() {
            self.refuse(buf);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.judge(before, buf);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Strict<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.framing.may_switch() && buf.starts_with(SWITCHES) {
            self.framing.switched();
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.framing.may_switch() && bufs.first().is_some_and(|first| first.starts_with(SWITCHES)) {
            self.framing.switched();
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What is read of `bytes` in pieces of `most`.
    async fn read(bytes: &[u8], most: usize) -> Vec<u8> {
        let mut strict = Strict::new(bytes);
        let mut all = Vec::new();
        let mut piece = vec![0; most];
        loop {
            match strict.read(&mut piece).await.unwrap() {
                0 => return all,
                came => all.extend_from_slice(&piece[..came]),
            }
        }
    }

    #[tokio::test]
    async fn what_is_odd_becomes_what_nobody_takes() {
        let odd = b"GET / HTTP/1.1\nhost: a\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n";
        for most in [1, 2, 5, 14, 15, 1000] {
            assert_eq!(read(odd, most).await, b"GET / HTTP/1.1\0\r\n\r\n", "{most} at a time");
        }
        let plain = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(read(plain, 7).await, plain);
    }

    #[tokio::test]
    async fn another_protocol_is_not_looked_at() {
        let (mut client, node) = tokio::io::duplex(1000);
        let mut strict = Strict::new(node);
        let asks = b"GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n";
        client.write_all(asks).await.unwrap();
        strict.read_exact(&mut [0; 38]).await.unwrap();
        strict.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
        client.write_all(b"\n\n").await.unwrap();
        let mut frame = [0; 2];
        strict.read_exact(&mut frame).await.unwrap();
        assert_eq!(&frame, b"\n\n");
    }
}
