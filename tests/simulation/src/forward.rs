//! The sending, as `pipeline/src/forward.rs` has it: to the shields, best first, then to the origin.

use std::rc::Rc;

use http::{HeaderMap, HeaderValue, StatusCode};
use seawall_base::{Blame, Cause, Fault, Position};
use seawall_cluster::PeerAnswer;
use tokio::sync::oneshot;

use crate::counters::Count;
use crate::flow::Flow;
use crate::lanes::{Request, Response, content_of, serve_peer};
use crate::oracle::Content;
use crate::trace::Event;
use crate::web::{self, CONTENT};
use crate::world::{Life, PATIENCE, World, lost};

/// A response, and what a shield says of it.
pub(crate) struct Inbound {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) flow: Flow,
    pub(crate) shield: Option<PeerAnswer>,
}

/// Sends a request along its route: the shields, then the origin.
pub(crate) async fn send(
    world: &Rc<World>,
    life: &Rc<Life>,
    url: usize,
    headers: &HeaderMap,
    position: Position,
    shields: &[usize],
) -> Result<Inbound, Fault> {
    for shield in shields {
        let asking = Box::pin(ask_shield(world, life, url, headers, position, *shield));
        if let Ok(inbound) = world.executor.timeout(PATIENCE, asking).await.unwrap_or_else(too_late) {
            return Ok(inbound);
        }
    }
    if !shields.is_empty() {
        world.count(Count::ShieldFallbacks);
    }
    let asking = ask_origin(world, life, url, headers);
    world.executor.timeout(PATIENCE, asking).await.unwrap_or_else(too_late)
}

fn too_late<T>() -> Result<T, Fault> {
    Err(lost(Cause::ResponseTimeout, Blame::Origin))
}

async fn ask_shield(
    world: &Rc<World>,
    life: &Rc<Life>,
    url: usize,
    headers: &HeaderMap,
    position: Position,
    shield: usize,
) -> Result<Inbound, Fault> {
    let node = life.node;
    world.count(Count::PeerRequests);
    world.event(Event::AskedPeer { node, shield, url, at: position });
    world.transit(node, shield).await?;
    let door = world.life(shield).ok_or_else(|| lost(Cause::ConnectionRefused, Blame::Peer))?;
    let request = Request {
        url,
        directives: seawall_policy::RequestDirectives::from_headers(headers),
        headers: headers.clone(),
        peer: Some(position),
        behind: false,
    };
    let (tell, told) = oneshot::channel();
    world.executor.spawn(door.group, serve_peer(Rc::clone(world), Rc::clone(&door), request, tell));
    let response = told.await.map_err(|_| lost(Cause::ConnectionTerminated, Blame::Peer))??;
    world.transit(shield, node).await?;
    let Response { status, headers, flow, answer, .. } = response;
    let (content, stale) = (content_of(&headers), answer.stale);
    world.event(Event::FromPeer {
        node,
        shield,
        content,
        status: status.as_u16(),
        at: answer.position,
        stale,
    });
    if stale {
        world.count(Count::StaleAtShield);
    }
    Ok(Inbound { status, headers, flow: flow.over(shield, door.group), shield: Some(answer) })
}

async fn ask_origin(
    world: &Rc<World>,
    life: &Rc<Life>,
    url: usize,
    headers: &HeaderMap,
) -> Result<Inbound, Fault> {
    let node = life.node;
    let began = world.event(Event::AskedOrigin { node, url });
    world.executor.sleep(world.delay()).await;
    if world.origin_down.get() {
        return Err(lost(Cause::ConnectionRefused, Blame::Origin));
    }
    let made = if world.origin_sick.get() {
        web::unavailable()
    } else {
        world.pages.borrow()[url].answer(url, headers, &world.executor)
    };
    let made_at = world.executor.now();
    if world.executor.chance(world.slowness) {
        world.pause(50, 1_200).await;
    }
    world.executor.sleep(world.delay()).await;
    let content = world.oracle.borrow_mut().add(Content {
        url,
        version: made.version,
        french: made.french,
        tags: made.tags,
        lifetime: made.lifetime,
        made: made_at,
        by: node,
        began,
        kept: None,
        confirmed: false,
    });
    world.event(Event::FromOrigin { node, url, content, status: made.status.as_u16() });
    let mut headers = made.headers;
    headers.insert(CONTENT, HeaderValue::from(content));
    let flow = Flow::origin(world, made.body, made.breaks);
    Ok(Inbound { status: made.status, headers, flow, shield: None })
}
