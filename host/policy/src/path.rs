//! RFC 3986 §3.3, §5.2.4 and §6.2.2: paths that two readers take for different ones.
//!
//! Owns the verdict. A path is looked up and sent on as it came, byte for byte: key and origin never differ. What differs
//! is what an origin, or a rule of the site, makes of dot segments, of encoded or doubly encoded separators, and of bytes
//! that end a string elsewhere: `/assets/..%2faccount` is a picture to one and an account to the other. No browser sends
//! such a path; who does wants a page stored under another's name.

use memchr::{memchr3, memmem};

/// How often a path is decoded to find what is hidden in it: once as every reader does, once more as some do.
const DECODED_TIMES: usize = 2;

/// Why a path is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OddPath {
    /// A `.` or `..` segment, whatever its dots and its slashes are written as, with parameters or without.
    DotSegment,
    /// A backslash, plain or encoded: a slash to some.
    Backslash,
    /// An encoded control character: the end of the path, or of a line, to some.
    Control,
    /// A `%` that is not followed by two digits (§2.1).
    Encoding,
}

impl OddPath {
    /// The word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DotSegment => "dot-segment",
            Self::Backslash => "backslash",
            Self::Control => "control-character",
            Self::Encoding => "percent-encoding",
        }
    }
}

/// Whether a path, without its query, is one that everybody reads alike.
pub fn judge(path: &str) -> Result<(), OddPath> {
    let bytes = path.as_bytes();
    // Nearly every path has neither, and is done.
    if memchr3(b'%', b'\\', b'\0', bytes).is_none() && memmem::find(bytes, b"/.").is_none() {
        return Ok(());
    }
    if !is_encoded_well(bytes) {
        return Err(OddPath::Encoding);
    }
    let mut plain = bytes.to_vec();
    for _ in 0..=DECODED_TIMES {
        if let Some(odd) = odd(&plain) {
            return Err(odd);
        }
        let decoded = decode(&plain);
        if decoded == plain {
            break;
        }
        plain = decoded;
    }
    Ok(())
}

fn odd(path: &[u8]) -> Option<OddPath> {
    if path.contains(&b'\\') {
        return Some(OddPath::Backslash);
    }
    if path.iter().any(u8::is_ascii_control) {
        return Some(OddPath::Control);
    }
    let mut segments = path.split(|byte| *byte == b'/');
    let is_dots = |segment: &[u8]| {
        // Some take what follows a `;` for parameters, and then it is no name any more.
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        matches!(name, b"." | b"..")
    };
    segments.any(is_dots).then_some(OddPath::DotSegment)
}

fn is_encoded_well(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'%');
    parts.next();
    parts.all(|part| part.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

/// Decodes once. What is no encoding stays.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let decoded = digits.and_then(|digits| {
            let text = std::str::from_utf8(digits).ok()?;
            text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(text, 16).ok())?
        });
        match decoded {
            Some(byte) => {
                plain.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_reads_alike_is_left_alone() {
        for path in [
            "/",
            "*",
            "/a/b.html",
            "/a//b",
            "/.well-known/acme-challenge/x",
            "/a/...",
            "/a/..b/.c",
            "/projects/a%2Fb",
            "/caf%C3%A9",
            "/100%25",
            "/100%25%20of",
            "/a;v=1/b",
            "/a.b;c",
        ] {
            assert_eq!(judge(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn what_two_may_read_differently_is_odd() {
        for (path, why) in [
            ("/a/../b", OddPath::DotSegment),
            ("/a/..", OddPath::DotSegment),
            ("/./a", OddPath::DotSegment),
            ("/a/%2e%2E/b", OddPath::DotSegment),
            ("/a/.%2e/b", OddPath::DotSegment),
            ("/a/..%2fb", OddPath::DotSegment),
            ("/a%2f..%2fb", OddPath::DotSegment),
            ("/a/%252e%252e/b", OddPath::DotSegment),
            ("/a%252f..%252fb", OddPath::DotSegment),
            ("/a/..;/b", OddPath::DotSegment),
            ("/a/..;x=1/b", OddPath::DotSegment),
            ("/a\\b", OddPath::Backslash),
            ("/a%5cb", OddPath::Backslash),
            ("/a%255cb", OddPath::Backslash),
            ("/account%00.css", OddPath::Control),
            ("/a%0d%0ab", OddPath::Control),
            ("/a%250ab", OddPath::Control),
            ("/a%7f", OddPath::Control),
            ("/100%", OddPath::Encoding),
            ("/100%2", OddPath::Encoding),
            ("/%zz", OddPath::Encoding),
            ("/%u002e", OddPath::Encoding),
        ] {
            assert_eq!(judge(path), Err(why), "{path}");
        }
    }
}
