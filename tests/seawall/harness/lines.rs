//! The process's log, as the tests read it. Nodes run on threads of their own, so there is one log for all tests of a
//! process; a test finds its lines by a path that only it uses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

static LINES: OnceLock<Lines> = OnceLock::new();

/// One line: its target, its level, and its fields as text.
pub(crate) type Line = BTreeMap<String, String>;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

/// Begins to keep lines. Only the first call does anything.
pub(crate) fn keep() {
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::registry().with(lines.clone().with_filter(LevelFilter::INFO));
        tracing::subscriber::set_global_default(subscriber).unwrap();
        lines
    });
}

/// The access log's lines about a path.
pub(crate) fn of_path(path: &str) -> Vec<Line> {
    let lines = LINES.get().expect("lines are kept").0.lock();
    let own = |line: &&Line| line.get("path").is_some_and(|own| own == path);
    lines.iter().filter(own).cloned().collect()
}

/// The last line with this message.
pub(crate) fn saying(message: &str) -> Option<Line> {
    with("message", message)
}

/// The last line with this field.
pub(crate) fn with(name: &str, value: &str) -> Option<Line> {
    let lines = LINES.get().expect("lines are kept").0.lock();
    lines.iter().rev().find(|line| line.get(name).is_some_and(|own| own == value)).cloned()
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Writing(Line::new());
        event.record(&mut line);
        let meta = event.metadata();
        line.0.insert("target".to_owned(), meta.target().to_owned());
        line.0.insert("level".to_owned(), meta.level().to_string());
        self.0.lock().push(line.0);
    }
}

struct Writing(Line);

impl Visit for Writing {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
