//! Connections that know whether they have been used before.
//!
//! A request that fails on a fresh connection failed. One that fails without a byte of answer on a connection that was
//! idle in the pool met, most likely, the origin closing it (RFC 9112 §9.3.1), and may be sent again if idempotent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use seawall_base::Clock;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::resolve::Resolver;

type Plain = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How old a connection may be and still be used again: whoever changes what a name stands for is obeyed by then.
pub const CONNECTION_AGE_MAX: Duration = Duration::from_secs(120);

/// Counts the requests that a connection has carried, and knows when its opening began.
#[derive(Clone, Debug)]
pub(crate) struct Uses {
    count: Arc<AtomicU64>,
    opened: Duration,
}

impl Uses {
    /// One more request; answers whether it is the first.
    pub(crate) fn count(&self) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Whether the connection is too old to carry another.
    pub(crate) fn is_old(&self, now: Duration) -> bool {
        now.saturating_sub(self.opened) > CONNECTION_AGE_MAX
    }
}

/// Connects, TLS included, within a limit.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) https: HttpsConnector<HttpConnector<Resolver>>,
    pub(crate) limit: Duration,
    /// Where to, whatever the request's URI says: over HTTP/2 that names the host that is asked for.
    pub(crate) to: Option<Uri>,
    pub(crate) clock: Clock,
}

impl Service<Uri> for Connector {
    type Response = Counted;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Counted, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let to = self.to.clone().unwrap_or(uri);
        let connecting = tokio::time::timeout(self.limit, self.https.call(to));
        // From before the name is looked up: it is the name's answer that grows old.
        let uses = Uses { count: Arc::default(), opened: self.clock.ticks() };
        Box::pin(async move {
            let stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            Ok(Counted { stream, uses })
        })
    }
}

/// A stream with a count of its uses.
pub(crate) struct Counted {
    stream: Plain,
    uses: Uses,
}

impl Connection for Counted {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.uses.clone())
    }
}

impl Read for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
