//! What is stored: one response, with what later requests must know of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, StatusCode};
use parking_lot::RwLock;
use seawall_base::Position;
use seawall_policy::{Normalise, Part, Selecting, Terms};
use smallvec::SmallVec;

use crate::body::StoredBody;
use crate::config::{ENTRY_OVERHEAD_BYTES, FIELD_OVERHEAD_BYTES, TAG_OVERHEAD_BYTES, VARIANTS_MAX};
use crate::fill::Fill;

/// A response's head, once policy has said that it may be stored. Followers see it before the body is whole.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Status.
    pub status: StatusCode,
    /// Header block as it will be delivered, but for `Age` and `Cache-Status`.
    pub headers: HeaderMap,
    /// What the response says to later requests.
    pub terms: Terms,
    /// The request fields that the terms' `Vary` nominates, as the leader's request had them.
    pub selecting: Selecting,
    /// Tags, for purges.
    pub tags: Box<[Box<str>]>,
    /// Where the log stood when this content's fetch began: this node's fill, or the shield's own if that is older. Told
    /// to other nodes that ask for it.
    pub position: Position,
    /// `Content-Length`, where known.
    pub length: Option<u64>,
    /// Which bytes of the representation these are, where not all of them.
    pub part: Option<Part>,
}

impl Draft {
    /// Whether a request selects this response (RFC 9111 §4.1).
    #[must_use]
    pub fn is_selected_by(&self, request: &HeaderMap, normalise: Normalise) -> bool {
        self.terms.vary().selects(&self.selecting, request, normalise)
    }

    /// Copies the fields' values into one block of their own size. As hyper read them, they are slices of a connection's
    /// read buffer: to keep them would keep the buffer, and the bytes counted would not be the bytes held.
    pub(crate) fn compact(&mut self) {
        let total = self.headers.values().map(HeaderValue::len).sum();
        let mut block = BytesMut::with_capacity(total);
        for value in self.headers.values_mut() {
            block.extend_from_slice(value.as_bytes());
            if let Ok(mut own) = HeaderValue::from_maybe_shared(block.split().freeze()) {
                own.set_sensitive(value.is_sensitive());
                *value = own;
            }
        }
    }

    /// Whether it stands for the same requests as `other`, and so takes its place. A part takes the place of a part; a
    /// whole takes that of both.
    fn replaces(&self, other: &Self) -> bool {
        (self.part.is_none() || other.part.is_some()) && self.is_variant_of(other)
    }

    /// Whether it answers the same requests as `other`, wholly or in part.
    pub(crate) fn is_variant_of(&self, other: &Self) -> bool {
        self.terms.vary() == other.terms.vary() && self.selecting == other.selecting
    }
}

/// One stored response. Immutable, but for the marks of purges.
#[derive(Debug)]
pub struct Entry {
    /// Head and terms.
    pub head: Arc<Draft>,
    /// The whole body.
    pub body: StoredBody,
    /// Where this node's log stood when the fill started. What purges and floors are compared with: `head.position` may
    /// be older, where a shield answered from what it held; the shield had applied at least as much by then.
    pub(crate) started: Position,
    /// Which fill of this node brought it.
    pub(crate) number: u64,
    soft: AtomicBool,
    gone: AtomicBool,
    rendered: RwLock<Option<Rendered>>,
}

/// The fields of the last hit, and the moment that they hold for.
#[derive(Debug)]
struct Rendered {
    moment: u64,
    headers: HeaderMap,
}

impl Entry {
    pub(crate) fn new(head: Arc<Draft>, body: StoredBody, fill: &Fill) -> Self {
        Self::asked(head, body, fill.start, fill.number)
    }

    /// What was asked for when the log stood at `started`, as this node's request `number`.
    pub(crate) fn asked(head: Arc<Draft>, body: StoredBody, started: Position, number: u64) -> Self {
        let (soft, gone) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { head, body, started, number, soft, gone, rendered: RwLock::new(None) }
    }

    /// The fields of a hit at `moment`: those of the last one where it was at the same moment, else as `render` writes
    /// them. On a busy entry thousands of hits fall into the second in which nothing about them changes.
    pub fn rendered_at(&self, moment: u64, render: impl FnOnce() -> HeaderMap) -> HeaderMap {
        if let Some(last) = self.rendered.read().as_ref().filter(|last| last.moment == moment) {
            return last.headers.clone();
        }
        let headers = render();
        // Whoever cannot write at once leaves it to the one who does.
        if let Some(mut last) = self.rendered.try_write() {
            *last = Some(Rendered { moment, headers: headers.clone() });
        }
        headers
    }

    /// Makes the entry stale for good; a refresh makes a new entry.
    pub(crate) fn mark_soft(&self) -> bool {
        !self.soft.swap(true, Ordering::AcqRel)
    }

    /// Whether a soft purge named this very entry.
    pub(crate) fn is_marked_soft(&self) -> bool {
        self.soft.load(Ordering::Acquire)
    }

    /// Purges the entry: nobody who looks from now on finds it, though its memory is given back later.
    pub(crate) fn mark_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Whether a hard purge named this very entry.
    pub(crate) fn is_marked_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Whether the entry carries `tag`.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.head.tags.iter().any(|own| own.as_ref() == tag)
    }

    /// Bytes that count against the cache's memory.
    #[must_use]
    pub fn weight_bytes(&self) -> u64 {
        let fields: usize =
            self.head.headers.iter().map(|(_, value)| value.len() + FIELD_OVERHEAD_BYTES).sum();
        let tags: u64 = self.head.tags.iter().map(|tag| tag.len() as u64 + TAG_OVERHEAD_BYTES).sum();
        self.body.len() + fields as u64 + tags + self.head.selecting.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

/// All stored responses of one URL: moka's unit. A change makes a new one.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// `host/path?query`.
    pub(crate) url: Arc<str>,
    /// Newest first.
    pub(crate) variants: SmallVec<[Arc<Entry>; 1]>,
}

impl Resource {
    /// This resource with `entry` in it, in place of what it stands for, and without what is gone.
    pub(crate) fn with(
        current: Option<&Self>,
        url: Arc<str>,
        entry: &Arc<Entry>,
        is_held: impl Fn(&Entry) -> bool,
    ) -> Self {
        let replaced = |old: &Arc<Entry>| !is_held(old) || entry.head.replaces(&old.head);
        let mut variants = SmallVec::with_capacity(1);
        variants.push(Arc::clone(entry));
        if let Some(current) = current {
            variants.extend(current.variants.iter().filter(|old| !replaced(old)).cloned());
            variants.truncate(VARIANTS_MAX);
        }
        Self { url, variants }
    }

    /// Whether what is held instead of `entry` was asked for later.
    pub(crate) fn has_newer_than(&self, entry: &Entry, is_held: impl Fn(&Entry) -> bool) -> bool {
        // A part that was asked for later says nothing against the whole.
        let newer = |old: &Arc<Entry>| old.number > entry.number && old.head.replaces(&entry.head);
        self.variants.iter().any(|old| newer(old) && is_held(old))
    }

    pub(crate) fn weight(&self) -> u32 {
        let bytes: u64 = self.variants.iter().map(|entry| entry.weight_bytes()).sum();
        u32::try_from(bytes + self.url.len() as u64 * 2).unwrap_or(u32::MAX)
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().flat_map(|entry| entry.head.tags.iter().map(AsRef::as_ref))
    }
}
