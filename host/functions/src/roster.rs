//! The functions of one site as they are now: a chain that may be replaced while requests run.

use std::fmt;

use arc_swap::ArcSwap;

use crate::chain::Chain;

/// The functions of one site. A request takes the chain once and keeps it: all its hooks are of one version, whatever is
/// activated meanwhile, and a version's code goes when its last request does. A site without functions pays nothing.
pub struct Roster(Option<ArcSwap<Chain>>);

impl Roster {
    /// No functions, ever.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// These, until they are replaced.
    #[must_use]
    pub fn of(chain: Chain) -> Self {
        Self(Some(ArcSwap::from_pointee(chain)))
    }

    /// The functions as they are now, if there are any. Takes no lock.
    #[must_use]
    pub fn now(&self) -> Option<Chain> {
        self.0.as_ref().map(|chain| Chain::clone(&chain.load()))
    }

    /// From now on, requests run these. A roster without functions stays so.
    pub fn replace(&self, chain: Chain) {
        if let Some(current) = &self.0 {
            current.store(chain.into());
        }
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Roster").field(&self.now()).finish()
    }
}
