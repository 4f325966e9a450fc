//! What an operator may change for one site.
//!
//! Owns the few switches beside the RFCs. The default of each is to follow the RFC; the doc of each says what leaving
//! the default does. Nothing here can make a `no-store` or `private` response storable.

use std::time::Duration;

/// How long a stale response may be served while its origin cannot be reached and nothing forbids it (RFC 9111
/// §4.2.4). A day: long enough for an outage over a night, short enough that nobody finds last month's page.
pub const DISCONNECTED_STALE_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What the first of a site's own rules that matches a response says of it. The caller finds it: paths are not HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ruling {
    /// Lifetime of a response that states none, before [`Rules::default_ttl`] and heuristics.
    pub ttl: Option<Duration>,
    /// Whether what is set here replaces what the response says of the same. A replaced `s-maxage` no longer forbids
    /// stale use either; every other restriction stays.
    pub replaces: bool,
    /// Whether the rule names the response's status: then `ttl` also makes a status storable that is not by default (RFC
    /// 9111 §3).
    pub names_status: bool,
    /// `stale-while-revalidate`, before the site's.
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error`, before the site's.
    pub stale_if_error: Option<Duration>,
}

/// Per-site overrides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What the site's rules say of the response at hand, when it is stored. Default: nothing.
    pub ruling: Option<Ruling>,
    /// Lifetime of a successful response that says nothing about its own (before heuristics). Default: none.
    pub default_ttl: Option<Duration>,
    /// The same for 4xx and 5xx that are heuristically cacheable (404, 405, 410, 414, 501). Default: none.
    pub negative_ttl: Option<Duration>,
    /// Whether heuristic freshness is used (RFC 9111 §4.2.2). Default: yes.
    pub heuristics: bool,
    /// `stale-while-revalidate` for responses that do not carry one (RFC 5861 §3). Default: none.
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` for responses that do not carry one (RFC 5861 §4). Default: none.
    pub stale_if_error: Option<Duration>,
    /// How stale a response may be when its origin cannot be reached (RFC 9111 §4.2.4); `None` never serves it.
    /// Default: [`DISCONNECTED_STALE_LIMIT`].
    pub stale_when_disconnected: Option<Duration>,
    /// Whether an explicit `stale-while-revalidate` or `stale-if-error` counts beside `s-maxage`. Read strictly,
    /// `s-maxage` implies `proxy-revalidate` (RFC 9111 §5.2.2.10) and so forbids both; an origin that writes both in one
    /// field means both. Default: yes. `must-revalidate` and `proxy-revalidate` win either way.
    pub stale_beside_s_maxage: bool,
    /// Whether the client's `Cache-Control` and `Pragma` may force a revalidation (RFC 9111 §5.2.1). Off, only
    /// `no-store` and `only-if-cached` are kept. Default: yes.
    pub request_directives: bool,
    /// Whether a request's `no-store` keeps its response from being stored (RFC 9111 §5.2.1.5). Default: yes.
    pub request_no_store: bool,
    /// Whether a response's `no-store` holds whatever else it says: beside `must-understand`, which otherwise lifts it
    /// where the status is understood (RFC 9111 §5.2.2.3), and in a `Cache-Control` that a targeted field replaces (RFC
    /// 9213 §2.2). Default: no.
    pub strict_no_store: bool,
    /// Whether a response with `Set-Cookie` may be stored. The RFC lets it be (RFC 9111 §7.3). Default: yes.
    pub store_set_cookie: bool,
    /// Whether parts are stored: 206 responses, and 200 responses that broke off (RFC 9111 §3.3). Default: yes.
    pub store_partial: bool,
    /// Whether a POST response that names its own URL may answer later GETs (RFC 9110 §9.3.3): its origin says so in two
    /// fields. Default: yes.
    pub store_post: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ruling: None,
            default_ttl: None,
            negative_ttl: None,
            heuristics: true,
            stale_while_revalidate: None,
            stale_if_error: None,
            stale_when_disconnected: Some(DISCONNECTED_STALE_LIMIT),
            stale_beside_s_maxage: true,
            request_directives: true,
            request_no_store: true,
            strict_no_store: false,
            store_set_cookie: true,
            store_partial: true,
            store_post: true,
        }
    }
}

impl Rules {
    /// The lifetime that the ruling puts in place of what the response says.
    pub(crate) fn replacing_ttl(&self) -> Option<Duration> {
        self.ruling.filter(|ruling| ruling.replaces)?.ttl
    }

    /// The lifetime that the ruling gives to a response that states none.
    pub(crate) fn ruled_ttl(&self) -> Option<Duration> {
        self.ruling?.ttl
    }

    /// Whether the ruling lets a response of any status be stored.
    pub(crate) fn allows_any_status(&self) -> bool {
        self.ruling.is_some_and(|ruling| ruling.names_status && ruling.ttl.is_some())
    }
}
