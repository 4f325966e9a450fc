//! Sites, and which of them takes a host.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use seawall_base::purge::url_text;
use seawall_base::{Purge, Region, Selector, SiteName};
use seawall_cache::Shelf;
use seawall_functions::{Chain, Roster};
use seawall_policy::{Normalise, Rules};

use crate::admit::host_of;
use crate::cutoff::WhenCutOff;
use crate::error_page::ErrorPages;
use crate::guards::Guards;
use crate::key::Keying;
use crate::origin::Origin;

mod rules;

pub use rules::{SiteRule, Statuses, StatusesError};

/// What a set of host names maps to.
pub struct Site {
    /// Its name.
    pub name: SiteName,
    /// What its keys begin with: its name, and where a reload changed what its keys mean, a number behind it. So nothing
    /// that was stored or begun under other settings is found under these.
    pub in_keys: Box<str>,
    /// Where its misses go.
    pub origin: Origin,
    /// What is sent for faults.
    pub error_pages: ErrorPages,
    /// Its functions, in order.
    pub functions: Arc<Roster>,
    /// The region through which other regions' misses go.
    pub shield: Option<Region>,
    /// What it does on a node that is cut off from the control log.
    pub when_cut_off: WhenCutOff,
    /// The operator's overrides.
    pub rules: Rules,
    /// Its own rules by path and status; the first that matches a response holds.
    pub own_rules: Box<[SiteRule]>,
    /// Which request fields are normalised before `Vary` compares them.
    pub normalise: Normalise,
    /// What is changed of a request before it is looked up, if anything.
    pub keying: Option<Box<Keying>>,
    /// Whether `Set-Cookie` is left out of what is stored, and of what those get for whom it is stored.
    pub strip_set_cookie: bool,
    /// Whether clients without TLS are sent to `https`.
    pub redirect_to_https: bool,
    /// What requests and responses may be.
    pub guards: Guards,
    /// Whether a request may ask for its key (RFC 9211 §2.7).
    pub tells_key: bool,
    /// Its part of the cache.
    pub shelf: Arc<Shelf>,
}

impl Site {
    /// Its functions as they are now, if it has any.
    pub(crate) fn chain(&self) -> Option<Chain> {
        self.functions.now()
    }
}

/// Which site takes a host. Exact names win over wildcards, longer wildcards over shorter, `*` comes last.
#[derive(Default)]
pub struct Sites {
    exact: HashMap<Box<str>, Arc<Site>>,
    /// By what follows the `*`, its dot included.
    wildcard: HashMap<Box<str>, Arc<Site>>,
    any: Option<Arc<Site>>,
    by_name: HashMap<SiteName, Arc<Site>>,
}

impl Sites {
    /// Adds a site under its host patterns: `shop.example`, `*.shop.example` or `*`.
    pub fn add<'a>(&mut self, site: Arc<Site>, hosts: impl IntoIterator<Item = &'a str>) {
        for host in hosts {
            let host = host.to_ascii_lowercase();
            match host.strip_prefix('*') {
                Some("") => self.any = Some(Arc::clone(&site)),
                Some(suffix) => drop(self.wildcard.insert(Box::from(suffix), Arc::clone(&site))),
                None => drop(self.exact.insert(Box::from(host), Arc::clone(&site))),
            }
        }
        self.by_name.insert(site.name.clone(), site);
    }

    /// The site that takes `host`, which must be in lower case and without a port.
    #[must_use]
    pub fn find(&self, host: &str) -> Option<&Arc<Site>> {
        if !self.exact.is_empty()
            && let Some(site) = self.exact.get(host)
        {
            return Some(site);
        }
        if !self.wildcard.is_empty() {
            let dots = host.match_indices('.').map(|(at, _)| &host[at..]);
            if let Some(site) = dots.filter_map(|suffix| self.wildcard.get(suffix)).next() {
                return Some(site);
            }
        }
        self.any.as_ref()
    }

    /// A purge with its URLs as the sites' keys have them: who purges a URL may write any form of it. Prefixes are
    /// compared with that form as they stand.
    #[must_use]
    pub fn in_keys<'p>(&self, purge: &'p Purge) -> Cow<'p, Purge> {
        if !purge.selectors.iter().any(|selector| self.in_key(selector).is_some()) {
            return Cow::Borrowed(purge);
        }
        let in_key = |selector: &Selector| self.in_key(selector).unwrap_or_else(|| selector.clone());
        Cow::Owned(Purge { selectors: purge.selectors.iter().map(in_key).collect(), ..purge.clone() })
    }

    /// The selector as the key of its site has it, where that is another.
    fn in_key(&self, selector: &Selector) -> Option<Selector> {
        let Selector::Url(url) = selector else { return None };
        let (authority, path) = url.split_at(url.find('/')?);
        match self.find(host_of(authority))?.path_in_key(path) {
            Cow::Owned(path) => Some(Selector::Url(url_text(authority, &path))),
            Cow::Borrowed(_) => None,
        }
    }

    /// The site of that name.
    #[must_use]
    pub fn named(&self, name: &SiteName) -> Option<&Arc<Site>> {
        self.by_name.get(name)
    }
}
