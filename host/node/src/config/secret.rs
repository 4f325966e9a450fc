//! Text that must not be seen: admin tokens and the cluster's secret.

use std::fmt;

use serde::{Serialize, Serializer};

/// What stands where a secret would.
pub const REDACTED: &str = "[redacted]";

/// Shortest secret, in bytes: 96 bits where every byte is base64, which cannot be guessed over a network.
pub const SECRET_MIN_BYTES: usize = 16;

/// Longest secret, in bytes: it must fit in one header line beside others.
pub const SECRET_MAX_BYTES: usize = 1024;

/// A secret. Neither `Debug` nor `Serialize` shows it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a text cannot be a secret. The text itself is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Too easy to guess.
    #[error(
        "has fewer than {SECRET_MIN_BYTES} bytes and can be guessed. Make one with `openssl rand -hex 32`."
    )]
    Short,
    /// Too long for a header.
    #[error("has more than {SECRET_MAX_BYTES} bytes. Make one with `openssl rand -hex 32`.")]
    Long,
    /// Not RFC 6750 §2.1 `b64token`.
    #[error(
        "has characters that cannot stand in an `Authorization: Bearer` header (RFC 6750 §2.1): use \
         letters, digits and `-._~+/`, with `=` only at the end. Make one with `openssl rand -hex 32`."
    )]
    Characters,
}

impl Secret {
    /// A secret of someone else's making, such as a server's password: any one line that is not too long.
    pub(super) fn of_others(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("is empty. Write the secret there, on one line."),
            _ if text.len() > SECRET_MAX_BYTES || text.contains('\n') => {
                Err("is no secret. Write the secret there, on one line.")
            }
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// Checks `text` against the rule for secrets: a `b64token` (RFC 6750 §2.1) of bearable length.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let body = text.trim_end_matches('=');
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        if text.len() < SECRET_MIN_BYTES {
            Err(SecretError::Short)
        } else if text.len() > SECRET_MAX_BYTES {
            Err(SecretError::Long)
        } else if body.is_empty() || !body.bytes().all(plain) {
            Err(SecretError::Characters)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The secret itself. Every caller of this is a place to review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("0123456789abcdef==").unwrap();
        assert_eq!(format!("{secret:?}"), REDACTED);
        assert_eq!(serde_json::to_string(&secret).unwrap(), format!("\"{REDACTED}\""));
        assert_eq!(secret.expose(), "0123456789abcdef==");
    }

    #[test]
    fn a_secret_fits_a_bearer_header() {
        assert_eq!(Secret::new("hunter2"), Err(SecretError::Short));
        assert_eq!(Secret::new(&"a".repeat(SECRET_MAX_BYTES + 1)), Err(SecretError::Long));
        for bad in ["0123456789 abcdef", "0123456789=abcdef", "0123456789abcde!", "================"] {
            assert_eq!(Secret::new(bad), Err(SecretError::Characters), "{bad}");
        }
    }
}
