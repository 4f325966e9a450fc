//! The audit trail: one line for each write, and none for anything else.

use std::fmt;

use futures_core::future::BoxFuture;
use parking_lot::Mutex;
use seawall_cluster::{LogError, NewRecord, Records};
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// The audit lines, each as its fields.
#[derive(Clone, Default)]
struct Trail(Arc<Mutex<Vec<Value>>>);

impl<S: tracing::Subscriber> Layer<S> for Trail {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "audit" {
            let mut fields = Fields::default();
            event.record(&mut fields);
            self.0.lock().push(Value::Object(fields.0));
        }
    }
}

#[derive(Default)]
struct Fields(serde_json::Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[tokio::test(start_paused = true)]
async fn each_write_leaves_one_line_that_says_who_what_and_where() {
    let trail = Trail::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(trail.clone()));
    let scene = Scene::whole().await;
    let _ = scene.purge("", &json!({"all": true, "dry_run": true})).await;
    let _ = scene.purge("", &json!({})).await;
    let _ = scene.get("/v1/nodes").await;
    assert!(trail.0.lock().is_empty(), "nothing was written");

    let (_, answer) = scene.purge("?wait=all", &json!({"tags": ["a", "b"]})).await;
    let lines = trail.0.lock().clone();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert_eq!((&line["action"], &line["actor"]), (&json!("purge"), &json!("ops")));
    assert_eq!((&line["id"], &line["position"]), (&answer["id"], &answer["position"]));
    assert_eq!(line["selectors"], 2);
    assert!(!line.to_string().contains(WRITE), "never the secret");
}

/// A log that takes nothing until it is let.
struct Gated {
    log: EmbeddedLog,
    asked: Notify,
    may_append: Notify,
}

impl ControlLog for Gated {
    fn append(&self, record: NewRecord) -> BoxFuture<'_, Result<Position, LogError>> {
        Box::pin(async move {
            self.asked.notify_one();
            self.may_append.notified().await;
            self.log.append(record).await
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        self.log.head()
    }

    fn follow(&self, after: Position) -> BoxFuture<'_, Result<Records, LogError>> {
        self.log.follow(after)
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_parts_no_purge_from_its_line() {
    let trail = Trail::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(trail.clone()));
    let log = EmbeddedLog::in_memory(Retention::default());
    let log = Arc::new(Gated { log, asked: Notify::new(), may_append: Notify::new() });
    let shared: Arc<dyn ControlLog> = Arc::clone(&log) as _;
    let scene = Scene::over(&shared);
    let client = tokio::spawn(scene.router.clone().oneshot(order("", "{\"all\": true}")));
    log.asked.notified().await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    assert!(trail.0.lock().is_empty(), "nothing is durable yet");

    log.may_append.notify_one();
    let mut changed = scene.members.watch();
    while scene.cluster.position() == Position::START {
        changed.changed().await.unwrap();
    }
    // The line is written by the task that appended; it runs once the log has answered.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(trail.0.lock().len(), 1);
}
