//! The stream that is the log: made where there is none, left as it is where there is one.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{GetStreamError, GetStreamErrorKind, RequestErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use seawall_base::Position;

use super::NatsOptions;
use super::link::{Link, unreachable};
use crate::log::{LogError, RECORD_MAX_BYTES};

/// Within this time a record that is given twice is written once: far longer than an append goes on trying.
const DUPLICATES_WITHIN: Duration = Duration::from_secs(120);

/// Room in a message for its fields, beside the record.
const FIELDS_MAX_BYTES: usize = 1024;

/// The oldest servers that answer as this expects, as major and minor version.
const OLDEST_SERVER: (i64, i64) = (2, 10);

/// The stream's name.
pub(super) fn name(options: &NatsOptions) -> String {
    format!("seawall-{}-log", options.name)
}

/// The subject of a record without a key.
pub(super) fn subject(options: &NatsOptions) -> String {
    format!("seawall.{}.log", options.name)
}

/// The subject of a record that is written once for its key. Another for each key, so that the server itself can say
/// that there is one.
pub(super) fn keyed_subject(options: &NatsOptions, once: &str) -> String {
    format!("{}.once.{once}", subject(options))
}

/// What the stream must take for records with keys.
pub(super) fn keyed_subjects(options: &NatsOptions) -> String {
    keyed_subject(options, "*")
}

/// The stream as it is now; made, where there is none.
pub(super) async fn look(link: &Link, options: &NatsOptions) -> Result<Info, LogError> {
    let (major, minor) = OLDEST_SERVER;
    if link.client.try_server_info().is_some() && !link.client.is_server_compatible(major, minor, 0) {
        let version = link.client.server_info().version;
        return Err(unreachable(format!(
            "the NATS server has version {version}: run {major}.{minor} or later"
        )));
    }
    match link.jetstream.get_stream(name(options)).await {
        Ok(stream) => Ok(stream.cached_info().clone()),
        Err(error) if is_missing(&error) => make(link, options).await,
        Err(error) => Err(failed(link, &error)),
    }
}

/// What of the operator's wishes a stream that is there does not have. It is theirs to change: a node with other
/// settings that joins must not change the log of all the others.
pub(super) fn differences(link: &Link, info: &Info, options: &NatsOptions) -> Vec<String> {
    let wanted = config(options);
    let mut all = Vec::new();
    if !info.config.subjects.contains(&keyed_subjects(options)) {
        all.push(format!(
            "the stream takes no purges with an Idempotency-Key: add the subject `{}`",
            keyed_subjects(options)
        ));
    }
    let mut compare = |key: &str, is: String, should_be: String| {
        if is != should_be {
            all.push(format!("`{key}` is {is} in the stream and {should_be} in the config"));
        }
    };
    compare("replicas", info.config.num_replicas.to_string(), wanted.num_replicas.to_string());
    compare("retention", format!("{:?}", info.config.max_age), format!("{:?}", wanted.max_age));
    compare("max_bytes", info.config.max_bytes.to_string(), wanted.max_bytes.to_string());
    let (takes, largest) = (link.client.max_payload(), RECORD_MAX_BYTES + FIELDS_MAX_BYTES);
    if takes < largest {
        all.push(format!(
            "the server's `max_payload` is {takes} bytes and the largest purge has {largest}: write `max_payload: 4MB`"
        ));
    }
    all
}

/// Lifts the stream's numbers above `lost`, which were given out by a log that is gone. All that the stream holds goes
/// with it: whoever has not applied it finds a gap, and drops everything.
pub(super) async fn lift(link: &Link, options: &NatsOptions, lost: Position) -> Result<(), LogError> {
    let stream = link.jetstream.get_stream_no_info(name(options)).await.map_err(unreachable)?;
    // The first number that stays; the one before it counts as given out.
    stream.purge().sequence(lost.next().next().0).await.map_err(unreachable)?;
    tracing::error!(
        lost = lost.0,
        "the control log was lost or went back: its stream was made anew or restored. Positions go on above; every node \
         drops what it holds"
    );
    Ok(())
}

async fn make(link: &Link, options: &NatsOptions) -> Result<Info, LogError> {
    let stream =
        link.jetstream.create_stream(config(options)).await.map_err(|error| {
            unreachable(format!("the stream `{}` cannot be made: {error}", name(options)))
        })?;
    tracing::info!(stream = name(options), replicas = options.replicas, "made the stream of the control log");
    Ok(stream.cached_info().clone())
}

fn config(options: &NatsOptions) -> Config {
    Config {
        name: name(options),
        description: Some("the control log of a Seawall cluster: purges, in order".to_owned()),
        subjects: vec![subject(options), keyed_subjects(options)],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        num_replicas: options.replicas,
        max_age: options.retention,
        max_bytes: signed(options.max_bytes),
        max_messages: options.max_records.map_or(-1, signed),
        max_messages_per_subject: -1,
        max_consumers: -1,
        max_message_size: i32::try_from(RECORD_MAX_BYTES + FIELDS_MAX_BYTES).unwrap_or(i32::MAX),
        duplicate_window: DUPLICATES_WITHIN.min(options.retention),
        // A hole in the middle would be a gap for everyone.
        deny_delete: true,
        ..Config::default()
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(said) if said.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn failed(link: &Link, error: &GetStreamError) -> LogError {
    let source = std::error::Error::source(error);
    let request =
        source.and_then(|source| source.downcast_ref::<async_nats::jetstream::context::RequestError>());
    match request.map(|request| request.kind()) {
        Some(RequestErrorKind::NoResponders) => unreachable(
            "JetStream does not answer: it is off on the NATS server (write `jetstream {}` in its config), or its \
             cluster has no leader",
        ),
        Some(RequestErrorKind::TimedOut) => {
            unreachable(format!("JetStream does not answer ({})", link.trouble()))
        }
        _ => unreachable(error),
    }
}
