//! `Idempotency-Key`: the name that a client gives to one order, so that asking again orders nothing again.
//!
//! draft-ietf-httpapi-idempotency-key-header: a structured string. Bare tokens are common and taken as well.

use http::{HeaderMap, HeaderName};

use crate::problem::{Kind, Problem};

/// The field.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest key, in bytes: three times a UUID, and room for a build's name.
pub const KEY_MAX_BYTES: usize = 128;

/// The key of a request, if it has one.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if values.next().is_none() && (1..=KEY_MAX_BYTES).contains(&bare.len()) && bare.bytes().all(plain) {
        return Ok(Some(bare.to_owned()));
    }
    let detail = format!(
        "`Idempotency-Key` is one value of 1 to {KEY_MAX_BYTES} visible ASCII characters, in quotes or not, such as a UUID."
    );
    Err(Problem::new(Kind::InvalidKey, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<String>, Problem> {
        let values = values.iter().map(|value| (IDEMPOTENCY_KEY, value.parse().unwrap()));
        read(&values.collect())
    }

    #[test]
    fn quoted_or_bare_a_key_is_the_same() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["deploy-7"]), Ok(Some("deploy-7".to_owned())));
        assert_eq!(key(&["\"deploy-7\""]), Ok(Some("deploy-7".to_owned())));
        assert_eq!(key(&[&"k".repeat(KEY_MAX_BYTES)]).unwrap().map(|key| key.len()), Some(KEY_MAX_BYTES));
        for bad in [&["", ""][..], &["a", "b"], &["two words"], &["\"\""], &["\"open"], &["a\\b"]] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
        assert!(key(&[&"k".repeat(KEY_MAX_BYTES + 1)]).is_err());
    }
}
