//! Parts of bodies: what of a fill is stored where not all of the representation came.
//!
//! Owns the joining of bytes. Whether two parts may be joined is `policy`'s to say.

use std::sync::Arc;

use bytes::Bytes;
use seawall_policy::{Part, partial};

use crate::body::StoredBody;
use crate::entry::{Draft, Entry};

/// What a fill that ended well leaves: all of a whole, or a part, joined with the part that was stored `before`. `None`
/// where the body is not what its head says.
pub(crate) fn of_fill(
    head: &Arc<Draft>,
    body: StoredBody,
    before: Option<&Entry>,
) -> Option<(Arc<Draft>, StoredBody)> {
    let Some(said) = head.part else {
        return Some((Arc::clone(head), body));
    };
    let came = said.cut_to(body.len())?;
    let (part, body) = match before.and_then(|before| joined(head, came, &body, before)) {
        Some(joined) => joined,
        None => (came, body),
    };
    Some((headed(head, part), body))
}

/// What a body that broke off leaves: its start, where the rest can be asked for.
pub(crate) fn of_broken(head: &Draft, pieces: Vec<Bytes>) -> Option<(Arc<Draft>, StoredBody)> {
    let body = StoredBody::new(pieces);
    let worth = head.part.is_none() && body.len() >= partial::INCOMPLETE_MIN_BYTES;
    if !worth || !partial::is_resumable(head.status, &head.headers) {
        return None;
    }
    let part = Part::start_of(head.length?, body.len()).filter(|part| !part.is_whole())?;
    Some((headed(head, part), body))
}

/// The head as it fits the bytes that are there.
fn headed(head: &Draft, part: Part) -> Arc<Draft> {
    let mut head = head.clone();
    head.status = partial::head_for(part, &mut head.headers);
    head.length = Some(part.span.length());
    head.part = (!part.is_whole()).then_some(part);
    Arc::new(head)
}

/// `came` and the stored part as one, where they are of the same representation and touch.
fn joined(head: &Draft, came: Part, body: &StoredBody, before: &Entry) -> Option<(Part, StoredBody)> {
    let stored = before.head.part?;
    if !head.is_variant_of(&before.head) || !partial::may_combine(&before.head.headers, &head.headers) {
        return None;
    }
    let part = stored.joined(came)?;
    let mut pieces = Vec::new();
    // What came is newer: of what both hold it is kept.
    if stored.span.first < came.span.first {
        pieces = before.body.slice(0, came.span.first - 1 - stored.span.first);
    }
    pieces.extend(body.pieces().iter().cloned());
    if stored.span.last > came.span.last {
        pieces.extend(before.body.slice(came.span.last + 1 - stored.span.first, u64::MAX));
    }
    Some((part, StoredBody::new(pieces)))
}

#[cfg(test)]
mod tests;
