//! The thread that advances the engine's epoch, so that running guests notice the time.
//!
//! It ticks every [`TICK`] while any hook runs, and rests while none does: an idle node wakes nobody.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// The unit in which CPU time is counted. Shorter ticks cost a switch of threads each; 1 ms of a bad guest is bearable.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks without a running hook after which the thread rests. Waking it costs a system call, so not after each.
const IDLE_TICKS: u32 = 100;

/// Runs as long as it lives; dropping it joins the thread.
pub(crate) struct Pulse {
    inner: Arc<Inner>,
    ticker: Thread,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Inner {
    running: AtomicUsize,
    /// Ticks so far.
    beats: AtomicU64,
    resting: AtomicBool,
    stopped: AtomicBool,
}

impl Pulse {
    pub(crate) fn start(engine: &Engine) -> io::Result<Self> {
        let inner = Arc::new(Inner::default());
        let (shared, engine) = (Arc::clone(&inner), engine.clone());
        let thread = std::thread::Builder::new()
            .name("seawall-pulse".to_owned())
            .spawn(move || shared.run(|| engine.increment_epoch()))?;
        Ok(Self { inner, ticker: thread.thread().clone(), thread: Some(thread) })
    }

    /// Ticks so far. They go on while any guest runs.
    pub(crate) fn beats(&self) -> u64 {
        self.inner.beats.load(Ordering::Relaxed)
    }

    /// A hook begins; the pulse beats until the guard is dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        self.inner.running.fetch_add(1, Ordering::SeqCst);
        // Either this load sees that the thread rests, or the thread's load sees the count: both are SeqCst.
        if self.inner.resting.load(Ordering::SeqCst) {
            self.ticker.unpark();
        }
        Running(&self.inner.running)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.inner.stopped.store(true, Ordering::SeqCst);
        self.ticker.unpark();
        if let Some(thread) = self.thread.take() {
            // The thread only counts; if it has panicked nonetheless, its message is already out.
            let _ = thread.join();
        }
    }
}

/// A hook is running.
pub(crate) struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Inner {
    fn run(&self, beat: impl Fn()) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            if self.running.load(Ordering::SeqCst) > 0 {
                idle = 0;
            } else {
                idle += 1;
            }
            if idle > IDLE_TICKS {
                self.rest();
                idle = 0;
            } else {
                std::thread::park_timeout(TICK);
                self.beats.fetch_add(1, Ordering::Relaxed);
                beat();
            }
        }
    }

    fn rest(&self) {
        self.resting.store(true, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.resting.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_wakes_for_a_hook_and_ends_when_dropped() {
        let (beats, beat) = std::sync::mpsc::channel();
        let inner = Arc::new(Inner::default());
        let shared = Arc::clone(&inner);
        let thread = std::thread::spawn(move || {
            shared.run(|| {
                let _ = beats.send(());
            });
        });
        let pulse = Pulse { inner, ticker: thread.thread().clone(), thread: Some(thread) };
        // Nothing runs, so that after a while it rests: no beat comes any more.
        while beat.recv_timeout(Duration::from_millis(200)).is_ok() {}
        let running = pulse.running();
        beat.recv_timeout(Duration::from_secs(10)).expect("it beats again");
        drop(running);
        drop(pulse);
        while beat.try_recv().is_ok() {}
        assert!(beat.recv().is_err(), "the thread is gone, and its sender with it");
    }
}
