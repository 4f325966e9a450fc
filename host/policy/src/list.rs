//! RFC 9110 §5.6.1: splitting a field value into list members.
//!
//! Owns the one splitter that every list-shaped field here is read with. It borrows, never allocates, and keeps commas
//! inside quoted strings. An unterminated quote is read as an ordinary character: a sender's slip must not hide the
//! members that follow it (`foo="x, no-store` still says `no-store`).

use http::header::{AsHeaderName, HeaderMap};

/// Every non-empty member of every line of one field, in order (RFC 9110 §5.3: lines combine with a comma).
pub(crate) fn members(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).iter().flat_map(|value| split(value.as_bytes()))
}

/// The non-empty members of one line.
pub(crate) fn split(line: &[u8]) -> Split<'_> {
    Split { rest: line }
}

/// Iterator over the members of a comma-separated value.
pub(crate) struct Split<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = member_end(self.rest);
            let (member, tail) = self.rest.split_at_checked(end)?;
            self.rest = tail.get(1..).unwrap_or_default();
            let member = trim(member);
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    }
}

/// Where the first member ends: the index of its comma, or the end of the line.
fn member_end(line: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        match byte {
            b',' => return at,
            b'"' => at = closing_quote(line, at).unwrap_or(at),
            _ => {}
        }
        at = at.saturating_add(1);
    }
    line.len()
}

/// The index of the quote that closes the one at `open`, if any (RFC 9110 §5.6.4, with `\` escapes).
pub(crate) fn closing_quote(line: &[u8], open: usize) -> Option<usize> {
    let mut at = open.checked_add(1)?;
    loop {
        match line.get(at)? {
            b'"' => return Some(at),
            b'\\' => at = at.checked_add(2)?,
            _ => at = at.checked_add(1)?,
        }
    }
}

/// Strips optional whitespace, which is space and tab only (RFC 9110 §5.6.3).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let Some((b' ' | b'\t', rest)) = bytes.split_first() {
        bytes = rest;
    }
    while let Some((b' ' | b'\t', rest)) = bytes.split_last() {
        bytes = rest;
    }
    bytes
}

/// Whether every byte may stand in a token (RFC 9110 §5.6.2) and there is at least one.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// All lines of one field joined with `, `, as a structured-field parser wants them (RFC 9651 §4.2). `None` when the
/// field is absent.
pub(crate) fn joined(headers: &HeaderMap, name: impl AsHeaderName) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    for value in headers.get_all(name) {
        match &mut out {
            None => out = Some(value.as_bytes().to_vec()),
            Some(out) => {
                out.extend_from_slice(b", ");
                out.extend_from_slice(value.as_bytes());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::split;

    fn members(line: &str) -> Vec<&str> {
        split(line.as_bytes()).map(|member| std::str::from_utf8(member).unwrap()).collect()
    }

    #[test]
    fn commas_inside_quotes_do_not_split() {
        assert_eq!(members(r#"a="x, y", b"#), [r#"a="x, y""#, "b"]);
        assert_eq!(members(r#"a="x\", y", b"#), [r#"a="x\", y""#, "b"]);
    }

    #[test]
    fn an_unterminated_quote_hides_nothing() {
        assert_eq!(members(r#"a="x, no-store"#), [r#"a="x"#, "no-store"]);
    }

    #[test]
    fn empty_members_are_skipped() {
        assert_eq!(members(" , a,, b ,"), ["a", "b"]);
        assert!(members("").is_empty());
    }
}
