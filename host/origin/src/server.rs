//! One server of a pool: where it is, how much of the work it gets, and when.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// Largest weight of a server. Enough for any ratio between machines, and small enough that sums and products of
/// weights stay far within their types.
pub const WEIGHT_MAX: u32 = 1000;

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    pub(crate) weight: NonZeroU32,
    pub(crate) role: Role,
}

/// When a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Always.
    Primary,
    /// Only where no primary server can be.
    Backup,
}

impl Server {
    /// `host` and port, over plain HTTP.
    #[must_use]
    pub fn plain(authority: Authority) -> Self {
        Self { scheme: Scheme::HTTP, authority, weight: NonZeroU32::MIN, role: Role::Primary }
    }

    /// The same with another share of the requests, relative to the other servers'. At most [`WEIGHT_MAX`].
    #[must_use]
    pub fn weighing(self, weight: NonZeroU32) -> Self {
        Self { weight: weight.min(NonZeroU32::new(WEIGHT_MAX).unwrap_or(NonZeroU32::MIN)), ..self }
    }

    /// The same in another role.
    #[must_use]
    pub fn in_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

impl Role {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Backup => "backup",
        }
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = || {
            format!("`{text}` is not a server: write `http://host:port` or `https://host`, without a path")
        };
        let parts = text.parse::<Uri>().map_err(|_| advice())?.into_parts();
        let bare = parts.path_and_query.is_none_or(|path| path.as_str() == "/");
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if bare && (scheme == Scheme::HTTP || scheme == Scheme::HTTPS) =>
            {
                Ok(Self { scheme, ..Self::plain(authority) })
            }
            _ => Err(advice()),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_urls_without_a_path() {
        for good in ["http://127.0.0.1:3000", "https://a.example", "https://a.example/", "http://[::1]:80"] {
            assert!(good.parse::<Server>().is_ok(), "{good}");
        }
        for bad in ["", "a.example", "ftp://a", "http://a/b", "http://a?b", "http://", "/a"] {
            assert!(bad.parse::<Server>().unwrap_err().contains("write `http://host:port`"), "{bad}");
        }
    }
}
