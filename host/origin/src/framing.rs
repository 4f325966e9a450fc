//! RFC 9112 §6: response heads that say two things of their body, or one that nobody here understands.
//!
//! hyper reads what it can. Owns what is made of the rest: a head that is no way to frame a body is a fault; one that says
//! too much is taken as the RFC has it, in one clean form, and its connection is not used again, since where the response
//! ends is then a matter of opinion.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::{StatusCode, Version};

/// What a response's framing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One, as it should be.
    Clean,
    /// It was made so. The connection is not to be used again.
    Cleaned,
    /// None that can be used, and why.
    Bad(&'static str),
}

/// Looks at a head that hyper took over `version`, and leaves at most one field in it that frames a body.
pub(crate) fn clean(version: Version, status: StatusCode, headers: &mut HeaderMap) -> Framing {
    if version > Version::HTTP_11 {
        return Framing::Clean;
    }
    // A 204 has no body, so a length would only be waited for (RFC 9110 §8.6, §15.3.5).
    if status == StatusCode::NO_CONTENT || status.is_informational() {
        let had = headers.remove(CONTENT_LENGTH).is_some() | headers.remove(TRANSFER_ENCODING).is_some();
        return if had { Framing::Cleaned } else { Framing::Clean };
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => one_length(headers),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            // §6.3: the coding has framed the body. That both are there is how a second response is smuggled in.
            if headers.remove(CONTENT_LENGTH).is_some() { Framing::Cleaned } else { Framing::Clean }
        }
        // §6.3: a word that names no coding leaves a body that ends with the connection, and means nothing behind it.
        (Some(only), None) if names_no_coding(only) => {
            headers.remove(TRANSFER_ENCODING);
            headers.remove(CONTENT_LENGTH);
            Framing::Cleaned
        }
        // §6.1: it would stay on the body, and nobody behind this node would know.
        _ => Framing::Bad("a transfer coding other than one `chunked`"),
    }
}

/// Whether a value is one token, and none of those that are or were registered (RFC 9112 §7.2 and §12.2).
fn names_no_coding(value: &HeaderValue) -> bool {
    const KNOWN: [&[u8]; 8] =
        [b"chunked", b"compress", b"deflate", b"gzip", b"identity", b"trailers", b"x-compress", b"x-gzip"];
    let value = value.as_bytes();
    let is_token =
        !value.is_empty() && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    is_token && !KNOWN.iter().any(|known| value.eq_ignore_ascii_case(known))
}

/// RFC 9110 §8.6: a length that is said twice, and is the same, is said once from here on.
fn one_length(headers: &mut HeaderMap) -> Framing {
    let is_number =
        |value: &HeaderValue| !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit);
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let (first, second) = (lengths.next(), lengths.next());
    let Some(first) = first else { return Framing::Clean };
    if second.is_none() && is_number(first) {
        return Framing::Clean;
    }
    let members = headers.get_all(CONTENT_LENGTH).iter();
    let mut members =
        members.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let Some(length) = members.next().filter(|length| !length.is_empty()) else {
        return Framing::Bad("a length that is no number");
    };
    let is_one = length.iter().all(u8::is_ascii_digit) && members.all(|other| other == length);
    match HeaderValue::from_bytes(length) {
        Ok(length) if is_one => {
            headers.insert(CONTENT_LENGTH, length);
            Framing::Cleaned
        }
        _ => Framing::Bad("lengths that differ"),
    }
}

#[cfg(test)]
mod tests {
    use http::header::HeaderName;

    use super::*;

    fn cleaned(status: u16, fields: &[(&'static str, &'static str)]) -> (Framing, Vec<String>) {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers: HeaderMap = fields.iter().map(field).collect();
        let framing = clean(Version::HTTP_11, StatusCode::from_u16(status).unwrap(), &mut headers);
        let left = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        (framing, left.collect())
    }

    #[test]
    fn a_head_says_once_how_its_body_is_framed() {
        let (cl, te) = ("content-length", "transfer-encoding");
        for (status, fields, framing, left) in [
            (200, &[(cl, "5")][..], Framing::Clean, &["content-length: 5"][..]),
            (200, &[(te, "Chunked")], Framing::Clean, &["transfer-encoding: Chunked"]),
            (200, &[], Framing::Clean, &[]),
            (200, &[(cl, "5"), (cl, "5")], Framing::Cleaned, &["content-length: 5"]),
            (200, &[(cl, "5, 5")], Framing::Cleaned, &["content-length: 5"]),
            (200, &[(cl, "5"), (te, "chunked")], Framing::Cleaned, &["transfer-encoding: chunked"]),
            (200, &[(te, "no-coding"), (cl, "5")], Framing::Cleaned, &[]),
            (204, &[(cl, "5")], Framing::Cleaned, &[]),
            (204, &[(te, "chunked")], Framing::Cleaned, &[]),
            (304, &[(cl, "5")], Framing::Clean, &["content-length: 5"]),
        ] {
            let left: Vec<String> = left.iter().map(ToString::to_string).collect();
            assert_eq!(cleaned(status, fields), (framing, left), "{status} {fields:?}");
        }
    }

    #[test]
    fn what_frames_nothing_is_bad() {
        let (cl, te) = ("content-length", "transfer-encoding");
        for fields in [
            &[(te, "gzip, chunked")][..],
            &[(te, "gzip")],
            &[(te, "identity")],
            &[(te, "chunked"), (te, "chunked")],
            &[(te, "chunked, chunked")],
            &[(te, "")],
            &[(cl, "5, 6")],
            &[(cl, "5"), (cl, "05")],
            &[(cl, "+5")],
            &[(cl, "")],
        ] {
            assert!(matches!(cleaned(200, fields).0, Framing::Bad(_)), "{fields:?}");
        }
    }
}
