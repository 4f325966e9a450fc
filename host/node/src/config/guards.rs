//! What requests may be: how large a head, for all sites; and a site's own guards.

use http::HeaderName;
use seawall_pipeline::{MAX_BODY_DEFAULT, OddPaths};
use seawall_policy::admission::HeadLimits;
use seawall_policy::overrides;
use serde::{Serialize, Serializer};

use super::caching::serialize_texts;
use super::check::Check;
use super::raw::{RawGuards, RawHead};
use super::size::Bytes;
use super::suggest;

/// Largest of the sizes in `[listen]`: what is held of a head while it comes is held for every connection.
pub const HEAD_MAX: Bytes = Bytes::kib(256);

/// Most fields that `[listen]` may allow.
pub const HEADERS_MAX: u32 = 1000;

/// How large a request's head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Longest target; a longer one gets a 414. Default 8 KiB, above what RFC 9110 §4.1 asks everybody to take.
    pub max_uri: Bytes,
    /// Most fields; more get a 431. Default 100.
    pub max_headers: u32,
    /// Longest field, its name and its value; a longer one gets a 431. Default 16 KiB.
    pub max_header_line: Bytes,
    /// Most bytes of all fields, each with its name, its value and four bytes more; more get a 431. Default 32 KiB.
    pub max_header_bytes: Bytes,
}

impl Default for Head {
    fn default() -> Self {
        let HeadLimits { uri_bytes, fields, field_bytes, fields_bytes } = HeadLimits::default();
        Self {
            max_uri: Bytes(uri_bytes as u64),
            max_headers: u32::try_from(fields).unwrap_or(HEADERS_MAX),
            max_header_line: Bytes(field_bytes as u64),
            max_header_bytes: Bytes(fields_bytes as u64),
        }
    }
}

impl Head {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawHead) -> Self {
        let RawHead { max_uri, max_headers, max_header_line, max_header_bytes } = raw;
        let default = Self::default();
        Self {
            max_uri: check.or("max_uri", max_uri, default.max_uri, parse_head_size),
            max_headers: check
                .number("max_headers", &max_headers, 1..=HEADERS_MAX)
                .unwrap_or(default.max_headers),
            max_header_line: check.or(
                "max_header_line",
                max_header_line,
                default.max_header_line,
                parse_head_size,
            ),
            max_header_bytes: check.or(
                "max_header_bytes",
                max_header_bytes,
                default.max_header_bytes,
                parse_head_size,
            ),
        }
    }

    /// The same, as the path wants it.
    #[must_use]
    pub fn limits(&self) -> HeadLimits {
        let bytes = |size: Bytes| usize::try_from(size.0).unwrap_or(usize::MAX);
        HeadLimits {
            uri_bytes: bytes(self.max_uri),
            fields: usize::try_from(self.max_headers).unwrap_or(usize::MAX),
            field_bytes: bytes(self.max_header_line),
            fields_bytes: bytes(self.max_header_bytes),
        }
    }
}

/// A size that a head can have.
fn parse_head_size(text: &str) -> Result<Bytes, String> {
    let size: Bytes = text.parse().map_err(|wrong: super::SizeError| wrong.to_string())?;
    if size < Bytes(1) || size > HEAD_MAX {
        Err(format!("`{text}` is out of range. Write a size from `1B` to `{HEAD_MAX}`."))
    } else {
        Ok(size)
    }
}

/// A site's guards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guards {
    /// Largest body of a request; a larger one gets a 413. Default 1 GiB.
    pub max_body: Bytes,
    /// What becomes of a request whose path two readers may read differently. Default [`OddPaths::Refuse`].
    #[serde(serialize_with = "serialize_odd_paths")]
    pub odd_paths: OddPaths,
    /// Fields that would have an origin answer for another URL or method, and are sent on all the same. Default: none.
    #[serde(serialize_with = "serialize_texts")]
    pub allow_overrides: Vec<HeaderName>,
    /// Whether an HTML page under the name of a picture, a script or a style is kept from the store. Default: yes.
    pub check_type: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_body: Bytes(MAX_BODY_DEFAULT),
            odd_paths: OddPaths::default(),
            allow_overrides: Vec::new(),
            check_type: true,
        }
    }
}

impl Guards {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawGuards) -> Self {
        let RawGuards { max_body, odd_paths, allow_overrides, check_type } = raw;
        let default = Self::default();
        let allowed = check.any_of("allow_overrides", allow_overrides, parse_override);
        Self {
            max_body: check.or("max_body", max_body, default.max_body, str::parse::<Bytes>),
            odd_paths: check.or("odd_paths", odd_paths, default.odd_paths, |text| {
                Check::word(text, &OddPaths::ALL, OddPaths::as_str)
            }),
            allow_overrides: check
                .each_once("allow_overrides", allowed)
                .into_iter()
                .map(|spot| spot.value)
                .collect(),
            check_type: check_type.or(default.check_type),
        }
    }

    /// The same, as the path wants it. What is in the site's key is sent on as well.
    #[must_use]
    pub fn guards(&self, keyed: &[HeaderName]) -> seawall_pipeline::Guards {
        let overrides =
            self.allow_overrides.iter().chain(keyed).filter(|name| overrides::is_one(name.as_str()));
        seawall_pipeline::Guards {
            max_body: self.max_body.0,
            odd_paths: self.odd_paths,
            overrides: overrides.cloned().collect(),
            checks_type: self.check_type,
        }
    }
}

/// A field that would not be sent on.
fn parse_override(text: &str) -> Result<HeaderName, String> {
    let known: Vec<_> = overrides::all().collect();
    let lower = text.to_ascii_lowercase();
    match HeaderName::from_bytes(text.as_bytes()) {
        Ok(name) if overrides::is_one(name.as_str()) => Ok(name),
        _ => Err(format!(
            "`{}` is not a field that is taken from requests. {}",
            text.escape_default(),
            suggest::instead(&lower, &known, "Those are", "Leave it out.")
        )),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
fn serialize_odd_paths<S: Serializer>(odd_paths: &OddPaths, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(odd_paths.as_str())
}
