//! A control log that one node hears late: the link between it and the others, as the test moves it.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::StreamExt;
use seawall_base::Position;
use seawall_cluster::{ControlLog, LogError, NewRecord, Records};

use super::gate::Gate;

/// The log behind a gate: it can be written to, and what comes new from it waits.
pub(crate) struct HeldLog {
    pub(crate) log: Arc<dyn ControlLog>,
    pub(crate) gate: Gate,
}

impl ControlLog for HeldLog {
    fn append(&self, record: NewRecord) -> BoxFuture<'_, Result<Position, LogError>> {
        self.log.append(record)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        self.log.head()
    }

    fn follow(&self, after: Position) -> BoxFuture<'_, Result<Records, LogError>> {
        Box::pin(async move {
            let records = self.log.follow(after).await?;
            let gate = self.gate.clone();
            let held = records.then(move |record| {
                let gate = gate.clone();
                async move {
                    gate.pass().await;
                    record
                }
            });
            Ok(held.boxed())
        })
    }
}
