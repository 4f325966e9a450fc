//! The pass lane: route → on_origin_request → forward → on_origin_response → deliver, and nothing is stored, but for one
//! case.
//!
//! For methods that are not cached, requests with a body, and requests that a function sent this way. An unsafe request
//! that succeeded makes what is stored of its URL unusable (RFC 9111 §4.4). The case: a POST's response that is, by its
//! own word, the representation of that URL, and fresh, takes its place (RFC 9110 §9.3.3).

use std::sync::Arc;
use std::time::Duration;

use http::response::Parts;
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode, Uri};
use seawall_base::{Depth, Fault, Purge, Scope, Selector, SiteName};
use seawall_cache::{Followed, Lead, Update};
use seawall_cluster::Wait;
use seawall_origin::{OriginBody, Outgoing};
use seawall_policy::cache_status::Outcome;
use seawall_policy::terms::Times;
use seawall_policy::{CacheStatus, Forward, groups, invalidation};

use crate::context::{Context, Told, Way};
use crate::edge::Edge;
use crate::forward::{Inbound, Outbound};
use crate::interim::{self, Turn};
use crate::origin_side::{OnOriginRequest, OnOriginResponse, OriginSide};
use crate::reply::Reply;
use crate::route::{self, Route};
use crate::settle::{self, Asked, HeadSays, Shaping, Wants};
use crate::{deliver, fill, key, upgrade};

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
    let right = right_to_store(edge, cx, why);
    let requested_at = edge.clock.now();
    let turn = cx.turn();
    let may_retry = invalidation::is_safe(&cx.head.method) && body.is_empty();
    let mut functions = OriginSide::for_pass(cx, may_retry, right.is_some());
    let asking = fetch(edge, cx, turn.as_ref(), &mut functions, body);
    let answer = interim::before(turn.as_ref(), asking).await;
    functions.tell(edge);
    let inbound = answer?;
    told.detail = inbound.detail.or(told.detail);
    let times = Times { requested_at, received_at: edge.clock.now() };
    if let Some(update) = update {
        learn(edge, cx, update, times, &inbound);
    }
    if !invalidation::is_safe(&cx.head.method) {
        invalidate(edge, cx, &inbound, right.as_ref()).await;
        invalidate_groups(edge, cx, &inbound).await;
    }
    let (parts, body) = inbound.response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        let own = CacheStatus::new(edge.name.as_str(), Outcome::Forward(why));
        let status = CacheStatus { forward_status: Some(parts.status), detail: told.detail, ..own };
        return upgrade::join(cx, parts, body, &status);
    }
    let right = right.map(|lead| (lead, &inbound.shaping));
    let (body, stored) = keep(edge, cx, right, times, &parts, body).await;
    let status = CacheStatus {
        forward_status: Some(parts.status),
        stored,
        detail: told.detail,
        ..CacheStatus::new(edge.name.as_str(), Outcome::Forward(why))
    };
    Ok(deliver::hand_on(parts, body, &status))
}

/// A safe request is asked of the shield, which may hold the answer; an unsafe one, one with a body, or one that a
/// function sent past the cache goes to the origin.
fn route(edge: &Edge, cx: &Context) -> Route {
    match cx.key {
        Some(key) if invalidation::is_safe(&cx.head.method) => route::choose(edge, cx, key),
        _ => route::past_the_cache(edge, cx),
    }
}

/// Asks for an answer, and has functions look at both.
async fn fetch(
    edge: &Arc<Edge>,
    cx: &Context,
    turn: Option<&Turn>,
    functions: &mut OriginSide,
    body: Outgoing,
) -> Result<Inbound, Fault> {
    let (mut outbound, route) = (Outbound::for_pass(edge, cx).telling(turn), route(edge, cx));
    let requested_at = edge.clock.now();
    let mut inbound = match outbound.ask_shields(edge, &route).await {
        Some(answer) => answer?,
        None => match functions.on_request(edge, &mut outbound, route.origin()).await? {
            OnOriginRequest::Fetch(origin) => outbound.ask_origin(edge, &origin, body).await?,
            OnOriginRequest::Respond(inbound) => *inbound,
        },
    };
    loop {
        inbound.clean(edge);
        let times = Times { requested_at, received_at: edge.clock.now() };
        let wants = Wants::Whole;
        match functions.on_response(edge, &cx.site, &mut outbound, wants, times, &mut inbound).await? {
            OnOriginResponse::Go => return Ok(inbound),
            OnOriginResponse::Retry(origin) => {
                inbound = outbound.ask_origin(edge, &origin, Outgoing::empty()).await?;
            }
        }
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
        path: cx.head.path_and_query.path(),
        headers: &cx.head.headers,
        directives: &cx.directives,
        wants: Wants::Validation(&prior),
        times,
        position: shield.map_or(update.position(), |shield| shield.position.min(update.position())),
        stale_at_shield: shield.is_some_and(|shield| shield.stale),
        shaping: &inbound.shaping,
    };
    let response = &inbound.response;
    match settle::of_head(&asked, &prior, response.status(), response.headers()) {
        HeadSays::Fresher(draft) => drop(edge.store.freshen(update, &ask, &prior, *draft)),
        HeadSays::Outdated => edge.store.outdate(&prior),
        HeadSays::Nothing => {}
    }
}

/// For a POST that nothing keeps from the store, the right to put its response there. It is let go where the response
/// turns out to be as most are: not for that.
fn right_to_store(edge: &Arc<Edge>, cx: &Context, why: Forward) -> Option<Lead> {
    let may = why == Forward::Method
        && cx.head.method == Method::POST
        && cx.site.rules.store_post
        && !cx.edits.pass
        && !cx.directives.no_store
        && cx.peer.is_none()
        && cx.upgrade.is_none();
    may.then(|| edge.store.write(&cx.ask(key::of(cx), false)))
}

/// Puts a POST's response into the store while its client reads it, where it may be there; and says whether it is.
async fn keep(
    edge: &Arc<Edge>,
    cx: &Context,
    right: Option<(Lead, &Shaping)>,
    times: Times,
    head: &Parts,
    body: OriginBody,
) -> (Reply, bool) {
    let Some((lead, shaping)) = right else { return (Reply::origin(body), false) };
    let asked = Asked {
        site: &cx.site,
        origin: &cx.origin(),
        path: cx.head.path_and_query.path(),
        headers: &cx.head.headers,
        directives: &cx.directives,
        wants: Wants::Whole,
        times,
        position: lead.position(),
        stale_at_shield: false,
        shaping,
    };
    let headers = shaping.stored.as_ref().unwrap_or(&head.headers);
    let draft = target(cx).and_then(|target| settle::of_post(&asked, &target, head.status, headers));
    let (Some(draft), Some(follower)) = (draft, lead.follower()) else {
        lead.waive();
        return (Reply::origin(body), false);
    };
    let filling = lead.store(*draft);
    match edge.store.follow(follower, &cx.ask(key::of(cx), false)).await {
        Followed::Streaming(_, reader) => {
            drop(tokio::spawn(fill::pour(filling, body)));
            (Reply::fill(reader), true)
        }
        Followed::Settled(..) | Followed::Released(_) => (Reply::origin(body), false),
    }
}

/// How long the client of an unsafe request waits for the shield, or the control log, to be told. Either is a round trip
/// away.
const INVALIDATE_LIMIT: Duration = Duration::from_millis(500);

/// What an unsafe request made unusable goes: here, and at the shield, which the request did not pass.
async fn invalidate(edge: &Edge, cx: &Context, inbound: &Inbound, writer: Option<&Lead>) {
    let Some(target) = target(cx) else { return };
    let response = &inbound.response;
    let uris = invalidation::invalidates(&cx.head.method, &target, response.status(), response.headers());
    let path = |uri: &Uri| uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    for uri in &uris {
        let url = key::url(cx, path(uri).as_str());
        match writer {
            Some(writer) => edge.store.invalidate_by(&cx.site.shelf, &url, writer),
            None => edge.store.invalidate(&cx.site.shelf, &url),
        }
    }
    let tell = async {
        for uri in &uris {
            let path = path(uri);
            let nodes = route::shields(edge, cx, key::without_parts(cx, path.as_str()));
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

/// The absolute URI that the client asked for.
fn target(cx: &Context) -> Option<Uri> {
    let head = &cx.head;
    let uri = Uri::builder().scheme(head.scheme.clone()).authority(head.authority.clone());
    uri.path_and_query(head.path_and_query.clone()).build().ok()
}
