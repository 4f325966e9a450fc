//! A site's settings, as the path wants them.

use http::HeaderValue;
use seawall_pipeline::{Keying, Parameters, QueryRules, SiteRule, StripCookies};
use seawall_policy::rules::DISCONNECTED_STALE_LIMIT;
use seawall_policy::{Normalise, Rules};

use super::StartError;
use crate::config::{Caching, Languages, NoStore, Query, Site, Strip};

/// `keying` is the site's.
pub(super) fn rules(site: &Site, keying: Option<&Keying>) -> Rules {
    let caching = &site.caching;
    let disconnected = caching.stale_when_disconnected.unwrap_or(DISCONNECTED_STALE_LIMIT);
    Rules {
        default_ttl: site.default_ttl,
        negative_ttl: site.negative_ttl,
        heuristics: caching.heuristics,
        stale_while_revalidate: site.stale_while_revalidate,
        stale_if_error: site.stale_if_error,
        stale_when_disconnected: Some(disconnected).filter(|limit| !limit.is_zero()),
        request_directives: caching.request_directives,
        request_no_store: caching.request_no_store,
        strict_no_store: caching.no_store == NoStore::Strict,
        store_set_cookie: caching.store_set_cookie,
        // A POST is forwarded as it came, so its answer is not to what a GET is looked up by.
        store_post: caching.store_post && keying.is_none(),
        ..Rules::default()
    }
}

pub(super) fn own_rules(site: &Site) -> Box<[SiteRule]> {
    let rules = site.caching.rules.iter().map(|rule| SiteRule {
        paths: rule.paths.clone().into(),
        statuses: rule.statuses.clone().into(),
        ttl: rule.ttl,
        replaces: rule.replaces,
        stale_while_revalidate: rule.stale_while_revalidate,
        stale_if_error: rule.stale_if_error,
    });
    rules.collect()
}

pub(super) fn normalise(site: &Site) -> Normalise {
    let normalise = &site.caching.normalise;
    Normalise {
        accept_encoding: normalise.accept_encoding,
        // One tag is the same, however it is compared.
        accept_language: !matches!(normalise.accept_language, Languages::Compared(false)),
    }
}

/// None for a site that changes nothing of a request before it is looked up.
pub(super) fn keying(site: &Site) -> Result<Option<Box<Keying>>, StartError> {
    let default = Caching::default();
    let Caching { query, key, strip_request_cookies, normalise, .. } = &site.caching;
    let languages = match &normalise.accept_language {
        Languages::Supported(tags) => tags.as_slice(),
        Languages::Compared(_) => &[],
    };
    let changes_nothing = *query == default.query
        && *key == default.key
        && *strip_request_cookies == default.strip_request_cookies
        && languages.is_empty();
    if changes_nothing {
        return Ok(None);
    }
    let languages: Result<_, _> = languages.iter().map(HeaderValue::try_from).collect();
    Ok(Some(Box::new(Keying {
        query: QueryRules { parameters: parameters(query), sort: query.sort },
        headers: key.headers.clone().into(),
        cookies: key.cookies.iter().map(|name| Box::from(name.as_str())).collect(),
        strip_cookies: match strip_request_cookies {
            Strip::All(false) => StripCookies::None,
            Strip::All(true) => StripCookies::All,
            Strip::Named(globs) => StripCookies::Named(globs.clone().into()),
        },
        languages: languages
            .map_err(|error: http::header::InvalidHeaderValue| StartError::Config(error.to_string()))?,
    })))
}

fn parameters(query: &Query) -> Parameters {
    match (&query.keep, query.ignore.as_slice()) {
        (Some(keep), _) => Parameters::Keep(keep.clone().into()),
        (None, []) => Parameters::All,
        (None, ignore) => Parameters::Ignore(ignore.into()),
    }
}
