//! `[[sites.rules]]`: lifetimes by path and status.

use std::time::Duration;

use seawall_pipeline::{Glob, Statuses};
use serde::Serialize;

use super::caching::{LIST_MAX, serialize_texts};
use super::check::Check;
use super::raw::RawRule;
use super::reader::{Field, Spot};
use super::{duration, keys};

/// Most rules of a site: they are tried in turn for every response that may be stored.
pub const RULES_MAX: usize = 256;

/// `[[sites.rules]]`: one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Paths that it speaks of, without their query. Default: none, and then every path.
    #[serde(serialize_with = "serialize_texts")]
    pub paths: Vec<Glob>,
    /// Statuses that it speaks of. Default: none, and then those below 400.
    #[serde(serialize_with = "serialize_texts")]
    pub statuses: Vec<Statuses>,
    /// Lifetime of a response that says nothing about its own. Default: none.
    #[serde(serialize_with = "duration::serialize_option")]
    pub ttl: Option<Duration>,
    /// Whether what the rule sets replaces what the response says. Default: no.
    #[serde(rename = "override")]
    pub replaces: bool,
    /// For how long after its lifetime a response is served while a fill refreshes it (RFC 5861 §3). Default: none.
    #[serde(serialize_with = "duration::serialize_option")]
    pub stale_while_revalidate: Option<Duration>,
    /// For how long after its lifetime a response is served while the origin fails (RFC 5861 §4). Default: none.
    #[serde(serialize_with = "duration::serialize_option")]
    pub stale_if_error: Option<Duration>,
}

impl Rule {
    /// The rules of a site, in the order in which they stand. `check` is the site's.
    pub(super) fn all_from_raw(check: &Check<'_>, raws: Field<Vec<RawRule>>) -> Vec<Self> {
        let Field::Given(Spot { value: raws, at }) = raws else { return Vec::new() };
        if raws.len() > RULES_MAX {
            let wrong = format!(
                "`rules` has {} rules. Write at most {RULES_MAX}: a pattern covers many paths.",
                raws.len()
            );
            check.problem(at, wrong);
            return Vec::new();
        }
        let mut rules: Vec<(Self, usize)> = Vec::new();
        for raw in raws {
            let (at, check) = (raw.at, check.within(&keys::RULE, raw.at));
            let Some(rule) = Self::from_raw(&check, raw) else { continue };
            if let Some((_, earlier)) = rules.iter().find(|(earlier, _)| earlier.covers(&rule)) {
                let line = check.line(*earlier);
                let wrong = format!(
                    "is never reached: the rule on line {line} matches all that it does, and the first match wins. Put it \
                     before that one."
                );
                check.problem(at, wrong);
            }
            rules.push((rule, at));
        }
        rules.into_iter().map(|(rule, _)| rule).collect()
    }

    /// `None` where something of it has been reported, so that what it matches is not known.
    fn from_raw(check: &Check<'_>, raw: RawRule) -> Option<Self> {
        let RawRule { at, paths, statuses, ttl, replaces, stale_while_revalidate, stale_if_error } = raw;
        let sets = [&ttl, &stale_while_revalidate, &stale_if_error];
        if sets.iter().all(|field| matches!(field, Field::Absent)) {
            check.problem(
                at,
                "sets nothing. Write `ttl = \"1d\"`, `stale_while_revalidate` or `stale_if_error`.",
            );
        }
        let written = (paths.items.len(), statuses.items.len());
        let broken = paths.broken || statuses.broken;
        let paths = check.any_of("paths", check.up_to("paths", paths, LIST_MAX), parse_path);
        let statuses =
            check.any_of("statuses", check.up_to("statuses", statuses, LIST_MAX), str::parse::<Statuses>);
        let time =
            |key, field: Field<String>| check.optional(key, field, duration::parse).map(|spot| spot.value);
        let rule = Self {
            paths: paths.into_iter().map(|spot| spot.value).collect(),
            statuses: statuses.into_iter().map(|spot| spot.value).collect(),
            ttl: time("ttl", ttl),
            replaces: replaces.or(false),
            stale_while_revalidate: time("stale_while_revalidate", stale_while_revalidate),
            stale_if_error: time("stale_if_error", stale_if_error),
        };
        (!broken && written == (rule.paths.len(), rule.statuses.len())).then_some(rule)
    }

    /// Whether `later` matches nothing that this does not. Some such rules are not recognised.
    fn covers(&self, later: &Self) -> bool {
        let paths = self.paths.is_empty()
            || (!later.paths.is_empty() && later.paths.iter().all(|path| self.paths.contains(path)));
        let statuses = if self.statuses.is_empty() || later.statuses.is_empty() {
            self.statuses.is_empty() && later.statuses.is_empty()
        } else {
            later.statuses.iter().all(|status| self.statuses.contains(status))
        };
        paths && statuses
    }
}

fn parse_path(text: &str) -> Result<Glob, String> {
    let path = text.split(['?', '#']).next().unwrap_or(text);
    if path.len() < text.len() {
        let instead = if path.is_empty() { "/*" } else { path };
        return Err(format!("`{text}` has a query, and rules match paths without it. Write `{instead}`."));
    }
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        return Err(format!("`{text}` names a host, and rules match paths. Write `{path}`."));
    }
    let glob = Glob::new(text).map_err(|wrong| wrong.to_string())?;
    if text.starts_with(['/', '*']) {
        Ok(glob)
    } else {
        Err(format!("`{text}` is not a path. Write `/{text}`, or `*{text}` for all that end so."))
    }
}
