//! One end of a client's connection: what hyper writes, between two responses what it has no words for, and a note of each
//! time that bytes come or go.
//!
//! hyper flushes the stream below it only when its own buffer is empty, so at a flush everything that it has written so
//! far is down here, and whole heads can go behind it. From then on they go before whatever comes next.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use seawall_pipeline::interim::Line;

use super::front::Pulse;

/// A stream with a [`Line`] laced in.
pub(super) struct Interlaced<T> {
    stream: T,
    line: Arc<Line>,
    /// Taken from the line, and not yet written from `written` on.
    out: Vec<u8>,
    written: usize,
    pulse: Arc<Pulse>,
}

impl<T> Interlaced<T> {
    pub(super) fn new(stream: T, line: Arc<Line>, pulse: Arc<Pulse>) -> Self {
        Self { stream, line, out: Vec::new(), written: 0, pulse }
    }

    /// Notes that bytes were taken.
    fn noted(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = &polled {
            self.pulse.wrote();
        }
        polled
    }
}

impl<T: Write + Unpin> Interlaced<T> {
    /// Writes what was taken; ready at once where nothing was, as nearly always.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.out.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => self.written += bytes,
            }
        }
        if self.written > 0 {
            self.out = Vec::new();
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Read + Unpin> Read for Interlaced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            self.pulse.read();
        }
        polled
    }
}

impl<T: Write + Unpin> Write for Interlaced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_out(cx))?;
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.noted(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(heads) = self.line.take() {
            self.out.extend_from_slice(&heads);
        }
        ready!(self.poll_out(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_out(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_out(cx))?;
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.noted(polled)
    }
}
