//! The one question that a request asks of the cache, and its answer.
//!
//! Lookup and collapse are one atomic step: were they two, a fill could settle between them, and a request would
//! neither find the entry nor the fill. A fresh entry is answered without a lock; anything else is asked again under the
//! key's shard.

use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use seawall_base::Position;
use seawall_policy::range::ByteRange;
use seawall_policy::reuse::reuse;
use seawall_policy::select::most_recent;
use seawall_policy::{Normalise, RequestDirectives, Reuse, RevalidateReason, Rules, partial};

use crate::entry::{Draft, Entry};
use crate::fill::{Expected, Fill, FillHead, Followed, Follower, Plan, Prior, Release};
use crate::key::Key;
use crate::obligation::Lead;
use crate::seal::{Recent, Subject};
use crate::shelf::Shelf;
use crate::store::{Held, Place, Shard, Store};

/// One request's question.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// What is asked for.
    pub key: Key,
    /// The site's part of the cache.
    pub shelf: &'a Arc<Shelf>,
    /// Host, and port where it is not the default.
    pub authority: &'a str,
    /// Path and query.
    pub path_and_query: &'a str,
    /// The request's fields, for `Vary`.
    pub headers: &'a HeaderMap,
    /// The request's `Cache-Control`.
    pub directives: &'a RequestDirectives,
    /// The site's overrides.
    pub rules: &'a Rules,
    /// How request fields are compared.
    pub normalise: Normalise,
    /// Whether a softly purged response must be validated first: what it says of itself looks fresh, and another node
    /// would keep it as such.
    pub soft_is_stale: bool,
    /// Whether the request may wait for another's fill. Not after it was released too often.
    pub may_follow: bool,
    /// The time.
    pub now: SystemTime,
}

/// What the request does next.
#[derive(Debug)]
pub enum Claim {
    /// Answer with this.
    Fresh(Arc<Entry>, Reuse),
    /// Answer with this, stale; and where there is a duty, refresh in the background.
    Stale(Arc<Entry>, Option<Lead>),
    /// Fetch.
    Lead(Lead),
    /// Wait for another's fetch.
    Follow(Follower),
    /// `only-if-cached`, and nothing stored would do.
    OnlyIfCached,
}

/// Why nothing stored would do. The words are those of `Cache-Status`'s `fwd` (RFC 9211 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Nothing is stored for this URL.
    Uri,
    /// Other variants are stored.
    Vary,
    /// What is stored is stale.
    Stale,
    /// What is stored is a part, and not that which is asked for.
    Partial,
    /// The request does not want what is stored.
    Request,
}

/// What is stored under a key.
struct Found(Option<Held>);

impl Found {
    /// What no purge of everything has passed, newest first.
    fn alive(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let held = self.0.iter();
        held.flat_map(|Held { shelf, resource }| resource.variants.iter().filter(|entry| shelf.holds(entry)))
    }

    /// The response that the request selects; of several the one with the latest `Date` (RFC 9111 §4).
    fn selected(&self, ask: &Ask<'_>) -> Option<&Arc<Entry>> {
        let whole = self.alive().filter(|entry| entry.head.part.is_none());
        let selected = whole.filter(|entry| entry.head.is_selected_by(ask.headers, ask.normalise));
        most_recent(selected.map(|entry| (entry, &entry.head.terms)))
    }

    /// The part that the request selects; there is at most one of each variant.
    fn part(&self, ask: &Ask<'_>) -> Option<&Arc<Entry>> {
        let mut parts = self.alive().filter(|entry| entry.head.part.is_some());
        parts.find(|entry| entry.head.is_selected_by(ask.headers, ask.normalise))
    }

    /// The answer that needs nobody else, if there is one.
    fn fresh(&self, ask: &Ask<'_>) -> Option<Claim> {
        let Some(entry) = self.selected(ask) else {
            return self.fresh_part(ask);
        };
        match judge(ask, entry) {
            verdict @ (Reuse::Fresh | Reuse::MaxStale) => Some(Claim::Fresh(Arc::clone(entry), verdict)),
            Reuse::GatewayTimeout(_) => Some(Claim::OnlyIfCached),
            Reuse::StaleWhileRevalidate | Reuse::Revalidate(_) => None,
        }
    }

    /// A fresh part that holds the one range that is asked for (RFC 9111 §3.3).
    fn fresh_part(&self, ask: &Ask<'_>) -> Option<Claim> {
        let entry = self.part(ask)?;
        let head = &entry.head;
        partial::within(ask.headers, &head.headers, head.part?, head.terms.received_at())?;
        match judge(ask, entry) {
            verdict @ (Reuse::Fresh | Reuse::MaxStale) => Some(Claim::Fresh(Arc::clone(entry), verdict)),
            Reuse::StaleWhileRevalidate | Reuse::Revalidate(_) | Reuse::GatewayTimeout(_) => None,
        }
    }
}

impl Store {
    /// Asks. See [`Claim`].
    pub fn claim(self: &Arc<Self>, ask: &Ask<'_>) -> Claim {
        let claim = self.judge_claim(ask);
        if matches!(claim, Claim::Fresh(..) | Claim::Stale(..)) {
            self.recent_hits.note(&ask.key);
        }
        claim
    }

    fn judge_claim(self: &Arc<Self>, ask: &Ask<'_>) -> Claim {
        if let Some(claim) = self.find(ask).fresh(ask) {
            return claim;
        }
        let mut shard = self.shard(&ask.key);
        // Before the lookup: a purge of everything holds no shard, and what it passes over must seal this fill.
        let applied = self.applied();
        // A fill may have settled since: ask again, now that none can.
        let found = self.find(ask);
        if let Some(claim) = found.fresh(ask) {
            return claim;
        }
        if ask.directives.only_if_cached {
            return Claim::OnlyIfCached;
        }
        let (miss, stale) = self.why(ask, &found);
        let marked = shard.markers.marks(&ask.key, ask.now);
        let range = range_to_ask(ask, &found).filter(|_| !marked);
        let others = if ask.may_follow && !marked && miss != Miss::Request {
            self.joinable(&shard, ask, range)
        } else {
            Others::Avoid
        };
        let lead = |shard: &mut Shard, shared| {
            self.lead(
                shard,
                ask,
                &found,
                Leading { start: applied, miss, range, uncacheable: marked, shared },
            )
        };
        match (stale, others) {
            // One refresh at a time; and after one that was declined, none until its marker ends.
            (Some(entry), Others::Fill(_)) => Claim::Stale(entry, None),
            (Some(entry), _) if marked || shard.resting.marks(&ask.key, ask.now) => Claim::Stale(entry, None),
            (Some(entry), _) => Claim::Stale(entry, Some(lead(&mut shard, true))),
            (None, Others::Fill(fill)) => match fill.join() {
                Some(seat) => {
                    self.metrics.followed.inc();
                    Claim::Follow(Follower::new(seat, applied))
                }
                None => Claim::Lead(lead(&mut shard, true)),
            },
            (None, Others::None) => Claim::Lead(lead(&mut shard, true)),
            (None, Others::Avoid) => Claim::Lead(lead(&mut shard, false)),
        }
    }

    /// The right to store what a request brings that the cache does not answer, but whose response may answer others: a
    /// POST (RFC 9110 §9.3.3). Taken before the request is sent, so that a purge or an unsafe request that comes
    /// meanwhile is seen. Nobody joins it.
    #[must_use]
    pub fn write(self: &Arc<Self>, ask: &Ask<'_>) -> Lead {
        let mut shard = self.shard(&ask.key);
        let applied = self.applied();
        // What is stored has no part in it.
        let leading =
            Leading { start: applied, miss: Miss::Request, range: None, uncacheable: false, shared: false };
        self.lead(&mut shard, ask, &Found(None), leading)
    }

    /// Looks without asking for the right to fill: the freshest stored response that this request selects, if any.
    #[must_use]
    pub fn peek(&self, ask: &Ask<'_>) -> Option<(Arc<Entry>, Reuse)> {
        let found = self.find(ask);
        let entry = found.selected(ask)?;
        Some((Arc::clone(entry), judge(ask, entry)))
    }

    /// Waits for a follower's response, and says whether it is the follower's to use.
    pub async fn follow(&self, follower: Follower, ask: &Ask<'_>) -> Followed {
        let head = match follower.head().await {
            Ok(head) => head,
            Err(release) => return Followed::Released(release),
        };
        let draft = match &head {
            FillHead::Streaming(draft) => draft,
            FillHead::Settled(entry, _) => &entry.head,
        };
        if let Some(release) = self.unfit(draft, follower.fill(), follower.joined, ask) {
            return Followed::Released(release);
        }
        match head {
            FillHead::Streaming(draft) => {
                let length = draft.length;
                Followed::Streaming(draft, follower.into_body(length))
            }
            FillHead::Settled(entry, basis) => Followed::Settled(entry, basis),
        }
    }

    /// Why a fill's response is not for a request that joined at `joined`.
    fn unfit(&self, draft: &Draft, fill: &Fill, joined: Position, ask: &Ask<'_>) -> Option<Release> {
        if !draft.is_selected_by(ask.headers, ask.normalise) {
            return Some(Release::OtherVariant);
        }
        if joined <= fill.start {
            return None;
        }
        // A purge by a tag that was not known when it joined. Only the newest purge of a selector is remembered, and an
        // older one may be what this request must not see the other side of: any of them releases it.
        is_sealed(&self.seals.read(), fill, &draft.tags, ask).then_some(Release::Sealed)
    }

    fn find(&self, ask: &Ask<'_>) -> Found {
        Found(self.get(&ask.key))
    }

    /// Why to fetch, and what may be served meanwhile.
    fn why(&self, ask: &Ask<'_>, found: &Found) -> (Miss, Option<Arc<Entry>>) {
        match (found.selected(ask), found.alive().next()) {
            (Some(entry), _) => match judge(ask, entry) {
                Reuse::StaleWhileRevalidate => (Miss::Stale, Some(Arc::clone(entry))),
                Reuse::Revalidate(reason) if is_request(reason) => (Miss::Request, None),
                _ => (Miss::Stale, None),
            },
            (None, Some(_)) if found.part(ask).is_some() => (Miss::Partial, None),
            (None, Some(_)) => (Miss::Vary, None),
            (None, None) => (Miss::Uri, None),
        }
    }

    fn joinable(&self, shard: &Shard, ask: &Ask<'_>, range: Option<ByteRange>) -> Others {
        let fills = shard.in_flight.get(&ask.key).map(Vec::as_slice).unwrap_or_default();
        fills
            .iter()
            .find(|fill| self.may_join(fill, ask, range))
            .map_or(Others::None, |fill| Others::Fill(Arc::clone(fill)))
    }

    fn may_join(&self, fill: &Fill, ask: &Ask<'_>, range: Option<ByteRange>) -> bool {
        if !fill.plan.shared || fill.is_invalidated() {
            return false;
        }
        let recent = self.seals.read();
        let head = fill.head();
        let draft = match &head {
            Some(FillHead::Streaming(draft)) => Some(draft),
            Some(FillHead::Settled(entry, _)) => Some(&entry.head),
            None => None,
        };
        // A fill for a part may bring the whole: then it is everybody's.
        let brings = fill.plan.range.filter(|_| draft.is_none_or(|draft| draft.part.is_some()));
        if brings != range {
            return false;
        }
        let fits = match (draft, &fill.plan.expected) {
            (Some(draft), _) => draft.is_selected_by(ask.headers, ask.normalise),
            (None, Some(expected)) => expected.is_selected_by(ask.headers, ask.normalise),
            (None, None) => true,
        };
        if !fits {
            return false;
        }
        if fill.start >= recent.applied() {
            return true;
        }
        let tags = draft.map(|draft| draft.tags.as_ref()).unwrap_or_default();
        !is_sealed(&recent, fill, tags, ask)
    }

    fn lead(self: &Arc<Self>, shard: &mut Shard, ask: &Ask<'_>, found: &Found, leading: Leading) -> Lead {
        let Leading { start, miss, range, uncacheable, shared } = leading;
        let known = found.alive().next().map(|entry| entry.head.terms.vary().clone());
        let learned = || shard.in_flight.get(&ask.key)?.iter().find_map(|fill| fill.vary());
        let expected = known
            .or_else(learned)
            .and_then(|vary| Some(Expected { selecting: vary.selecting(ask.headers, ask.normalise)?, vary }));
        // What a request that says `no-store` brings is for itself alone.
        let shared = shared && !(ask.directives.no_store && ask.rules.request_no_store);
        let url: Arc<str> = Arc::from(seawall_base::purge::url_text(ask.authority, ask.path_and_query));
        let prior =
            Prior { whole: found.selected(ask).map(Arc::clone), part: found.part(ask).map(Arc::clone) };
        let plan = Plan { expected, range, prior, shared };
        let fill = Fill::new(Arc::clone(&url), start, self.next_fill(), plan);
        shard.in_flight.entry(ask.key).or_default().push(Arc::clone(&fill));
        let place = Place { key: ask.key, shelf: Arc::clone(ask.shelf), url };
        Lead::new(Arc::clone(self), place, fill, miss, uncacheable, ask.now)
    }
}

/// Whether a purge since the fill's start matches what it brings, or what is stored that it may keep alive. A soft one
/// counts as a hard one does: who asks after it is to be given what was validated after it, and another node would keep
/// what it is given as fresh.
fn is_sealed(recent: &Recent, fill: &Fill, tags: &[Box<str>], ask: &Ask<'_>) -> bool {
    let url = seawall_base::purge::url_text(ask.authority, ask.path_and_query);
    let kept = fill.plan.prior.iter().map(|entry| entry.head.tags.as_ref());
    std::iter::once(tags).chain(kept).any(|tags| {
        let subject = Subject { site: ask.shelf.site.as_str(), url: &url, tags };
        recent.check(fill.start, &subject).newest().is_some()
    })
}

/// How a fill begins.
#[derive(Clone, Copy)]
struct Leading {
    start: Position,
    miss: Miss,
    range: Option<ByteRange>,
    uncacheable: bool,
    shared: bool,
}

/// The range to ask the origin for, where the whole is not worth asking for: the range lies far in it.
fn range_to_ask(ask: &Ask<'_>, found: &Found) -> Option<ByteRange> {
    if !ask.rules.store_partial || found.selected(ask).is_some() {
        return None;
    }
    partial::asked(ask.headers).filter(|range| range.is_far())
}

enum Others {
    /// A fill that this request may join.
    Fill(Arc<Fill>),
    /// None; lead one that others may join.
    None,
    /// Neither join nor be joined: the URL proved uncacheable, or the request wants its own answer.
    Avoid,
}

pub(crate) fn judge(ask: &Ask<'_>, entry: &Entry) -> Reuse {
    let soft = ask.shelf.is_soft_purged(entry);
    match reuse(&entry.head.terms, ask.directives, soft, ask.rules, ask.now) {
        Reuse::StaleWhileRevalidate if soft && ask.soft_is_stale => {
            Reuse::Revalidate(RevalidateReason::SoftPurged)
        }
        verdict => verdict,
    }
}

/// Whether it is the request, not the response, that does not want what is stored. Such a request leads its own fill
/// even where one is under way. (Where nothing is stored it joins: what is on its way is not from a cache.)
fn is_request(reason: RevalidateReason) -> bool {
    match reason {
        RevalidateReason::RequestNoCache
        | RevalidateReason::RequestMaxAge
        | RevalidateReason::RequestMinFresh => true,
        RevalidateReason::Stale | RevalidateReason::SoftPurged | RevalidateReason::NoCache => false,
    }
}

#[cfg(test)]
mod tests;
