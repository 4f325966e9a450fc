//! Names of nodes, regions, sites and origins.
//!
//! One rule for all of them, so that a name can stand in a header (RFC 9110 token, RFC 8941 sf-token), a metric
//! label, a NATS subject and a file name without quoting: a lower-case ASCII letter or digit first, then lower-case
//! letters, digits, `-` and `_`, at most [`NAME_MAX_BYTES`] bytes.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name, in bytes: that of a DNS label (RFC 1035 §2.3.4), since many people name nodes after hosts.
pub const NAME_MAX_BYTES: usize = 63;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: use lower-case letters, digits, `-` and `_`, starting with a letter or digit, at most {NAME_MAX_BYTES} bytes"
)]
pub struct NameError(pub String);

fn checked(text: &str) -> Result<Arc<str>, NameError> {
    let bytes = text.as_bytes();
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = (1..=NAME_MAX_BYTES).contains(&bytes.len());
    if fits && plain(&bytes[0]) && bytes.iter().all(|b| plain(b) || matches!(b, b'-' | b'_')) {
        Ok(Arc::from(text))
    } else {
        Err(NameError(text.chars().take(NAME_MAX_BYTES + 1).collect()))
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` against the rule for names.
            pub fn new(text: &str) -> Result<Self, NameError> {
                checked(text).map(Self)
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}

names! {
    /// One `seawall` process.
    NodeName,
    /// A named location; several nodes may share one.
    Region,
    /// What a set of host names maps to.
    SiteName,
    /// A named pool of servers that own the content.
    OriginName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_token_everywhere() {
        for good in ["fra-1", "a", "0x", "shop_front"] {
            assert_eq!(NodeName::new(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(NAME_MAX_BYTES + 1);
        for bad in ["", "-a", "A", "a.b", "a b", "é", long.as_str()] {
            assert!(NodeName::new(bad).is_err(), "{bad:?}");
        }
    }
}
