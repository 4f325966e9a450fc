//! Gates: places where the origin, or the control log, waits until the test says go. With them a race is a script.

use std::sync::Arc;

use tokio::sync::watch;

use super::bounded;

/// A place to wait at. Clones are the same place.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Posts>);

struct Posts {
    open: watch::Sender<bool>,
    reached: watch::Sender<usize>,
}

impl Gate {
    /// A gate that lets nobody through yet.
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Posts { open: watch::Sender::new(false), reached: watch::Sender::new(0) }))
    }

    /// Lets everybody through, now and later.
    pub(crate) fn open(&self) {
        self.0.open.send_replace(true);
    }

    /// Stops at the gate until it is open.
    pub(crate) async fn pass(&self) {
        self.0.reached.send_modify(|reached| *reached += 1);
        // The sender lives as long as this gate.
        let _ = self.0.open.subscribe().wait_for(|open| *open).await;
    }

    /// Waits until `times` have stopped at the gate.
    pub(crate) async fn is_reached(&self, times: usize) {
        let mut reached = self.0.reached.subscribe();
        let wait = reached.wait_for(|reached| *reached >= times);
        bounded("the gate is reached", wait).await.unwrap();
    }
}
