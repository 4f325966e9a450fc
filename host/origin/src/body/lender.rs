//! What brings a client's body back that nobody asked for.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Outgoing;

/// Gets a body back that was lent for one try and never asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lender(pub(super) Arc<Mutex<Option<Outgoing>>>);

impl Lender {
    /// Whether the body is back.
    pub(crate) fn has_it(&self) -> bool {
        self.0.lock().is_some()
    }

    /// The body, if it is back and whole.
    pub(crate) fn take_back(&self) -> Option<Outgoing> {
        let body = self.0.lock().take()?;
        body.upload.as_ref().is_some_and(|upload| upload.from.lock().is_some()).then_some(body)
    }
}
