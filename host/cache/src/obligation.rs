//! The duty that comes with the right to fill.
//!
//! Whoever is told to lead holds a [`Lead`], and must consume it: store, refresh, decline or fail. Dropping it is the
//! failure path: its followers wake and ask for themselves. The same holds for [`Filling`], the second half, when a
//! body is on its way. So every obligation ends exactly once (invariant 3), whatever panics or is cancelled.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use seawall_base::{Blame, Cause, Fault, Position};
use seawall_policy::range::ByteRange;

use crate::body::{BodyWriter, StoredBody};
use crate::claim::Miss;
use crate::config::{CRUMB_BYTES, PIECES_MAX};
use crate::entry::{Draft, Entry};
use crate::fill::{Basis, Fill, Follower, Release};
use crate::part;
use crate::store::{Place, Settled, Store};

/// The right and the duty to fetch.
#[derive(Debug)]
pub struct Lead {
    duty: Duty,
    miss: Miss,
    uncacheable: bool,
    /// When its request came.
    asked_at: SystemTime,
}

/// What both halves of an obligation share.
#[derive(Debug)]
struct Duty {
    store: Arc<Store>,
    place: Place,
    fill: Arc<Fill>,
    /// Bytes that it keeps for storing.
    kept: u64,
    ended: bool,
}

impl Duty {
    /// Takes the fill off the table and tells its followers.
    fn release(&mut self, release: Release) {
        self.leave();
        self.fill.release(release);
    }

    /// Stores, and takes the fill off the table, in one step under the key's shard: whoever asks next finds either the
    /// fill or the entry.
    fn store(&mut self, entry: &Arc<Entry>, prior: Option<&Entry>) -> Settled {
        let mut shard = self.store.shard(&self.place.key);
        let settled = if self.fill.is_invalidated() {
            Settled::Sealed
        } else {
            self.store.insert(&mut shard, &self.place, self.fill.start, entry, prior)
        };
        shard.markers.remove(&self.place.key);
        shard.resting.remove(&self.place.key);
        Store::leave(&mut shard, &self.place.key, &self.fill);
        drop(shard);
        self.ended = true;
        self.store.metrics.in_flight.dec();
        settled
    }

    /// From now on nobody joins.
    fn leave_table(&self) {
        Store::leave(&mut self.store.shard(&self.place.key), &self.place.key, &self.fill);
    }

    /// Counts bytes that are kept for storing. `false`: there is no more room for such.
    fn keep(&mut self, bytes: u64) -> bool {
        self.kept += bytes;
        self.store.keep_more(bytes)
    }

    /// Nothing is kept for storing any more.
    fn keep_nothing(&mut self) {
        self.store.keep_less(std::mem::take(&mut self.kept));
    }

    /// Ends without storing; the followers have what they have.
    fn leave(&mut self) {
        self.leave_table();
        self.ended = true;
        self.store.metrics.in_flight.dec();
    }
}

impl Lead {
    pub(crate) fn new(
        store: Arc<Store>,
        place: Place,
        fill: Arc<Fill>,
        miss: Miss,
        uncacheable: bool,
        asked_at: SystemTime,
    ) -> Self {
        store.metrics.in_flight.inc();
        Self { duty: Duty { store, place, fill, kept: 0, ended: false }, miss, uncacheable, asked_at }
    }

    /// A seat for the leader's own client.
    #[must_use]
    pub fn follower(&self) -> Option<Follower> {
        self.duty.fill.join().map(|seat| Follower::new(seat, self.duty.fill.start))
    }

    /// Where the log stood when this fill started.
    #[must_use]
    pub fn position(&self) -> Position {
        self.duty.fill.start
    }

    /// The stored response that this fill may refresh.
    #[must_use]
    pub fn prior(&self) -> Option<&Arc<Entry>> {
        self.duty.fill.plan.prior.whole.as_ref()
    }

    /// The stored part that this fill may complete, or join with another.
    #[must_use]
    pub fn part(&self) -> Option<&Arc<Entry>> {
        self.duty.fill.plan.prior.part.as_ref()
    }

    /// The range to ask the origin for, where it is not the whole.
    #[must_use]
    pub fn range(&self) -> Option<ByteRange> {
        self.duty.fill.plan.range
    }

    /// Whether what came of this URL a short while ago was not for storing.
    #[must_use]
    pub fn is_uncacheable(&self) -> bool {
        self.uncacheable
    }

    /// Why nothing stored would do.
    #[must_use]
    pub fn miss(&self) -> Miss {
        self.miss
    }

    /// A response is here that will be stored: its followers may read.
    #[must_use]
    pub fn store(self, draft: Draft) -> Filling {
        self.fill_with(draft, None)
    }

    /// The bytes that `part` lacks are on their way: `draft` is the head of the whole.
    #[must_use]
    pub fn complete(self, part: &Entry, draft: Draft) -> Filling {
        self.fill_with(draft, Some(part))
    }

    fn fill_with(self, mut draft: Draft, start: Option<&Entry>) -> Filling {
        draft.compact();
        let writer = BodyWriter::new(draft.length);
        let max = self.duty.store.config.object_max_bytes;
        let too_large = draft.length.is_some_and(|length| length > max);
        let head = Arc::new(draft);
        let completes = start.is_some();
        let mut filling = Filling { duty: self.duty, head, writer, completes, too_large: false };
        if let Some(start) = start {
            filling.duty.fill.begin_with(start.body.pieces());
        }
        if too_large {
            filling.give_up_storing();
        }
        filling.duty.fill.publish(Arc::clone(&filling.head));
        filling
    }

    /// A 304 refreshed the stored response: `draft` is its new head.
    pub fn refresh(mut self, prior: &Entry, mut draft: Draft) -> (Arc<Entry>, Settled) {
        draft.compact();
        let entry = Arc::new(Entry::new(Arc::new(draft), prior.body.clone(), &self.duty.fill));
        let settled = self.duty.store(&entry, Some(prior));
        if settled == Settled::Sealed {
            // Those who asked before the purge may have it. Another node among them must not keep it: under the new
            // head's tags the purge might not find it there.
            entry.mark_soft();
        }
        self.duty.fill.settle(Arc::clone(&entry), Basis::Validated);
        self.duty.store.metrics.refreshed.inc();
        (entry, settled)
    }

    /// The origin failed, and the stored response stands in: for the leader and for all who follow.
    pub fn stand_in(mut self, entry: Arc<Entry>, why: &'static str) {
        self.duty.store.rest(self.duty.place.key, self.asked_at);
        self.duty.leave();
        self.duty.fill.settle(entry, Basis::StandIn(why));
        self.duty.store.metrics.failed.inc();
    }

    /// The stored response is good, and stays as it is: this request's answer is not for storing.
    pub fn confirm(mut self, entry: Arc<Entry>) {
        self.duty.leave();
        self.duty.fill.settle(entry, Basis::Validated);
        self.duty.store.metrics.declined.inc();
    }

    /// The stored response is good for those who asked, but must not be kept any longer.
    pub fn let_go(mut self, entry: Arc<Entry>) {
        self.duty.store.remove(&self.duty.place, &entry);
        self.duty.leave();
        self.duty.fill.settle(entry, Basis::Validated);
        self.duty.store.metrics.declined.inc();
    }

    /// The response is not for storing. A marker keeps others from queueing on this URL for a while: for as long as it is
    /// known to be so, or for [`PASS_MARKER_TTL`](crate::config::PASS_MARKER_TTL).
    pub fn decline(mut self, now: SystemTime, known_for: Option<Duration>) {
        self.duty.store.metrics.declined.inc();
        self.duty.store.leave_marker(self.duty.place.key, now, known_for);
        self.duty.release(Release::Uncacheable);
    }

    /// The response is for this request alone, whatever others of this URL are: whoever waits asks anew.
    pub fn keep_private(mut self) {
        self.duty.store.metrics.declined.inc();
        self.duty.release(Release::Dropped);
    }

    /// What came is not for storing, and nobody waits for it: the URL is as it was.
    pub fn waive(mut self) {
        self.duty.release(Release::Dropped);
    }

    /// Whether this is the right to that fill.
    pub(crate) fn is_of(&self, fill: &Fill) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.duty.fill), fill)
    }

    /// What is stored has been answered with another response, which is not for storing.
    pub fn forget_prior(&self) {
        for prior in self.duty.fill.plan.prior.iter() {
            self.duty.store.remove(&self.duty.place, prior);
        }
    }

    /// The fetch failed before a response: followers share the fault.
    pub fn fail(mut self, fault: Fault) {
        if self.prior().is_some() {
            self.duty.store.rest(self.duty.place.key, self.asked_at);
        }
        self.duty.store.metrics.failed.inc();
        self.duty.release(Release::Failed(fault));
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.keep_nothing();
        if !self.ended {
            self.store.metrics.failed.inc();
            self.fill.end(Err(Fault::new(
                Cause::FillDropped,
                Blame::Node,
                "the fill ended without an answer",
            )));
            let streaming = self.fill.head().is_some();
            if streaming { self.leave() } else { self.release(Release::Dropped) }
        }
    }
}

/// A response whose body is on its way into the store.
#[derive(Debug)]
pub struct Filling {
    duty: Duty,
    head: Arc<Draft>,
    writer: BodyWriter,
    /// The body began with the part that was stored when the fill began.
    completes: bool,
    too_large: bool,
}

impl Filling {
    /// Adds to the body. Past the limit for an object, for all fills, or for the number of pieces, the response is no
    /// longer for storing: those who read go on reading, nobody joins any more.
    pub fn push(&mut self, data: &[u8]) {
        let pieces = self.duty.fill.push(&mut self.writer, data);
        if self.too_large {
            return;
        }
        let fits = self.duty.keep(data.len() as u64);
        let crumbs = pieces > PIECES_MAX && self.duty.fill.received_bytes() < pieces as u64 * CRUMB_BYTES;
        if !fits || crumbs || self.duty.fill.received_bytes() > self.duty.store.config.object_max_bytes {
            self.give_up_storing();
        }
    }

    fn give_up_storing(&mut self) {
        self.duty.keep_nothing();
        self.too_large = true;
        self.duty.store.metrics.too_large.inc();
        self.duty.leave_table();
        self.duty.fill.keep_window();
    }

    /// Takes the places of those who have read least: they have held up everybody for too long.
    pub fn evict_slowest(&self) {
        self.duty.fill.evict_slowest();
    }

    /// Waits until there is room for more. `false`: nobody reads any more and nothing will be stored, so stop.
    pub async fn room(&self) -> bool {
        std::future::poll_fn(|cx| self.duty.fill.poll_room(cx)).await
    }

    /// The body is whole.
    pub fn finish(mut self, trailers: Option<HeaderMap>) -> Settled {
        let received = self.duty.fill.received_bytes();
        if self.head.length.is_some_and(|length| length != received) {
            let detail = format!("{received} bytes came of a body whose Content-Length differs");
            self.abort(Fault::new(Cause::ResponseIncomplete, Blame::Origin, detail));
            return Settled::WrongLength;
        }
        let settled = match self.duty.fill.whole() {
            Some(pieces) => self.keep(StoredBody::new(pieces)),
            None => {
                self.duty.leave();
                Settled::TooLarge
            }
        };
        self.duty.fill.end(Ok(trailers));
        self.duty.store.unregister_evicted();
        settled
    }

    /// The part that was stored when the fill began.
    fn part(&self) -> Option<&Arc<Entry>> {
        self.duty.fill.plan.prior.part.as_ref()
    }

    /// The part that the body began with.
    fn begun(&self) -> Option<&Arc<Entry>> {
        self.part().filter(|_| self.completes)
    }

    /// What a body that broke off leaves. A completion that got no further leaves nothing: its part may be what the
    /// origin cannot go on from.
    fn left_over(&self) -> Option<(Arc<Draft>, StoredBody)> {
        let had = self.begun().map_or(0, |part| part.body.len());
        let left = part::of_broken(&self.head, self.duty.fill.whole()?)?;
        (left.1.len() > had).then_some(left)
    }

    fn keep(&mut self, body: StoredBody) -> Settled {
        let part = self.part().map(Arc::clone);
        let part = part.as_deref();
        let max = self.duty.store.config.object_max_bytes;
        let Some((head, body)) = part::of_fill(&self.head, body, part, max) else {
            self.duty.leave();
            return Settled::WrongLength;
        };
        let entry = Entry::new(head, body, &self.duty.fill);
        let settled = self.duty.store(&Arc::new(entry), part);
        if settled == Settled::Stored {
            self.duty.store.metrics.stored.inc();
        }
        settled
    }

    /// The body broke off. Readers see the break; what came is stored only as the part that it is, where the rest can be
    /// asked for later.
    pub fn abort(mut self, fault: Fault) {
        self.duty.store.metrics.failed.inc();
        match self.left_over() {
            Some((head, body)) => {
                let entry = Entry::new(head, body, &self.duty.fill);
                let part = self.part().map(Arc::clone);
                let settled = self.duty.store(&Arc::new(entry), part.as_deref());
                if settled == Settled::Stored {
                    self.duty.store.metrics.stored_incomplete.inc();
                }
            }
            None => {
                // What the rest could not be added to is asked for as a whole next time.
                if let Some(part) = self.begun() {
                    self.duty.store.remove(&self.duty.place, part);
                }
                self.duty.leave();
            }
        }
        self.duty.fill.end(Err(fault));
    }
}
