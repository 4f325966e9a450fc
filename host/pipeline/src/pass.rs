//! The pass lane: route → forward → deliver, and nothing is stored.
//!
//! For methods that are not cached, requests with a body, and requests that a function sent this way. An unsafe request
//! that succeeded makes what is stored of its URL unusable (RFC 9111 §4.4).

use std::sync::Arc;

use http::{Response, Uri};
use seawall_base::Fault;
use seawall_base::purge::{normal_authority, url_text};
use seawall_origin::Outgoing;
use seawall_policy::cache_status::Outcome;
use seawall_policy::{CacheStatus, Forward, invalidation};

use crate::context::{Context, Told, Way};
use crate::deliver;
use crate::edge::Edge;
use crate::forward::{Inbound, Outbound};
use crate::reply::Reply;
use crate::route;

/// Walks the lane.
pub(crate) async fn run(
    edge: &Arc<Edge>,
    cx: &Context,
    why: Forward,
    body: Outgoing,
    told: &mut Told,
) -> Result<Response<Reply>, Fault> {
    told.way = Way::Pass;
    let route = route::choose(edge, cx);
    let mut inbound = Outbound::for_pass(edge, cx).send(edge, &route, body).await?;
    inbound.clean(edge);
    invalidate(edge, cx, &inbound);
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

fn invalidate(edge: &Edge, cx: &Context, inbound: &Inbound) {
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
    for uri in invalidation::invalidates(&cx.head.method, &target, response.status(), response.headers()) {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            continue;
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let url = url_text(normal_authority(scheme, authority.as_str()), path);
        edge.store.invalidate(&cx.site.shelf, &url);
    }
}
