//! Stages *on_request* and *on_response*: the site's functions, at both ends of the client lane.
//!
//! What a failure does is for the operator to say. By default, a function that fails on the way in ends its own request
//! (503), and one that fails on the way out leaves the response as it was. Either is told in the request's log line, and
//! nothing else is touched.

use std::sync::Arc;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Response};
use seawall_base::trace::Span;
use seawall_base::{Blame, Cause, Fault};
use seawall_functions::{
    CacheWord, ClientInfo, Exchange, FunctionError, GuestLog, Hook, Instances, RequestHead, RequestVerdict,
    ResponseHead, Vars,
};

use crate::context::{Connection, Context, Way};
use crate::edge::Edge;
use crate::reply::Reply;

/// What functions keep from hook to hook of one request.
pub(crate) struct FunctionSide {
    instances: Instances,
    vars: Vars,
    log: GuestLog,
    client: ClientInfo,
    failure: Option<FunctionError>,
}

/// What the functions say to a request.
pub(crate) enum OnRequest {
    /// Go on.
    Next,
    /// Answer with this.
    Respond(Box<Response<Reply>>),
}

/// Runs the site's functions on a client's request.
pub(crate) async fn on_request(
    edge: &Edge,
    cx: &mut Context,
    connection: &Connection,
) -> Result<OnRequest, Fault> {
    let client = ClientInfo {
        ip: cx.client.ip,
        request_id: edge.next_request_id(),
        http_version: Some(cx.version),
        tls_version: connection.tls_version,
    };
    let mut side = FunctionSide {
        instances: Instances::default(),
        vars: Vars::default(),
        log: GuestLog::default(),
        client,
        failure: None,
    };
    let Some(chain) = cx.chain.clone().filter(|chain| chain.has(Hook::OnRequest)) else {
        cx.functions = Some(Box::new(side));
        return Ok(OnRequest::Next);
    };
    let exchange =
        side.exchange(take(&mut cx.head), std::mem::take(&mut cx.edits), None, cx.trace.as_deref());
    let (exchange, outcome) = chain.on_request(&mut side.instances, exchange).await;
    side.keep(cx, exchange);
    let verdict = outcome.map_err(|error| side.failed(error));
    cx.functions = Some(Box::new(side));
    // A function may have changed what the client asked for.
    cx.reread();
    match verdict? {
        RequestVerdict::Next => Ok(OnRequest::Next),
        RequestVerdict::Respond(local) => {
            let mut response = Response::new(Reply::whole(local.body));
            *response.status_mut() = local.status;
            *response.headers_mut() = local.headers;
            Ok(OnRequest::Respond(Box::new(response)))
        }
    }
}

/// Runs the site's functions on the response to a client.
pub(crate) async fn on_response(
    cx: &mut Context,
    way: Way,
    response: Response<Reply>,
) -> Result<Response<Reply>, Fault> {
    let Some(chain) = cx.chain.clone().filter(|chain| chain.has(Hook::OnResponse)) else {
        return Ok(response);
    };
    let Some(mut side) = cx.functions.take() else {
        return Ok(response);
    };
    let (mut parts, body) = response.into_parts();
    let head =
        ResponseHead { status: parts.status, headers: std::mem::take(&mut parts.headers), cache: word(way) };
    let exchange =
        side.exchange(take(&mut cx.head), std::mem::take(&mut cx.edits), Some(head), cx.trace.as_deref());
    let (mut exchange, outcome) = chain.on_response(&mut side.instances, exchange).await;
    if let Some(head) = exchange.response.take() {
        parts.status = head.status;
        parts.headers = head.headers;
    }
    side.keep(cx, exchange);
    let outcome = outcome.map_err(|error| side.failed(error));
    cx.functions = Some(side);
    outcome.map(|()| Response::from_parts(parts, body))
}

impl FunctionSide {
    fn exchange(
        &mut self,
        request: RequestHead,
        route: seawall_functions::RouteEdits,
        response: Option<ResponseHead>,
        trace: Option<&Span>,
    ) -> Exchange {
        let mut exchange = Exchange::new(request, self.client.clone());
        exchange.route = route;
        exchange.response = response;
        exchange.vars = std::mem::take(&mut self.vars);
        exchange.log = std::mem::take(&mut self.log);
        exchange.trace = trace.map(|span| span.parent().clone());
        exchange
    }

    fn keep(&mut self, cx: &mut Context, exchange: Exchange) {
        cx.head = exchange.request;
        cx.edits = exchange.route;
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
}

impl Context {
    /// Before a wait for an origin: instances that others need are given up.
    pub(crate) fn release_instances(&mut self) {
        if let Some(side) = &mut self.functions {
            side.instances.release_if_scarce();
        }
    }

    /// Whether a function failed on this request.
    pub(crate) fn function_failed(&self) -> bool {
        self.functions.as_ref().is_some_and(|side| side.failure.is_some())
    }

    /// How, for the log.
    pub(crate) fn function_failure(&self) -> Option<String> {
        let error = self.functions.as_ref()?.failure.as_ref()?;
        Some(format!("{error}: {}", error.detail))
    }

    /// What the functions said for the operator; asked once, at the end.
    pub(crate) fn take_guest_log(&mut self) -> Option<GuestLog> {
        self.functions.as_mut().map(|side| std::mem::take(&mut side.log))
    }

    /// What functions noted so far, for those on the origin's side.
    pub(crate) fn vars(&self) -> Vars {
        self.functions.as_ref().map(|side| side.vars.clone()).unwrap_or_default()
    }

    /// Who asks, where functions were told.
    pub(crate) fn client_info(&self) -> ClientInfo {
        self.functions.as_ref().map(|side| side.client.clone()).unwrap_or_default()
    }

    /// The request's name, for a fetch that it begins.
    pub(crate) fn request_name(&self) -> Arc<str> {
        self.functions.as_ref().map(|side| Arc::clone(&side.client.request_id)).unwrap_or_default()
    }

    /// The request's name, where functions know it by one.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.functions.as_ref().map(|side| side.client.request_id.as_ref())
    }
}

fn word(way: Way) -> CacheWord {
    match way {
        Way::Hit => CacheWord::Hit,
        Way::Stale => CacheWord::Stale,
        Way::Miss | Way::Collapsed => CacheWord::Miss,
        Way::Revalidated => CacheWord::Revalidated,
        Way::Pass => CacheWord::Pass,
        Way::Local | Way::Fault => CacheWord::Local,
    }
}

/// Takes the head out of a context for the time of a call; every call gives it back.
fn take(head: &mut RequestHead) -> RequestHead {
    let nothing = RequestHead {
        method: Method::GET,
        scheme: Scheme::HTTP,
        authority: Authority::from_static("taken.invalid"),
        path_and_query: PathAndQuery::from_static("/"),
        headers: HeaderMap::new(),
    };
    std::mem::replace(head, nothing)
}
