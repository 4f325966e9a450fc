//! Who answers in the end: a pool of servers, or a handler in their place.
//!
//! Owns: the difference between the two. To every stage they are the same.

use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{EXPECT, HOST, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use http_body_util::BodyExt;
use seawall_base::{Blame, Cause, Fault, OriginName};
use seawall_cluster::peer;
use seawall_functions::{
    Asker, Ended, Fetch, Fetched, Function, FunctionError, FunctionErrorKind, HandlerBody, Hook, Mount,
};
use seawall_origin::{BackupRule, FromBackup, HostRule, OriginBody, Outgoing, Pool, Wish};
use seawall_policy::{cdn_loop, fields, tags};

use crate::edge::Edge;
use crate::forward::Inbound;
use crate::origin_side::append_tags;
use crate::record;
use crate::settle::{Declined, Shaping};
use crate::trace;

/// An origin. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Servers, over HTTP.
    Servers(Arc<Pool>),
    /// A handler, on this node.
    Handler(Arc<Mount>),
}

/// A request for an origin; its URI has a path only.
pub(crate) struct Question {
    pub(crate) request: Request<Outgoing>,
    pub(crate) wish: Wish,
    pub(crate) scheme: Scheme,
    /// The host that the client asked for, or a function instead.
    pub(crate) authority: Authority,
    /// The request's name in the logs, where it has one.
    pub(crate) name: Arc<str>,
}

impl Origin {
    /// Its name, or its handler's.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Servers(pool) => pool.name().as_str(),
            Self::Handler(mount) => mount.name(),
        }
    }

    /// Asks it.
    pub(crate) async fn ask(&self, edge: &Arc<Edge>, question: Question) -> Result<Inbound, Fault> {
        match self {
            Self::Servers(pool) => {
                let mut response = pool.fetch(question.request, question.wish).await?;
                let detail = response.extensions_mut().remove::<FromBackup>().map(|_| "backup");
                Ok(Inbound { detail, ..Inbound::new(response) })
            }
            Self::Handler(mount) => {
                let mut question = question;
                let mut span = trace::of_handler(&mut question.request, mount.name());
                let answer = ask_handler(edge, mount, question).await;
                if let (Some(span), Err(fault)) = (&mut span, &answer) {
                    span.fail(&*fault.detail);
                }
                answer
            }
        }
    }
}

async fn ask_handler(edge: &Arc<Edge>, mount: &Mount, question: Question) -> Result<Inbound, Fault> {
    let Question { mut request, scheme, authority, name, .. } = question;
    let function = mount.now().ok_or_else(|| absent(mount.name()))?;
    let host = authority.clone();
    let mut parts = request.uri().clone().into_parts();
    (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
    *request.uri_mut() = Uri::from_parts(parts)
        .map_err(|error| Fault::new(Cause::BadRequest, Blame::Client, error.to_string()))?;
    let is_head = request.method() == Method::HEAD;
    let to = Arc::clone(edge);
    let on_end = move |ended: Ended| record::fetch(&to, &name, &ended.log, ended.failure.as_ref());
    let fetch = Subrequests { edge: Arc::clone(edge), host };
    let asker = Asker { on_end: Box::new(on_end), fetch: Some(Arc::new(fetch)) };
    let answer = function.handle(request, asker).await.map_err(|error| fault(&error))?;
    let mut response = streamed(answer, is_head);
    sign(&mut response, &function);
    // As for filters: once another version is active, what this one makes is not stored.
    let declined = (!mount.is(&function)).then(|| Declined::by_request("function-replaced"));
    let shaping = Shaping { declined, ..Shaping::NONE };
    Ok(Inbound { shaping, ..Inbound::new(response) })
}

/// Names the version that made it, so that what a bad one made can be purged. A 304 without tags leaves those of what is
/// stored, and with them the version that made that.
fn sign(response: &mut Response<OriginBody>, function: &Function) {
    let is_silent = !response.headers().contains_key(tags::SURROGATE_KEY);
    if response.status() != StatusCode::NOT_MODIFIED || !is_silent {
        append_tags(response.headers_mut(), function.tag());
    }
}

fn streamed(answer: Response<HandlerBody>, is_head: bool) -> Response<OriginBody> {
    // RFC 9110 §9.3.2, §15.3.5 and §15.4.5: these end with their fields, whatever the guest writes.
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&answer.status()) || is_head;
    answer.map(|body| {
        if bodiless {
            drop(tokio::spawn(drain(body)));
            return OriginBody::whole(Bytes::new());
        }
        OriginBody::streamed(body.map_err(|error| {
            let detail = format!("{error}: {}", error.detail);
            Fault::new(Cause::ResponseIncomplete, Blame::Function, detail).code(error.code())
        }))
    })
}

/// Reads what nobody wants, so that its guest comes to its end.
async fn drain(body: HandlerBody) {
    let mut body = std::pin::pin!(body);
    while !body.is_end_stream() {
        if !matches!(body.frame().await, Some(Ok(_))) {
            return;
        }
    }
}

/// The requests that a handler makes while it answers one.
struct Subrequests {
    edge: Arc<Edge>,
    /// The host of the request that it answers: origins are asked for it, unless they have one of their own.
    host: Authority,
}

impl Fetch for Subrequests {
    fn fetch(
        &self,
        origin: &OriginName,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Fetched, Fault>> {
        let (edge, host, origin) = (Arc::clone(&self.edge), self.host.clone(), origin.clone());
        Box::pin(async move {
            let Some(Origin::Servers(pool)) = edge.origins.get(&origin) else {
                // A handler behind a handler could ask for itself.
                return Err(Fault::new(Cause::PeerRefused, Blame::Function, "only servers are asked"));
            };
            let mut request = request.map(Outgoing::whole);
            let headers = request.headers_mut();
            fields::strip_hop_by_hop(headers);
            peer::strip(headers);
            headers.remove(EXPECT);
            edge.identity.via.append(headers, Version::HTTP_11);
            // RFC 8586: whoever leads such a request back here learns that it goes round in circles.
            cdn_loop::append(headers, &edge.identity.cdn_loop);
            headers.insert(HOST, HeaderValue::try_from(host.as_str()).map_err(|_| bad_host())?);
            let wish = Wish { key: None, host: HostRule::Origins, backup: BackupRule::Allowed };
            let mut response = pool.fetch(request, wish).await?;
            peer::strip(response.headers_mut());
            fields::strip_hop_by_hop(response.headers_mut());
            Ok(response.map(BodyExt::boxed_unsync))
        })
    }
}

fn bad_host() -> Fault {
    Fault::new(Cause::BadRequest, Blame::Client, "the host cannot stand in a field")
}

fn absent(function: &str) -> Fault {
    let detail = format!("function {function} has no active version: deploy and activate one");
    Fault::new(Cause::Function, Blame::Function, detail).code(FunctionErrorKind::Absent.code())
}

fn fault(error: &FunctionError) -> Fault {
    debug_assert_eq!(error.hook, Hook::Handle, "only handlers are origins");
    let cause = match error.kind {
        FunctionErrorKind::Busy => Cause::HandlerBusy,
        FunctionErrorKind::Stopped => Cause::Function,
        _ => Cause::Handler,
    };
    Fault::new(cause, Blame::Function, format!("{error}: {}", error.detail)).code(error.code())
}
