//! Stages *on_origin_request* and *on_origin_response*: the site's functions, on both sides of a fetch from an origin.
//!
//! They run where the origin is asked: behind a shield that answers, an edge runs neither. What they make of a response's
//! head is what is stored. What they decide about storing goes into its fields, so that the rules for storing, and every
//! node that gets the response, read it there.

use http::header::{HeaderValue, VARY};
use http::uri::PathAndQuery;
use http::{HeaderMap, Response, StatusCode};
use seawall_base::{Blame, Cause, Fault};
use seawall_functions::{
    CacheWord, Chain, ClientInfo, Exchange, FetchReason, FunctionError, GuestLog, Hook, Instances,
    LocalResponse, OriginVerdict, RequestVerdict, ResponseHead, StoreEdits, StorePolicy, Vars,
};
use seawall_origin::OriginBody;
use seawall_policy::restate::{self, Override};
use seawall_policy::storing::may_store;
use seawall_policy::targeted::SEAWALL_CACHE_CONTROL;
use seawall_policy::terms::Times;
use seawall_policy::validation::{self, Selects};
use seawall_policy::{RequestView, ResponseView, Rules, Storing, tags};

use crate::context::Context;
use crate::edge::Edge;
use crate::forward::{Inbound, Outbound};
use crate::origin::Origin;
use crate::record;
use crate::settle::{Declined, DeclinedBy, Shaping, Wants};
use crate::site::Site;

/// What functions keep from hook to hook of one fetch.
pub(crate) struct OriginSide {
    /// Absent where no function of the site has an origin-side hook.
    chain: Option<Chain>,
    instances: Instances,
    vars: Vars,
    log: GuestLog,
    client: ClientInfo,
    reason: FetchReason,
    /// What is stored is stored under it: what the site says of storing, it says of this path.
    path: PathAndQuery,
    /// The response may be stored.
    stores: bool,
    /// The origin as the functions left it; set once they were asked.
    origin: Option<Origin>,
    /// Whether the request may be sent once more, to another origin.
    may_retry: bool,
    failure: Option<FunctionError>,
}

/// What the functions say to a request to an origin.
pub(crate) enum OnOriginRequest {
    /// Ask this origin.
    Fetch(Origin),
    /// This is its answer.
    Respond(Box<Inbound>),
}

/// What the functions say to an origin's response.
pub(crate) enum OnOriginResponse {
    /// Go on, with the head as it is now.
    Go,
    /// Ask this origin instead.
    Retry(Origin),
}

impl OriginSide {
    /// For a fetch that may end in a stored response: for everybody, so it has no client.
    pub(crate) fn for_fill(cx: &Context, reason: FetchReason) -> Self {
        let client = ClientInfo { request_id: cx.request_name(), ..ClientInfo::default() };
        Self { stores: true, may_retry: true, ..Self::new(cx, reason, client) }
    }

    /// For a request that goes past the cache. That of a POST may be stored all the same.
    pub(crate) fn for_pass(cx: &Context, may_retry: bool, stores: bool) -> Self {
        Self { stores, may_retry, ..Self::new(cx, FetchReason::Pass, cx.client_info()) }
    }

    fn new(cx: &Context, reason: FetchReason, client: ClientInfo) -> Self {
        let acts = |chain: &&Chain| chain.has(Hook::OnOriginRequest) || chain.has(Hook::OnOriginResponse);
        Self {
            chain: cx.chain.as_ref().filter(acts).cloned(),
            instances: Instances::default(),
            vars: cx.vars(),
            log: GuestLog::default(),
            client,
            reason,
            path: cx.head.path_and_query.clone(),
            stores: false,
            origin: None,
            may_retry: false,
            failure: None,
        }
    }

    /// Runs the functions on a request that is about to be sent to `origin`; once, however often it is sent.
    pub(crate) async fn on_request(
        &mut self,
        edge: &Edge,
        outbound: &mut Outbound,
        origin: &Origin,
    ) -> Result<OnOriginRequest, Fault> {
        let chain = self.chain.as_ref().filter(|chain| chain.has(Hook::OnOriginRequest)).cloned();
        let (Some(chain), None) = (chain, &self.origin) else {
            return Ok(OnOriginRequest::Fetch(self.origin.get_or_insert_with(|| origin.clone()).clone()));
        };
        let mut exchange = self.exchange(outbound);
        exchange.store = Some(StorePolicy::new(self.reason, None, false));
        let (exchange, outcome) = chain.on_origin_request(&mut self.instances, exchange).await;
        let route = exchange.route.clone();
        self.keep(outbound, exchange);
        let verdict = outcome.map_err(|error| self.failed(error))?;
        if let Some(host) = &route.origin_host {
            outbound.ask_for_host(host);
        }
        let chosen = route.origin.as_ref().and_then(|name| edge.origins.get(name)).unwrap_or(origin);
        self.origin = Some(chosen.clone());
        self.instances.release_if_scarce();
        Ok(match verdict {
            RequestVerdict::Next => OnOriginRequest::Fetch(chosen.clone()),
            RequestVerdict::Respond(local) => OnOriginRequest::Respond(Box::new(answer_of(local))),
        })
    }

    /// Runs the functions on the head of an answer: on the stored head brought up to date, where that is what it is for.
    pub(crate) async fn on_response(
        &mut self,
        edge: &Edge,
        site: &Site,
        outbound: &mut Outbound,
        wants: Wants<'_>,
        times: Times,
        inbound: &mut Inbound,
    ) -> Result<OnOriginResponse, Fault> {
        let Some(chain) = self.chain.clone().filter(|_| inbound.shield.is_none()) else {
            return Ok(OnOriginResponse::Go);
        };
        let Some((status, headers, is_merged)) = head(wants, times, &inbound.response) else {
            return Ok(OnOriginResponse::Go);
        };
        if !chain.has(Hook::OnOriginResponse) {
            if self.reason == FetchReason::Pass {
                inbound.shaping.stored = self.stores.then(|| self.signed(&chain, headers));
            } else if !is_merged {
                *inbound.response.headers_mut() = self.signed(&chain, headers);
            }
            inbound.shaping.declined = inbound.shaping.declined.take().or_else(|| replaced(site, &chain));
            return Ok(OnOriginResponse::Go);
        }
        let forbids = restate::forbids(&headers);
        let rules = site.rules_for(self.path.path(), status);
        let ttl = ttl(&rules, outbound, status, &headers, times).filter(|_| self.reason != FetchReason::Pass);
        let mut exchange = self.exchange(outbound);
        exchange.store = Some(StorePolicy::new(self.reason, ttl, forbids.is_some()));
        let cache = if is_merged { CacheWord::Revalidated } else { self.word() };
        exchange.response = Some(ResponseHead { status, headers, cache });
        let (mut exchange, outcome) = chain.on_origin_response(&mut self.instances, exchange).await;
        let shaped = exchange.response.take();
        let edits = exchange.store.take().map(|store| store.edits).unwrap_or_default();
        self.keep(outbound, exchange);
        let verdict = outcome.map_err(|error| self.failed(error))?;
        if let OriginVerdict::Retry(name) = &verdict
            && std::mem::take(&mut self.may_retry)
            && let Some(origin) = edge.origins.get(name)
        {
            return Ok(OnOriginResponse::Retry(origin.clone()));
        }
        let forbids = forbids.filter(|_| !edits.lifts).map(|reason| Declined::by_response(reason.as_str()));
        let declined = forbids.or_else(|| self.declined(&verdict, &edits, is_merged));
        let declined = declined.or(inbound.shaping.declined).or_else(|| replaced(site, &chain));
        let Some(shaped) = shaped else { return Ok(OnOriginResponse::Go) };
        let status = shaped.status;
        let told = (self.reason == FetchReason::Pass).then(|| shaped.headers.clone());
        let stored = self.stores.then(|| {
            let rules = site.rules_for(self.path.path(), status);
            self.signed(&chain, decided(shaped, &rules, times, &edits))
        });
        inbound.shaping = Shaping { stored, declined };
        if is_merged {
            return Ok(OnOriginResponse::Go);
        }
        *inbound.response.status_mut() = status;
        // What a fill brings is given to everybody as it is stored.
        if let Some(headers) = told.or_else(|| inbound.shaping.stored.take()) {
            *inbound.response.headers_mut() = headers;
        }
        Ok(OnOriginResponse::Go)
    }

    /// What the functions said for the operator, and where one failed.
    pub(crate) fn tell(&mut self, edge: &Edge) {
        let log = std::mem::take(&mut self.log);
        record::fetch(edge, &self.client.request_id, &log, self.failure.take().as_ref());
    }

    fn exchange(&mut self, outbound: &mut Outbound) -> Exchange {
        let mut exchange = Exchange::new(outbound.take_head(), self.client.clone());
        exchange.vars = std::mem::take(&mut self.vars);
        exchange.log = std::mem::take(&mut self.log);
        exchange.trace = outbound.trace().cloned();
        exchange
    }

    fn keep(&mut self, outbound: &mut Outbound, exchange: Exchange) {
        outbound.give_head(exchange.request);
        self.vars = exchange.vars;
        self.log = exchange.log;
        self.failure = self.failure.take().or(exchange.tolerated);
    }

    fn failed(&mut self, error: FunctionError) -> Fault {
        let fault = Fault::new(Cause::Function, Blame::Function, format!("{error}: {}", error.detail))
            .code(error.code());
        self.failure = Some(error);
        fault
    }

    fn word(&self) -> CacheWord {
        if self.reason == FetchReason::Pass { CacheWord::Pass } else { CacheWord::Miss }
    }

    fn declined(&self, verdict: &OriginVerdict, edits: &StoreEdits, is_merged: bool) -> Option<Declined> {
        if *verdict != OriginVerdict::Store {
            // What is stored is good, and only could not be renewed.
            let failed = self.failure.is_some();
            let by = if failed && is_merged { DeclinedBy::Request } else { DeclinedBy::Response };
            let reason = if failed { "function-failed" } else { "function-deliver-only" };
            return Some(Declined { by, ..Declined::by_response(reason) });
        }
        let rest = edits.hit_for_miss?;
        Some(Declined { marked_for: Some(rest), ..Declined::by_response("function-hit-for-miss") })
    }

    /// Names the versions that had a hand in it, so that what a bad one stored can be purged.
    fn signed(&self, chain: &Chain, mut headers: HeaderMap) -> HeaderMap {
        let origin_side = chain
            .functions()
            .iter()
            .filter(|f| f.has(Hook::OnOriginRequest) || f.has(Hook::OnOriginResponse));
        let signed: Vec<&str> = origin_side.map(|function| function.tag()).collect();
        append_tags(&mut headers, &signed.join(" "));
        headers
    }
}

/// The head that functions see: what came, or what is stored brought up to date by it. `None` where the answer is of no
/// use and something else will be asked.
fn head(
    wants: Wants<'_>,
    times: Times,
    response: &Response<OriginBody>,
) -> Option<(StatusCode, HeaderMap, bool)> {
    let (status, headers) = (response.status(), response.headers());
    let stored = match (wants, status) {
        (Wants::Validation(prior), StatusCode::NOT_MODIFIED) => prior,
        (Wants::Rest(part), StatusCode::PARTIAL_CONTENT) => part,
        (Wants::Validation(_), StatusCode::PARTIAL_CONTENT) => return None,
        (Wants::Rest(_), status) if !status.is_success() => return None,
        (_, StatusCode::NOT_MODIFIED) => return None,
        _ => return Some((status, headers.clone(), false)),
    };
    if validation::selects(&stored.head.headers, headers) == Selects::Other {
        return None;
    }
    // A lifetime that functions gave it before must not outlive what the origin says now.
    let mut before = stored.head.headers.clone();
    before.remove(SEAWALL_CACHE_CONTROL);
    Some((stored.head.status, validation::freshen(&before, headers, times.received_at), true))
}

/// How long a response would be fresh, if it may be stored at all.
fn ttl(
    rules: &Rules,
    outbound: &Outbound,
    status: StatusCode,
    headers: &HeaderMap,
    times: Times,
) -> Option<std::time::Duration> {
    let request = RequestView { method: &http::Method::GET, headers: outbound.headers(), target: None };
    match may_store(&request, &ResponseView { status, headers, times }, rules) {
        Storing::Store(terms) => Some(terms.fresh_for(times.received_at)),
        Storing::Decline(_) => None,
    }
}

/// Another version was activated since this fetch began. What the old one shaped is not stored: a purge of its tag comes
/// after the activation in the log, so without this a fetch that is younger than both could bring it back.
fn replaced(site: &Site, chain: &Chain) -> Option<Declined> {
    let same = site.chain().is_some_and(|now| now.is(chain));
    (!same).then(|| Declined::by_request("function-replaced"))
}

/// Puts what functions decided about storing into the fields.
fn decided(shaped: ResponseHead, rules: &Rules, times: Times, edits: &StoreEdits) -> HeaderMap {
    let ResponseHead { status, mut headers, .. } = shaped;
    let said = Override {
        ttl: edits.ttl,
        stale_while_revalidate: edits.stale_while_revalidate,
        stale_if_error: edits.stale_if_error,
        lifts: edits.lifts,
    };
    restate::restate(status, &mut headers, times, rules, &said);
    append_tags(&mut headers, &edits.tags.join(" "));
    if let Some(names) = &edits.vary {
        let names: Vec<&str> = names.iter().map(http::HeaderName::as_str).collect();
        headers.remove(VARY);
        if let Ok(value) = HeaderValue::try_from(names.join(", "))
            && !value.is_empty()
        {
            headers.insert(VARY, value);
        }
    }
    headers
}

/// Tags are fields, so that a shield hands them on to the edges. What a revalidation brings again is not added twice.
pub(crate) fn append_tags(headers: &mut HeaderMap, tags: &str) {
    if tags.is_empty() || headers.get_all(tags::SURROGATE_KEY).iter().any(|known| known == tags) {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(tags) {
        headers.append(tags::SURROGATE_KEY, value);
    }
}

fn answer_of(local: LocalResponse) -> Inbound {
    let mut response = Response::new(OriginBody::whole(local.body));
    *response.status_mut() = local.status;
    *response.headers_mut() = local.headers;
    Inbound::new(response)
}
