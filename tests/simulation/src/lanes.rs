//! The client lane and the door for other nodes, as `pipeline/src/serve.rs`, `peer.rs`, `pass.rs` and `deliver.rs` have
//! them, step by step and with the same words: claim, follow, lead, deliver. The cache, what settles a fill and what
//! the RFCs say are the real thing; sockets, functions and logging are left out.

use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AGE, CONTENT_LENGTH, CONTENT_RANGE, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use seawall_base::{Blame, Cause, Fault, Position};
use seawall_cache::{Ask, Basis, Claim, Draft, Entry, FillBody, Followed, Miss, Release};
use seawall_cluster::PeerAnswer;
use seawall_pipeline::Reply;
use seawall_pipeline::edge::SHIELD_CATCH_UP_LIMIT;
use seawall_policy::conditional::{self, Precondition};
use seawall_policy::range::{self, ContentRange, RangeRequest, Span};
use seawall_policy::{Glance, Part, RequestDirectives, partial};
use tokio::sync::oneshot;

use crate::counters::Count;
use crate::fill::{self, Led};
use crate::flow::Flow;
use crate::forward;
use crate::oracle::{ContentId, Standing};
use crate::sabotage::Sabotage;
use crate::trace::Event;
use crate::web::{CONTENT, URLS};
use crate::world::{FOLLOW_LIMIT, Life, World};

/// As in `serve.rs`.
const RELEASES_MAX: u32 = 2;

/// A request at a node.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) url: usize,
    pub(crate) headers: HeaderMap,
    pub(crate) directives: RequestDirectives,
    /// For a request of another node: where its fill started.
    pub(crate) peer: Option<Position>,
    /// This node could not catch up with that.
    pub(crate) behind: bool,
}

/// A response, its body on its way.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) flow: Flow,
    /// What a shield says of it.
    pub(crate) answer: PeerAnswer,
    pub(crate) standing: Standing,
    /// The position that the node knows the content by.
    pub(crate) told: Option<Position>,
}

/// What is delivered.
enum Source {
    Stored(Arc<Entry>),
    Validated(Arc<Entry>),
    Filling(Arc<Draft>, FillBody),
}

impl Source {
    fn head(&self) -> &Draft {
        match self {
            Self::Stored(entry) | Self::Validated(entry) => &entry.head,
            Self::Filling(draft, _) => draft,
        }
    }

    fn length(&self) -> Option<u64> {
        match self {
            Self::Stored(entry) | Self::Validated(entry) => Some(entry.body.len()),
            Self::Filling(draft, _) => draft.length,
        }
    }

    fn into_body(self) -> Reply {
        match self {
            Self::Stored(entry) | Self::Validated(entry) => Reply::stored(&entry.body),
            Self::Filling(_, body) => Reply::fill(body),
        }
    }
}

impl Request {
    pub(crate) fn ask<'a>(
        &'a self,
        world: &'a World,
        life: &'a Life,
        may_follow: bool,
        now: SystemTime,
    ) -> Ask<'a> {
        let (url, site) = (&URLS[self.url], life.site(self.url));
        Ask {
            key: world.key(self.url),
            shelf: &site.shelf,
            authority: url.authority,
            path_and_query: url.path,
            headers: &self.headers,
            directives: &self.directives,
            rules: &site.rules,
            normalise: site.normalise,
            soft_is_stale: self.peer.is_some(),
            may_follow,
            now,
        }
    }
}

/// The number of the content that a head belongs to.
pub(crate) fn content_of(headers: &HeaderMap) -> ContentId {
    let text = headers.get(CONTENT).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(ContentId::MAX)
}

/// Serves a request, from the key on.
pub(crate) async fn serve(world: Rc<World>, life: Rc<Life>, request: Request) -> Result<Response, Fault> {
    let delivered = if request.behind { None } else { cache_lane(&world, &life, &request).await? };
    match delivered {
        Some(response) => Ok(response),
        None => pass(&world, &life, &request).await,
    }
}

async fn cache_lane(
    world: &Rc<World>,
    life: &Rc<Life>,
    request: &Request,
) -> Result<Option<Response>, Fault> {
    let mut releases = 0;
    let mut now = world.clock.now();
    loop {
        let ask = request.ask(world, life, releases < RELEASES_MAX, now);
        match life.store.claim(&ask) {
            Claim::Fresh(entry, _) => {
                return Ok(deliver(world, life, request, Source::Stored(entry), Standing::Fresh, now));
            }
            Claim::Stale(entry, lead) => {
                if let Some(lead) = lead {
                    fill::detach(world, life, request, lead);
                }
                return Ok(deliver(world, life, request, Source::Stored(entry), Standing::Stale, now));
            }
            Claim::Lead(lead) => {
                world.event(Event::Led {
                    node: life.node,
                    url: request.url,
                    at: lead.position(),
                    why: miss(lead.miss()),
                });
                return lead_fill(world, life, request, lead).await;
            }
            Claim::OnlyIfCached => return Err(Fault::new(Cause::NotCached, Blame::Client, "only-if-cached")),
            Claim::Follow(follower) => {
                world.count(Count::Follows);
                world.event(Event::Followed { node: life.node, url: request.url, at: life.store.applied() });
                let following = world.executor.timeout(FOLLOW_LIMIT, life.store.follow(follower, &ask)).await;
                let why = match following {
                    Some(Followed::Released(Release::Failed(fault))) => return Err(fault),
                    Some(Followed::Released(release)) => release.as_str(),
                    Some(followed) => return Ok(collapsed(world, life, request, followed)),
                    None => {
                        releases = RELEASES_MAX;
                        "leader-too-slow"
                    }
                };
                world.count(match why {
                    "other-variant" => Count::ReleasedByVary,
                    "sealed" => Count::ReleasedBySeal,
                    _ => Count::ReleasedOtherwise,
                });
                world.event(Event::Released { node: life.node, url: request.url, why });
                releases += 1;
                now = world.clock.now();
            }
        }
    }
}

fn miss(miss: Miss) -> &'static str {
    match miss {
        Miss::Uri => "nothing stored",
        Miss::Vary => "another variant stored",
        Miss::Stale => "stale",
        Miss::Partial => "a part stored",
        Miss::Request => "the request wants it",
    }
}

async fn lead_fill(
    world: &Rc<World>,
    life: &Rc<Life>,
    request: &Request,
    lead: seawall_cache::Lead,
) -> Result<Option<Response>, Fault> {
    match fill::lead(world, life, request, lead).await? {
        Led::Followed(followed) => Ok(collapsed(world, life, request, followed)),
        Led::Declined(response) => Ok(Some(*response)),
    }
}

fn collapsed(world: &Rc<World>, life: &Life, request: &Request, followed: Followed) -> Option<Response> {
    let now = world.clock.now();
    let (source, standing) = match followed {
        Followed::Streaming(draft, body) => (Source::Filling(draft, body), Standing::Asked),
        Followed::Settled(entry, Basis::Validated) => (Source::Validated(entry), Standing::Asked),
        Followed::Settled(entry, Basis::StandIn(_)) => {
            world.count(Count::StandIns);
            (Source::Stored(entry), Standing::Stale)
        }
        Followed::Released(_) => return None,
    };
    deliver(world, life, request, source, standing, now)
}

/// As `deliver.rs` has it; `None` where the request's conditions are for the origin to judge.
fn deliver(
    world: &Rc<World>,
    life: &Life,
    request: &Request,
    source: Source,
    standing: Standing,
    now: SystemTime,
) -> Option<Response> {
    let head = source.head();
    let (mut status, mut headers) = (head.status, head.headers.clone());
    let received_at = head.terms.received_at();
    let mut is_empty = false;
    if Glance::at(&request.headers).conditions() {
        match conditional::evaluate(&Method::GET, &request.headers, head.status, &head.headers, received_at) {
            Precondition::Proceed => {}
            Precondition::NotModified => {
                (status, headers) =
                    (StatusCode::NOT_MODIFIED, conditional::not_modified_headers(&head.headers));
                is_empty = true;
            }
            Precondition::AskOrigin => return None,
        }
    }
    let age = match &source {
        Source::Stored(_) => Some(head.terms.age(now).as_secs()),
        _ => Some(head.terms.age(world.clock.now()).as_secs()).filter(|age| *age > 0),
    };
    if let Some(age) = age {
        headers.insert(AGE, HeaderValue::from(age));
    }
    let stale = match &source {
        Source::Stored(entry) => {
            !head.terms.is_fresh(now) || life.site(request.url).shelf.is_soft_purged(entry)
        }
        Source::Validated(entry) => life.site(request.url).shelf.is_soft_purged(entry),
        Source::Filling(..) => false,
    };
    let answer = PeerAnswer { position: head.position, stale };
    let told = Some(head.position);
    let flow = if is_empty {
        Flow::empty(world)
    } else {
        let reply = match wanted(request, &source) {
            Wanted::Whole => source.into_body(),
            Wanted::Nothing(complete) => {
                status = StatusCode::RANGE_NOT_SATISFIABLE;
                say_range(&mut headers, ContentRange::Unsatisfied { complete });
                Reply::empty()
            }
            Wanted::Span(span, within) => {
                status = StatusCode::PARTIAL_CONTENT;
                headers.insert(CONTENT_LENGTH, HeaderValue::from(span.length()));
                say_range(&mut headers, ContentRange::Span { span, complete: within.complete });
                let start = within.span.first;
                source.into_body().range(span.first - start, span.last - start)
            }
        };
        Flow::reply(world, reply)
    };
    Some(Response { status, headers, flow, answer, standing, told })
}

fn say_range(headers: &mut HeaderMap, range: ContentRange) {
    if let Some(value) = range.to_value() {
        headers.insert(CONTENT_RANGE, value);
    }
}

enum Wanted {
    Whole,
    Span(Span, Part),
    Nothing(u64),
}

/// As `deliver/ranges.rs` has it; the simulation's clients ask for one range at most.
fn wanted(request: &Request, source: &Source) -> Wanted {
    let head = source.head();
    let received_at = head.terms.received_at();
    if let Some(part) = head.part {
        let span = partial::within(&request.headers, &head.headers, part, received_at);
        let consistent = head.length.is_none_or(|length| length == part.span.length());
        let inner = span.filter(|span| consistent && *span != part.span);
        return inner.map_or(Wanted::Whole, |span| Wanted::Span(span, part));
    }
    let Some(length) = source.length() else { return Wanted::Whole };
    match range::resolve(&Method::GET, &request.headers, head.status, &head.headers, length, received_at) {
        RangeRequest::NotSatisfiable => Wanted::Nothing(length),
        RangeRequest::Spans(spans) => match spans.as_slice() {
            [span] => {
                let whole = Span { first: 0, last: length.saturating_sub(1) };
                Wanted::Span(*span, Part { span: whole, complete: Some(length) })
            }
            _ => Wanted::Whole,
        },
        RangeRequest::Whole(_) => Wanted::Whole,
    }
}

/// The pass lane: nothing is looked up and nothing stored.
async fn pass(world: &Rc<World>, life: &Rc<Life>, request: &Request) -> Result<Response, Fault> {
    let why = if request.behind { "behind" } else { "condition" };
    world.event(Event::Passed { node: life.node, url: request.url, why });
    let position = life.store.applied();
    let shields = if request.behind || request.peer.is_some() {
        Vec::new()
    } else {
        world.shields(life.node, request.url)
    };
    let inbound = forward::send(world, life, request.url, &request.headers, position, &shields).await?;
    let stale = inbound.shield.is_some_and(|shield| shield.stale);
    Ok(Response {
        status: inbound.status,
        headers: inbound.headers,
        flow: inbound.flow,
        // As new as the position that the request came with.
        answer: PeerAnswer { position: request.peer.unwrap_or(position), stale: false },
        standing: if stale { Standing::Stale } else { Standing::Asked },
        told: None,
    })
}

/// The door for other nodes: catch up or go past the cache, then the client lane.
pub(crate) async fn serve_peer(
    world: Rc<World>,
    life: Rc<Life>,
    mut request: Request,
    tell: oneshot::Sender<Result<Response, Fault>>,
) {
    let asked = request.peer.unwrap_or_default();
    if life.store.applied() < asked && !world.breaks(Sabotage::ShieldDoesNotWait) {
        let mut applied = life.applied.subscribe();
        let caught_up = applied.wait_for(|applied| *applied >= asked);
        let _ = world.executor.timeout(SHIELD_CATCH_UP_LIMIT, caught_up).await;
        request.behind = life.store.applied() < asked;
        world.count(if request.behind { Count::ShieldBehind } else { Count::ShieldWaited });
    }
    // The asker may have lost its patience.
    let _ = tell.send(serve(world, life, request).await);
}

/// Reads a body to its end: what came, and whether it ended well.
pub(crate) async fn read(world: &World, flow: &mut Flow, is_slow: bool) -> (Vec<Bytes>, bool) {
    let mut pieces = Vec::new();
    while let Some(piece) = flow.next().await {
        match piece {
            Ok(piece) => pieces.push(piece),
            Err(_) => return (pieces, false),
        }
        if is_slow {
            world.pause(20, 400).await;
        }
    }
    (pieces, true)
}
