//! What is written to standard error, and how.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts the process's log. `SEAWALL_LOG` overrides the level with a filter, such as `info,access=off`.
pub fn start(log: &Log) {
    let filter =
        EnvFilter::try_from_env("SEAWALL_LOG").unwrap_or_else(|_| EnvFilter::new(log.level.as_str()));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, in a process that runs several nodes, finds the log started.
    let _ = match log.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
}
