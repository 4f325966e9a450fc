//! Stage *deliver*: the response to this client, from what is stored or being filled.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AGE, CONTENT_LENGTH, HeaderValue};
use http::response::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body::Body;
use seawall_cache::{Draft, Entry, FillBody};
use seawall_cluster::peer::PeerAnswer;
use seawall_origin::OriginBody;
use seawall_policy::cache_status::CACHE_STATUS;
use seawall_policy::conditional::{self, Precondition};
use seawall_policy::{CacheStatus, fields};

use crate::context::Context;
use crate::edge::Edge;
use crate::reply::Reply;

mod ranges;

use ranges::Wanted;

/// What is delivered.
pub(crate) enum Source {
    /// A stored response, not asked about for this request.
    Stored(Arc<Entry>),
    /// A stored response that was validated for this request.
    Validated(Arc<Entry>),
    /// A response whose body is on its way.
    Filling(Arc<Draft>, FillBody),
}

/// What came of it.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are `Send`, and a box would cost a hit an allocation"
)]
pub(crate) enum Delivery {
    /// Send this.
    Send(Response<Reply>),
    /// The client's conditions are for the origin to judge.
    AskOrigin,
}

impl Source {
    pub(crate) fn head(&self) -> &Draft {
        match self {
            Self::Stored(entry) | Self::Validated(entry) => &entry.head,
            Self::Filling(draft, _) => draft,
        }
    }

    pub(crate) fn length(&self) -> Option<u64> {
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

/// The response to this client.
pub(crate) fn to_client(edge: &Edge, cx: &Context, source: Source, status: CacheStatus<'_>) -> Delivery {
    let head = source.head();
    match judged(cx, head.status, &head.headers, head.terms.received_at()) {
        Precondition::Proceed => {}
        Precondition::NotModified => return Delivery::Send(not_modified(edge, cx, &source, status)),
        Precondition::AskOrigin => return Delivery::AskOrigin,
    }
    let wanted = ranges::wanted(cx, &source);
    let mut response = whole(edge, cx, &source, status);
    match wanted {
        Wanted::Whole if cx.head.method == Method::HEAD => {
            if let Some(length) = source.length() {
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
        }
        Wanted::Whole => *response.body_mut() = source.into_body(),
        Wanted::Span(span, within) => {
            ranges::span(&mut response, span, within.complete);
            let start = within.span.first;
            let body = source.into_body();
            *response.body_mut() = body.range(span.first - start, span.last - start);
        }
        Wanted::Several(several) => ranges::several(&mut response, several),
        Wanted::Nothing(complete) => ranges::unsatisfiable(&mut response, complete),
    }
    Delivery::Send(response)
}

/// A response that is not kept. The fetch was one for everybody, so the client's conditions are judged by what came: only
/// where they were sent on has the origin judged them already.
pub(crate) fn declined(
    edge: &Edge,
    cx: &Context,
    response: Response<OriginBody>,
    status: CacheStatus<'_>,
) -> Delivery {
    let (mut parts, body) = response.into_parts();
    let mut reply = Reply::origin(body);
    match judged(cx, parts.status, &parts.headers, edge.clock.now()) {
        Precondition::Proceed => {}
        Precondition::AskOrigin => return Delivery::AskOrigin,
        Precondition::NotModified => {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers = conditional::not_modified_headers(&parts.headers);
            reply = Reply::empty();
        }
    }
    Delivery::Send(hand_on(parts, reply, &status))
}

/// What another's response becomes on its way to a client.
pub(crate) fn hand_on(mut parts: Parts, reply: Reply, status: &CacheStatus<'_>) -> Response<Reply> {
    say(&mut parts.headers, status);
    parts.version = http::Version::default();
    parts.extensions = http::Extensions::new();
    Response::from_parts(parts, reply)
}

/// What the client's conditions, if it has any, come to for a response.
fn judged(cx: &Context, status: StatusCode, headers: &HeaderMap, received_at: SystemTime) -> Precondition {
    if !cx.glance.conditions() {
        return Precondition::Proceed;
    }
    conditional::evaluate(&cx.head.method, &cx.head.headers, status, headers, received_at)
}

fn whole(edge: &Edge, cx: &Context, source: &Source, status: CacheStatus<'_>) -> Response<Reply> {
    let head = source.head();
    let mut response = Response::new(Reply::empty());
    *response.status_mut() = head.status;
    if let Source::Stored(entry) = source
        && status.is_plain_hit()
        && cx.peer.is_none()
    {
        let age = head.terms.age(cx.now).as_secs();
        *response.headers_mut() = entry.rendered_at(age, || {
            let mut headers = head.headers.clone();
            stamp(&mut headers, head, Some(age), &status, true);
            headers
        });
        return response;
    }
    *response.headers_mut() = head.headers.clone();
    finish(edge, cx, source, status, &mut response);
    response
}

fn not_modified(edge: &Edge, cx: &Context, source: &Source, status: CacheStatus<'_>) -> Response<Reply> {
    let mut response = Response::new(Reply::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.headers_mut() = conditional::not_modified_headers(&source.head().headers);
    finish(edge, cx, source, status, &mut response);
    response
}

/// What depends on the moment.
fn finish(
    edge: &Edge,
    cx: &Context,
    source: &Source,
    status: CacheStatus<'_>,
    response: &mut Response<Reply>,
) {
    let head = source.head();
    let age = match source {
        Source::Stored(_) => Some(head.terms.age(cx.now).as_secs()),
        // `Age` says that the origin was not asked for this request (RFC 9111 §5.1): where it was, only what came is told.
        Source::Validated(_) | Source::Filling(..) => {
            Some(head.terms.age(edge.clock.now()).as_secs()).filter(|age| *age > 0)
        }
    };
    // Only the one for whom the origin was asked may have what `no-cache` names (RFC 9111 §5.2.2.4).
    let unvalidated = status.collapsed || matches!(source, Source::Stored(_));
    stamp(response.headers_mut(), head, age, &status, unvalidated);
    if cx.peer.is_some() {
        // A stored copy that is stale, or softly purged, and was not validated for this request; or one that was, and that a
        // purge overtook meanwhile.
        let stale = match source {
            Source::Stored(entry) => !head.terms.is_fresh(cx.now) || cx.site.shelf.is_soft_purged(entry),
            Source::Validated(entry) => cx.site.shelf.is_soft_purged(entry),
            Source::Filling(..) => false,
        };
        response.extensions_mut().insert(PeerAnswer { position: head.position, stale });
    }
}

/// `Age`, `Cache-Status`, and without the fields that want a validation first.
fn stamp(
    headers: &mut HeaderMap,
    head: &Draft,
    age: Option<u64>,
    status: &CacheStatus<'_>,
    unvalidated: bool,
) {
    if unvalidated {
        fields::strip_named(headers, head.terms.unvalidated_fields());
    }
    if let Some(age) = age {
        headers.insert(AGE, HeaderValue::from(age));
    }
    say(headers, status);
}

/// Room for a member of `Cache-Status` as a hit has it.
const MEMBER_USUAL_BYTES: usize = 64;

/// Adds this node's member to `Cache-Status` (RFC 9211 §2).
pub(crate) fn say(headers: &mut HeaderMap, status: &CacheStatus<'_>) {
    let mut text = Vec::with_capacity(MEMBER_USUAL_BYTES);
    status.render(&mut text);
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
        headers.append(CACHE_STATUS, value);
    }
}

/// HEAD has no body, and neither have 204 and 304 (RFC 9110 §6.4.1), whoever made the response. HTTP/1 would not send
/// one; HTTP/2 would.
pub(crate) fn drop_body_where_none_may_be(response: &mut Response<Reply>, is_head: bool) {
    let length = response.body().size_hint().exact().filter(|length| *length > 0);
    if is_head
        && !response.headers().contains_key(CONTENT_LENGTH)
        && let Some(length) = length
    {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if is_head || matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        *response.body_mut() = Reply::empty();
    }
}
