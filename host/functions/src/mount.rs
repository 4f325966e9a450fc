//! A handler as an origin: what answers there now.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::function::Function;

/// The place of a handler among the origins. A request takes the version that is there when it asks, and keeps it.
pub struct Mount {
    name: Box<str>,
    now: ArcSwapOption<Function>,
}

impl Mount {
    /// The place of the function of this name. Nothing answers there yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), now: ArcSwapOption::empty() }
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that answers now, if one is active. Takes no lock.
    #[must_use]
    pub fn now(&self) -> Option<Arc<Function>> {
        self.now.load_full()
    }

    /// Whether this version answers now.
    #[must_use]
    pub fn is(&self, function: &Arc<Function>) -> bool {
        self.now.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, function))
    }

    /// From now on, this version answers.
    pub fn replace(&self, function: Arc<Function>) {
        self.now.store(Some(function));
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("name", &self.name).field("now", &self.now()).finish()
    }
}
