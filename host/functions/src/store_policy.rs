//! What a fetch may be stored as: what the host knows, and what functions decide.
//!
//! Owns the decisions and their limits. Refuses the rules of HTTP: the caller says what the origin forbids, and does
//! what was decided.

use std::time::Duration;

use http::HeaderName;

use crate::edits::EditError;
use crate::function::TAG_PREFIX;

/// Longest lifetime that a function may set, in seconds: a year, what RFC 9111 §1.2.2 counts as for ever in practice.
pub const TTL_MAX_S: u32 = 31_536_000;
/// Longest time for which a key is known to be uncacheable, in seconds: every request of that time asks the origin.
pub const HIT_FOR_MISS_MAX_S: u32 = 3600;
/// Longest tag, in bytes: the same as of an origin's.
pub const TAG_MAX_BYTES: usize = 1024;
/// Most tags that functions add to one response, and their bytes: the whole that a response may have.
pub const TAGS_MAX: usize = 1000;
/// See [`TAGS_MAX`].
pub const TAGS_MAX_BYTES: usize = 16 << 10;
/// Most names of one `Vary`.
pub const VARY_MAX: usize = 16;

/// Why an origin is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FetchReason {
    /// Nothing stored will do.
    Miss,
    /// What is stored is stale, and somebody waits.
    Revalidate,
    /// What is stored is stale, and nobody waits.
    Background,
    /// The request goes past the cache.
    Pass,
}

/// What is known and decided about storing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePolicy {
    /// Why the origin is asked.
    pub reason: FetchReason,
    /// How long it would be fresh by its own fields; none where it would not be stored.
    pub ttl: Option<Duration>,
    /// The origin forbids storing it.
    pub forbidden: bool,
    /// What functions decided.
    pub edits: StoreEdits,
}

/// What functions decided about storing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreEdits {
    /// Fresh for so long.
    pub ttl: Option<Duration>,
    /// Stale while it is renewed for so long.
    pub stale_while_revalidate: Option<Duration>,
    /// Stale if the origin fails for so long.
    pub stale_if_error: Option<Duration>,
    /// Names to purge it by, besides the origin's.
    pub tags: Vec<Box<str>>,
    /// The fields by which answers differ, in place of the origin's.
    pub vary: Option<Vec<HeaderName>>,
    /// Not to be stored, and known to be so for so long.
    pub hit_for_miss: Option<Duration>,
    /// A function that was granted to do so stores what the origin forbids.
    pub lifts: bool,
}

impl StorePolicy {
    /// Nothing decided yet.
    #[must_use]
    pub fn new(reason: FetchReason, ttl: Option<Duration>, forbidden: bool) -> Self {
        Self { reason, ttl, forbidden, edits: StoreEdits::default() }
    }

    pub(crate) fn set_ttl(&mut self, seconds: u32, may_lift: bool) -> Result<(), EditError> {
        let ttl = window(seconds)?;
        if self.forbidden && !may_lift {
            return Err(EditError::Forbidden);
        }
        self.edits.lifts |= self.forbidden;
        self.edits.ttl = Some(ttl);
        Ok(())
    }
}

impl StoreEdits {
    pub(crate) fn add_tags(&mut self, tags: Vec<String>) -> Result<(), EditError> {
        let bytes = |tags: &[Box<str>]| tags.iter().map(|tag| tag.len()).sum::<usize>();
        let more: usize = tags.iter().map(String::len).sum();
        if self.tags.len() + tags.len() > TAGS_MAX || bytes(&self.tags) + more > TAGS_MAX_BYTES {
            return Err(EditError::Limit);
        }
        for tag in &tags {
            if tag.starts_with(TAG_PREFIX) {
                return Err(EditError::Forbidden);
            }
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b',';
            if tag.is_empty() || tag.len() > TAG_MAX_BYTES || !tag.bytes().all(plain) {
                return Err(EditError::Invalid);
            }
        }
        self.tags.extend(tags.into_iter().map(String::into_boxed_str));
        Ok(())
    }

    pub(crate) fn set_vary(&mut self, names: &[String]) -> Result<(), EditError> {
        if names.len() > VARY_MAX {
            return Err(EditError::Limit);
        }
        // `*` is a token, so it must be told apart: what nothing can match is said with `deliver-only`.
        let name = |name: &String| HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| name != "*");
        let names: Option<Vec<HeaderName>> = names.iter().map(name).collect();
        self.vary = Some(names.ok_or(EditError::Invalid)?);
        Ok(())
    }

    pub(crate) fn set_hit_for_miss(&mut self, seconds: u32) -> Result<(), EditError> {
        if seconds == 0 || seconds > HIT_FOR_MISS_MAX_S {
            return Err(EditError::Invalid);
        }
        self.hit_for_miss = Some(Duration::from_secs(seconds.into()));
        Ok(())
    }
}

/// A time that a function may set.
pub(crate) fn window(seconds: u32) -> Result<Duration, EditError> {
    if seconds > TTL_MAX_S { Err(EditError::Invalid) } else { Ok(Duration::from_secs(seconds.into())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Result<(), EditError> {
        StoreEdits::default().add_tags(list.iter().map(|tag| (*tag).to_owned()).collect())
    }

    #[test]
    fn tags_are_names_that_a_purge_can_say() {
        assert_eq!(tags(&["product-7", "a:b/c"]), Ok(()));
        for bad in ["", "a b", "a,b", "é", "a\n"] {
            assert_eq!(tags(&[bad]), Err(EditError::Invalid), "{bad:?}");
        }
        assert_eq!(tags(&["fn:other@1"]), Err(EditError::Forbidden), "versions are not a function's to name");
        assert_eq!(tags(&["x"; TAGS_MAX + 1]), Err(EditError::Limit));
        assert_eq!(tags(&[&*"x".repeat(TAG_MAX_BYTES); 17]), Err(EditError::Limit));
        let mut edits = StoreEdits::default();
        edits.add_tags(vec!["a".to_owned()]).unwrap();
        assert_eq!(edits.add_tags(vec!["b".to_owned(), "b c".to_owned()]), Err(EditError::Invalid));
        assert_eq!(edits.tags.len(), 1, "a refused edit changes nothing");
    }

    #[test]
    fn what_the_origin_forbids_takes_a_grant() {
        let mut policy = StorePolicy::new(FetchReason::Miss, None, true);
        assert_eq!(policy.set_ttl(60, false), Err(EditError::Forbidden));
        assert_eq!(policy.edits, StoreEdits::default());
        policy.set_ttl(60, true).unwrap();
        assert!(policy.edits.lifts);
        let mut open = StorePolicy::new(FetchReason::Miss, None, false);
        open.set_ttl(60, true).unwrap();
        assert!(!open.edits.lifts);
        assert_eq!(open.set_ttl(TTL_MAX_S + 1, true), Err(EditError::Invalid));
    }

    #[test]
    fn vary_names_fields() {
        let mut edits = StoreEdits::default();
        edits.set_vary(&["Accept-Language".to_owned()]).unwrap();
        assert_eq!(edits.vary.as_deref(), Some(&[http::header::ACCEPT_LANGUAGE][..]));
        for bad in ["*", "", "a b"] {
            assert_eq!(edits.set_vary(&[bad.to_owned()]), Err(EditError::Invalid), "{bad:?}");
        }
        assert_eq!(edits.set_hit_for_miss(0), Err(EditError::Invalid));
    }
}
