//! Cookies of a request: reading one, and taking some away (RFC 6265 §4.2, §5.4).

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

use crate::glob::Glob;

/// Which cookies are taken away before the cache is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StripCookies {
    /// None.
    #[default]
    None,
    /// All but those that the key has.
    All,
    /// These.
    Named(Box<[Glob]>),
}

/// Every value that a cookie of this name has, in order. One that comes twice is read differently by different
/// origins, so all of them count.
pub(super) fn values<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    pairs(headers).filter(move |pair| name_of(pair) == name.as_bytes()).map(|pair| {
        let value = pair.iter().position(|byte| *byte == b'=').and_then(|at| pair.get(at + 1..));
        value.unwrap_or_default()
    })
}

/// Takes away what the site says. `keyed` cookies stay: the origin must see what the key is made of.
pub(super) fn strip(headers: &mut HeaderMap, rule: &StripCookies, keyed: &[Box<str>]) {
    let goes = |pair: &[u8]| match rule {
        StripCookies::None => false,
        StripCookies::All => !keyed.iter().any(|name| name.as_bytes() == name_of(pair)),
        // A name that is not text is none that anybody configured.
        StripCookies::Named(globs) => {
            std::str::from_utf8(name_of(pair)).is_ok_and(|name| globs.iter().any(|glob| glob.matches(name)))
        }
    };
    if !pairs(headers).any(goes) {
        return;
    }
    let kept: Vec<&[u8]> = pairs(headers).filter(|pair| !goes(pair)).collect();
    let kept = (!kept.is_empty()).then(|| HeaderValue::from_bytes(&kept.join(&b"; "[..])));
    headers.remove(COOKIE);
    // Pieces of a field's value make a field's value.
    if let Some(Ok(kept)) = kept {
        headers.insert(COOKIE, kept);
    }
}

/// `name=value` as they stand, of all lines: HTTP/2 may send one cookie a line (RFC 9113 §8.2.3).
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(COOKIE).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii_end()
}

#[cfg(test)]
mod tests;
