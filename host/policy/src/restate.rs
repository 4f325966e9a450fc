//! RFC 9213 §2: a lifetime that the operator's own rule gives a response, in place of the origin's.
//!
//! Owns the one way in which an operator's decision enters a response: as the targeted field of this cache, which says
//! all that the origin's field says and the new lifetime. So every node that the response reaches reads the same, and
//! nothing but fields decides. Refuses: to make storable what the origin forbids, unless it is told to in so many words.

use std::fmt::Write as _;
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::cache_control::{ResponseDirectives, Scope};
use crate::rules::Rules;
use crate::storing::DeclineReason;
use crate::targeted::SEAWALL_CACHE_CONTROL;
use crate::terms::{self, Terms, Times};

/// What is said in place of the origin's words. `Default` says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Override {
    /// Fresh for so long from the response's receipt. An unqualified `no-cache` ends with it.
    pub ttl: Option<Duration>,
    /// RFC 5861 §3.
    pub stale_while_revalidate: Option<Duration>,
    /// RFC 5861 §4.
    pub stale_if_error: Option<Duration>,
    /// Whether `private` and `no-store` end as well.
    pub lifts: bool,
}

/// Why the origin forbids a shared cache to store this response, if it does (RFC 9111 §5.2.2.5, §5.2.2.7).
pub fn forbids(headers: &HeaderMap) -> Option<DeclineReason> {
    let (directives, _) = terms::directives(headers);
    match () {
        () if directives.no_store && !directives.must_understand => Some(DeclineReason::NoStore),
        () if directives.private.is_everything() => Some(DeclineReason::Private),
        () => None,
    }
}

/// Puts an override into a response's fields. Nothing changes where it says nothing.
pub fn restate(status: StatusCode, headers: &mut HeaderMap, times: Times, rules: &Rules, said: &Override) {
    if *said == Override::default() {
        return;
    }
    let (mut directives, _) = terms::directives(headers);
    let terms = Terms::read(status, headers, times, rules);
    let stated = terms.lifetime();
    // `max-age` counts from the response's generation: what it has aged on its way is added.
    let own = stated.source.is_explicit().then_some(stated.duration);
    let lifetime = said.ttl.map(|ttl| ttl.saturating_add(terms.age(times.received_at))).or(own);
    match directives.s_maxage {
        Some(_) => directives.s_maxage = lifetime,
        None => directives.max_age = lifetime,
    }
    if said.ttl.is_some() && directives.no_cache.is_everything() {
        directives.no_cache = Scope::Absent;
    }
    if said.lifts {
        directives.no_store = false;
        directives.private = Scope::Absent;
    }
    directives.stale_while_revalidate = said.stale_while_revalidate.or(directives.stale_while_revalidate);
    directives.stale_if_error = said.stale_if_error.or(directives.stale_if_error);
    if let Ok(value) = HeaderValue::try_from(written(&directives)) {
        headers.insert(SEAWALL_CACHE_CONTROL, value);
    }
}

/// The directives as a structured-field dictionary (RFC 9213 §2.1).
fn written(directives: &ResponseDirectives) -> String {
    let mut text = String::new();
    let mut member = |name: &str, value: &str| {
        let comma = if text.is_empty() { "" } else { ", " };
        // A `String` takes all that is written to it.
        let _ = write!(text, "{comma}{name}{value}");
    };
    for (name, seconds) in [
        ("max-age", directives.max_age),
        ("s-maxage", directives.s_maxage),
        ("stale-while-revalidate", directives.stale_while_revalidate),
        ("stale-if-error", directives.stale_if_error),
    ] {
        if let Some(seconds) = seconds {
            member(name, &format!("={}", seconds.as_secs()));
        }
    }
    for (name, is_said) in [
        ("public", directives.public),
        ("no-store", directives.no_store),
        ("no-transform", directives.no_transform),
        ("must-revalidate", directives.must_revalidate),
        ("proxy-revalidate", directives.proxy_revalidate),
        ("must-understand", directives.must_understand),
        ("immutable", directives.immutable),
    ] {
        if is_said {
            member(name, "");
        }
    }
    for (name, scope) in [("private", &directives.private), ("no-cache", &directives.no_cache)] {
        match scope {
            Scope::Absent => {}
            Scope::Everything => member(name, ""),
            Scope::Fields(fields) => {
                let fields: Vec<&str> = fields.iter().map(HeaderName::as_str).collect();
                member(name, &format!("=\"{}\"", fields.join(", ")));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const NOW: Times = Times { requested_at: SystemTime::UNIX_EPOCH, received_at: SystemTime::UNIX_EPOCH };
    const TTL: Override = Override {
        ttl: Some(Duration::from_secs(60)),
        stale_while_revalidate: None,
        stale_if_error: None,
        lifts: false,
    };

    fn after(fields: &[(&'static str, &'static str)], said: &Override) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        restate(StatusCode::OK, &mut headers, NOW, &Rules::default(), said);
        headers
    }

    fn field(headers: &HeaderMap) -> &str {
        headers.get(SEAWALL_CACHE_CONTROL).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn the_origins_other_words_are_kept() {
        for (fields, said, text) in [
            (&[][..], TTL, "max-age=60"),
            (&[("cache-control", "max-age=5, must-revalidate")], TTL, "max-age=60, must-revalidate"),
            (&[("cache-control", "s-maxage=5, max-age=1")], TTL, "max-age=1, s-maxage=60"),
            (&[("cache-control", "private=\"x-a\", no-cache")], TTL, "max-age=60, private=\"x-a\""),
            (&[("cdn-cache-control", "max-age=5, no-store")], TTL, "max-age=60, no-store"),
            (&[("age", "30"), ("cache-control", "max-age=5")], TTL, "max-age=90"),
            (
                &[("cache-control", "max-age=5")],
                Override { stale_if_error: Some(Duration::from_secs(9)), ..Override::default() },
                "max-age=5, stale-if-error=9",
            ),
            (&[("cache-control", "private, no-store")], Override { lifts: true, ..TTL }, "max-age=60"),
        ] {
            let headers = after(fields, &said);
            assert_eq!(field(&headers), text, "{fields:?}");
            let terms = Terms::read(StatusCode::OK, &headers, NOW, &Rules::default());
            if said.ttl.is_some() && !text.contains("age=90") {
                assert_eq!(terms.ttl(NOW.received_at), 60, "{text}");
            }
        }
        assert_eq!(after(&[("cache-control", "max-age=5")], &Override::default()).len(), 1);
    }

    #[test]
    fn what_the_origin_forbids_is_seen_in_whichever_field_holds() {
        for (fields, reason) in [
            (&[("cache-control", "private")][..], Some(DeclineReason::Private)),
            (&[("cache-control", "no-store, private")], Some(DeclineReason::NoStore)),
            (&[("cache-control", "private=\"set-cookie\"")], None),
            (&[("cache-control", "private"), ("cdn-cache-control", "max-age=9")], None),
            (
                &[("cache-control", "max-age=9"), ("cdn-cache-control", "no-store")],
                Some(DeclineReason::NoStore),
            ),
            (&[("cache-control", "no-store, must-understand")], None),
        ] {
            assert_eq!(forbids(&after(fields, &Override::default())), reason, "{fields:?}");
        }
    }
}
