//! Rules that can be broken on purpose, to see that the simulation notices.
//!
//! All of them are broken in the driver, the simulation's own walk along the path: it leaves out a step or passes on a
//! wrong word, as a bug in the lanes would. What the cache itself checks is broken by going round it: a fill that was
//! sealed is led and stored once more. So no code that ships has a switch that takes a guarantee away.

/// One broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A sealed fill is stored all the same.
    SealIgnored,
    /// What is stored bears the position at which the answer came, not that at which it was asked for.
    StampedLate,
    /// A shield that is behind answers from its cache.
    ShieldDoesNotWait,
    /// A node that finds a gap goes on from the head with what it holds.
    GapKeepsContent,
    /// A 304 is stored without a look at what purged the response that it keeps alive.
    PriorTagsIgnored,
    /// An edge keeps what its shield says is stale.
    StaleAtShieldStored,
    /// An edge stamps what a shield held with its own position.
    PeerPositionDropped,
    /// A soft purge is skipped.
    SoftPurgeSkipped,
    /// A node says that it has applied a purge when it has only read it.
    AcknowledgedTooEarly,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::SealIgnored,
        Self::StampedLate,
        Self::ShieldDoesNotWait,
        Self::GapKeepsContent,
        Self::PriorTagsIgnored,
        Self::StaleAtShieldStored,
        Self::PeerPositionDropped,
        Self::SoftPurgeSkipped,
        Self::AcknowledgedTooEarly,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SealIgnored => "seal-ignored",
            Self::StampedLate => "stamped-late",
            Self::ShieldDoesNotWait => "shield-does-not-wait",
            Self::GapKeepsContent => "gap-keeps-content",
            Self::PriorTagsIgnored => "prior-tags-ignored",
            Self::StaleAtShieldStored => "stale-at-shield-stored",
            Self::PeerPositionDropped => "peer-position-dropped",
            Self::SoftPurgeSkipped => "soft-purge-skipped",
            Self::AcknowledgedTooEarly => "acknowledged-too-early",
        }
    }

    /// The rule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sabotage| sabotage.as_str() == name)
    }
}
