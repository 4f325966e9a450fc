//! Sends spans to a collector: OTLP over HTTP, in protobuf, from a thread of its own.
//!
//! Owns: the queue between the workers and that thread, bounded in spans, and what is done where the collector is down:
//! spans are lost and counted, and nothing else happens. Alone names the opentelemetry crates. Refuses: making anybody wait.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use parking_lot::{Condvar, Mutex};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use seawall_base::Clock;
use seawall_base::trace::{Ended, Kind, Place, Spans, Tracer, Value};

use super::StartError;
use crate::config::Config;

/// Most spans that wait to be sent: some megabytes.
pub(crate) const QUEUE_MAX_SPANS: usize = 8192;

/// Most spans of one request to the collector: below what collectors take at once (4 MiB).
const BATCH_MAX_SPANS: usize = 512;

/// How long spans wait for others to be sent with.
const SEND_EVERY: Duration = Duration::from_secs(1);

/// How long the collector may take.
const COLLECTOR_LIMIT: Duration = Duration::from_secs(5);

/// How long the end of the process waits for the last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The largest answer of a collector that is read, in bytes.
const ANSWER_MAX_BYTES: u64 = 64 * 1024;

/// The queue.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// Told when the thread ends.
    done: Condvar,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Ended>,
    stop: bool,
    ended: bool,
}

/// What is counted.
#[derive(Clone, Debug, Default)]
struct Metrics {
    sent: Counter,
    lost: Counter,
    errors: Counter,
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("telemetry");
        registry.register("spans_sent", "Spans that the collector took", self.sent.clone());
        let help = "Spans that were lost: the collector did not take them, or too many waited";
        registry.register("spans_lost", help, self.lost.clone());
        registry.register(
            "errors",
            "Times that the collector could not be reached or refused",
            self.errors.clone(),
        );
    }
}

impl Spans for Queue {
    fn take(&self, span: Ended) {
        let mut state = self.state.lock();
        if state.waiting.len() >= QUEUE_MAX_SPANS {
            drop(state);
            self.metrics.lost.inc();
            return;
        }
        state.waiting.push(span);
        let enough = state.waiting.len() == BATCH_MAX_SPANS;
        drop(state);
        if enough {
            self.wake.notify_one();
        }
    }
}

/// The thread that sends. It ends when it is stopped.
#[derive(Debug)]
pub(crate) struct Sender {
    queue: Arc<Queue>,
    thread: JoinHandle<()>,
}

impl Sender {
    /// Starts, and makes the node's tracer. `None` where the config names no collector.
    pub(crate) fn start(
        config: &Config,
        clock: &Clock,
        registry: &mut Registry,
    ) -> Result<Option<(Self, Tracer)>, StartError> {
        let Some(collector) = &config.telemetry.otlp else { return Ok(None) };
        let failed = |source| StartError::Io { what: "the telemetry's thread", source };
        let exporter = exporter(&format!("{collector}/v1/traces"), config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
        let queue = Arc::new(Queue::default());
        queue.metrics.register(registry);
        let own = Arc::clone(&queue);
        let body = move || {
            send(&own, |batch| runtime.block_on(exporter.export(batch)).map_err(|error| error.to_string()));
            own.state.lock().ended = true;
            own.done.notify_one();
        };
        let thread = std::thread::Builder::new().name("telemetry".to_owned()).spawn(body).map_err(failed)?;
        let to = Arc::clone(&queue) as Arc<dyn Spans>;
        let telemetry = &config.telemetry;
        let tracer = Tracer::new(clock.clone(), to, telemetry.sample.get(), telemetry.trust_clients);
        Ok(Some((Self { queue, thread }, tracer)))
    }

    /// Sends what there is, and ends; or gives up where the collector does not take it soon.
    pub(crate) fn stop(self) {
        let mut state = self.queue.state.lock();
        state.stop = true;
        self.queue.wake.notify_one();
        self.queue.done.wait_while_for(&mut state, |state| !state.ended, LAST_SPANS);
        let ended = state.ended;
        drop(state);
        if !ended {
            tracing::warn!("the last spans could not be sent in time");
        } else if self.thread.join().is_err() {
            tracing::error!("the telemetry's thread panicked");
        }
    }
}

fn exporter(endpoint: &str, config: &Config) -> Result<SpanExporter, StartError> {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(COLLECTOR_LIMIT))
        .build();
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector(agent.into()))
        .with_endpoint(endpoint)
        .with_timeout(COLLECTOR_LIMIT)
        .build()
        .map_err(|error| StartError::Config(format!("`telemetry.otlp`: {error}")))?;
    exporter.set_resource(
        &Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "seawall"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", config.node.name.to_string()),
                KeyValue::new("seawall.region", config.node.region.to_string()),
            ])
            .build(),
    );
    Ok(exporter)
}

/// Sends until it is told to stop and nothing waits.
fn send(queue: &Queue, export: impl Fn(Vec<SpanData>) -> Result<(), String>) {
    let mut failed = false;
    loop {
        let mut state = queue.state.lock();
        if !state.stop && state.waiting.len() < BATCH_MAX_SPANS {
            queue.wake.wait_for(&mut state, SEND_EVERY);
        }
        let stop = state.stop;
        let most = state.waiting.len().min(BATCH_MAX_SPANS);
        let batch: Vec<Ended> = state.waiting.drain(..most).collect();
        drop(state);
        if batch.is_empty() {
            if stop {
                return;
            }
            continue;
        }
        let spans = batch.len() as u64;
        match export(batch.into_iter().map(data).collect()) {
            Ok(()) => {
                queue.metrics.sent.inc_by(spans);
                failed = false;
            }
            Err(error) => {
                queue.metrics.errors.inc();
                queue.metrics.lost.inc_by(spans);
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(error, "the collector does not take spans; they are lost until it does");
                }
                if stop {
                    return;
                }
            }
        }
    }
}

/// A span in the words of OpenTelemetry.
fn data(span: Ended) -> SpanData {
    let mut links = SpanLinks::default();
    links.links.extend(span.link.map(|place| Link::new(context(place, true), Vec::new(), 0)));
    SpanData {
        span_context: context(span.place, false),
        parent_span_id: span.parent.map_or(SpanId::INVALID, SpanId::from_bytes),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: match span.kind {
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Internal => SpanKind::Internal,
        },
        name: Cow::Borrowed(span.name),
        start_time: span.began,
        end_time: span.ended,
        attributes: span.fields.into_iter().map(attribute).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links,
        status: span.failure.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder("seawall").build(),
    }
}

fn attribute((name, value): (&'static str, Value)) -> KeyValue {
    match value {
        Value::Text(text) => KeyValue::new(name, text),
        Value::Number(number) => KeyValue::new(name, number),
    }
}

fn context(place: Place, is_remote: bool) -> SpanContext {
    let (trace, span) = (TraceId::from_bytes(place.trace), SpanId::from_bytes(place.span));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, is_remote, TraceState::NONE)
}

/// The client of the collector: it waits, on a thread that has nothing else to do.
struct Collector(ureq::Agent);

impl HttpClient for Collector {
    fn send_bytes<'c, 'f>(
        &'c self,
        request: http::Request<bytes::Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<http::Response<bytes::Bytes>, HttpError>> + Send + 'f>>
    where
        'c: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let mut response = self.0.run(request.map(|body| body.to_vec()))?;
            let body = response.body_mut().with_config().limit(ANSWER_MAX_BYTES).read_to_vec()?;
            let (head, _) = response.into_parts();
            Ok(http::Response::from_parts(head, bytes::Bytes::from(body)))
        })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}
