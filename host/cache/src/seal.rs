//! What keeps a fill from storing what was purged while it was under way.
//!
//! A fill knows the position it *started* at. When it settles, it asks whether a purge with a higher position matches
//! what it is about to store. The question and the insert happen under a read lock, and a purge is recorded under the
//! write lock before anything is removed. So either the fill sees the purge, or the purge finds what the fill stored.

use std::collections::{HashMap, VecDeque};

use parking_lot::{RwLock, RwLockReadGuard};
use seawall_base::{Depth, Position, Purge, Scope, Selector};

use crate::config::SEALS_MAX;

/// What a settling fill is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) site: &'a str,
    /// `host/path?query`.
    pub(crate) url: &'a str,
    pub(crate) tags: &'a [Box<str>],
}

/// What the purges since a position say of a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The newest hard purge that matches, if any.
    pub(crate) hard: Option<Position>,
    /// The newest soft purge that matches, if any.
    pub(crate) soft: Option<Position>,
}

#[derive(Debug, Default)]
pub(crate) struct Seals(RwLock<Recent>);

/// The purges that a fill still in flight might have to know.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    applied: Position,
    /// Fills that started before this can't be checked any more, and are not stored.
    floor: Position,
    newest: HashMap<Mark, Sealed>,
    /// Prefixes can't be looked up; they are compared one by one.
    prefixes: VecDeque<(Position, Mark, Depth)>,
    /// In order of arrival, to forget the oldest.
    order: VecDeque<(Position, Mark)>,
}

/// A selector in its scope; `None` is every site.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Mark {
    site: Option<Box<str>>,
    selector: Selector,
}

impl Seals {
    /// Records a purge, before anything is removed for it.
    pub(crate) fn record(&self, position: Position, purge: &Purge) {
        let mut recent = self.0.write();
        let site = match &purge.scope {
            Scope::AllSites => None,
            Scope::Site(site) => Some(Box::from(site.as_str())),
        };
        for selector in &purge.selectors {
            recent.remember(position, Mark { site: site.clone(), selector: selector.clone() }, purge.depth);
        }
        recent.applied = recent.applied.max(position);
    }

    /// Everything up to `position` is applied; it held nothing for the cache.
    pub(crate) fn advance(&self, position: Position) {
        let mut recent = self.0.write();
        recent.applied = recent.applied.max(position);
    }

    /// Nothing that started before `position` may be stored any more.
    pub(crate) fn raise_floor(&self, position: Position) {
        let mut recent = self.0.write();
        recent.floor = recent.floor.max(position);
        recent.applied = recent.applied.max(position);
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Recent> {
        self.0.read()
    }
}

impl Recent {
    /// The position up to which everything is applied.
    pub(crate) fn applied(&self) -> Position {
        self.applied
    }

    /// What purges later than `since` say of `subject`.
    pub(crate) fn check(&self, since: Position, subject: &Subject<'_>) -> Sealed {
        if since < self.floor {
            return Sealed { hard: Some(self.floor), soft: None };
        }
        if since >= self.applied {
            return Sealed::default();
        }
        let mut sealed = Sealed::default();
        let host = subject.url.split('/').next().unwrap_or_default();
        let mut look = |selector: Selector| {
            for site in [None, Some(Box::from(subject.site))] {
                if let Some(found) = self.newest.get(&Mark { site, selector: selector.clone() }) {
                    sealed.merge(*found, since);
                }
            }
        };
        look(Selector::All);
        look(Selector::Host(host.to_owned()));
        look(Selector::Url(subject.url.to_owned()));
        for tag in subject.tags {
            look(Selector::Tag(tag.to_string()));
        }
        for (position, mark, depth) in
            self.prefixes.iter().rev().take_while(|(position, ..)| *position > since)
        {
            let in_scope = mark.site.as_deref().is_none_or(|site| site == subject.site);
            if in_scope
                && matches!(&mark.selector, Selector::Prefix(prefix) if subject.url.starts_with(prefix.as_str()))
            {
                sealed.merge(Sealed::of(*position, *depth), since);
            }
        }
        sealed
    }

    fn remember(&mut self, position: Position, mark: Mark, depth: Depth) {
        if matches!(mark.selector, Selector::Prefix(_)) {
            self.prefixes.push_back((position, mark.clone(), depth));
        } else {
            self.newest.entry(mark.clone()).or_default().merge(Sealed::of(position, depth), Position::START);
        }
        self.order.push_back((position, mark));
        while self.order.len() > SEALS_MAX {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((position, mark)) = self.order.pop_front() else {
            return;
        };
        self.floor = self.floor.max(position);
        while self.prefixes.front().is_some_and(|(at, ..)| *at <= position) {
            self.prefixes.pop_front();
        }
        if self.newest.get(&mark).is_some_and(|sealed| sealed.newest() <= Some(position)) {
            self.newest.remove(&mark);
        }
    }
}

impl Sealed {
    fn of(position: Position, depth: Depth) -> Self {
        match depth {
            Depth::Hard => Self { hard: Some(position), soft: None },
            Depth::Soft => Self { hard: None, soft: Some(position) },
        }
    }

    fn merge(&mut self, other: Self, since: Position) {
        self.hard = self.hard.max(other.hard.filter(|position| *position > since));
        self.soft = self.soft.max(other.soft.filter(|position| *position > since));
    }

    /// What either of two subjects is sealed by.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { hard: self.hard.max(other.hard), soft: self.soft.max(other.soft) }
    }

    /// The newest purge that matches, if any.
    pub(crate) fn newest(self) -> Option<Position> {
        self.hard.max(self.soft)
    }
}

#[cfg(test)]
mod tests;
