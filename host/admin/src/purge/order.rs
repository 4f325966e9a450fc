//! The body of `POST /v1/purge`: as it is written, and as a purge. Says all that is wrong with it at once.

use seawall_base::purge::SelectorError;
use seawall_base::{Depth, Purge, PurgeId, Scope, Selector, SiteName};
use serde::Deserialize;
use serde_json::error::Category;
use utoipa::ToSchema;

use crate::problem::{FieldError, Kind, Problem};

/// Most selectors of one purge: each node looks each one up while it applies the purge, and applies one at a time.
pub const SELECTORS_MAX: usize = 1000;

/// What to purge. A stored response goes if any selector matches it; at least one is needed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PurgeOrder {
    /// Only this site's responses; without it every site's.
    pub site: Option<String>,
    /// All variants of these URLs, `https://host/path?query` or `host/path?query`.
    pub urls: Vec<String>,
    /// Responses with one of these tags.
    pub tags: Vec<String>,
    /// URLs that begin so, `host/path…`.
    pub prefixes: Vec<String>,
    /// All URLs of these hosts.
    pub hosts: Vec<String>,
    /// Everything.
    pub all: bool,
    /// Make stale instead of dropping: the next request revalidates.
    pub soft: bool,
    /// Only say what would match on every node.
    pub dry_run: bool,
    /// Refuse, with 409, if more stored responses than this would match on any one node.
    pub max_objects: Option<u64>,
    /// Purge even what the config wants confirmed (`admin.purge_confirm`).
    pub confirm: bool,
}

/// How one kind of selector is read.
type ReadSelector = fn(&str) -> Result<Selector, SelectorError>;

impl PurgeOrder {
    /// Reads the body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        serde_json::from_slice(body).map_err(|error| {
            let kind = match error.classify() {
                Category::Data => Kind::InvalidPurge,
                Category::Io | Category::Syntax | Category::Eof => Kind::MalformedBody,
            };
            Problem::new(kind, error.to_string())
        })
    }

    /// The purge it orders, or all that is wrong with it.
    pub(super) fn validate(self, sites: &[SiteName], id: PurgeId) -> Result<Purge, Problem> {
        let Self { site, urls, tags, prefixes, hosts, all, soft, .. } = self;
        let mut errors = Vec::new();
        let scope = scope(site, sites, &mut errors);
        let mut selectors = Vec::new();
        let lists: [(&str, Vec<String>, ReadSelector); 4] = [
            ("urls", urls, Selector::url),
            ("tags", tags, Selector::tag),
            ("prefixes", prefixes, Selector::prefix),
            ("hosts", hosts, Selector::host),
        ];
        let given = lists.iter().fold(usize::from(all), |sum, (_, list, _)| sum.saturating_add(list.len()));
        if given > SELECTORS_MAX {
            let detail = format!("{given} selectors are too many, at most {SELECTORS_MAX} go in one purge");
            // One line, not a thousand: what the selectors say does not matter any more.
            errors.push(FieldError { pointer: "#".to_owned(), detail });
            return Err(invalid(errors));
        }
        for (field, list, read) in lists {
            for (index, text) in list.iter().enumerate() {
                match read(text) {
                    Ok(selector) => selectors.push(selector),
                    Err(error) => errors.push(FieldError {
                        pointer: format!("#/{field}/{index}"),
                        detail: error.to_string(),
                    }),
                }
            }
        }
        if all {
            selectors.push(Selector::All);
        }
        if given == 0 {
            let detail =
                "the purge selects nothing: give `urls`, `tags`, `prefixes`, `hosts` or `\"all\": true`";
            errors.push(FieldError { pointer: "#".to_owned(), detail: detail.to_owned() });
        }
        match scope {
            Some(scope) if errors.is_empty() => {
                Ok(Purge { id, scope, selectors, depth: if soft { Depth::Soft } else { Depth::Hard } })
            }
            _ => Err(invalid(errors)),
        }
    }
}

fn invalid(errors: Vec<FieldError>) -> Problem {
    Problem::new(Kind::InvalidPurge, "Nothing was purged; see `errors`.").with_errors(errors)
}

fn scope(site: Option<String>, sites: &[SiteName], errors: &mut Vec<FieldError>) -> Option<Scope> {
    let Some(site) = site else {
        return Some(Scope::AllSites);
    };
    if let Some(known) = sites.iter().find(|known| known.as_str() == site) {
        return Some(Scope::Site(known.clone()));
    }
    let known: Vec<&str> = sites.iter().map(SiteName::as_str).collect();
    let shown: String = site.chars().take(seawall_base::name::NAME_MAX_BYTES).collect();
    let detail = format!("there is no site `{shown}`; the sites are: {}", known.join(", "));
    errors.push(FieldError { pointer: "#/site".to_owned(), detail });
    None
}
