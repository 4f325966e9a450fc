//! Writes the lines of requests to standard output or to a file, on a thread of its own.
//!
//! Owns: the queue between the workers and that thread, which is bounded in bytes; opening the file anew when it was moved
//! or when that is asked for; and what is done where nothing can be written, such as on a full disk: the lines that fit
//! into the queue wait and are tried again, the others are lost and counted. Refuses: making anybody wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use seawall_pipeline::Lines;

use super::StartError;
use crate::config::AccessTo;

/// Most bytes of lines that wait to be written: some ten thousand requests, so that a disk may stall for a moment.
pub(crate) const QUEUE_MAX_BYTES: usize = 4 << 20;

/// How long after a failure writing is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// How long the end of the process waits for the last lines: whoever reads them may not read any more.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Requests name URLs, and URLs may name people: the file is not everybody's.
const FILE_MODE: u32 = 0o640;

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// Told when the thread ends.
    done: Condvar,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    lines: u64,
    /// Told by a signal.
    reopen: bool,
    stop: bool,
    ended: bool,
}

/// What is counted.
#[derive(Clone, Debug, Default)]
struct Metrics {
    written: Counter,
    lost: Counter,
    errors: Counter,
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("access_log");
        registry.register("written", "Lines of the access log that were written", self.written.clone());
        let help = "Lines of the access log that were lost because too many waited to be written";
        registry.register("lost", help, self.lost.clone());
        registry.register("errors", "Times that the access log could not be written", self.errors.clone());
    }
}

impl Lines for Queue {
    fn take(&self, line: &[u8]) {
        let mut state = self.state.lock();
        if state.waiting.len() + line.len() > QUEUE_MAX_BYTES {
            drop(state);
            self.metrics.lost.inc();
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        state.lines += 1;
        drop(state);
        if was_empty {
            self.wake.notify_one();
        }
    }
}

/// The thread that writes. It ends when it is stopped.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Arc<Queue>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Opens the file, and starts. `None` where the lines go into the process's log.
    pub(crate) fn start(to: &AccessTo, registry: &mut Registry) -> Result<Option<Self>, StartError> {
        let place = match to {
            AccessTo::Log => return Ok(None),
            AccessTo::Stdout => Place::stdout()
                .map_err(|source| StartError::Io { what: "standard output, for the access log", source })?,
            AccessTo::File(path) => Place::file(path.clone()).map_err(|source| {
                StartError::Config(format!("`access_to`: {} cannot be written: {source}", path.display()))
            })?,
        };
        let queue = Arc::new(Queue::default());
        queue.metrics.register(registry);
        let own = Arc::clone(&queue);
        let body = move || {
            write(&own, place);
            own.state.lock().ended = true;
            own.done.notify_one();
        };
        let thread = std::thread::Builder::new().name("access-log".to_owned()).spawn(body);
        let thread = thread.map_err(|source| StartError::Io { what: "the access log's thread", source })?;
        Ok(Some(Self { queue, thread }))
    }

    /// Where lines are handed in.
    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }

    /// Has the file opened anew: whoever turned it over has moved the old one.
    pub(crate) fn reopen(&self) {
        self.queue.state.lock().reopen = true;
        self.queue.wake.notify_one();
    }

    /// Writes what there is, and ends; or gives up where it cannot be written soon.
    pub(crate) fn stop(self) {
        let mut state = self.queue.state.lock();
        state.stop = true;
        self.queue.wake.notify_one();
        self.queue.done.wait_while_for(&mut state, |state| !state.ended, LAST_LINES);
        let ended = state.ended;
        drop(state);
        if !ended {
            tracing::warn!("the access log's last lines could not be written in time");
        } else if self.thread.join().is_err() {
            tracing::error!("the access log's thread panicked");
        }
    }
}

/// Where the lines go.
#[derive(Debug)]
enum Place {
    /// Without the lock that the command line may hold.
    Stdout(File),
    File {
        path: PathBuf,
        file: File,
    },
}

impl Place {
    fn stdout() -> io::Result<Self> {
        Ok(Self::Stdout(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
    }

    fn file(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(&path)?;
        Ok(Self::File { path, file })
    }

    /// Opens the file anew, if it is to be or is no longer where it was. Whether it was.
    fn renew(&mut self, asked: bool) -> io::Result<bool> {
        let Self::File { path, file } = self else { return Ok(false) };
        let moved = match std::fs::metadata(&*path) {
            Ok(there) => {
                let own = file.metadata()?;
                (there.dev(), there.ino()) != (own.dev(), own.ino())
            }
            Err(_) => true,
        };
        if !asked && !moved {
            return Ok(false);
        }
        *self = Self::file(path.clone())?;
        Ok(true)
    }

    /// Writes some of it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (Self::Stdout(file) | Self::File { file, .. }) = self;
        file.write(bytes)
    }
}

/// Writes until it is told to stop and nothing waits.
fn write(queue: &Queue, mut place: Place) {
    let mut batch = Batch::default();
    loop {
        let mut state = queue.state.lock();
        while state.waiting.is_empty() && batch.is_done() && !state.reopen && !state.stop {
            queue.wake.wait(&mut state);
        }
        if batch.is_done() {
            batch = Batch::of(std::mem::take(&mut state.waiting), std::mem::take(&mut state.lines));
        }
        let (reopen, stop) = (std::mem::take(&mut state.reopen), state.stop);
        drop(state);
        match batch.write(&mut place, reopen) {
            Ok(()) => {
                queue.metrics.written.inc_by(std::mem::take(&mut batch.lines));
                batch.failed = false;
            }
            Err(error) => {
                queue.metrics.errors.inc();
                if !std::mem::replace(&mut batch.failed, true) {
                    tracing::error!(%error, "the access log cannot be written; it is tried again every second");
                }
                if !stop {
                    let mut state = queue.state.lock();
                    if !state.stop {
                        queue.wake.wait_for(&mut state, RETRY_EVERY);
                    }
                }
            }
        }
        let nothing_left = batch.is_done() && queue.state.lock().waiting.is_empty();
        if stop && (nothing_left || batch.failed) {
            return;
        }
    }
}

/// Lines on their way.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
    written: usize,
    failed: bool,
}

impl Batch {
    fn of(bytes: Vec<u8>, lines: u64) -> Self {
        Self { bytes, lines, written: 0, failed: false }
    }

    fn is_done(&self) -> bool {
        self.written >= self.bytes.len()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Writes what is left of it, whole lines to one file.
    fn write(&mut self, place: &mut Place, reopen: bool) -> io::Result<()> {
        if place.renew(reopen)? {
            // A line that was cut off there is written whole here.
            let before = self.bytes.get(..self.written).unwrap_or_default();
            self.written = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        }
        while !self.is_done() {
            match place.write(self.rest()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
