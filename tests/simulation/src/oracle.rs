//! The judge: it knows which fetch of the origin every answer came from, and what each node had applied by then.
//!
//! The rule, for a request that begins at node *n* when *n* has applied purge *p*: its answer holds nothing that *p*
//! matches and whose fetch from the origin began before *p* was applied, both at *n* and at the node that fetched it.
//! That is stricter than the promise, which speaks of the acknowledgement: that comes later still, and the operators of
//! the script check that it does.
//!
//! Owns what counts as a match, as old, as fresh. Refuses to ask the code under test: it learns of a node only that
//! `Store::apply` or `Store::empty` has returned.

use std::collections::HashMap;
use std::time::Duration;

use seawall_base::{Depth, Position, Purge, Scope, Selector};

use crate::trace::{Moment, tags};
use crate::web::{TAGS, Url};

/// Names a [`Content`]. It travels in a field of the response.
pub(crate) type ContentId = u32;

/// One response head and the body that goes with it.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) url: usize,
    pub(crate) version: u32,
    /// The language that it is in, where the origin said that it varies.
    pub(crate) french: Option<bool>,
    /// The tags that the head carries; `None` where a 304 says nothing of them.
    pub(crate) tags: Option<u8>,
    /// How long it is fresh, as the head says it.
    pub(crate) lifetime: Option<Duration>,
    /// When the origin made the head.
    pub(crate) made: Duration,
    /// The node that asked the origin, and when it did.
    pub(crate) by: usize,
    pub(crate) began: Moment,
    /// What was stored before, and lives on in this.
    pub(crate) kept: Option<Kept>,
    /// The origin, or a shield in its stead, said that it is still good, and it was not renewed for that.
    pub(crate) confirmed: bool,
}

/// A stored response that a later answer keeps alive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) prior: ContentId,
    pub(crate) node: usize,
    /// Its very bytes are in what the node's readers are sent, and not only in what is stored in the end.
    pub(crate) sent: bool,
    /// When that was done; `None` while the fill is under way.
    pub(crate) done: Option<Moment>,
}

/// What a client was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) url: usize,
    pub(crate) node: usize,
    pub(crate) life: u32,
    pub(crate) french: bool,
    /// What the node had applied when the request began.
    pub(crate) at: Position,
    pub(crate) content: ContentId,
    /// As what it was given: a fresh hit, or anything but stale.
    pub(crate) standing: Standing,
    pub(crate) now: Duration,
    /// The position that the node knows the content by.
    pub(crate) told: Option<Position>,
}

/// As what a response is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    /// From the store, fresh.
    Fresh,
    /// From the store or the shield, and said to be stale.
    Stale,
    /// The origin was asked for this request, or for one that it followed.
    Asked,
}

#[derive(Default)]
struct Applied {
    /// Which life of the node the moments of `now` belong to.
    life: u32,
    now: Vec<Moment>,
    /// The first life that had applied it.
    first: Vec<Moment>,
}

/// See the module.
pub(crate) struct Oracle {
    urls: Vec<Url>,
    contents: Vec<Content>,
    /// In order of position, with what a node does not understand among them.
    purges: Vec<Purge>,
    applied: HashMap<usize, Applied>,
}

/// How much older than its lifetime a fresh answer may be: `Age` counts whole seconds, and there are two tiers.
const AGE_SLACK: Duration = Duration::from_secs(2);

impl Oracle {
    pub(crate) fn new(urls: Vec<Url>) -> Self {
        Self { urls, contents: Vec::new(), purges: Vec::new(), applied: HashMap::new() }
    }

    pub(crate) fn add(&mut self, content: Content) -> ContentId {
        self.contents.push(content);
        u32::try_from(self.contents.len() - 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn content(&self, id: ContentId) -> Option<&Content> {
        self.contents.get(usize::try_from(id).ok()?)
    }

    pub(crate) fn content_mut(&mut self, id: ContentId) -> Option<&mut Content> {
        self.contents.get_mut(usize::try_from(id).ok()?)
    }

    /// `answer` speaks of `prior`, which lives on: the two as one. `keeps_body`: the answer has none of its own.
    pub(crate) fn merge(
        &mut self,
        answer: ContentId,
        prior: ContentId,
        node: usize,
        keeps_body: bool,
    ) -> Option<ContentId> {
        let (head, stored) = (self.content(answer)?, self.content(prior)?);
        let merged = Content {
            version: if keeps_body { stored.version } else { head.version },
            tags: head.tags.or(stored.tags),
            lifetime: head.lifetime.or(stored.lifetime),
            kept: Some(Kept { prior, node, sent: keeps_body, done: None }),
            ..head.clone()
        };
        Some(self.add(merged))
    }

    /// A purge has its place: the one after the last.
    pub(crate) fn published(&mut self, purge: Purge) {
        self.purges.push(purge);
    }

    /// The number of the purge that comes next.
    pub(crate) fn purges(&self) -> usize {
        self.purges.len()
    }

    /// What a purge orders, for people.
    pub(crate) fn words(&self, number: usize) -> String {
        self.purges.get(number).map_or_else(String::new, |purge| {
            format!(": {:?} purge of {:?} in {:?}", purge.depth, purge.selectors, purge.scope)
        })
    }

    /// How many places the log has given out.
    pub(crate) fn head(&self) -> Position {
        Position(self.purges.len() as u64)
    }

    /// A new life of a node: it has applied nothing.
    pub(crate) fn born(&mut self, node: usize, life: u32) {
        let applied = self.applied.entry(node).or_default();
        applied.life = life;
        applied.now.clear();
    }

    /// A node has applied everything up to `at`.
    pub(crate) fn applied(&mut self, node: usize, at: Position, now: Moment) {
        let applied = self.applied.entry(node).or_default();
        let count = usize::try_from(at.0).unwrap_or(usize::MAX);
        for moments in [&mut applied.now, &mut applied.first] {
            if moments.len() < count {
                moments.resize(count, now);
            }
        }
    }

    /// What a node has applied.
    pub(crate) fn position(&self, node: usize) -> Position {
        Position(self.applied.get(&node).map_or(0, |applied| applied.now.len() as u64))
    }

    /// Whether a purge names a URL, or one of these tags.
    pub(crate) fn matches(&self, purge: &Purge, url: usize, set: u8) -> bool {
        let Some(url) = self.urls.get(url) else { return false };
        let in_scope = match &purge.scope {
            Scope::AllSites => true,
            Scope::Site(site) => site.as_str() == url.site,
        };
        let text = format!("{}{}", url.authority, url.path);
        let named = |selector: &Selector| match selector {
            Selector::Url(named) => *named == text,
            Selector::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Selector::Host(host) => host == url.authority,
            Selector::All => true,
            Selector::Tag(tag) => {
                TAGS.iter().position(|known| known == tag).is_some_and(|bit| set >> bit & 1 == 1)
            }
        };
        in_scope && purge.selectors.iter().any(named)
    }

    /// Whether a fetch began before purge `number` was applied: at `node` itself, and where it was fetched.
    fn is_old(&self, content: &Content, number: usize, node: usize) -> bool {
        let here = self.applied.get(&node).and_then(|applied| applied.now.get(number));
        let there = self.applied.get(&content.by).and_then(|applied| applied.first.get(number));
        here.is_none_or(|moment| content.began < *moment)
            && there.is_none_or(|moment| content.began < *moment)
    }

    /// What is wrong with an answer, if anything is.
    pub(crate) fn judge(&self, answer: &Answer) -> Option<String> {
        let Some(content) = self.content(answer.content) else {
            return Some("an answer of unknown origin".to_owned());
        };
        if content.url != answer.url {
            return Some(format!("url {} was answered with content of url {}", answer.url, content.url));
        }
        if content.french.is_some_and(|french| french != answer.french) {
            return Some("a request was answered with another language's variant".to_owned());
        }
        // A node that died meanwhile has answered before it did; what its successor has applied says nothing of that.
        let same_life = self.applied.get(&answer.node).is_some_and(|applied| applied.life == answer.life);
        let count = if same_life { usize::try_from(answer.at.0).unwrap_or(0) } else { 0 };
        let purged = (0..count).find_map(|number| self.breach(answer, content, number));
        purged.or_else(|| self.too_old(answer, content)).or_else(|| self.told_too_new(answer, content))
    }

    fn breach(&self, answer: &Answer, content: &Content, number: usize) -> Option<String> {
        let purge = self.purges.get(number)?;
        let soft = purge.depth == Depth::Soft;
        if soft && (answer.standing == Standing::Stale || content.confirmed) {
            return None;
        }
        let set = content.tags.unwrap_or_default();
        if self.matches(purge, content.url, set) && self.is_old(content, number, answer.node) {
            let depth =
                if soft { "soft-purged content was given as fresh" } else { "purged content came back" };
            return Some(format!(
                "{depth}: node {} had applied {}, which matches content {} (tags {}), fetched by node {} before that",
                answer.node,
                number + 1,
                answer.content,
                tags(set),
                content.by
            ));
        }
        // A soft purge asks for a validation, and that is what kept it alive.
        if soft { None } else { self.kept_breach(answer, content, number) }
    }

    /// Whether what lives on in `content` was purged before it was made to.
    fn kept_breach(&self, answer: &Answer, content: &Content, number: usize) -> Option<String> {
        let purge = self.purges.get(number)?;
        let kept = content.kept?;
        let prior = self.content(kept.prior)?;
        let applied = self.applied.get(&kept.node)?;
        // Where another node made it, any life of that node may have.
        let moments = if kept.node == answer.node { &applied.now } else { &applied.first };
        let moment = *moments.get(number)?;
        let before = kept.done.is_none_or(|done| moment < done) && (kept.sent || kept.node == answer.node);
        let set = prior.tags.unwrap_or_default();
        if before && self.matches(purge, prior.url, set) && self.is_old(prior, number, kept.node) {
            return Some(format!(
                "purged content was kept alive: node {} had applied {}, which matches content {} (tags {}), \
                 and content {} is that one refreshed or completed",
                answer.node,
                number + 1,
                kept.prior,
                tags(set),
                answer.content
            ));
        }
        self.kept_breach(answer, prior, number)
    }

    fn too_old(&self, answer: &Answer, content: &Content) -> Option<String> {
        let age = answer.now.saturating_sub(content.made);
        let lifetime = content.lifetime?;
        (answer.standing == Standing::Fresh && age > lifetime + AGE_SLACK).then(|| {
            format!(
                "content {} was given as fresh {age:?} after it was made; its lifetime is {lifetime:?}",
                answer.content
            )
        })
    }

    /// The position that a node knows content by must not promise more than is true of it.
    fn told_too_new(&self, answer: &Answer, content: &Content) -> Option<String> {
        let told = answer.told?;
        let count = usize::try_from(told.0).unwrap_or(usize::MAX).min(self.purges.len());
        let older = (0..count).find(|number| self.is_old(content, *number, answer.node))?;
        Some(format!(
            "node {} knows content {} by position {told}, but its fetch began before {} was applied",
            answer.node,
            answer.content,
            older + 1
        ))
    }
}
