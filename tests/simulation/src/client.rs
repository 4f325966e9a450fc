//! Clients: they ask, read to the end, and have every answer judged.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use seawall_base::Position;
use seawall_policy::{Part, RequestDirectives};
use tokio::sync::oneshot;

use crate::counters::Count;
use crate::lanes::{self, Request, Response, content_of};
use crate::oracle::{Answer, Standing};
use crate::trace::Event;
use crate::web::{self, NO_VERSION};
use crate::world::{Life, World};

/// What a client wants.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) node: usize,
    pub(crate) url: usize,
    pub(crate) french: bool,
    /// The last so many bytes only.
    pub(crate) range: Option<u64>,
    pub(crate) no_cache: bool,
    pub(crate) no_store: bool,
}

impl Wish {
    /// What most clients want: a page, whole.
    pub(crate) fn any(world: &World) -> Self {
        let random = &world.executor;
        Self {
            node: random.below(world.nodes.len()),
            url: random.below(web::URLS.len()),
            french: random.chance(40),
            range: random.chance(12).then(|| random.below(40) as u64 + 1),
            no_cache: random.chance(4),
            no_store: random.chance(2),
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(if self.french { "fr" } else { "de" }));
        let range = self.range.and_then(|last| HeaderValue::try_from(format!("bytes=-{last}")).ok());
        headers.extend(range.map(|range| (RANGE, range)));
        if self.no_cache {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        } else if self.no_store {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        headers
    }
}

/// One request, from its first word to the answer's last byte.
pub(crate) async fn ask(world: Rc<World>, wish: Wish) {
    let Some(life) = world.life(wish.node) else { return };
    let number = world.requests.get();
    world.requests.set(number + 1);
    world.open.borrow_mut().insert(number);
    world.count(Count::Requests);
    let at = world.oracle.borrow().position(wish.node);
    let Wish { node, url, french, .. } = wish;
    world.event(Event::Asked { request: number, node, url, french, range: wish.range.is_some(), at });
    let headers = wish.headers();
    let request = Request {
        url,
        directives: RequestDirectives::from_headers(&headers),
        headers,
        peer: None,
        behind: false,
    };
    let (tell, told) = oneshot::channel();
    let serving = lanes::serve(Rc::clone(&world), Rc::clone(&life), request);
    world.executor.spawn(life.group, async move { drop(tell.send(serving.await)) });
    match told.await {
        Ok(Ok(response)) => answered(&world, &life, number, wish, at, response).await,
        Ok(Err(fault)) => failed(&world, number, fault.cause.as_str()),
        Err(_) => failed(&world, number, "the node died"),
    }
    world.open.borrow_mut().remove(&number);
}

fn failed(world: &World, request: u32, why: &'static str) {
    world.count(Count::Failures);
    world.event(Event::Failed { request, why });
}

async fn answered(
    world: &Rc<World>,
    life: &Rc<Life>,
    request: u32,
    wish: Wish,
    at: Position,
    response: Response,
) {
    let Response { status, headers, flow, standing, told, .. } = response;
    let how = match standing {
        Standing::Fresh => "fresh",
        Standing::Stale => "stale",
        Standing::Asked => "asked for",
    };
    let content = content_of(&headers);
    world.event(Event::Answered { request, content, how, status: status.as_u16() });
    world.count(Count::Judged);
    match standing {
        Standing::Fresh => world.count(Count::Hits),
        Standing::Stale => world.count(Count::StaleHits),
        Standing::Asked => {}
    }
    let answer = Answer {
        url: wish.url,
        node: wish.node,
        life: life.group,
        french: wish.french,
        at,
        content,
        standing,
        now: world.executor.now(),
        told,
    };
    let breach = world.oracle.borrow().judge(&answer);
    if let Some(breach) = breach {
        return world.violated(format!("request {request}: {breach}"), Some(wish.url));
    }
    if world.executor.chance(4) {
        // This one has seen enough.
        return;
    }
    let mut flow = flow.over(life.node, life.group);
    let is_slow = world.executor.chance(10);
    let (pieces, ended_well) = lanes::read(world, &mut flow, is_slow).await;
    if let Err(what) = check_body(world, wish, status, &headers, &pieces, ended_well) {
        world.violated(format!("request {request}: {what}"), Some(wish.url));
    }
}

/// Whether the bytes are those of the content that the head speaks of: all of them, or the part that it says.
fn check_body(
    world: &World,
    wish: Wish,
    status: StatusCode,
    headers: &HeaderMap,
    pieces: &[Bytes],
    ended_well: bool,
) -> Result<(), String> {
    let id = content_of(headers);
    let known = world.oracle.borrow().content(id).map(|content| (content.version, content.french));
    let Some((version, french)) = known.filter(|(version, _)| *version != NO_VERSION) else { return Ok(()) };
    let whole = web::body(wish.url, version, french);
    let expected = match status {
        StatusCode::OK => whole,
        StatusCode::PARTIAL_CONTENT if wish.range.is_none() => {
            return Err(format!("a part of content {id} was given for the whole"));
        }
        StatusCode::PARTIAL_CONTENT => {
            let part = Part::from_headers(headers).ok_or("a 206 that does not say which part it is")?;
            if part.complete.is_some_and(|complete| complete != whole.len() as u64) {
                return Err(format!(
                    "content {id} has {} bytes; the head speaks of another length",
                    whole.len()
                ));
            }
            web::cut(&whole, part.span)
        }
        StatusCode::RANGE_NOT_SATISFIABLE => Bytes::new(),
        other => return Err(format!("status {other} for content {id}")),
    };
    let body = pieces.concat();
    let fits = if ended_well { body == expected } else { expected.starts_with(&body) };
    if fits {
        return Ok(());
    }
    let range = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or("all");
    let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
    Err(format!(
        "{} bytes of content {id} (url {}, version {version}; {range}) are not its own {}: {start}…",
        body.len(),
        wish.url,
        expected.len()
    ))
}
