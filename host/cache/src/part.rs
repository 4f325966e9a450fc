//! Parts of bodies: what of a fill is stored where not all of the representation came.
//!
//! Owns the joining of bytes. Whether two parts may be joined is `policy`'s to say.

use std::sync::Arc;

use bytes::Bytes;
use seawall_policy::{Part, partial};

use crate::body::StoredBody;
use crate::entry::{Draft, Entry};

/// What a fill that ended well leaves: all of a whole, or a part, joined with the part that was stored `before`. `None`
/// where the body is not what its head says. No part grows past `max_bytes`.
pub(crate) fn of_fill(
    head: &Arc<Draft>,
    body: StoredBody,
    before: Option<&Entry>,
    max_bytes: u64,
) -> Option<(Arc<Draft>, StoredBody)> {
    let Some(said) = head.part else {
        return Some((Arc::clone(head), body));
    };
    let came = said.cut_to(body.len())?;
    // Later joins keep some of its pieces and drop others.
    let body = StoredBody::alone(body.pieces());
    let joined = before.and_then(|before| joined(head, came, &body, before, max_bytes));
    let (part, body) = match joined {
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
fn joined(
    head: &Draft,
    came: Part,
    body: &StoredBody,
    before: &Entry,
    max_bytes: u64,
) -> Option<(Part, StoredBody)> {
    let stored = before.head.part?;
    if !head.is_variant_of(&before.head) || !partial::may_combine(&before.head.headers, &head.headers) {
        return None;
    }
    let part = stored.joined(came).filter(|part| part.span.length() <= max_bytes)?;
    let mut pieces = Vec::new();
    // What came is newer: of what both hold it is kept.
    if stored.span.first < came.span.first {
        pieces = kept(before, 0, came.span.first - 1 - stored.span.first);
    }
    pieces.extend(body.pieces().iter().cloned());
    if stored.span.last > came.span.last {
        pieces.extend(kept(before, came.span.last + 1 - stored.span.first, u64::MAX));
    }
    Some((part, StoredBody::new(pieces)))
}

/// What is kept of an older part: its pieces as they are, and a copy of one that is cut. A slice would hold all of it.
fn kept(before: &Entry, first: u64, last: u64) -> Vec<Bytes> {
    let mut pieces = before.body.slice(first, last);
    let whole = |piece: &Bytes| {
        before.body.pieces().iter().any(|own| own.len() == piece.len() && own.as_ptr() == piece.as_ptr())
    };
    let ends = pieces.len().saturating_sub(1);
    for (at, piece) in pieces.iter_mut().enumerate() {
        if (at == 0 || at == ends) && !whole(piece) {
            *piece = Bytes::copy_from_slice(piece);
        }
    }
    pieces
}

#[cfg(test)]
mod tests;
