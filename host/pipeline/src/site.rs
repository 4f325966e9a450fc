//! Sites, and which of them takes a host.

use std::collections::HashMap;
use std::sync::Arc;

use seawall_base::{Region, SiteName};
use seawall_cache::Shelf;
use seawall_functions::Chain;
use seawall_origin::Pool;
use seawall_policy::{Normalise, Rules};

/// What a set of host names maps to.
pub struct Site {
    /// Its name.
    pub name: SiteName,
    /// Where its misses go.
    pub origin: Arc<Pool>,
    /// `Host` to send instead of the client's.
    pub host_header: Option<http::HeaderValue>,
    /// Its functions, in order.
    pub functions: Chain,
    /// The region through which other regions' misses go.
    pub shield: Option<Region>,
    /// The operator's overrides.
    pub rules: Rules,
    /// Which request fields are normalised before `Vary` compares them.
    pub normalise: Normalise,
    /// Its part of the cache.
    pub shelf: Arc<Shelf>,
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

    /// The site of that name.
    #[must_use]
    pub fn named(&self, name: &SiteName) -> Option<&Arc<Site>> {
        self.by_name.get(name)
    }
}
