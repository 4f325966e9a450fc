//! [`ControlLog`] on a stream. A record's position is its sequence number.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use parking_lot::Mutex;
use seawall_base::{Clock, Position};
use tokio::time::{sleep, timeout};

use super::history::{Extent, History, Verdict};
use super::link::{Link, unreachable};
use super::{NatsOptions, records, stream};
use crate::log::{ControlLog, LogError, NewRecord, Page, RECORD_MAX_BYTES, Records};

/// How long an append goes on trying: longer than a JetStream cluster takes to choose a new leader (4 to 9 s).
const APPEND_LIMIT: Duration = Duration::from_secs(12);

/// How long anything waits for a connection, where there is none: enough for one that is being made.
const CONNECTION_LIMIT: Duration = Duration::from_secs(2);

/// Pause before an append is tried again.
const APPEND_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The control log on NATS. Clones are the same log.
#[derive(Clone)]
pub struct NatsLog {
    link: Link,
    options: Arc<NatsOptions>,
    clock: Clock,
    history: Arc<Mutex<History>>,
    /// Whether the stream has been compared with what the config wishes.
    compared: Arc<AtomicBool>,
}

/// What one try to append came to.
enum Tried {
    Written(Position),
    /// It did not reach the stream.
    Not(Arc<str>),
    /// It may have.
    Maybe(Arc<str>),
    /// Trying again will not help.
    Refused(LogError),
}

impl NatsLog {
    pub(super) fn new(link: Link, options: Arc<NatsOptions>, clock: Clock) -> Self {
        Self { link, options, clock, history: Arc::default(), compared: Arc::default() }
    }

    async fn write(&self, record: &NewRecord) -> Result<Position, LogError> {
        let payload = serde_json::to_vec(record).map_err(|error| LogError::Unwritable(Arc::new(error)))?;
        if payload.len() > RECORD_MAX_BYTES {
            return Err(LogError::TooLarge { bytes: payload.len() });
        }
        let payload = Bytes::from(payload);
        let mut maybe = false;
        let mut why = Arc::from("no NATS server answers");
        let trying = async {
            loop {
                if self.connected().await.is_err() {
                    why = self.link.trouble();
                    return None;
                }
                match self.try_write(record, &payload).await {
                    Tried::Written(position) => return Some(Ok(position)),
                    Tried::Refused(error) => return Some(Err(error)),
                    Tried::Not(said) => why = said,
                    Tried::Maybe(said) => (maybe, why) = (true, said),
                }
                sleep(APPEND_AGAIN_AFTER).await;
            }
        };
        if let Ok(Some(done)) = timeout(APPEND_LIMIT, trying).await {
            return done;
        }
        Err(if maybe {
            LogError::Unconfirmed(why)
        } else {
            LogError::NotWritten(Arc::new(io::Error::other(format!(
                "{why}; nothing was written, so give the order again later"
            ))))
        })
    }

    /// The server writes a record of a name once, however often it is given.
    async fn try_write(&self, record: &NewRecord, payload: &Bytes) -> Tried {
        let mut message = PublishMessage::build()
            .payload(payload.clone())
            .message_id(&record.id)
            .expected_stream(stream::name(&self.options));
        let subject = match &record.once {
            Some(once) => {
                message = message.expected_last_subject_sequence(0);
                stream::keyed_subject(&self.options, once)
            }
            None => stream::subject(&self.options),
        };
        let sent = match self.link.jetstream.send_publish(subject, message).await {
            Ok(sent) => sent,
            Err(error) => return self.not_sent(&error, payload.len()),
        };
        match sent.await {
            Ok(ack) => {
                let position = Position(ack.sequence);
                self.history.lock().saw(position, payload);
                Tried::Written(position)
            }
            // Nobody listens on the subject: the stream is not there, or has no leader.
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                match stream::look(&self.link, &self.options).await {
                    Ok(info) => self.not_taken(record, &info.config.subjects),
                    Err(error) => Tried::Not(Arc::from(error.to_string())),
                }
            }
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                self.taken(record.once.as_deref().unwrap_or_default(), &record.id).await
            }
            Err(error) => Tried::Maybe(Arc::from(error.to_string())),
        }
    }

    /// The stream is there, and nobody took the record.
    fn not_taken(&self, record: &NewRecord, subjects: &[String]) -> Tried {
        let subject = stream::keyed_subjects(&self.options);
        if record.once.is_some() && !subjects.contains(&subject) {
            return Tried::Refused(LogError::NoKeys { subject, stream: stream::name(&self.options) });
        }
        Tried::Not(Arc::from("the stream of the control log has no leader"))
    }

    /// A record with this key stands in the stream: another's, or ours from a try whose answer was lost.
    async fn taken(&self, once: &str, id: &str) -> Tried {
        let maybe = |error: String| Tried::Maybe(Arc::from(error));
        let stream = match self.link.jetstream.get_stream_no_info(stream::name(&self.options)).await {
            Ok(stream) => stream,
            Err(error) => return maybe(error.to_string()),
        };
        let subject = stream::keyed_subject(&self.options, once);
        match stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => match records::read(Position(message.sequence), &message.payload) {
                Ok(record) if record.id == id => Tried::Written(record.position),
                Ok(record) => Tried::Refused(LogError::Taken(Arc::new(record))),
                Err(error) => Tried::Refused(unreachable(error)),
            },
            Err(error) => maybe(error.to_string()),
        }
    }

    fn not_sent(&self, error: &PublishError, bytes: usize) -> Tried {
        match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => {
                let max_payload = self.link.client.max_payload();
                Tried::Refused(LogError::TooLargeForServer { bytes, max_payload })
            }
            _ => Tried::Not(Arc::from(error.to_string())),
        }
    }

    /// Which connection there is.
    async fn connected(&self) -> Result<u64, LogError> {
        timeout(CONNECTION_LIMIT, self.link.up()).await.map_err(|_| unreachable(self.link.trouble()))
    }

    /// The stream as it is now, its numbers above all that were lost.
    async fn extent(&self) -> Result<Extent, LogError> {
        // Twice at most: a stream that was lifted is looked at again.
        for _ in 0..2 {
            self.connected().await?;
            let newest = self.history.lock().newest();
            let info = stream::look(&self.link, &self.options).await?;
            if !self.compared.swap(true, Ordering::Relaxed) {
                for difference in stream::differences(&self.link, &info, &self.options) {
                    tracing::warn!(
                        difference,
                        "the control log is not as the config has it; it stays as it is"
                    );
                }
            }
            let extent = Extent::of(&info);
            let verdict = self.history.lock().judge(extent, newest, self.clock.ticks());
            match verdict {
                Verdict::Sound => return Ok(extent),
                Verdict::Lift(lost) => stream::lift(&self.link, &self.options, lost).await?,
                Verdict::Doubtful => {
                    return Err(unreachable(
                        "a NATS server says that the log is shorter or older than it was; this is believed if it stays so",
                    ));
                }
            }
        }
        Err(unreachable("the log's numbers could not be lifted above those that are lost"))
    }

    /// Does the newest record that passed through here still stand in the stream? A server that lost its disk's last
    /// writes may have written others in their places since.
    async fn recognise(&self, extent: Extent) -> Result<Extent, LogError> {
        let landmark = self.history.lock().landmark();
        let Some((position, digest)) = landmark.filter(|(position, _)| *position > extent.before) else {
            return Ok(extent);
        };
        let name = stream::name(&self.options);
        let log = self.link.jetstream.get_stream_no_info(name).await.map_err(unreachable)?;
        let is_there = match log.get_raw_message(position.0).await {
            Ok(message) => blake3::hash(&message.payload) == digest,
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => false,
            Err(error) => return Err(unreachable(error)),
        };
        if is_there {
            return Ok(extent);
        }
        self.history.lock().lose();
        self.extent().await
    }
}

impl ControlLog for NatsLog {
    fn append(&self, record: NewRecord) -> BoxFuture<'_, Result<Position, LogError>> {
        Box::pin(async move { self.write(&record).await })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        Box::pin(async move { Ok(self.extent().await?.head) })
    }

    fn follow(&self, after: Position) -> BoxFuture<'_, Result<Records, LogError>> {
        Box::pin(async move {
            let generation = self.connected().await?;
            let extent = self.recognise(self.extent().await?).await?;
            let is_lost = self.history.lock().is_lost(after);
            if is_lost || after > extent.head || after < extent.before {
                return Err(LogError::Gap { oldest: extent.before, head: extent.head });
            }
            let history = Arc::clone(&self.history);
            records::follow(&self.link, generation, &stream::name(&self.options), after, history).await
        })
    }

    fn read(&self, after: Position, most: usize) -> BoxFuture<'_, Result<Page, LogError>> {
        Box::pin(async move {
            let Extent { before, head, .. } = self.extent().await?;
            let after = after.max(before);
            let left = usize::try_from(head.0.saturating_sub(after.0)).unwrap_or(usize::MAX);
            let mut page = Page { before, records: Vec::new(), head };
            records::page(&self.link, &stream::name(&self.options), after, most.min(left), &mut page).await?;
            Ok(page)
        })
    }
}
