//! Who waits for a free server: bounded in number and time, first come, first served.

use std::sync::atomic::{AtomicU32, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::member::take_one;

/// The queue of one pool.
#[derive(Debug)]
pub(crate) struct Queue {
    freed: Notify,
    waiting: AtomicU32,
    max: u32,
    gauge: Gauge,
}

/// A place in the queue.
pub(crate) struct Place<'q>(&'q Queue);

impl Queue {
    pub(crate) fn new(max: u32, gauge: Gauge) -> Self {
        Self { freed: Notify::new(), waiting: AtomicU32::new(0), max, gauge }
    }

    /// Whether anybody waits: who comes now has to wait too.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A place, if there is one.
    pub(crate) fn enter(&self) -> Option<Place<'_>> {
        take_one(&self.waiting, Some(self.max)).then(|| {
            self.gauge.inc();
            Place(self)
        })
    }

    /// A server has become free, or may have: wakes who has waited for longest.
    pub(crate) fn wake_one(&self) {
        if !self.is_empty() {
            self.freed.notify_one();
        }
    }
}

impl Place<'_> {
    /// Waits to be woken. To be enabled before looking whether a server is free, or the word may be missed.
    pub(crate) fn woken(&self) -> Notified<'_> {
        self.0.freed.notified()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Release);
        self.0.gauge.dec();
        // There may be room for the next one as well; if not, it waits on.
        self.0.wake_one();
    }
}
