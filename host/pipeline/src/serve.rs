//! The client lane: the order of everything that happens to a request.
//!
//! What a hit does not need is behind a box: the future of a request is moved before it runs, and a hit should not pay
//! for the size of a miss.

use std::sync::Arc;

use http::{Method, Request, Response};
use seawall_base::{Blame, Cause, Fault};
use seawall_cache::{Basis, Claim, Entry, Followed, Key, Lead, Miss, Release};
use seawall_origin::Outgoing;
use seawall_policy::cache_status::Outcome;
use seawall_policy::{CacheStatus, Forward, Reuse};

use crate::context::{Connection, Context, Told, Way};
use crate::deliver::{Delivery, Source};
use crate::edge::Edge;
use crate::fill::{Account, Led};
use crate::hooks::OnRequest;
use crate::reply::Reply;
use crate::site::Site;
use crate::{admit, cutoff, deliver, fault, fill, hooks, hops, key, pass, record, redirect, settle, trace};

/// How often a request may be released by a leader before it fetches for itself, joined by nobody. Once for a late
/// `Vary`, once more for a purge: a request that meets both still asks once.
const RELEASES_MAX: u32 = 2;

/// Serves one request of a client.
pub async fn serve(edge: &Arc<Edge>, connection: &Connection, request: Request<Outgoing>) -> Response<Reply> {
    let mut told = Told::new(edge.clock.ticks(), connection);
    let is_head = request.method() == Method::HEAD;
    match admit::client(edge, connection, request) {
        Ok((mut cx, body)) => {
            if let Some(tracer) = &edge.tracer {
                cx.trace = trace::of_client(tracer, &mut cx.head.headers);
            }
            let answer = client_lane(edge, &mut cx, connection, body, &mut told).await;
            let mut response =
                answer.unwrap_or_else(|refusal| faulty(edge, Some(&cx.site), refusal, &mut told));
            if cx.wants_key {
                key::tell(&cx, response.headers_mut());
            }
            if cx.functions.is_some() {
                let answer = Box::pin(hooks::on_response(&mut cx, told.way, response)).await;
                response = answer.unwrap_or_else(|refusal| faulty(edge, Some(&cx.site), refusal, &mut told));
            }
            deliver::drop_body_where_none_may_be(&mut response, is_head);
            let said = cx.take_guest_log();
            record::end(edge, Some(&cx), &told, &mut response, said.as_ref());
            trace::end(&edge.access_log, &mut cx, &told, response.status());
            response
        }
        Err(refusal) => {
            let mut response = faulty(edge, None, refusal, &mut told);
            deliver::drop_body_where_none_may_be(&mut response, is_head);
            record::end(edge, None, &told, &mut response, None);
            response
        }
    }
}

async fn client_lane(
    edge: &Arc<Edge>,
    cx: &mut Context,
    connection: &Connection,
    body: Outgoing,
    told: &mut Told,
) -> Result<Response<Reply>, Fault> {
    if let Some(mut response) = redirect::to_https(edge, cx) {
        told.way = Way::Local;
        told.detail = Some("redirect-to-https");
        let status =
            CacheStatus { detail: told.detail, ..CacheStatus::new(edge.name.as_str(), Outcome::Neither) };
        deliver::say(response.headers_mut(), &status);
        return Ok(response);
    }
    if cx.chain.is_some()
        && let OnRequest::Respond(mut response) = Box::pin(hooks::on_request(edge, cx, connection)).await?
    {
        told.way = Way::Local;
        let status = CacheStatus {
            detail: Some("function"),
            ..CacheStatus::new(edge.name.as_str(), Outcome::Neither)
        };
        deliver::say(response.headers_mut(), &status);
        return Ok(*response);
    }
    walk(edge, cx, body, told).await
}

/// From the key on, for clients and for other nodes.
pub(crate) async fn walk(
    edge: &Arc<Edge>,
    cx: &mut Context,
    body: Outgoing,
    told: &mut Told,
) -> Result<Response<Reply>, Fault> {
    if let Some(mut response) = hops::last(cx) {
        told.way = Way::Local;
        told.detail = Some("max-forwards");
        let status =
            CacheStatus { detail: told.detail, ..CacheStatus::new(edge.name.as_str(), Outcome::Neither) };
        deliver::say(response.headers_mut(), &status);
        return Ok(response);
    }
    if let Some(why) = passes(cx, &body, told) {
        return Box::pin(pass::run(edge, cx, why, body, told)).await;
    }
    cutoff::check(edge, cx, told)?;
    key::prepare(cx);
    let key = key::of(cx);
    cx.key = Some(key);
    let delivery = match cx.head.method {
        Method::HEAD => head_lane(edge, cx, key, told)?,
        _ => cache_lane(edge, cx, key, told).await?,
    };
    match delivery {
        Delivery::Send(response) => Ok(response),
        Delivery::AskOrigin => {
            let why = if cx.head.method == Method::HEAD { Forward::Method } else { Forward::Request };
            Box::pin(pass::run(edge, cx, why, body, told)).await
        }
    }
}

/// Why a request goes past the cache, if it does.
fn passes(cx: &Context, body: &Outgoing, told: &mut Told) -> Option<Forward> {
    let (why, detail) = match () {
        () if !matches!(cx.head.method, Method::GET | Method::HEAD) => (Forward::Method, None),
        () if cx.upgrade.is_some() => (Forward::Bypass, Some("upgrade")),
        () if !body.is_empty() => (Forward::Bypass, Some("request-body")),
        () if cx.odd_path => (Forward::Bypass, Some("odd-path")),
        () if cx.edits.pass => (Forward::Bypass, Some("function-pass")),
        () if cx.peer.as_ref().is_some_and(|peer| peer.behind) => (Forward::Bypass, Some("behind")),
        () => return None,
    };
    told.detail = detail;
    Some(why)
}

/// A HEAD is answered from a stored GET, and never leads a fill: it has no body to store.
fn head_lane(edge: &Edge, cx: &Context, key: Key, told: &mut Told) -> Result<Delivery, Fault> {
    match edge.store.peek(&cx.ask(key, false)) {
        Some((entry, verdict @ (Reuse::Fresh | Reuse::MaxStale | Reuse::StaleWhileRevalidate))) => {
            Ok(hit(edge, cx, entry, verdict, told))
        }
        _ if cx.directives.only_if_cached => Err(not_cached()),
        _ => Ok(Delivery::AskOrigin),
    }
}

async fn cache_lane(
    edge: &Arc<Edge>,
    cx: &mut Context,
    key: Key,
    told: &mut Told,
) -> Result<Delivery, Fault> {
    let mut releases = 0;
    loop {
        let ask = cx.ask(key, releases < RELEASES_MAX);
        let claim = edge.store.claim(&ask);
        let asked = trace::of_claim(cx, &claim);
        match claim {
            Claim::Fresh(entry, verdict) => return Ok(hit(edge, cx, entry, verdict, told)),
            Claim::Stale(entry, lead) => {
                if let Some(lead) = lead {
                    fill::detach(edge, cx, key, lead);
                }
                return Ok(hit(edge, cx, entry, Reuse::StaleWhileRevalidate, told));
            }
            Claim::Lead(lead) => {
                drop(asked);
                cx.release_instances();
                return Box::pin(miss(edge, cx, key, lead, told)).await;
            }
            Claim::OnlyIfCached => return Err(not_cached()),
            Claim::Follow(follower) => {
                let limit = edge.store.config().follow_limit;
                let following = Box::pin(tokio::time::timeout(limit, edge.store.follow(follower, &ask)));
                let released = match following.await {
                    Ok(Followed::Released(Release::Failed(fault))) => return Err(fault),
                    Ok(Followed::Released(release)) => release.as_str(),
                    Ok(followed) => return Ok(collapsed(edge, cx, followed, told)),
                    Err(_) => {
                        releases = RELEASES_MAX;
                        "leader-too-slow"
                    }
                };
                drop(asked);
                told.detail = Some(released);
                releases += 1;
                cx.now = edge.clock.now();
            }
        }
    }
}

/// RFC 9111 §5.2.1.7.
fn not_cached() -> Fault {
    Fault::new(Cause::NotCached, Blame::Client, "only-if-cached, and nothing stored will do")
}

fn hit(edge: &Edge, cx: &Context, entry: Arc<Entry>, verdict: Reuse, told: &mut Told) -> Delivery {
    let ttl = entry.head.terms.ttl(cx.now);
    let hit = CacheStatus::hit(edge.name.as_str(), ttl);
    let mut status = CacheStatus { detail: cutoff::detail(told), ..hit };
    told.way = Way::Hit;
    if verdict != Reuse::Fresh {
        told.way = Way::Stale;
        told.detail = Some(verdict.as_str());
        status.detail = told.detail;
    }
    deliver::to_client(edge, cx, Source::Stored(entry), status)
}

async fn miss(
    edge: &Arc<Edge>,
    cx: &mut Context,
    key: Key,
    lead: Lead,
    told: &mut Told,
) -> Result<Delivery, Fault> {
    let forward = match lead.miss() {
        Miss::Uri => Forward::UriMiss,
        Miss::Vary => Forward::VaryMiss,
        Miss::Stale => Forward::Stale,
        Miss::Partial => Forward::Partial,
        Miss::Request => Forward::Request,
    };
    told.way = Way::Miss;
    told.forward = Some(forward);
    let mut status = CacheStatus::forward(edge.name.as_str(), forward);
    match fill::lead(edge, cx, key, lead).await? {
        Led::Followed(followed, account) => {
            tell(&account, told, &mut status);
            let source = match followed {
                Followed::Streaming(draft, body) => Source::Filling(draft, body),
                Followed::Settled(entry, basis) => settled(edge, cx, entry, basis, told, &mut status),
                Followed::Released(_) => {
                    return Err(Fault::new(Cause::FillDropped, Blame::Node, "released its leader"));
                }
            };
            let mut delivery = deliver::to_client(edge, cx, source, status);
            if let Delivery::Send(response) = &mut delivery {
                response.headers_mut().extend(account.private);
            }
            Ok(delivery)
        }
        Led::Declined(response, account) => {
            tell(&account, told, &mut status);
            Ok(deliver::declined(edge, cx, *response, status))
        }
    }
}

fn collapsed(edge: &Edge, cx: &mut Context, followed: Followed, told: &mut Told) -> Delivery {
    told.way = Way::Collapsed;
    let forward = CacheStatus::forward(edge.name.as_str(), Forward::UriMiss);
    let mut status = CacheStatus { collapsed: true, detail: told.detail, ..forward };
    let source = match followed {
        Followed::Streaming(draft, body) => Source::Filling(draft, body),
        Followed::Settled(entry, Basis::Validated) => {
            status.outcome = Outcome::Forward(Forward::Stale);
            Source::Validated(entry)
        }
        Followed::Settled(entry, basis) => settled(edge, cx, entry, basis, told, &mut status),
        Followed::Released(_) => return Delivery::AskOrigin,
    };
    deliver::to_client(edge, cx, source, status)
}

/// A stored response that came of a fill: the origin said that it is good, or it stands in for a failing one.
fn settled(
    edge: &Edge,
    cx: &mut Context,
    entry: Arc<Entry>,
    basis: Basis,
    told: &mut Told,
    status: &mut CacheStatus<'_>,
) -> Source {
    // The fill may have taken its time.
    cx.now = edge.clock.now();
    match basis {
        Basis::Validated => {
            told.way = Way::Revalidated;
            Source::Validated(entry)
        }
        Basis::StandIn(why) => {
            told.way = Way::Stale;
            told.detail = Some(why);
            told.stale_left = Some(settle::stand_in_left(&cx.site, &entry, why, cx.now));
            status.detail = Some(why);
            status.ttl = Some(entry.head.terms.ttl(cx.now));
            Source::Stored(entry)
        }
    }
}

fn tell(account: &Account, told: &mut Told, status: &mut CacheStatus<'_>) {
    told.detail = account.detail.or(told.detail);
    status.forward_status = account.status;
    status.stored = account.stored;
    status.detail = told.detail;
}

/// The response to a fault, and the fault's way into the record.
pub(crate) fn faulty(edge: &Edge, site: Option<&Site>, refusal: Fault, told: &mut Told) -> Response<Reply> {
    let mut response = fault::response(edge, site, &refusal);
    let detail = Some(refusal.cause.as_str());
    let outcome = told.forward.map_or(Outcome::Neither, Outcome::Forward);
    let status = CacheStatus { detail, ..CacheStatus::new(edge.name.as_str(), outcome) };
    deliver::say(response.headers_mut(), &status);
    told.way = Way::Fault;
    told.fault = Some(refusal);
    response
}
