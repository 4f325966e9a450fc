//! The one thread that writes the log's file. Appends that come while it syncs share the next sync.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use seawall_base::Position;
use tokio::sync::{mpsc, oneshot};

use super::file::{self, Fault, LogFile};
use super::tail::{Sized, Tail};
use crate::log::{LogError, NewRecord, Record};

#[cfg(test)]
mod tests;

/// Most appends that wait for the thread, in records; more wait at the door. A few syncs' worth.
const QUEUE_MAX: usize = 1024;

/// Most bytes that share one sync: bounds how long the first of them waits.
const BATCH_MAX_BYTES: usize = 4 * 1024 * 1024;

type Done = oneshot::Sender<Result<Position, LogError>>;

/// Hands records to the thread. Dropped, it lets the thread finish what is queued and waits for it.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<(NewRecord, Done)>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(file: LogFile, tail: Arc<Tail>) -> io::Result<Self> {
        let (queue, orders) = mpsc::channel(QUEUE_MAX);
        let worker = Worker { file, tail, orders, next: None, broken: None };
        let thread = thread::Builder::new().name("control-log".to_owned()).spawn(|| worker.run())?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(super) async fn append(&self, record: NewRecord) -> Result<Position, LogError> {
        let queue = self.queue.as_ref().ok_or(LogError::Closed)?;
        let (done, answer) = oneshot::channel();
        queue.send((record, done)).await.map_err(|_| LogError::Closed)?;
        answer.await.map_err(|_| LogError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        // The lock on the directory goes with the thread: whoever opens the log after this drop finds it free.
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the control log's thread panicked");
        }
    }
}

struct Worker {
    file: LogFile,
    tail: Arc<Tail>,
    orders: mpsc::Receiver<(NewRecord, Done)>,
    /// An order whose key is in the batch before it: what became of that one is known only when it is synced.
    next: Option<(NewRecord, Done)>,
    /// Once set, nothing more is taken.
    broken: Option<Arc<io::Error>>,
}

/// Records that are written and synced together.
#[derive(Default)]
struct Batch {
    text: Vec<u8>,
    records: Vec<Sized>,
    done: Vec<Done>,
}

impl Batch {
    fn has_key_of(&self, record: &NewRecord) -> bool {
        record.once.is_some() && self.records.iter().any(|(other, _)| other.once == record.once)
    }

    /// The record's place, if it can be written down.
    fn add(&mut self, record: Record, done: Done) -> Option<Position> {
        match file::line(&record) {
            Ok(line) => {
                let position = record.position;
                self.text.extend_from_slice(&line);
                self.records.push((Arc::new(record), line.len()));
                self.done.push(done);
                Some(position)
            }
            Err(error) => {
                answer(done, Err(error));
                None
            }
        }
    }
}

impl Worker {
    fn run(mut self) {
        self.compact_when_long();
        while let Some(first) = self.next.take().or_else(|| self.orders.blocking_recv()) {
            let batch = self.gather(first);
            self.commit(batch);
        }
    }

    fn gather(&mut self, first: (NewRecord, Done)) -> Batch {
        let mut batch = Batch::default();
        let mut position = self.tail.head();
        let mut order = Some(first);
        while let Some((record, done)) = order {
            if batch.has_key_of(&record) {
                self.next = Some((record, done));
                break;
            }
            match self.tail.taken(&record) {
                Some(taken) => answer(done, Err(LogError::Taken(taken))),
                None => position = batch.add(record.at(position.next()), done).unwrap_or(position),
            }
            order = if batch.text.len() < BATCH_MAX_BYTES { self.orders.try_recv().ok() } else { None };
        }
        batch
    }

    fn commit(&mut self, batch: Batch) {
        let Batch { text, records, done } = batch;
        if records.is_empty() {
            return;
        }
        if let Err(error) = self.write(&text, records.len()) {
            for done in done {
                answer(done, Err(error.clone()));
            }
            return;
        }
        let positions: Vec<Position> = records.iter().map(|(record, _)| record.position).collect();
        self.tail.publish(records);
        for (done, position) in done.into_iter().zip(positions) {
            answer(done, Ok(position));
        }
        self.compact_when_long();
    }

    fn write(&mut self, text: &[u8], lines: usize) -> Result<(), LogError> {
        if let Some(error) = &self.broken {
            return Err(LogError::Broken(Arc::clone(error)));
        }
        self.file.append(text, lines).map_err(|fault| match fault {
            Fault::Undone(error) => LogError::NotWritten(Arc::new(error)),
            Fault::Unknown(error) => {
                let error = Arc::new(error);
                self.broken = Some(Arc::clone(&error));
                LogError::Broken(error)
            }
        })
    }

    fn compact_when_long(&mut self) {
        let (base, records) = if self.file.is_long() {
            self.tail.all()
        } else {
            return;
        };
        match self.file.rewrite(base, &records) {
            Ok(()) => {}
            // The old file is still in place, and the next append tries again.
            Err(Fault::Undone(error)) => {
                tracing::warn!(%error, "the control log could not be shortened; it keeps growing");
            }
            Err(Fault::Unknown(error)) => {
                tracing::error!(%error, "the control log failed while it was shortened; restart the node");
                self.broken = Some(Arc::new(error));
            }
        }
    }
}

fn answer(done: Done, result: Result<Position, LogError>) {
    // Whoever asked may have left; the record stands all the same.
    let _ = done.send(result);
}
