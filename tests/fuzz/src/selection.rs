//! `Vary` with what it selects by, and a client's conditions.

use http::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Method, StatusCode};
use seawall_policy::conditional::{
    NOT_MODIFIED_OMITS, evaluate, not_modified_headers, strong_match, weak_match,
};
use seawall_policy::vary::{MAX_SELECTING_BYTES, MAX_VARY_FIELDS};
use seawall_policy::{Glance, Normalise, Precondition, Vary, negotiation};

use crate::play::{Play, present};

pub(crate) fn vary(data: &[u8]) {
    let play = Play::read(data);
    let vary = Vary::from_headers(&play.response);
    assert!(vary.fields().len() <= MAX_VARY_FIELDS);
    let (first, later) = (&play.request, &play.later);
    let as_written = Normalise { accept_encoding: false, accept_language: false };
    for normalise in [Normalise::default(), as_written] {
        if let Some(selecting) = vary.selecting(first, normalise) {
            assert!(selecting.len() <= MAX_SELECTING_BYTES);
            assert!(vary.selects(&selecting, first, normalise));
        }
        assert_eq!(vary.matches(first, later, normalise), vary.matches(later, first, normalise));
        if vary == Vary::Any {
            assert!(!vary.matches(first, first, normalise));
        }
        for name in vary.fields() {
            let alike = !vary.matches(first, later, normalise)
                || first.contains_key(name) == later.contains_key(name);
            assert!(alike, "an absent field is not an empty one");
        }
    }
    // Normalising only adds matches.
    assert!(!vary.matches(first, later, as_written) || vary.matches(first, later, Normalise::default()));
    let wanted = negotiation::most_wanted_language(later);
    assert!(wanted.is_none_or(|language| !language.is_empty()));
}

/// `#` status.
pub(crate) fn conditional(data: &[u8]) {
    let play = Play::read(data);
    let (request, stored) = (&play.request, &play.response);
    let status = u16::try_from(play.number(0)).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::OK);
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let verdict = evaluate(&method, request, status, stored, present());
        let applies = Glance::at(request).conditions() && status.is_success() && method != Method::POST;
        assert!(applies || verdict == Precondition::Proceed);
        let guarded = request.contains_key("if-match") || request.contains_key("if-unmodified-since");
        assert!(guarded || verdict != Precondition::AskOrigin);
    }
    // A client that names what is stored has it.
    if let Some(etag) = stored.get(ETAG).filter(|etag| is_entity_tag(etag)) {
        let mut asked = http::HeaderMap::new();
        asked.insert(IF_NONE_MATCH, etag.clone());
        let verdict = evaluate(&Method::GET, &asked, StatusCode::OK, stored, present());
        assert_eq!(verdict, Precondition::NotModified);
    }
    let not_modified = not_modified_headers(stored);
    assert!(NOT_MODIFIED_OMITS.iter().all(|name| !not_modified.contains_key(name)));
    for (one, other) in [(request, stored), (stored, stored)] {
        let (one, other) = (one.get(ETAG), other.get(ETAG));
        let (Some(one), Some(other)) = (one.map(HeaderValue::as_bytes), other.map(HeaderValue::as_bytes))
        else {
            continue;
        };
        assert!(!strong_match(one, other) || weak_match(one, other));
        assert_eq!(weak_match(one, other), weak_match(other, one));
    }
}

/// `entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE` (RFC 9110 §8.8.3), without the backslash, which some readers take for an
/// escape.
fn is_entity_tag(etag: &HeaderValue) -> bool {
    let bytes = etag.as_bytes();
    let opaque = bytes.strip_prefix(b"W/").unwrap_or(bytes);
    let inside = opaque.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inside.is_some_and(|inside| inside.iter().all(|byte| *byte > b' ' && !b"\"\\".contains(byte)))
}
