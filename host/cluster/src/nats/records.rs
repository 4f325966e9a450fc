//! Reading the stream from a position on.
//!
//! The library has a consumer that begins anew by itself wherever it lost touch. It is not used: from where to go on, and
//! whether the stream is still the same, is asked anew by whoever follows, so a stream of records that loses touch ends.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PushConsumer, ReplayPolicy, push};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use seawall_base::Position;

use super::history::History;
use super::link::{Link, unreachable};
use crate::log::{LogError, NewRecord, Record, Records};

/// How often a server says that there is nothing new. After two that did not come, the stream counts as lost.
const IDLE_HEARTBEAT: Duration = Duration::from_millis(750);

/// How long a server keeps what belongs to a follower that is gone.
const FORGET_FOLLOWER_AFTER: Duration = Duration::from_secs(10);

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
        let record: NewRecord = serde_json::from_slice(&message.payload).map_err(|error| {
            tracing::error!(
                position = position.0, %error,
                "this does not read as a record of the control log; it might be a purge, so it counts as missed"
            );
            LogError::Gap { oldest: position, head: position }
        })?;
        Ok(Arc::new(record.at(position)))
    }
}
