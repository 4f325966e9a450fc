//! The spans of a request, and the fields that carry its trace (W3C Trace Context): from a client or another node, and on
//! to functions, the shield and the origin.
//!
//! Without a tracer nothing is read or written here: a `traceparent` goes through like any other field. With one, that of a
//! request that is not sampled does so too.

use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use seawall_base::trace::{Given, Kind, Parent, Span, Tracer};
use seawall_cache::Claim;
use seawall_functions::FetchReason;

use crate::context::{Context, Told};
use crate::record::AccessLog;

/// Where a message's sender stands (§3.2).
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What systems on the way add to it (§3.3). Handed on with the trace that it came with, and with no other.
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Begins the span of a client's request, if it is sampled, and puts it in the place of what the client said: functions,
/// and all that is asked, see that.
pub(crate) fn of_client(tracer: &Tracer, headers: &mut HeaderMap) -> Option<Box<Span>> {
    let span = tracer.of_client("request", || read(headers))?;
    // It speaks of the client's trace, which is only continued where clients are trusted.
    if read(headers).is_none_or(|given| given.place.trace != span.parent().place().trace) {
        headers.remove(TRACESTATE);
    }
    put(headers, span.parent());
    Some(Box::new(span))
}

/// The same of another node's request, which is believed.
pub(crate) fn of_peer(tracer: &Tracer, headers: &mut HeaderMap) -> Option<Box<Span>> {
    let span = tracer.of_peer("request", read(headers))?;
    put(headers, span.parent());
    Some(Box::new(span))
}

/// Hands a span on.
pub(crate) fn put(headers: &mut HeaderMap, parent: &Parent) {
    if let Ok(value) = HeaderValue::try_from(parent.place().traceparent()) {
        headers.insert(TRACEPARENT, value);
    }
}

fn read(headers: &HeaderMap) -> Option<Given> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let value = values.next()?;
    // Two are none (§4.3).
    values.next().is_none().then(|| Given::parse(value.as_bytes())).flatten()
}

/// A span within a request's, where that is sampled.
pub(crate) fn within(cx: &Context, name: &'static str, kind: Kind) -> Option<Span> {
    cx.trace.as_ref().map(|span| span.parent().child(name, kind))
}

/// The span of a claim, which lasts for as long as the request waits for another's fill.
pub(crate) fn of_claim(cx: &Context, claim: &Claim) -> Option<Span> {
    let mut span = within(cx, "claim", Kind::Internal)?;
    let outcome = match claim {
        Claim::Fresh(..) => "fresh",
        Claim::Stale(..) => "stale",
        Claim::Lead(_) => "lead",
        Claim::Follow(_) => "follow",
        Claim::OnlyIfCached => "only-if-cached",
    };
    span.note("seawall.claim", outcome);
    Some(span)
}

/// The span of a fill, which lasts until its body is whole.
pub(crate) fn of_fill(cx: &Context, why: FetchReason) -> Option<Span> {
    let mut span = within(cx, "fill", Kind::Internal)?;
    let reason = match why {
        FetchReason::Miss => "miss",
        FetchReason::Revalidate => "revalidate",
        FetchReason::Background => "background",
        FetchReason::Pass => "pass",
    };
    span.note("seawall.reason", reason);
    Some(span)
}

/// The span of a handler that answers in an origin's place, up to the head, where its request is sampled.
pub(crate) fn of_handler<B>(request: &mut Request<B>, name: &str) -> Option<Span> {
    let mut span = request.extensions_mut().remove::<Parent>()?.child("handler", Kind::Internal);
    span.note("seawall.function", name);
    put(request.headers_mut(), span.parent());
    Some(span)
}

/// Tells of the request what its line in the log does, and ends its span.
pub(crate) fn end(log: &AccessLog, cx: &mut Context, told: &Told, status: StatusCode) {
    let Some(mut span) = cx.trace.take() else { return };
    let head = &cx.head;
    span.note("http.request.method", head.method.as_str());
    span.note("url.scheme", head.scheme.as_str());
    span.note("server.address", head.authority.as_str());
    span.note("url.path", head.path_and_query.path());
    if let Some(query) = head.path_and_query.query().filter(|_| !log.omits_query) {
        span.note("url.query", query);
    }
    if let Some(client) = told.client {
        span.note("client.address", client.to_string());
    }
    span.note("http.response.status_code", status.as_u16());
    span.note("seawall.site", cx.site.name.as_str());
    span.note("seawall.way", told.way.as_str());
    if let Some(detail) = told.detail {
        span.note("seawall.detail", detail);
    }
    if let Some(fault) = &told.fault {
        span.note("error.type", fault.cause.as_str());
        span.fail(&*fault.detail);
    }
}
