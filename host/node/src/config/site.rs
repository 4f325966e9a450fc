//! `[[sites]]`: what a set of host names maps to.

use std::time::Duration;

use seawall_base::{OriginName, Region, SiteName};
use serde::Serialize;

use super::caching::Caching;
use super::check::{Check, Names};
use super::duration;
use super::error_page::ErrorPageFile;
use super::function::FunctionName;
use super::guards::Guards;
use super::host::HostPattern;
use super::raw::RawSite;
use super::reader::{Field, Texts};

/// What a site does on a node that cannot confirm that it is within `max_lag` of the control log: the operator's
/// choice between answering and being right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenCutOff {
    /// Serve what is stored, at the risk that it has been purged.
    Serve,
    /// Ask the origin before serving what is stored.
    #[default]
    Revalidate,
    /// Answer 503.
    Refuse,
}

impl WhenCutOff {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Serve, Self::Revalidate, Self::Refuse];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Revalidate => "revalidate",
            Self::Refuse => "refuse",
        }
    }
}

/// `[[sites]]`: one site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Site {
    /// What purges, logs and metrics call it.
    pub name: SiteName,
    /// At least one; no two sites take the same.
    pub hosts: Vec<HostPattern>,
    /// Who owns its content. One of [`super::Config::origins`].
    pub origin: OriginName,
    /// What runs for its requests, in this order. Each one of [`super::Config::functions`]. Default: none.
    pub functions: Vec<FunctionName>,
    /// The region through which other regions' misses go. Default: none, and then every region asks the origin.
    pub shield: Option<Region>,
    /// Default [`WhenCutOff::Revalidate`]: right before fast.
    pub when_cut_off: WhenCutOff,
    /// Lifetime of a successful response that says nothing about its own. Default: none, and then what RFC 9111 §4.2.2
    /// suggests.
    #[serde(serialize_with = "duration::serialize_option")]
    pub default_ttl: Option<Duration>,
    /// For how long after its lifetime a response is served while a fill refreshes it, where it does not say (RFC 5861
    /// §3). Default: none.
    #[serde(serialize_with = "duration::serialize_option")]
    pub stale_while_revalidate: Option<Duration>,
    /// For how long after its lifetime a response is served while the origin fails, where it does not say (RFC 5861
    /// §4). Default: none.
    #[serde(serialize_with = "duration::serialize_option")]
    pub stale_if_error: Option<Duration>,
    /// Lifetime of an error such as 404 or 410 that says nothing about its own. Default: none.
    #[serde(serialize_with = "duration::serialize_option")]
    pub negative_ttl: Option<Duration>,
    /// Whether clients without TLS are sent to `https`. Default: as [`super::ProxyKeys::redirect_to_https`] says.
    pub redirect_to_https: Option<bool>,
    /// What else it overrides of caching.
    #[serde(flatten)]
    pub caching: Caching,
    /// What requests and responses may be.
    #[serde(flatten)]
    pub guards: Guards,
    /// What is sent for faults. Default: a line of text.
    pub error_page: Vec<ErrorPageFile>,
}

/// What the sites of a file may refer to, and what they must not share.
pub(super) struct Known<'n> {
    pub(super) origins: &'n Names,
    pub(super) functions: &'n Names,
    /// Those that answer in the place of servers.
    pub(super) handlers: Vec<FunctionName>,
    pub(super) hosts: Names,
}

impl Site {
    /// A site for every host, all else at its default.
    pub(super) fn of(name: SiteName, origin: OriginName, functions: Vec<FunctionName>) -> Self {
        Self {
            name,
            hosts: vec![HostPattern::Any],
            origin,
            functions,
            shield: None,
            when_cut_off: WhenCutOff::default(),
            default_ttl: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            negative_ttl: None,
            redirect_to_https: None,
            caching: Caching::default(),
            guards: Guards::default(),
            error_page: Vec::new(),
        }
    }

    pub(super) fn from_raw(
        check: &Check<'_>,
        raw: RawSite,
        names: &mut Names,
        known: &mut Known<'_>,
    ) -> Option<Self> {
        let RawSite {
            at: _,
            name,
            hosts,
            origin,
            functions,
            shield,
            when_cut_off,
            default_ttl,
            stale_while_revalidate,
            stale_if_error,
            negative_ttl,
            redirect_to_https,
            caching,
            guards,
            error_page,
        } = raw;
        names.note(check, &name);
        let name = check.required("name", name, SiteName::new);
        let hosts = Self::read_hosts(hosts, check, &mut known.hosts);
        let origin = check.required("origin", origin, |text| {
            // A wrong name that resolves has been reported where the origin is named.
            known.origins.resolve(text, "[[origins]]").map(|()| OriginName::new(text).ok())
        });
        let functions = Self::read_functions(functions, check, known);
        let shield = check.optional("shield", shield, Region::new);
        let when_cut_off = check.or("when_cut_off", when_cut_off, WhenCutOff::default(), |text| {
            Check::word(text, &WhenCutOff::ALL, WhenCutOff::as_str)
        });
        let time =
            |key, field: Field<String>| check.optional(key, field, duration::parse).map(|spot| spot.value);
        let default_ttl = time("default_ttl", default_ttl);
        let stale_while_revalidate = time("stale_while_revalidate", stale_while_revalidate);
        let stale_if_error = time("stale_if_error", stale_if_error);
        let negative_ttl = time("negative_ttl", negative_ttl);
        let caching = Caching::from_raw(check, caching);
        let guards = Guards::from_raw(check, guards);
        let error_page = ErrorPageFile::read(check, error_page);
        Some(Self {
            name: name?.value,
            hosts,
            origin: origin?.value?,
            functions,
            shield: shield.map(|spot| spot.value),
            when_cut_off,
            default_ttl,
            stale_while_revalidate,
            stale_if_error,
            negative_ttl,
            redirect_to_https: match redirect_to_https {
                Field::Given(flag) => Some(flag.value),
                Field::Broken | Field::Absent => None,
            },
            caching,
            guards,
            error_page,
        })
    }

    fn read_hosts(hosts: Texts, check: &Check<'_>, taken: &mut Names) -> Vec<HostPattern> {
        let hosts = check.some_of("hosts", hosts, str::parse::<HostPattern>);
        for host in &hosts {
            // In the pattern's own writing: `Shop.Example` is `shop.example`.
            taken.note_text(check, &host.value.to_string(), host.at);
        }
        hosts.into_iter().map(|spot| spot.value).collect()
    }

    fn read_functions(functions: Texts, check: &Check<'_>, known: &Known<'_>) -> Vec<FunctionName> {
        let mut names = Vec::new();
        for spot in functions.items {
            let at = spot.at;
            let name = check.optional("functions", Field::Given(spot), |text| {
                known.functions.resolve(text, "[[functions]]").map(|()| FunctionName::new(text).ok())
            });
            let Some(name) = name.and_then(|spot| spot.value) else {
                continue;
            };
            if names.contains(&name) {
                check.problem(
                    at,
                    format!("`functions` has `{name}` twice. Each runs once for a request: leave one."),
                );
            }
            if known.handlers.contains(&name) {
                check.problem(
                    at,
                    format!(
                        "`functions`: `{name}` answers in an origin's place. Remove it here; the site reaches it by `origin`."
                    ),
                );
            }
            names.push(name);
        }
        names
    }
}
