//! The fill lane, as `pipeline/src/fill.rs` has it: question, fetch, settle, pour. The verdict is `pipeline`'s own stage
//! *settle*.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use seawall_base::{Blame, Cause, Fault, Position};
use seawall_cache::store::Settled;
use seawall_cache::{Claim, Draft, Entry, Filling, Followed, Lead, Release};
use seawall_cluster::PeerAnswer;
use seawall_pipeline::settle::{self, Asked, DeclinedBy, Settlement, Shaping, Wants};
use seawall_policy::partial::Rest;
use seawall_policy::terms::Times;
use seawall_policy::{Validators, validation};
use tokio::sync::oneshot;

use crate::counters::Count;
use crate::flow::Flow;
use crate::forward::{self, Inbound};
use crate::lanes::{Request, Response, content_of};
use crate::oracle::{ContentId, Standing};
use crate::sabotage::Sabotage;
use crate::trace::Event;
use crate::web::{CONTENT, URLS};
use crate::world::{Life, World, lost};

/// What came of leading.
pub(crate) enum Led {
    Followed(Followed),
    Declined(Box<Response>),
}

enum News {
    Kept,
    Declined(Box<Response>),
}

type Tell = Option<oneshot::Sender<News>>;

struct Job {
    world: Rc<World>,
    life: Rc<Life>,
    request: Request,
    outbound: HeaderMap,
    shields: Vec<usize>,
    origin: String,
    number: u32,
}

impl Job {
    fn new(world: &Rc<World>, life: &Rc<Life>, request: &Request, lead: &Lead) -> Self {
        let mut outbound = request.headers.clone();
        validation::strip_preconditions(&mut outbound);
        let is_peer = request.peer.is_some();
        let number = life.fills.replace(life.fills.get() + 1);
        let prior = lead.prior().or(lead.part()).map(|entry| content_of(&entry.head.headers));
        let tags = prior.and_then(|prior| world.oracle.borrow().content(prior)?.tags).unwrap_or_default();
        life.in_flight.borrow_mut().push((number, request.url, tags));
        world.count(Count::Leads);
        Self {
            outbound,
            shields: if is_peer { Vec::new() } else { world.shields(life.node, request.url) },
            origin: format!("http://{}", URLS[request.url].authority),
            request: request.clone(),
            world: Rc::clone(world),
            life: Rc::clone(life),
            number,
        }
    }

    fn settled(&self, content: ContentId, how: &'static str) {
        let (node, url) = (self.life.node, self.request.url);
        let moment = self.world.event(Event::Settled { node, url, content, how });
        if let Some(kept) =
            self.world.oracle.borrow_mut().content_mut(content).and_then(|content| content.kept.as_mut())
        {
            kept.done.get_or_insert(moment);
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.life.in_flight.borrow_mut().retain(|(number, ..)| *number != self.number);
    }
}

/// Fills in the background.
pub(crate) fn detach(world: &Rc<World>, life: &Rc<Life>, request: &Request, lead: Lead) {
    let job = Job::new(world, life, request, &lead);
    world.executor.spawn(life.group, run(job, lead, None));
}

/// Fills, and waits for what its own client is to be sent.
pub(crate) async fn lead(
    world: &Rc<World>,
    life: &Rc<Life>,
    request: &Request,
    lead: Lead,
) -> Result<Led, Fault> {
    let job = Job::new(world, life, request, &lead);
    let follower = lead.follower().ok_or_else(dropped)?;
    let (tell, news) = oneshot::channel();
    world.executor.spawn(life.group, run(job, lead, Some(tell)));
    let ask = request.ask(world, life, true, world.clock.now());
    match life.store.follow(follower, &ask).await {
        Followed::Released(Release::Failed(fault)) => Err(fault),
        Followed::Released(_) => match news.await {
            Ok(News::Declined(response)) => Ok(Led::Declined(response)),
            Ok(News::Kept) | Err(_) => Err(dropped()),
        },
        followed => match news.await {
            Ok(News::Kept) => Ok(Led::Followed(followed)),
            Ok(News::Declined(_)) | Err(_) => Err(dropped()),
        },
    }
}

fn dropped() -> Fault {
    Fault::new(Cause::FillDropped, Blame::Node, "the fill's task ended without a word")
}

/// The lane. Each arm consumes the obligation.
async fn run(mut job: Job, lead: Lead, tell: Tell) {
    let prior = lead.prior().map(Arc::clone);
    let part = lead.part().map(Arc::clone);
    let wants = question(&mut job, &lead, prior.as_deref(), part.as_deref());
    let (mut times, mut answer) = fetch(&job, lead.position()).await;
    let mut verdict = judged(&job, &lead, wants, times, &answer);
    if matches!(verdict, Some(Settlement::AskAnew)) && wants.is_conditional() {
        validation::strip_preconditions(&mut job.outbound);
        (times, answer) = fetch(&job, lead.position()).await;
        verdict = judged(&job, &lead, Wants::Whole, times, &answer);
    }
    let (inbound, verdict) = match (answer, verdict) {
        (Ok(inbound), Some(verdict)) => (inbound, verdict),
        (Ok(_), None) => return lead.fail(dropped()),
        (Err(fault), _) => return failed(&job, lead, prior.as_deref(), times, fault, tell),
    };
    let content = content_of(&inbound.headers);
    match (verdict, prior) {
        (Settlement::Store(draft, _), _) => store(&job, lead, *draft, part, inbound.flow, tell).await,
        (Settlement::Complete(mut draft), _) => {
            let Some(part) = part else { return lead.fail(dropped()) };
            merge(&job, &mut draft, content, &part, true);
            say(tell, News::Kept);
            pour(&job, lead.complete(&part, *draft.clone()), *draft, inbound.flow).await;
        }
        (Settlement::Refresh(draft), Some(prior)) => refresh(&job, lead, *draft, content, &prior, tell).await,
        (Settlement::Stale(why), Some(prior)) => {
            say(tell, News::Kept);
            job.settled(content_of(&prior.head.headers), why.as_str());
            lead.stand_in(prior, why.as_str());
        }
        (Settlement::Decline(declined), prior) => decline(&job, lead, prior, inbound, declined, tell),
        (Settlement::AskAnew | Settlement::Refresh(_) | Settlement::Stale(_), _) => {
            lead.fail(Fault::new(
                Cause::ProtocolError,
                Blame::Origin,
                "304 to a request without a condition",
            ));
        }
    }
}

async fn store(job: &Job, lead: Lead, mut draft: Draft, part: Option<Arc<Entry>>, flow: Flow, tell: Tell) {
    let lead = if job.world.breaks(Sabotage::StampedLate) {
        drop(lead);
        match led_anew(job) {
            Some(lead) => lead,
            None => return,
        }
    } else {
        lead
    };
    if let Some(part) = part {
        let content = content_of(&draft.headers);
        merge(job, &mut draft, content, &part, false);
    }
    say(tell, News::Kept);
    pour(job, lead.store(draft.clone()), draft, flow).await;
}

async fn refresh(
    job: &Job,
    lead: Lead,
    mut draft: Draft,
    content: ContentId,
    prior: &Arc<Entry>,
    tell: Tell,
) {
    job.world.count(Count::Refreshes);
    if job.life.store.applied() > lead.position() {
        job.world.count(Count::RefreshesAcrossPurges);
    }
    let merged = merge(job, &mut draft, content, prior, true);
    say(tell, News::Kept);
    if job.world.breaks(Sabotage::PriorTagsIgnored) {
        let mut filling = lead.store(draft);
        prior.body.pieces().iter().for_each(|piece| filling.push(piece));
        let settled = filling.finish(None);
        return job.settled(merged, settled.as_str());
    }
    let copy = job.world.breaks(Sabotage::SealIgnored).then(|| draft.clone());
    let (_, settled) = lead.refresh(prior, draft);
    sealed(job, settled);
    job.settled(merged, settled.as_str());
    if let (Some(draft), Settled::Sealed) = (copy, settled) {
        store_again(job, draft, prior.body.pieces());
    }
}

/// Tells the judge that `kept` lives on in `draft`, and gives the two a number of their own.
fn merge(job: &Job, draft: &mut Draft, content: ContentId, kept: &Entry, keeps_body: bool) -> ContentId {
    let prior = content_of(&kept.head.headers);
    let node = job.life.node;
    let merged = job.world.oracle.borrow_mut().merge(content, prior, node, keeps_body);
    let Some(into) = merged else { return content };
    job.world.event(Event::Merged { node, content, prior, into });
    draft.headers.insert(CONTENT, HeaderValue::from(into));
    into
}

fn sealed(job: &Job, settled: Settled) {
    if settled == Settled::Sealed {
        job.world.count(Count::Sealed);
    }
}

/// The right to fill, once more. For broken rules.
fn led_anew(job: &Job) -> Option<Lead> {
    let ask = job.request.ask(&job.world, &job.life, false, job.world.clock.now());
    match job.life.store.claim(&ask) {
        Claim::Lead(lead) => Some(lead),
        _ => None,
    }
}

fn store_again(job: &Job, draft: Draft, pieces: &[Bytes]) {
    if let Some(lead) = led_anew(job) {
        let mut filling = lead.store(draft);
        pieces.iter().for_each(|piece| filling.push(piece));
        let _ = filling.finish(None);
    }
}

fn question<'a>(job: &mut Job, lead: &Lead, prior: Option<&'a Entry>, part: Option<&'a Entry>) -> Wants<'a> {
    if let Some(prior) = prior {
        validation::conditional_request(&mut job.outbound, &Validators::from_headers(&prior.head.headers));
        return Wants::Validation(prior);
    }
    if let Some(range) = lead.range() {
        if let Some(value) = range.to_value() {
            job.outbound.insert(RANGE, value);
        }
        return Wants::Range;
    }
    let rest = part.and_then(|part| Some((part, Rest::of(part.head.part?, &part.head.headers)?)));
    match rest {
        Some((part, rest)) => {
            rest.ask(&mut job.outbound);
            Wants::Rest(part)
        }
        None => Wants::Whole,
    }
}

fn judged(
    job: &Job,
    lead: &Lead,
    wants: Wants<'_>,
    times: Times,
    answer: &Result<Inbound, Fault>,
) -> Option<Settlement> {
    let inbound = answer.as_ref().ok()?;
    let shield = inbound.shield;
    let stale = shield.is_some_and(|shield| shield.stale);
    let position = match shield {
        Some(shield) if !job.world.breaks(Sabotage::PeerPositionDropped) => {
            shield.position.min(lead.position())
        }
        _ => lead.position(),
    };
    let asked = Asked {
        stale_at_shield: stale && !job.world.breaks(Sabotage::StaleAtShieldStored),
        ..asked(job, wants, times, position)
    };
    Some(settle::of_response(&asked, inbound.status, &inbound.headers))
}

fn asked<'a>(job: &'a Job, wants: Wants<'a>, times: Times, position: Position) -> Asked<'a> {
    Asked {
        site: job.life.site(job.request.url),
        origin: &job.origin,
        path: URLS[job.request.url].path.split('?').next().unwrap_or_default(),
        headers: &job.request.headers,
        directives: &job.request.directives,
        wants,
        times,
        position,
        stale_at_shield: false,
        shaping: &Shaping::NONE,
    }
}

async fn fetch(job: &Job, position: Position) -> (Times, Result<Inbound, Fault>) {
    let requested_at = job.world.clock.now();
    let url = job.request.url;
    let answer = forward::send(&job.world, &job.life, url, &job.outbound, position, &job.shields).await;
    (Times { requested_at, received_at: job.world.clock.now() }, answer)
}

fn failed(job: &Job, lead: Lead, prior: Option<&Entry>, times: Times, fault: Fault, tell: Tell) {
    let asked = asked(job, prior.map_or(Wants::Whole, Wants::Validation), times, lead.position());
    match (settle::of_fault(&asked, &fault), lead.prior().map(Arc::clone)) {
        (Some(why), Some(entry)) => {
            say(tell, News::Kept);
            job.settled(content_of(&entry.head.headers), why.as_str());
            lead.stand_in(entry, why.as_str());
        }
        _ => lead.fail(fault),
    }
}

fn decline(
    job: &Job,
    lead: Lead,
    prior: Option<Arc<Entry>>,
    inbound: Inbound,
    declined: settle::Declined,
    tell: Tell,
) {
    let status = inbound.status;
    let position = job.request.peer.unwrap_or_else(|| lead.position());
    job.settled(content_of(&inbound.headers), declined.reason);
    match (prior, declined.by) {
        (Some(prior), by) if status == StatusCode::NOT_MODIFIED => {
            let content = content_of(&prior.head.headers);
            if let Some(content) = job.world.oracle.borrow_mut().content_mut(content) {
                content.confirmed = true;
            }
            say(tell, News::Kept);
            match by {
                DeclinedBy::Request => lead.confirm(prior),
                DeclinedBy::Response => lead.let_go(prior),
            }
        }
        (_, DeclinedBy::Request) => {
            say(tell, News::Declined(Box::new(handed_on(inbound, position))));
            lead.keep_private();
        }
        (_, DeclinedBy::Response) => {
            say(tell, News::Declined(Box::new(handed_on(inbound, position))));
            if !status.is_server_error() {
                lead.forget_prior();
            }
            lead.decline(job.world.clock.now(), declined.marked_for);
        }
    }
}

fn handed_on(inbound: Inbound, position: Position) -> Response {
    let stale = inbound.shield.is_some_and(|shield| shield.stale);
    Response {
        status: inbound.status,
        headers: inbound.headers,
        flow: inbound.flow,
        // Fetched for this very request: as new as the position that it came with.
        answer: PeerAnswer { position, stale: false },
        standing: if stale { Standing::Stale } else { Standing::Asked },
        told: None,
    }
}

fn say(tell: Tell, news: News) {
    if let Some(tell) = tell {
        let _ = tell.send(news);
    }
}

/// How long a slow reader of a body that is not stored may hold up the others.
const STALL_LIMIT: Duration = Duration::from_secs(2);

async fn pour(job: &Job, mut filling: Filling, draft: Draft, mut flow: Flow) {
    let world = &job.world;
    let content = content_of(&draft.headers);
    let keeps_copy = world.breaks(Sabotage::SealIgnored);
    let mut copy = Vec::new();
    while let Some(piece) = flow.next().await {
        match piece {
            Ok(data) => {
                filling.push(&data);
                copy.extend(keeps_copy.then_some(data));
            }
            Err(fault) => {
                world.count(Count::Broken);
                filling.abort(fault);
                return job.settled(content, "broken off");
            }
        }
        loop {
            match world.executor.timeout(STALL_LIMIT, filling.room()).await {
                Some(true) => break,
                Some(false) => {
                    filling.abort(lost(Cause::FillDropped, Blame::Client));
                    return job.settled(content, "dropped: nobody reads it");
                }
                None => filling.evict_slowest(),
            }
        }
    }
    let settled = filling.finish(None);
    sealed(job, settled);
    if settled == Settled::Stored {
        // The whole came of a question for a part: it is what was stored before, and the rest.
        let completed = draft.status == StatusCode::OK && job.outbound.contains_key(IF_RANGE);
        match draft.part {
            Some(_) => world.count(Count::Parts),
            None if completed => world.count(Count::Completed),
            None => {}
        }
    }
    job.settled(content, settled.as_str());
    if settled == Settled::Sealed && keeps_copy {
        store_again(job, draft, &copy);
    }
}
