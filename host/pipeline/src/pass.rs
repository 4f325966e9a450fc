//! The pass lane: route → forward → deliver, and nothing is stored.
//!
//! For methods that are not cached, requests with a body, and requests that a function sent this way. An unsafe request
//! that succeeded makes what is stored of its URL unusable (RFC 9111 §4.4).

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Method, Response, Uri};
use seawall_base::purge::url_text;
use seawall_base::{Depth, Fault, Purge, Scope, Selector, SiteName};
use seawall_cache::Update;
use seawall_cluster::Wait;
use seawall_origin::Outgoing;
use seawall_policy::cache_status::Outcome;
use seawall_policy::terms::Times;
use seawall_policy::{CacheStatus, Forward, groups, invalidation};

use crate::context::{Context, Told, Way};
use crate::edge::Edge;
use crate::forward::{Inbound, Outbound};
use crate::reply::Reply;
use crate::route::{self, Route};
use crate::settle::{self, Asked, HeadSays, Wants};
use crate::{deliver, key};

/// Walks the lane.
pub(crate) async fn run(
    edge: &Arc<Edge>,
    cx: &Context,
    why: Forward,
    body: Outgoing,
    told: &mut Told,
) -> Result<Response<Reply>, Fault> {
    told.way = Way::Pass;
    told.forward = Some(why);
    let update = (cx.head.method == Method::HEAD).then(|| edge.store.begin_update());
    let requested_at = edge.clock.now();
    let mut inbound = Outbound::for_pass(edge, cx).send(edge, &route(edge, cx), body).await?;
    inbound.clean(edge);
    let times = Times { requested_at, received_at: edge.clock.now() };
    if let Some(update) = update {
        learn(edge, cx, update, times, &inbound);
    }
    if !invalidation::is_safe(&cx.head.method) {
        invalidate(edge, cx, &inbound).await;
        invalidate_groups(edge, cx, &inbound).await;
    }
    let (mut parts, body) = inbound.response.into_parts();
    let status = CacheStatus {
        forward_status: Some(parts.status),
        detail: told.detail,
        ..CacheStatus::new(edge.name.as_str(), Outcome::Forward(why))
    };
    deliver::say(&mut parts.headers, &status);
    parts.version = http::Version::default();
    parts.extensions = http::Extensions::new();
    Ok(Response::from_parts(parts, Reply::origin(body)))
}

/// A safe request is asked of the shield, which may hold the answer; an unsafe one, one with a body, or one that a
/// function sent past the cache goes to the origin.
fn route(edge: &Edge, cx: &Context) -> Route {
    match cx.key {
        Some(key) if invalidation::is_safe(&cx.head.method) => route::choose(edge, cx, key),
        _ => route::past_the_cache(edge, cx),
    }
}

/// RFC 9111 §4.3.5: a HEAD response speaks of the stored GET response that the request selects.
fn learn(edge: &Edge, cx: &Context, update: Update, times: Times, inbound: &Inbound) {
    let Some(key) = cx.key else { return };
    let ask = cx.ask(key, false);
    let Some((prior, _)) = edge.store.peek(&ask) else { return };
    let shield = inbound.shield;
    let asked = Asked {
        site: &cx.site,
        origin: &cx.origin(),
        headers: &cx.head.headers,
        directives: &cx.directives,
        wants: Wants::Validation(&prior),
        times,
        position: shield.map_or(update.position(), |shield| shield.position.min(update.position())),
        stale_at_shield: shield.is_some_and(|shield| shield.stale),
    };
    let response = &inbound.response;
    match settle::of_head(&asked, &prior, response.status(), response.headers()) {
        HeadSays::Fresher(draft) => drop(edge.store.freshen(update, &ask, &prior, *draft)),
        HeadSays::Outdated => edge.store.outdate(&prior),
        HeadSays::Nothing => {}
    }
}

/// How long the client of an unsafe request waits for the shield, or the control log, to be told. Either is a round trip
/// away.
const INVALIDATE_LIMIT: Duration = Duration::from_millis(500);

/// What an unsafe request made unusable goes: here, and at the shield, which the request did not pass.
async fn invalidate(edge: &Edge, cx: &Context, inbound: &Inbound) {
    let target = Uri::builder()
        .scheme(cx.head.scheme.clone())
        .authority(cx.head.authority.clone())
        .path_and_query(cx.head.path_and_query.clone())
        .build();
    let Ok(target) = target else { return };
    let response = &inbound.response;
    let uris = invalidation::invalidates(&cx.head.method, &target, response.status(), response.headers());
    let path = |uri: &Uri| uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    for uri in &uris {
        let url = url_text(cx.head.authority.as_str(), path(uri).as_str());
        edge.store.invalidate(&cx.site.shelf, &url);
    }
    let tell = async {
        for uri in &uris {
            let path = path(uri);
            let nodes = route::shields(edge, cx, key::of_path(cx, path.as_str()));
            Outbound::for_pass(edge, cx).about(path).invalidate_at(edge, &nodes).await;
        }
    };
    if tokio::time::timeout(INVALIDATE_LIMIT, tell).await.is_err() {
        tracing::debug!(site = %cx.site.name, "the shield was not told of an unsafe request in time");
    }
}

/// What the response to an unsafe request says of groups (RFC 9875 §3) is a purge like any other: in the log, and so on
/// every node. The client waits until this node has applied it, so that it sees what it did.
async fn invalidate_groups(edge: &Arc<Edge>, cx: &Context, inbound: &Inbound) {
    let response = &inbound.response;
    let groups = groups::invalidated_groups(&cx.head.method, response.status(), response.headers());
    if groups.is_empty() {
        return;
    }
    let origin = cx.origin();
    let tags = groups.iter().map(|group| Selector::Tag(groups::tag(&origin, group).into_string()));
    let purge = Purge {
        id: edge.cluster.new_purge_id(),
        scope: Scope::Site(cx.site.name.clone()),
        selectors: tags.collect(),
        depth: Depth::Hard,
    };
    // In a task of its own: a client that leaves does not keep it from the log.
    let told = tokio::spawn(publish(Arc::clone(edge), purge, cx.site.name.clone()));
    if tokio::time::timeout(INVALIDATE_LIMIT, told).await.is_err() {
        tracing::debug!(site = %cx.site.name, "a Cache-Group-Invalidation was not applied here in time");
    }
}

async fn publish(edge: Arc<Edge>, purge: Purge, site: SiteName) {
    match edge.cluster.publish_purge(purge, &format!("site {site}")).await {
        Ok(published) => {
            edge.metrics.group_purges.inc();
            drop(edge.cluster.wait(&published, Wait::Local, INVALIDATE_LIMIT).await);
        }
        Err(error) => {
            edge.metrics.group_purges_lost.inc();
            tracing::warn!(%site, %error, "a Cache-Group-Invalidation did not reach the control log");
        }
    }
}
