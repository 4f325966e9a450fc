//! The one connection, as the log and the roster see it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::Context;
use tokio::sync::watch;

use crate::log::LogError;

/// Longest wait for one answer of a server.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_secs(2);

/// Is there a connection?
#[derive(Clone, Debug, Default)]
pub(super) struct Wire {
    pub(super) is_up: bool,
    /// Counts connections that came or went: whoever follows something over one must begin anew on another.
    pub(super) changes: u64,
    /// What was last said to be wrong.
    pub(super) trouble: Option<Arc<str>>,
}

#[derive(Clone)]
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) jetstream: Context,
    wire: watch::Receiver<Wire>,
}

impl Link {
    pub(super) fn new(client: Client, jetstream: Context, wire: watch::Receiver<Wire>) -> Self {
        Self { client, jetstream, wire }
    }

    /// Which connection this is, where there is one now.
    pub(super) fn generation(&self) -> Result<u64, LogError> {
        let wire = self.wire.borrow();
        if wire.is_up { Ok(wire.changes) } else { Err(down(&wire)) }
    }

    /// Waits for a connection.
    pub(super) async fn up(&self) -> u64 {
        let mut wire = self.wire.clone();
        let up = wire.wait_for(|wire| wire.is_up).await.map(|wire| wire.changes).ok();
        match up {
            Some(changes) => changes,
            // The connection's thread has ended, and there will be none.
            None => std::future::pending().await,
        }
    }

    /// Waits until connection `generation` is gone.
    pub(super) async fn broken(&self, generation: u64) -> LogError {
        let mut wire = self.wire.clone();
        match wire.wait_for(|wire| wire.changes != generation).await {
            Ok(wire) => down(&wire),
            Err(_) => LogError::Closed,
        }
    }

    /// Why there is no connection, as far as is known.
    pub(super) fn trouble(&self) -> Arc<str> {
        let wire = self.wire.borrow();
        wire.trouble.clone().unwrap_or_else(|| Arc::from("no NATS server answers"))
    }
}

fn down(wire: &Wire) -> LogError {
    let why = wire.trouble.clone().unwrap_or_else(|| Arc::from("the connection to NATS was lost"));
    LogError::Unreachable(why)
}

/// Something that NATS said, in the words of the log.
pub(super) fn unreachable(error: impl std::fmt::Display) -> LogError {
    LogError::Unreachable(Arc::from(error.to_string()))
}
