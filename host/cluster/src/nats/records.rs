//! Reading the stream from a position on.
//!
//! The library has a consumer that begins anew by itself wherever it lost touch. It is not used: from where to go on, and
//! whether the stream is still the same, is asked anew by whoever follows, so a stream of records that loses touch ends.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{
    AckPolicy, DeliverPolicy, PullConsumer, PushConsumer, ReplayPolicy, pull, push,
};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use seawall_base::Position;

use super::history::History;
use super::link::{Link, REQUEST_LIMIT, unreachable};
use crate::log::{LogError, NewRecord, Page, Record, Records};

/// How often a server says that there is nothing new. After two that did not come, the stream counts as lost.
const IDLE_HEARTBEAT: Duration = Duration::from_millis(750);

/// How long a server keeps what belongs to a follower that is gone.
const FORGET_FOLLOWER_AFTER: Duration = Duration::from_secs(10);

/// Records that are fetched at once for a page: the largest of them fit in memory many times over.
const PAGE_STEP: usize = 100;

/// All records after `after`, over this one connection.
pub(super) async fn follow(
    link: &Link,
    generation: u64,
    name: &str,
    after: Position,
    history: Arc<Mutex<History>>,
) -> Result<Records, LogError> {
    let config = push::Config {
        deliver_subject: link.client.new_inbox(),
        description: Some("a Seawall node that follows the control log".to_owned()),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after.next().0 },
        ack_policy: AckPolicy::None,
        replay_policy: ReplayPolicy::Instant,
        max_deliver: 1,
        flow_control: true,
        idle_heartbeat: IDLE_HEARTBEAT,
        num_replicas: 1,
        memory_storage: true,
        inactive_threshold: FORGET_FOLLOWER_AFTER,
        ..push::Config::default()
    };
    let made = link.jetstream.create_consumer_on_stream(config, name).await;
    let consumer: PushConsumer = made.map_err(unreachable)?;
    let messages = consumer.messages().await.map_err(unreachable)?;
    let following = Following { messages, link: link.clone(), generation, history, after, delivered: 0 };
    let records = stream::unfold(Some(following), |following| async move {
        let mut following = following?;
        match following.next().await {
            Ok(record) => Some((Ok(record), Some(following))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(records.boxed())
}

/// Adds up to `most` of the records after `after` to a page. They must be there: nothing is waited for.
pub(super) async fn page(
    link: &Link,
    name: &str,
    after: Position,
    most: usize,
    page: &mut Page,
) -> Result<(), LogError> {
    if most == 0 {
        return Ok(());
    }
    let stream = link.jetstream.get_stream_no_info(name).await.map_err(unreachable)?;
    let first = after.next();
    if most == 1 {
        let message = stream.get_raw_message(first.0).await.map_err(unreachable)?;
        page.records.push(Arc::new(read(first, &message.payload).map_err(unreachable)?));
        return Ok(());
    }
    let config = pull::Config {
        description: Some("a page of the audit trail".to_owned()),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: first.0 },
        ack_policy: AckPolicy::None,
        replay_policy: ReplayPolicy::Instant,
        num_replicas: 1,
        memory_storage: true,
        inactive_threshold: FORGET_FOLLOWER_AFTER,
        ..pull::Config::default()
    };
    let consumer = link.jetstream.create_consumer_on_stream(config, name).await.map_err(unreachable)?;
    let own_name = consumer.cached_info().name.clone();
    let filled = fill(&consumer, most, page).await;
    // The server forgets it by itself a little later.
    let _ = stream.delete_consumer(&own_name).await;
    filled
}

async fn fill(consumer: &PullConsumer, most: usize, page: &mut Page) -> Result<(), LogError> {
    let mut bytes = 0;
    while page.records.len() < most {
        let wanted = (most - page.records.len()).min(PAGE_STEP);
        let batch = consumer.fetch().max_messages(wanted).expires(REQUEST_LIMIT).messages();
        let mut batch = batch.await.map_err(unreachable)?;
        let before = page.records.len();
        while let Some(message) = batch.next().await {
            let message = message.map_err(unreachable)?;
            let position = Position(message.info().map_err(unreachable)?.stream_sequence);
            // What is no record says nothing to people; followers make of it what they must.
            let Ok(record) = read(position, &message.payload) else { continue };
            if !page.add(Arc::new(record), &mut bytes) {
                return Ok(());
            }
        }
        if page.records.len() == before {
            break;
        }
    }
    Ok(())
}

/// A record as it stands in the stream.
pub(super) fn read(position: Position, payload: &[u8]) -> Result<Record, serde_json::Error> {
    serde_json::from_slice::<NewRecord>(payload).map(|record| record.at(position))
}

struct Following {
    messages: push::Messages,
    link: Link,
    generation: u64,
    history: Arc<Mutex<History>>,
    after: Position,
    /// How many messages the server has sent for this follower, by its own count.
    delivered: u64,
}

impl Following {
    async fn next(&mut self) -> Result<Arc<Record>, LogError> {
        tokio::select! {
            biased;
            message = self.messages.next() => match message {
                Some(message) => self.take(&message.map_err(unreachable)?),
                None => Err(LogError::Closed),
            },
            error = self.link.broken(self.generation) => Err(error),
        }
    }

    fn take(&mut self, message: &Message) -> Result<Arc<Record>, LogError> {
        let info = message.info().map_err(unreachable)?;
        let (position, delivered) = (Position(info.stream_sequence), info.consumer_sequence);
        if delivered != self.delivered.saturating_add(1) {
            return Err(unreachable("records were lost on the way from NATS"));
        }
        if position != self.after.next() {
            let oldest = Position(position.0.saturating_sub(1));
            return Err(LogError::Gap { oldest, head: position });
        }
        (self.after, self.delivered) = (position, delivered);
        self.history.lock().saw(position, &message.payload);
        let record = read(position, &message.payload).map_err(|error| {
            tracing::error!(
                position = position.0, %error,
                "this does not read as a record of the control log; it might be a purge, so it counts as missed"
            );
            LogError::Gap { oldest: position, head: position }
        })?;
        Ok(Arc::new(record))
    }
}
