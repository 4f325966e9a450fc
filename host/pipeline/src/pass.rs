//! The pass lane: route → forward → deliver, and nothing is stored.
//!
//! For methods that are not cached, requests with a body, and requests that a function sent this way. An unsafe request
//! that succeeded makes what is stored of its URL unusable (RFC 9111 §4.4).

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Response, Uri};
use seawall_base::Fault;
use seawall_base::purge::url_text;
use seawall_origin::Outgoing;
use seawall_policy::cache_status::Outcome;
use seawall_policy::{CacheStatus, Forward, invalidation};

use crate::context::{Context, Told, Way};
use crate::edge::Edge;
use crate::forward::{Inbound, Outbound};
use crate::reply::Reply;
use crate::route::{self, Route};
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
    let mut inbound = Outbound::for_pass(edge, cx).send(edge, &route(edge, cx), body).await?;
    inbound.clean(edge);
    invalidate(edge, cx, &inbound).await;
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

/// How long the client of an unsafe request waits for the shield to be told. A shield is a round trip away.
const INVALIDATE_LIMIT: Duration = Duration::from_millis(500);

/// What an unsafe request made unusable goes: here, and at the shield, which the request did not pass.
async fn invalidate(edge: &Edge, cx: &Context, inbound: &Inbound) {
    if invalidation::is_safe(&cx.head.method) {
        return;
    }
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
