//! What a site lets requests and responses be, beyond what the RFCs say.

use http::HeaderName;

/// Default of [`Guards::max_body`]: above any form and most uploads; a body streams, so its bytes are not held.
pub const MAX_BODY_DEFAULT: u64 = 1 << 30;

/// What becomes of a request whose path two readers may read differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OddPaths {
    /// It is answered with 400.
    #[default]
    Refuse,
    /// It goes to the origin, past the cache.
    Pass,
}

impl OddPaths {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Refuse, Self::Pass];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Pass => "pass",
        }
    }
}

/// A site's guards.
#[derive(Clone, Debug)]
pub struct Guards {
    /// Largest body of a request, in bytes.
    pub max_body: u64,
    /// What becomes of a path that is odd ([`seawall_policy::path`]).
    pub odd_paths: OddPaths,
    /// Fields that would have an origin answer for another URL or method, and may pass all the same
    /// ([`seawall_policy::overrides`]).
    pub overrides: Box<[HeaderName]>,
    /// Whether a page under the name of a picture, a script or a style is kept from the store
    /// ([`seawall_policy::disguise`]).
    pub checks_type: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_body: MAX_BODY_DEFAULT,
            odd_paths: OddPaths::default(),
            overrides: Box::default(),
            checks_type: true,
        }
    }
}
