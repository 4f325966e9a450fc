//! What this node would answer to a request, and why: for people. Nothing is asked of an origin, and nothing is changed.
//!
//! The same stages decide as on the way of a request; functions are not run, and what they would change is not known.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use seawall_cache::Seen;
use seawall_cluster::Touch;
use seawall_origin::Outgoing;
use seawall_policy::Reuse;
use serde::Serialize;

use crate::context::{Connection, Context, LastHost};
use crate::edge::Edge;
use crate::route::{self, Route};
use crate::{admit, key};

/// What is asked about.
#[derive(Clone, Debug)]
pub struct Question {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: http::Uri,
    /// The request's fields.
    pub headers: HeaderMap,
}

/// What the node would do, and why.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The node that answers: others hold other things.
    pub node: String,
    /// The site that takes the request.
    pub site: String,
    /// `hit`, `stale`, `miss`, `revalidate`, `pass`, `cut-off` or `not-cached`.
    pub would: &'static str,
    /// The reason, in the words of logs and `Cache-Status`.
    pub why: &'static str,
    /// What is asked of the cache.
    pub key: KeyTold,
    /// The site's functions, which were not run, and may change any of this.
    pub functions: Vec<String>,
    /// The control log's position that is applied here.
    pub position: u64,
    /// What is stored under the key, newest first.
    pub stored: Vec<StoredTold>,
    /// Fills of it that are under way; a request that needs one would follow.
    pub fills: usize,
    /// It proved uncacheable a moment ago.
    pub marked_uncacheable: bool,
    /// Which of the site's rules holds for a 200 of this path, counted from 0.
    pub rule: Option<usize>,
    /// Who would be asked.
    pub route: RouteTold,
}

/// A cache key.
#[derive(Debug, Serialize)]
pub struct KeyTold {
    /// Scheme, host, path and query as the key has them.
    pub url: String,
    /// Names of what settings add; values may be somebody's secret.
    pub parts: Vec<String>,
}

/// A stored response.
#[derive(Debug, Serialize)]
pub struct StoredTold {
    /// Whether the request selects it.
    pub selected: bool,
    /// What a request that selects it may do with it.
    pub verdict: &'static str,
    /// A purge of everything has passed it.
    pub purged: bool,
    /// A soft purge has named it.
    pub soft_purged: bool,
    /// Its status.
    pub status: u16,
    /// How old it is.
    pub age_s: u64,
    /// How long it is fresh, in all.
    pub lifetime_s: u64,
    /// Who says so.
    pub lifetime_from: &'static str,
    /// How much longer it is fresh; negative where it is stale.
    pub ttl_s: i64,
    /// The windows in which it may be served stale.
    pub stale_while_revalidate_s: u64,
    /// See `stale_while_revalidate_s`.
    pub stale_if_error_s: u64,
    /// Whether the origin can be asked if it is still good.
    pub has_validator: bool,
    /// The request fields that select it.
    pub vary: Vec<String>,
    /// What purges find it by.
    pub tags: Vec<String>,
    /// Where the control log stood when it was fetched.
    pub position: u64,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// Whether that is only a part.
    pub partial: bool,
}

/// Who would be asked.
#[derive(Debug, Serialize)]
pub struct RouteTold {
    /// Nodes of the shield's region, in this order.
    pub shields: Vec<String>,
    /// And then this origin.
    pub origin: String,
}

/// Explains; or why the request would be refused.
pub fn explain(edge: &Edge, question: &Question) -> Result<Explanation, String> {
    let mut cx = admit(edge, question)?;
    key::prepare(&mut cx);
    let key = key::of(&cx);
    cx.key = Some(key);
    let cut_off = edge.cluster.touch(edge.clock.ticks()) != Touch::InTouch;
    let look = edge.store.look(&cx.ask(key, true));
    let (would, why) =
        if cut_off { ("cut-off", cx.site.when_cut_off.as_str()) } else { verdict(&cx, &look.seen) };
    let (shields, origin) = match route::choose(edge, &cx, key) {
        Route::Shield(nodes, origin) => {
            (nodes.iter().map(|node| node.info.name.to_string()).collect(), origin)
        }
        Route::Origin(origin) => (Vec::new(), origin),
    };
    let functions = cx.chain.iter().flat_map(|chain| chain.functions());
    Ok(Explanation {
        node: edge.name.to_string(),
        site: cx.site.name.to_string(),
        would,
        why,
        key: KeyTold {
            url: format!("{}{}", cx.origin(), cx.path_in_key()),
            parts: cx.edits.key_parts.iter().map(|(name, _)| name.to_string()).collect(),
        },
        functions: functions.map(|function| function.tag().to_owned()).collect(),
        position: edge.store.applied().0,
        stored: look.seen.iter().map(|seen| told(&cx, seen)).collect(),
        fills: look.fills,
        marked_uncacheable: look.marked,
        rule: cx.site.rule_for(cx.head.path_and_query.path(), StatusCode::OK),
        route: RouteTold { shields, origin: origin.name().to_string() },
    })
}

/// The request as a client would send it.
fn admit(edge: &Edge, question: &Question) -> Result<Context, String> {
    let scheme = question.url.scheme().ok_or("the URL has no scheme")?.clone();
    let mut request = Request::new(Outgoing::empty());
    *request.method_mut() = question.method.clone();
    *request.uri_mut() = question.url.clone();
    request.headers_mut().clone_from(&question.headers);
    if let Some(host) = question.url.authority()
        && let Ok(host) = HeaderValue::try_from(host.as_str())
    {
        request.headers_mut().insert(http::header::HOST, host);
    }
    let connection = Connection {
        ip: None,
        scheme,
        tls_version: None,
        last_host: LastHost::default(),
        interim: None,
        tunnels: None,
    };
    let admitted = admit::client(edge, &connection, request);
    admitted.map(|(cx, _)| cx).map_err(|fault| format!("{}: {}", fault.cause.as_str(), fault.detail))
}

/// What becomes of the request.
fn verdict(cx: &Context, seen: &[Seen]) -> (&'static str, &'static str) {
    if !matches!(cx.head.method, Method::GET | Method::HEAD) {
        return ("pass", "method");
    }
    let Some(seen_one) = seen.iter().find(|seen| seen.selected) else {
        let alive = seen.iter().any(|seen| !seen.purged);
        let why = if alive { "vary-miss" } else { "uri-miss" };
        return if cx.directives.only_if_cached { ("not-cached", why) } else { ("miss", why) };
    };
    let verdict = seen_one.verdict;
    match verdict {
        Reuse::Fresh => ("hit", verdict.as_str()),
        Reuse::MaxStale | Reuse::StaleWhileRevalidate => ("stale", verdict.as_str()),
        Reuse::Revalidate(why) => ("revalidate", why.as_str()),
        Reuse::GatewayTimeout(why) => ("not-cached", why.as_str()),
    }
}

fn told(cx: &Context, seen: &Seen) -> StoredTold {
    let (entry, head): (_, &Arc<_>) = (&seen.entry, &seen.entry.head);
    let (terms, rules) = (&head.terms, &cx.site.rules);
    StoredTold {
        selected: seen.selected,
        verdict: seen.verdict.as_str(),
        purged: seen.purged,
        soft_purged: seen.soft_purged,
        status: head.status.as_u16(),
        age_s: terms.age(cx.now).as_secs(),
        lifetime_s: terms.lifetime().duration.as_secs(),
        lifetime_from: terms.source().as_str(),
        ttl_s: terms.ttl(cx.now),
        stale_while_revalidate_s: terms.stale_while_revalidate(rules).as_secs(),
        stale_if_error_s: terms.stale_if_error(rules).as_secs(),
        has_validator: terms.has_validator(),
        vary: terms.vary().fields().iter().map(ToString::to_string).collect(),
        tags: head.tags.iter().map(ToString::to_string).collect(),
        position: head.position.0,
        body_bytes: entry.body.len(),
        partial: head.part.is_some(),
    }
}
