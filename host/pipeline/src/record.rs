//! The one file that writes a request's log line and counts it (invariant 5).

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Response, StatusCode};
use seawall_base::Fault;
use seawall_functions::{FunctionError, GuestLog, Line};

use crate::context::{Context, Told, Way};
use crate::edge::Edge;
use crate::reply::Reply;
use access::Entry;

mod access;

pub(crate) use access::Pending;
pub use access::{AccessLog, FIELDS, Lines, Which};

/// One request at its end, as it is told to a [`Trace`].
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Its name, where functions know it by one.
    pub request: Option<&'a str>,
    /// Its method, host, and path with the query, as functions left them; empty where it was not taken at all.
    pub target: (&'a str, &'a str, &'a str),
    /// The response's status.
    pub status: StatusCode,
    /// The response's fields.
    pub headers: &'a HeaderMap,
    /// Which way it went.
    pub way: Way,
    /// Why.
    pub detail: Option<&'static str>,
    /// What went wrong.
    pub fault: Option<&'a Fault>,
    /// From the request's head to the response's.
    pub elapsed: Duration,
}

/// Who is told of every request, besides the log. It is told on the request's thread, and must not make it wait.
pub trait Trace: Send + Sync {
    /// A response has its head.
    fn ended(&self, ended: &Ended<'_>);
}

/// Counts the request and writes its line, and what its functions said.
pub(crate) fn end(
    edge: &Edge,
    cx: Option<&Context>,
    told: &Told,
    response: &mut Response<Reply>,
    said: Option<&GuestLog>,
) {
    edge.metrics.count(told.way);
    if let Some(fault) = &told.fault {
        edge.metrics.count_fault(fault);
    }
    let failed = told.fault.is_some() || cx.is_some_and(Context::function_failed);
    if let (Some(left), Some(cx)) = (told.stale_left, cx) {
        edge.metrics.stale_left.note(&cx.site.name, left, edge.clock.ticks());
    }
    if edge.access_log.takes(failed) {
        match &edge.access_log.to {
            None => line(edge, cx, told, response.status(), said),
            Some(to) => {
                let pending = json(edge, cx, told, response.status(), said, to);
                response.body_mut().note_end(pending);
            }
        }
    }
    if let Some(said) = said {
        guests(edge, cx.and_then(Context::request_id), said);
    }
    if let Some(trace) = &edge.trace {
        trace.ended(&Ended {
            request: cx.and_then(Context::request_id),
            target: cx.map_or(("", "", ""), target),
            status: response.status(),
            headers: response.headers(),
            way: told.way,
            detail: told.detail,
            fault: told.fault.as_ref(),
            elapsed: edge.clock.ticks().saturating_sub(told.started),
        });
    }
}

fn target(cx: &Context) -> (&str, &str, &str) {
    let head = &cx.head;
    (head.method.as_str(), head.authority.as_str(), head.path_and_query.as_str())
}

/// What functions said of a fetch, which has no line of its own: `request` began it.
pub(crate) fn fetch(edge: &Edge, request: &str, said: &GuestLog, failure: Option<&FunctionError>) {
    let request = Some(request).filter(|name| !name.is_empty());
    if let Some(error) = failure {
        tracing::warn!(
            target: "function",
            function = %error.function, hook = error.hook.as_str(), code = error.code(), request,
            "{error}: {}", error.detail
        );
    }
    for (name, value) in &said.fields {
        tracing::info!(target: "function", request, name, ?value, "field");
    }
    guests(edge, request, said);
}

/// What functions wrote, a line each, and what they counted.
fn guests(edge: &Edge, request: Option<&str>, said: &GuestLog) {
    for Line { function, hook, level, text } in &said.lines {
        tracing::info!(
            target: "function",
            %function, hook = hook.as_str(), level = level.as_str(), request, "{text}"
        );
    }
    for (function, name, delta) in &said.counts {
        edge.metrics.count_for_guest(function, name, *delta);
    }
    if said.dropped > 0 {
        tracing::info!(target: "function", request, dropped = said.dropped, "lines, fields or counters over the limit");
    }
}

/// The line as JSON, as far as it is known before the body is sent.
fn json(
    edge: &Edge,
    cx: Option<&Context>,
    told: &Told,
    status: StatusCode,
    said: Option<&GuestLog>,
    to: &Arc<dyn Lines>,
) -> Option<Pending> {
    let head = cx.map(|cx| &cx.head);
    let fault = told.fault.as_ref();
    let function = cx.and_then(Context::function_failure);
    let fields = said.map(|said| said.fields.as_slice()).unwrap_or_default();
    let entry = Entry {
        time: access::rfc3339(cx.map_or_else(|| edge.clock.now(), |cx| cx.now)),
        node: edge.name.as_str(),
        site: cx.map(|cx| cx.site.name.as_str()),
        method: head.map(|head| head.method.as_str()),
        scheme: head.map(|head| head.scheme.as_str()),
        host: head.map(|head| head.authority.as_str()),
        path: head.map(|head| edge.access_log.path(head.path_and_query.as_str())),
        protocol: cx.map(|cx| access::protocol(cx.version)),
        client: told.client,
        peer: cx.is_some_and(|cx| cx.peer.is_some()),
        status: status.as_u16(),
        way: told.way.as_str(),
        detail: told.detail,
        stale_left_s: told.stale_left.map(|left| left.as_secs()),
        cause: fault.map(|fault| fault.cause.as_str()),
        blame: fault.map(|fault| fault.blame.as_str()),
        error: fault.map(|fault| fault.detail.as_ref()),
        function: function.as_deref(),
        fields: fields.iter().map(|(name, value)| (name.as_ref(), value.as_str())).collect(),
        request: cx.and_then(Context::request_id),
        trace: cx.and_then(|cx| cx.trace.as_ref()).map(|span| span.parent().place().trace_hex()),
        elapsed_us: access::micros(edge.clock.ticks().saturating_sub(told.started)),
    };
    Pending::new(&entry, Arc::clone(to), edge.clock.clone(), told.started)
}

/// The line in the process's log, where every line is for people.
fn line(edge: &Edge, cx: Option<&Context>, told: &Told, status: StatusCode, said: Option<&GuestLog>) {
    let elapsed_us = edge.clock.ticks().saturating_sub(told.started).as_micros() as u64;
    let (method, host, path) = cx.map_or(("", "", ""), target);
    let site = cx.map_or("", |cx| cx.site.name.as_str());
    let path = edge.access_log.path(path);
    let cause = told.fault.as_ref().map(|fault| fault.cause.as_str());
    let blame = told.fault.as_ref().map(|fault| fault.blame.as_str());
    let error = told.fault.as_ref().map(|fault: &Fault| fault.detail.as_ref());
    let function = cx.and_then(Context::function_failure);
    let request = cx.and_then(Context::request_id);
    let fields = said.filter(|said| !said.fields.is_empty()).map(|said| {
        let fields = said.fields.iter().map(|(name, value)| format!("{name}={value:?}"));
        fields.collect::<Vec<_>>().join(" ")
    });
    macro_rules! write {
        ($level:ident) => {
            tracing::$level!(
                target: "access",
                node = %edge.name, site, method, host, path, status = status.as_u16(), way = told.way.as_str(),
                detail = told.detail, cause, blame, error, function = function.as_deref(), fields = fields.as_deref(),
                request, elapsed_us,
                peer = cx.is_some_and(|cx| cx.peer.is_some()),
                "request"
            )
        };
    }
    if told.way == Way::Fault || function.is_some() { write!(warn) } else { write!(info) }
}
