//! The fill lane: route → forward → fetch → settle.
//!
//! Miss, revalidation and background refresh are the same fill. It runs in a task of its own: a client that leaves
//! never ends a fill that others follow, or that will be stored.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRAILER};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_base::{Blame, Cause, Fault};
use seawall_cache::{Entry, Filling, Followed, Key, Lead, Release};
use seawall_origin::{OriginBody, Outgoing};
use seawall_policy::partial::Rest;
use seawall_policy::terms::Times;
use seawall_policy::{RequestDirectives, Validators};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::edge::Edge;
use crate::forward::{Inbound, Outbound};
use crate::interim::{self, Turn};
use crate::route::{self, Route};
use crate::settle::{self, Asked, Declined, DeclinedBy, Settlement, Wants};
use crate::site::Site;

/// How long a fill may take from its start to the last byte. An origin that drips a byte now and then never trips the
/// between-bytes limit; this ends it.
const FILL_LIMIT: Duration = Duration::from_secs(3600);

/// What came of leading a fill.
pub(crate) enum Led {
    /// A response that is stored, or on its way there.
    Followed(Followed, Account),
    /// A response that is handed on and not kept.
    Declined(Box<Response<OriginBody>>, Account),
}

/// What is to be said of a fill.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// The status that came back.
    pub(crate) status: Option<StatusCode>,
    /// Why it was not stored, or why something stale stands in.
    pub(crate) detail: Option<&'static str>,
    /// It will be stored.
    pub(crate) stored: bool,
    /// Fields that are for the leader's client alone.
    pub(crate) private: HeaderMap,
}

impl Account {
    fn new(status: Option<StatusCode>, detail: Option<&'static str>, stored: bool) -> Self {
        Self { status, detail, stored, private: HeaderMap::new() }
    }
}

/// Everything that the task needs. It owns it: the client may be gone.
struct Job {
    edge: Arc<Edge>,
    site: Arc<Site>,
    /// Scheme and authority.
    origin: String,
    outbound: Outbound,
    /// The request's fields as functions left them: those that `Vary` and the rules for storing speak of. What is sent on
    /// has others, of this node's own.
    headers: HeaderMap,
    route: Route,
    directives: RequestDirectives,
}

impl Job {
    fn new(edge: &Arc<Edge>, cx: &Context, key: Key, lead: &Lead, turn: Option<&Turn>) -> Self {
        Self {
            edge: Arc::clone(edge),
            site: Arc::clone(&cx.site),
            origin: cx.origin(),
            outbound: Outbound::for_fill(edge, cx, lead.position()).telling(turn),
            headers: cx.head.headers.clone(),
            route: route::choose(edge, cx, key),
            directives: cx.directives,
        }
    }
}

/// What the task tells its leader's client, before anybody else learns of it.
enum News {
    Kept(Account),
    Declined(Box<Response<OriginBody>>, Account),
}

/// Fills in the background; nobody waits.
pub(crate) fn detach(edge: &Arc<Edge>, cx: &Context, key: Key, lead: Lead) {
    let job = Job::new(edge, cx, key, &lead, None);
    drop(tokio::spawn(run(job, lead, None)));
}

/// Fills, and waits for what its own client is to be sent.
pub(crate) async fn lead(edge: &Arc<Edge>, cx: &Context, key: Key, lead: Lead) -> Result<Led, Fault> {
    let turn = cx.turn();
    let job = Job::new(edge, cx, key, &lead, turn.as_ref());
    let follower = lead.follower().ok_or_else(dropped)?;
    let (tell, account) = oneshot::channel();
    drop(tokio::spawn(run(job, lead, Some(tell))));
    let ask = cx.ask(key, true);
    match interim::before(turn.as_ref(), edge.store.follow(follower, &ask)).await {
        Followed::Released(Release::Failed(fault)) => Err(fault),
        Followed::Released(_) => match account.await {
            Ok(News::Declined(response, account)) => Ok(Led::Declined(response, account)),
            Ok(News::Kept(_)) | Err(_) => Err(dropped()),
        },
        followed => match account.await {
            Ok(News::Kept(account)) => Ok(Led::Followed(followed, account)),
            Ok(News::Declined(..)) | Err(_) => Err(dropped()),
        },
    }
}

fn dropped() -> Fault {
    Fault::new(Cause::FillDropped, Blame::Node, "the fill's task ended without a word")
}

/// The lane. Each arm consumes the obligation.
async fn run(mut job: Job, lead: Lead, tell: Option<oneshot::Sender<News>>) {
    let prior = lead.prior().map(Arc::clone);
    let part = lead.part().map(Arc::clone);
    let wants = question(&mut job, &lead, prior.as_deref(), part.as_deref());
    let (mut times, mut answer) = fetch(&job).await;
    let mut verdict = judged(&job, &lead, wants, times, &answer);
    let rest_failed = matches!(wants, Wants::Rest(_)) && answer.is_err();
    if rest_failed || (matches!(verdict, Some(Settlement::AskAnew)) && wants.is_conditional()) {
        if matches!(wants, Wants::Rest(_)) {
            // Whatever kept it from being completed would keep the next request from it as well.
            lead.forget_prior();
        }
        job.outbound.ask_anew();
        (times, answer) = fetch(&job).await;
        verdict = judged(&job, &lead, Wants::Whole, times, &answer);
    }
    let (inbound, verdict) = match (answer, verdict) {
        (Ok(inbound), Some(verdict)) => (inbound, verdict),
        (Ok(_), None) => return lead.fail(dropped()),
        (Err(fault), _) => return failed(&job, lead, prior.as_deref(), times, fault, tell),
    };
    let (status, detail) = (inbound.response.status(), inbound.detail);
    match (verdict, prior) {
        (Settlement::Store(draft, mut private), _) => {
            announce_trailers(inbound.response.headers(), &mut private);
            say(tell, News::Kept(Account { private, ..Account::new(Some(status), detail, true) }));
            let filling = lead.store(*draft);
            pour(filling, inbound.response.into_body()).await;
        }
        (Settlement::Complete(draft), _) => {
            let Some(part) = part else { return lead.fail(dropped()) };
            say(tell, News::Kept(Account::new(Some(status), detail, true)));
            let filling = lead.complete(&part, *draft);
            pour(filling, inbound.response.into_body()).await;
        }
        (Settlement::Refresh(draft), Some(prior)) => {
            say(tell, News::Kept(Account::new(Some(status), detail, true)));
            lead.refresh(&prior, *draft);
        }
        (Settlement::Stale(why), Some(prior)) => {
            say(tell, News::Kept(Account::new(Some(status), Some(why.as_str()), false)));
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

/// Asks for what is missing: a validation of what is stored, the part that the client wants, the rest of a stored part,
/// or everything.
fn question<'a>(job: &mut Job, lead: &Lead, prior: Option<&'a Entry>, part: Option<&'a Entry>) -> Wants<'a> {
    if let Some(prior) = prior {
        job.outbound.ask_about(&Validators::from_headers(&prior.head.headers));
        if settle::stands_in(&job.site, &job.directives, prior, job.edge.clock.now()) {
            job.outbound.spare_backups();
        }
        return Wants::Validation(prior);
    }
    if lead.is_uncacheable() && job.outbound.ask_as(&job.headers) {
        return Wants::Own;
    }
    if let Some(range) = lead.range() {
        job.outbound.ask_for(range);
        return Wants::Range;
    }
    let rest = part.and_then(|part| Some((part, Rest::of(part.head.part?, &part.head.headers)?)));
    match rest {
        Some((part, rest)) => {
            job.outbound.ask_for_rest(&rest);
            Wants::Rest(part)
        }
        None => Wants::Whole,
    }
}

/// Trailers are not stored, and neither is their announcement. The leader's client reads them as they come, and is told
/// that they do: HTTP/1 sends no others (RFC 9110 §6.6.2).
fn announce_trailers(from: &HeaderMap, to: &mut HeaderMap) {
    if !from.contains_key(CONTENT_LENGTH) {
        to.extend(from.get_all(TRAILER).iter().map(|value| (TRAILER, value.clone())));
    }
}

/// The verdict on an answer, where there is one.
fn judged(
    job: &Job,
    lead: &Lead,
    wants: Wants<'_>,
    times: Times,
    answer: &Result<Inbound, Fault>,
) -> Option<Settlement> {
    answer.as_ref().ok().map(|inbound| settlement(job, lead, wants, times, inbound))
}

fn settlement(job: &Job, lead: &Lead, wants: Wants<'_>, times: Times, inbound: &Inbound) -> Settlement {
    let asked = Asked {
        site: &job.site,
        origin: &job.origin,
        path: job.outbound.path(),
        headers: &job.headers,
        directives: &job.directives,
        wants,
        times,
        // What a shield kept is as old as its own fill, whatever this node's log says.
        position: inbound.shield.map_or(lead.position(), |shield| shield.position.min(lead.position())),
        stale_at_shield: inbound.shield.is_some_and(|shield| shield.stale),
    };
    settle::of_response(&asked, inbound.response.status(), inbound.response.headers())
}

async fn fetch(job: &Job) -> (Times, Result<Inbound, Fault>) {
    let requested_at = job.edge.clock.now();
    let mut answer = job.outbound.send(&job.edge, &job.route, Outgoing::empty()).await;
    if let Ok(inbound) = &mut answer {
        inbound.clean(&job.edge);
    }
    (Times { requested_at, received_at: job.edge.clock.now() }, answer)
}

/// No answer: what is stored stands in where it may, else all who wait share the fault.
fn failed(
    job: &Job,
    lead: Lead,
    prior: Option<&Entry>,
    times: Times,
    fault: Fault,
    tell: Option<oneshot::Sender<News>>,
) {
    let position = lead.position();
    let headers = &job.headers;
    let stale_at_shield = false;
    let asked = Asked {
        site: &job.site,
        origin: &job.origin,
        path: job.outbound.path(),
        headers,
        directives: &job.directives,
        wants: prior.map_or(Wants::Whole, Wants::Validation),
        times,
        position,
        stale_at_shield,
    };
    match (settle::of_fault(&asked, &fault), lead.prior().map(Arc::clone)) {
        (Some(why), Some(entry)) => {
            say(tell, News::Kept(Account::new(None, Some(why.as_str()), false)));
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
    declined: Declined,
    tell: Option<oneshot::Sender<News>>,
) {
    let status = inbound.response.status();
    let account = Account::new(Some(status), inbound.detail.or(Some(declined.reason)), false);
    match (prior, declined.by) {
        // The stored response is good; this request, or the shield's state, only keeps it from being renewed.
        (Some(prior), DeclinedBy::Request) if status == StatusCode::NOT_MODIFIED => {
            say(tell, News::Kept(account));
            lead.confirm(prior);
        }
        // The stored body is good, but its new head says not to keep it: those who asked have it, and it goes.
        (Some(prior), DeclinedBy::Response) if status == StatusCode::NOT_MODIFIED => {
            say(tell, News::Kept(account));
            lead.let_go(prior);
        }
        (_, DeclinedBy::Request) => {
            say(tell, News::Declined(Box::new(inbound.response), account));
            lead.keep_private();
        }
        (_, DeclinedBy::Response) => {
            say(tell, News::Declined(Box::new(inbound.response), account));
            // RFC 9111 §4.3.3: a full response says that what was asked about is no longer it; an error says nothing.
            if !status.is_server_error() {
                lead.forget_prior();
            }
            lead.decline(job.edge.clock.now());
        }
    }
}

/// The client may have left; then nobody is told.
fn say(tell: Option<oneshot::Sender<News>>, news: News) {
    if let Some(tell) = tell {
        let _ = tell.send(news);
    }
}

/// How long one reader of a body that is not stored may hold up the others. Longer than a phone's dead spot.
const STALL_LIMIT: Duration = Duration::from_secs(30);

/// Waits until there is room, at the cost of the slowest reader if need be. `false`: nobody reads any more.
async fn wait_for_room(filling: &Filling) -> bool {
    loop {
        match tokio::time::timeout(STALL_LIMIT, filling.room()).await {
            Ok(wanted) => return wanted,
            Err(_) => filling.evict_slowest(),
        }
    }
}

/// Pours a body into the store, and to all who read it meanwhile.
pub(crate) async fn pour(mut filling: Filling, body: OriginBody) {
    let mut body = pin!(body);
    let poured = tokio::time::timeout(FILL_LIMIT, async {
        // A body that says it has ended is not asked again: the entry is there as soon as its last byte is.
        while !body.is_end_stream() {
            let Some(frame) = body.frame().await else { break };
            match frame?.into_data() {
                Ok(data) => filling.push(&data),
                Err(frame) => return Ok(frame.into_trailers().ok()),
            }
            if !wait_for_room(&filling).await {
                return Err(Fault::new(
                    Cause::FillDropped,
                    Blame::Client,
                    "nobody reads it, and nobody else is served by it",
                ));
            }
        }
        Ok(None)
    });
    match poured.await {
        Ok(Ok(trailers)) => drop(filling.finish(trailers)),
        Ok(Err(fault)) => filling.abort(fault),
        Err(_) => {
            let detail = format!("the body took longer than {} s", FILL_LIMIT.as_secs());
            filling.abort(Fault::new(Cause::BodyTimeout, Blame::Origin, detail));
        }
    }
}
