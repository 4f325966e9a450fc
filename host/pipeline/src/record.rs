//! The one file that writes a request's log line and counts it (invariant 5).

use http::{Response, StatusCode};
use seawall_base::Fault;
use seawall_functions::{FunctionError, GuestLog, Line};

use crate::context::{Context, Told, Way};
use crate::edge::Edge;
use crate::reply::Reply;

/// Which requests write a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// None.
    Off,
    /// Those that ended in a fault, or whose function failed.
    #[default]
    Errors,
    /// Every one.
    All,
}

/// Counts the request and writes its line, and what its functions said.
pub(crate) fn end(
    edge: &Edge,
    cx: Option<&Context>,
    told: &Told,
    response: &Response<Reply>,
    said: Option<&GuestLog>,
) {
    edge.metrics.count(told.way);
    if let Some(fault) = &told.fault {
        edge.metrics.count_fault(fault);
    }
    let failed = told.fault.is_some() || cx.is_some_and(Context::function_failed);
    match edge.access_log {
        AccessLog::Off => {}
        AccessLog::Errors if !failed => {}
        AccessLog::Errors | AccessLog::All => line(edge, cx, told, response.status(), said),
    }
    if let Some(said) = said {
        guests(edge, cx.and_then(Context::request_id), said);
    }
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

fn line(edge: &Edge, cx: Option<&Context>, told: &Told, status: StatusCode, said: Option<&GuestLog>) {
    let elapsed_us = edge.clock.ticks().saturating_sub(told.started).as_micros() as u64;
    let (method, host, path, site) = cx.map_or(("", "", "", ""), |cx| {
        let head = &cx.head;
        (head.method.as_str(), head.authority.as_str(), head.path_and_query.as_str(), cx.site.name.as_str())
    });
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
