//! What is written to standard error, and how.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::node::SetLog;

/// A filter of one's own, such as `info,access=off`, that overrides the configured level.
const FILTER: &str = "SEAWALL_LOG";

/// Starts the process's log. Answers how to change its level later, where that can be: not where `SEAWALL_LOG` overrides
/// it, nor in a process that has started its log already.
pub fn start(log: &Log) -> Option<SetLog> {
    start_with(log, log.level.as_str())
}

/// The same for an author's desk, where requests and functions have a trace of their own.
pub fn start_for_dev(log: &Log) {
    // Nothing is reloaded there but functions.
    let _ = start_with(log, "warn,function=off,access=off");
}

fn start_with(log: &Log, usual: &str) -> Option<SetLog> {
    let own = EnvFilter::try_from_env(FILTER);
    let overridden = own.is_ok();
    let filter = own.unwrap_or_else(|_| EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let (started, set): (_, SetLog) = match log.format {
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            (builder.try_init(), Box::new(move |log| said(handle.reload(filter_of(log)))))
        }
        LogFormat::Text => {
            let builder = builder.with_ansi(false).with_filter_reloading();
            let handle = builder.reload_handle();
            (builder.try_init(), Box::new(move |log| said(handle.reload(filter_of(log)))))
        }
    };
    (started.is_ok() && !overridden).then_some(set)
}

fn filter_of(log: &Log) -> EnvFilter {
    EnvFilter::new(log.level.as_str())
}

fn said(changed: Result<(), tracing_subscriber::reload::Error>) {
    if let Err(error) = changed {
        tracing::error!(%error, "the log's level stays as it was");
    }
}
