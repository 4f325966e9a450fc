//! The fill lane: route → on_origin_request → forward → fetch → on_origin_response → settle.
//!
//! Miss, revalidation and background refresh are the same fill. It runs in a task of its own: a client that leaves
//! never ends a fill that others follow, or that will be stored.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, TRAILER};
use http::uri::PathAndQuery;
use http::{HeaderMap, Response, StatusCode};
use seawall_base::trace::Span;
use seawall_base::{Blame, Cause, Fault};
use seawall_cache::{Entry, Followed, Key, Lead, Release};
use seawall_functions::FetchReason;
use seawall_origin::{OriginBody, Outgoing};
use seawall_policy::partial::Rest;
use seawall_policy::terms::Times;
use seawall_policy::{RequestDirectives, Validators};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::edge::Edge;
use crate::forward::{Inbound, Outbound};
use crate::interim::{self, Turn};
use crate::origin::Origin;
use crate::origin_side::{OnOriginRequest, OnOriginResponse, OriginSide};
use crate::route::{self, Route};
use crate::settle::{self, Asked, Declined, DeclinedBy, Settlement, Shaping, Wants};
use crate::site::Site;
use crate::trace;

mod pour;

pub(crate) use pour::pour;

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
    /// What is stored is stored under it, whatever functions ask the origin for.
    path: PathAndQuery,
    outbound: Outbound,
    /// The request's fields as functions left them: those that `Vary` and the rules for storing speak of. What is sent on
    /// has others, of this node's own.
    headers: HeaderMap,
    route: Route,
    functions: OriginSide,
    directives: RequestDirectives,
    /// Ends with the fill, its body included.
    trace: Option<Span>,
}

impl Job {
    fn new(
        edge: &Arc<Edge>,
        cx: &Context,
        key: Key,
        lead: &Lead,
        why: FetchReason,
        turn: Option<&Turn>,
    ) -> Self {
        let trace = trace::of_fill(cx, why);
        Self {
            edge: Arc::clone(edge),
            site: Arc::clone(&cx.site),
            origin: cx.origin(),
            path: cx.head.path_and_query.clone(),
            outbound: Outbound::for_fill(edge, cx, lead.position()).telling(turn).part_of(trace.as_ref()),
            headers: cx.head.headers.clone(),
            route: route::choose(edge, cx, key),
            functions: OriginSide::for_fill(cx, why),
            directives: cx.directives,
            trace,
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
    let job = Job::new(edge, cx, key, &lead, FetchReason::Background, None);
    drop(tokio::spawn(run(job, lead, None)));
}

/// Fills, and waits for what its own client is to be sent.
pub(crate) async fn lead(edge: &Arc<Edge>, cx: &Context, key: Key, lead: Lead) -> Result<Led, Fault> {
    let turn = cx.turn();
    let why = lead.prior().map_or(FetchReason::Miss, |_| FetchReason::Revalidate);
    let job = Job::new(edge, cx, key, &lead, why, turn.as_ref());
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
    let (mut times, mut answer) = fetch(&mut job, wants).await;
    let mut verdict = judged(&job, &lead, wants, times, &answer);
    let rest_failed = matches!(wants, Wants::Rest(_)) && answer.is_err();
    if rest_failed || (matches!(verdict, Some(Settlement::AskAnew)) && wants.is_conditional()) {
        if matches!(wants, Wants::Rest(_)) {
            // Whatever kept it from being completed would keep the next request from it as well.
            lead.forget_prior();
        }
        job.outbound.ask_anew();
        (times, answer) = fetch(&mut job, Wants::Whole).await;
        verdict = judged(&job, &lead, Wants::Whole, times, &answer);
    }
    job.functions.tell(&job.edge);
    if let (Some(span), Err(fault)) = (&mut job.trace, &answer) {
        span.fail(&*fault.detail);
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
        path: job.path.path(),
        headers: &job.headers,
        directives: &job.directives,
        wants,
        times,
        // What a shield kept is as old as its own fill, whatever this node's log says.
        position: inbound.shield.map_or(lead.position(), |shield| shield.position.min(lead.position())),
        stale_at_shield: inbound.shield.is_some_and(|shield| shield.stale),
        shaping: &inbound.shaping,
    };
    settle::of_response(&asked, inbound.response.status(), inbound.response.headers())
}

/// Asks for an answer, and has functions look at it; once more, if they want another origin's.
async fn fetch(job: &mut Job, wants: Wants<'_>) -> (Times, Result<Inbound, Fault>) {
    let mut instead = None;
    loop {
        let requested_at = job.edge.clock.now();
        let answer = ask(job, instead.take()).await;
        let times = Times { requested_at, received_at: job.edge.clock.now() };
        let mut inbound = match answer {
            Ok(inbound) => inbound,
            Err(fault) => return (times, Err(fault)),
        };
        inbound.clean(&job.edge);
        let Job { edge, site, outbound, functions, .. } = job;
        match functions.on_response(edge, site, outbound, wants, times, &mut inbound).await {
            Ok(OnOriginResponse::Go) => return (times, Ok(inbound)),
            Ok(OnOriginResponse::Retry(origin)) => instead = Some(origin),
            Err(fault) => return (times, Err(fault)),
        }
    }
}

/// Asks the shield, or else the origin; or what functions choose instead of it.
async fn ask(job: &mut Job, instead: Option<Origin>) -> Result<Inbound, Fault> {
    let Job { edge, outbound, route, functions, .. } = job;
    if instead.is_none()
        && let Some(answer) = outbound.ask_shields(edge, route).await
    {
        return answer;
    }
    let origin = match instead {
        Some(origin) => origin,
        None => match functions.on_request(edge, outbound, route.origin()).await? {
            OnOriginRequest::Fetch(origin) => origin,
            OnOriginRequest::Respond(inbound) => return Ok(*inbound),
        },
    };
    outbound.ask_origin(edge, &origin, Outgoing::empty()).await
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
    let asked = Asked {
        site: &job.site,
        origin: &job.origin,
        path: job.path.path(),
        headers,
        directives: &job.directives,
        wants: prior.map_or(Wants::Whole, Wants::Validation),
        times,
        position,
        stale_at_shield: false,
        shaping: &Shaping::NONE,
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
    job.edge.metrics.not_stored(declined.reason);
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
            lead.decline(job.edge.clock.now(), declined.marked_for);
        }
    }
}

/// The client may have left; then nobody is told.
fn say(tell: Option<oneshot::Sender<News>>, news: News) {
    if let Some(tell) = tell {
        let _ = tell.send(news);
    }
}
