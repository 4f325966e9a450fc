//! The demo's origin: a real HTTP server on a port of its own, which counts what it is asked.
//!
//! Owns the thread and the counters. What is on the pages is in `page`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::error::DemoError;
use crate::node::told;

mod page;

pub(super) use page::{Page, photo};

/// How long [`Page::Slow`] takes: long enough that a crowd started meanwhile arrives while it is being made.
pub(super) const SLOW_PAGE_TAKES: Duration = Duration::from_secs(1);

/// A running origin.
pub(super) struct Origin {
    address: SocketAddr,
    asked: Arc<Counters>,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// How often each page has been asked for, ever.
#[derive(Default)]
struct Counters {
    pages: [AtomicU64; Page::ALL.len()],
    other: AtomicU64,
}

/// How often each page has been asked for, up to some moment or between two. The last place is for all that is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts([u64; Page::ALL.len() + 1]);

impl Counters {
    fn of(&self, page: Option<Page>) -> &AtomicU64 {
        page.and_then(|page| self.pages.get(page.index())).unwrap_or(&self.other)
    }

    fn now(&self) -> Counts {
        let mut counts = Counts([0; Page::ALL.len() + 1]);
        for (count, counter) in counts.0.iter_mut().zip(self.pages.iter().chain(std::iter::once(&self.other)))
        {
            *count = counter.load(Ordering::Relaxed);
        }
        counts
    }
}

impl Counts {
    /// What was asked for between `earlier` and this.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut counts = *self;
        for (count, earlier) in counts.0.iter_mut().zip(earlier.0) {
            *count = count.saturating_sub(earlier);
        }
        counts
    }

    /// These pages so many times, and nothing else.
    pub(super) fn only(asked: &[(Page, u64)]) -> Self {
        let mut counts = Self([0; Page::ALL.len() + 1]);
        for (page, times) in asked {
            if let Some(count) = counts.0.get_mut(page.index()) {
                *count += times;
            }
        }
        counts
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let paths = Page::ALL.iter().map(|page| page.path()).chain(std::iter::once("another URL"));
        let asked: Vec<String> = paths
            .zip(self.0)
            .filter(|(_, times)| *times > 0)
            .map(|(path, times)| format!("{times} x {path}"))
            .collect();
        match asked.as_slice() {
            [] => f.write_str("not asked"),
            asked => write!(f, "asked {}", asked.join(", ")),
        }
    }
}

impl Origin {
    /// Starts it.
    pub(super) fn start() -> Result<Self, DemoError> {
        let failed = || DemoError::io("the demo's origin does not start");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed())?;
        let asked = Arc::new(Counters::default());
        let (stop, stopped) = watch::channel(false);
        let counters = Arc::clone(&asked);
        let body = move || {
            // Connections that are still open end with the runtime: the nodes have stopped before.
            runtime.block_on(async {
                tokio::select! {
                    () = told(stopped) => {}
                    () = accept(listener, counters) => {}
                }
            });
        };
        let thread =
            std::thread::Builder::new().name("demo-origin".to_owned()).spawn(body).map_err(failed())?;
        Ok(Self { address, asked, stop, thread })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often each page has been asked for by now.
    pub(super) fn counts(&self) -> Counts {
        self.asked.now()
    }

    /// Stops it, and waits for that.
    pub(super) fn stop(self) {
        // It may have ended by itself.
        let _ = self.stop.send(true);
        if self.thread.join().is_err() {
            tracing::error!("the demo's origin panicked");
        }
    }
}

async fn accept(listener: TcpListener, counters: Arc<Counters>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the demo's origin cannot listen"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => serve(stream, Arc::clone(&counters)),
            Err(error) => tracing::warn!(%error, "the demo's origin lost a connection"),
        }
    }
}

fn serve(stream: TcpStream, counters: Arc<Counters>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let counters = Arc::clone(&counters);
        async move {
            let page = Page::at(request.uri().path());
            let number = counters.of(page).fetch_add(1, Ordering::Relaxed) + 1;
            if page == Some(Page::Slow) {
                tokio::time::sleep(SLOW_PAGE_TAKES).await;
            }
            Ok::<_, Infallible>(page::answer(page, number, request.headers()))
        }
    });
    let serving =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::debug!(%error, "a connection to the demo's origin ended early");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_in_between_counts() {
        let counters = Counters::default();
        counters.of(Some(Page::Cart)).fetch_add(4, Ordering::Relaxed);
        let before = counters.now();
        assert_eq!(counters.now().since(&before), Counts::only(&[]));
        counters.of(Some(Page::Cart)).fetch_add(2, Ordering::Relaxed);
        let since = counters.now().since(&before);
        assert_eq!(since, Counts::only(&[(Page::Cart, 2)]));
        assert_eq!(since.to_string(), "asked 2 x /cart");
        counters.of(None).fetch_add(1, Ordering::Relaxed);
        assert_ne!(counters.now().since(&before), Counts::only(&[(Page::Cart, 2)]));
    }
}
