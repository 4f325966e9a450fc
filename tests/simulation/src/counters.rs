//! What a run met: the figures that say whether its scripts are worth anything.

use std::fmt;
use std::ops::AddAssign;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// Something that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Count {
            $($(#[$doc])* $name),+
        }

        impl Count {
            /// All of them, in the order in which they are printed.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What it is called in the summary.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

counts! {
    /// Clients' requests.
    Requests = "requests",
    /// Answers that the oracle judged.
    Judged = "answers judged",
    /// Requests that ended in a fault.
    Failures = "requests that failed",
    /// Answers from the store, fresh.
    Hits = "fresh hits",
    /// Answers from the store, stale.
    StaleHits = "stale answers",
    /// Requests that led a fill.
    Leads = "fills led",
    /// Requests that joined a fill.
    Follows = "fills joined",
    /// Followers sent away by a late `Vary`.
    ReleasedByVary = "followers released: other variant",
    /// Followers sent away by a purge.
    ReleasedBySeal = "followers released: sealed",
    /// Followers sent away for any other reason.
    ReleasedOtherwise = "followers released: other reasons",
    /// Hard purges in the log.
    HardPurges = "hard purges",
    /// Soft purges in the log.
    SoftPurges = "soft purges",
    /// Purges that a node applied.
    Applied = "purges applied (nodes together)",
    /// Of those, how many found a fill in flight that they match.
    MetInFlight = "applied while a matching fill was in flight",
    /// Fills that were not stored because of a purge.
    Sealed = "fills sealed",
    /// 304s that renewed what was stored.
    Refreshes = "304 refreshes",
    /// Of those, how many had a purge applied between question and answer.
    RefreshesAcrossPurges = "304 refreshes with a purge under way",
    /// Parts stored.
    Parts = "parts stored",
    /// Bodies that broke off, completed by their rest.
    Completed = "bodies completed by their rest",
    /// Bodies that broke off.
    Broken = "bodies that broke off",
    /// Questions to a shield.
    PeerRequests = "shield requests",
    /// Shields that were behind and caught up in time.
    ShieldWaited = "shields that waited and caught up",
    /// Shields that were behind and went past their cache.
    ShieldBehind = "shields that stayed behind and passed",
    /// Stale answers of a shield.
    StaleAtShield = "stale answers of a shield",
    /// Fills that went to the origin because no shield answered.
    ShieldFallbacks = "shield fallbacks to the origin",
    /// Answers that stood in for a failing origin.
    StandIns = "stale answers that stood in for the origin",
    /// Gaps of the log.
    Gaps = "gaps of the log",
    /// Nodes that were killed and started again.
    Restarts = "restarts",
    /// Links that were cut.
    Cuts = "links cut",
    /// Orders that waited for one node.
    AckedLocal = "acknowledgements, wait=local",
    /// Orders that waited for all nodes.
    AckedAll = "acknowledgements, wait=all",
    /// Of those, how many named a node that had not applied the purge.
    AckedPartly = "of those with pending or unreachable nodes",
}

/// How often each was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters([u64; Count::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([0; Count::ALL.len()])
    }
}

impl Counters {
    /// How often `count` was met.
    #[must_use]
    pub fn get(&self, count: Count) -> u64 {
        self.0.get(count as usize).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, count: Count, times: u64) {
        if let Some(number) = self.0.get_mut(count as usize) {
            *number += times;
        }
    }
}

impl AddAssign<&Self> for Counters {
    fn add_assign(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Count::ALL.iter().try_for_each(|count| writeln!(f, "{:>12}  {}", self.get(*count), count.as_str()))
    }
}
