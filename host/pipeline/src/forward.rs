//! Stage *forward*: the request as it is sent on, and the sending.

use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderValue, RANGE, TE, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Response, Uri};
use seawall_base::trace::{Kind, Parent, Span};
use seawall_base::{Blame, Cause, Fault, OriginName, Position, Retry};
use seawall_cluster::NodeView;
use seawall_cluster::peer::{self, Asks, PeerAnswer, PeerRequest, PeerTarget};
use seawall_functions::RequestHead;
use seawall_origin::{BackupRule, HostRule, OnInterim, OriginBody, Outgoing, Server, Wish};
use seawall_policy::partial::Rest;
use seawall_policy::range::ByteRange;
use seawall_policy::{Validators, cdn_loop, fields, validation};

use crate::context::Context;
use crate::edge::{Edge, Peers};
use crate::interim::Turn;
use crate::origin::{Origin, Question};
use crate::proxies;
use crate::route::Route;
use crate::settle::Shaping;
use crate::site::Site;
use crate::trace;

/// A request to be sent on. It owns what it needs: a fill outlives its client.
pub(crate) struct Outbound {
    method: Method,
    scheme: Scheme,
    authority: Authority,
    path_and_query: PathAndQuery,
    headers: HeaderMap,
    site: Arc<Site>,
    /// `Host` as a function wants it, whatever the origin's own.
    host: Option<HeaderValue>,
    /// A hash of what is asked for, where it is known.
    key: Option<u64>,
    backup: BackupRule,
    origin_host: Option<String>,
    origin: Option<OriginName>,
    key_parts: Vec<(String, Vec<u8>)>,
    hops: u8,
    /// The name of the request that began it.
    name: Arc<str>,
    /// Where this node's log stood when the fill started.
    position: Position,
    /// Who is told of interim responses.
    on_interim: Option<OnInterim>,
    /// The span that it is part of, where it is sampled.
    trace: Option<Parent>,
}

/// A response, and who gave it.
pub(crate) struct Inbound {
    pub(crate) response: Response<OriginBody>,
    /// What a shield says of its answer.
    pub(crate) shield: Option<PeerAnswer>,
    /// What else is to be said of it.
    pub(crate) detail: Option<&'static str>,
    /// What functions made of it.
    pub(crate) shaping: Shaping,
}

impl Outbound {
    /// The request for a fill: for all clients, so without this client's conditions and range.
    pub(crate) fn for_fill(edge: &Edge, cx: &Context, position: Position) -> Self {
        let mut outbound = Self::new(edge, cx, position);
        outbound.method = Method::GET;
        validation::strip_preconditions(&mut outbound.headers);
        outbound
    }

    /// The request as this client sent it.
    pub(crate) fn for_pass(edge: &Edge, cx: &Context) -> Self {
        let mut outbound = Self::new(edge, cx, edge.store.applied());
        // Said for this hop (RFC 9110 §10.1.4). A fill does not say it: what is stored has no trailers.
        if cx.takes_trailers && cx.upgrade.is_none() {
            outbound.headers.insert(TE, HeaderValue::from_static("trailers"));
            outbound.headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
        if let Some(upgrade) = &cx.upgrade {
            upgrade.ask(&mut outbound.headers);
        }
        outbound
    }

    /// With interim responses told to the one whose turn it is.
    pub(crate) fn telling(mut self, turn: Option<&Turn>) -> Self {
        self.on_interim = turn.map(Turn::listener);
        self
    }

    fn new(edge: &Edge, cx: &Context, position: Position) -> Self {
        let mut headers = cx.head.headers.clone();
        fields::strip_hop_by_hop(&mut headers);
        peer::strip(&mut headers);
        // This node has answered it: the body is on its way.
        headers.remove(EXPECT);
        edge.identity.via.append(&mut headers, cx.version);
        cdn_loop::append(&mut headers, &edge.identity.cdn_loop);
        proxies::tell(cx, &mut headers);
        let edited = cx.edits.origin_host.as_ref().and_then(|host| HeaderValue::try_from(host.as_str()).ok());
        let text = |(name, value): &(Box<str>, bytes::Bytes)| (name.to_string(), value.to_vec());
        Self {
            method: cx.head.method.clone(),
            scheme: cx.head.scheme.clone(),
            authority: cx.head.authority.clone(),
            path_and_query: cx.head.path_and_query.clone(),
            headers,
            site: Arc::clone(&cx.site),
            host: edited,
            key: cx.key.and_then(|key| key.as_bytes().first_chunk().copied().map(u64::from_be_bytes)),
            backup: BackupRule::Allowed,
            origin_host: cx.edits.origin_host.as_ref().map(|host| host.as_str().to_owned()),
            origin: cx.edits.origin.clone(),
            key_parts: cx.edits.key_parts.iter().map(text).collect(),
            hops: cx.peer.as_ref().map_or(0, |peer| peer.hops),
            name: cx.request_name(),
            position,
            on_interim: None,
            trace: cx.trace.as_ref().map(|span| span.parent().clone()),
        }
    }

    /// As part of this span.
    pub(crate) fn part_of(mut self, span: Option<&Span>) -> Self {
        if let Some(span) = span {
            trace::put(&mut self.headers, span.parent());
            self.trace = Some(span.parent().clone());
        }
        self
    }

    /// The span that it is part of.
    pub(crate) fn trace(&self) -> Option<&Parent> {
        self.trace.as_ref()
    }

    /// Asks about a stored response instead of for a new one (RFC 9111 §4.3.1).
    pub(crate) fn ask_about(&mut self, validators: &Validators) {
        validation::conditional_request(&mut self.headers, validators);
    }

    /// Asks for a part only.
    pub(crate) fn ask_for(&mut self, range: ByteRange) {
        if let Some(value) = range.to_value() {
            self.headers.insert(RANGE, value);
        }
    }

    /// Asks for what a stored part lacks.
    pub(crate) fn ask_for_rest(&mut self, rest: &Rest) {
        rest.ask(&mut self.headers);
    }

    /// Asks as the client does, with its own conditions and range. `false`: it has none.
    pub(crate) fn ask_as(&mut self, client: &HeaderMap) -> bool {
        validation::keep_preconditions(client, &mut self.headers)
    }

    /// Fails rather than ask a backup: what is stored may stand in.
    pub(crate) fn spare_backups(&mut self) {
        self.backup = BackupRule::Spared;
    }

    /// Asks for a new response after all.
    pub(crate) fn ask_anew(&mut self) {
        validation::strip_preconditions(&mut self.headers);
    }

    /// The same, without a body, about another path of the same host.
    pub(crate) fn about(mut self, path_and_query: PathAndQuery) -> Self {
        self.method = Method::POST;
        self.path_and_query = path_and_query;
        self.headers = HeaderMap::new();
        self
    }

    fn request(&self, body: Outgoing) -> Request<Outgoing> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(self.path_and_query.clone());
        *request.headers_mut() = self.headers.clone();
        if let Some(on_interim) = &self.on_interim {
            request.extensions_mut().insert(on_interim.clone());
        }
        request
    }

    /// Takes the head out, for functions to read and change; [`Outbound::give_head`] puts it back.
    pub(crate) fn take_head(&mut self) -> RequestHead {
        RequestHead {
            method: self.method.clone(),
            scheme: self.scheme.clone(),
            authority: self.authority.clone(),
            path_and_query: self.path_and_query.clone(),
            headers: std::mem::take(&mut self.headers),
        }
    }

    /// Puts the head back.
    pub(crate) fn give_head(&mut self, head: RequestHead) {
        self.path_and_query = head.path_and_query;
        self.headers = head.headers;
    }

    /// The fields that are sent.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Asks the origin for this host.
    pub(crate) fn ask_for_host(&mut self, host: &Authority) {
        self.host = HeaderValue::try_from(host.as_str()).ok().or_else(|| self.host.take());
    }

    /// Asks the shield, where the route has one. One that does not answer is passed over, as long as asking again is
    /// safe; `None` where the origin is to be asked.
    pub(crate) async fn ask_shields(&self, edge: &Edge, route: &Route) -> Option<Result<Inbound, Fault>> {
        let (Route::Shield(nodes, _), Some(peers)) = (route, &edge.peers) else {
            return None;
        };
        for node in nodes {
            match self.ask_shield(edge, peers, node, Asks::Fetch).await {
                Ok(inbound) => {
                    edge.metrics.shield_answers.inc();
                    return Some(Ok(inbound));
                }
                Err(fault) if may_fall_back(&self.method, &fault) => {
                    tracing::debug!(shield = %node.info.name, %fault, "the shield did not answer");
                }
                Err(fault) => return Some(Err(fault)),
            }
        }
        edge.metrics.shield_fallbacks.inc();
        None
    }

    /// Asks an origin.
    pub(crate) async fn ask_origin(
        &self,
        edge: &Arc<Edge>,
        origin: &Origin,
        body: Outgoing,
    ) -> Result<Inbound, Fault> {
        let mut request = self.request(body);
        let rule = if self.host.is_some() { HostRule::Requests } else { HostRule::Origins };
        let host = self.host.clone().or_else(|| HeaderValue::try_from(self.authority.as_str()).ok());
        request.headers_mut().insert(HOST, host.ok_or_else(bad_host)?);
        if let Some(trace) = &self.trace {
            request.extensions_mut().insert(trace.clone());
        }
        let wish = Wish { key: self.key, host: rule, backup: self.backup };
        let asked = self.host.as_ref().and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let authority = asked.unwrap_or_else(|| self.authority.clone());
        let (scheme, name) = (self.scheme.clone(), Arc::clone(&self.name));
        let mut inbound = origin.ask(edge, Question { request, wish, scheme, authority, name }).await?;
        // What only peers may say, an origin may not.
        peer::strip(inbound.response.headers_mut());
        Ok(inbound)
    }

    /// Tells the nodes of a shield that an unsafe request on this URL succeeded. A node that does not answer keeps what
    /// it has: RFC 9111 §4.4 asks this of the caches on the request's way, and it was not on it.
    pub(crate) async fn invalidate_at(&self, edge: &Edge, nodes: &[NodeView]) {
        let Some(peers) = &edge.peers else { return };
        for node in nodes {
            if let Err(fault) = self.ask_shield(edge, peers, node, Asks::Invalidate).await {
                tracing::debug!(shield = %node.info.name, %fault, "the shield was not told of an unsafe request");
            }
        }
    }

    async fn ask_shield(
        &self,
        edge: &Edge,
        peers: &Peers,
        node: &NodeView,
        asks: Asks,
    ) -> Result<Inbound, Fault> {
        let unreachable =
            |why: String| Fault::new(Cause::ConnectionRefused, Blame::Peer, why).retry(Retry::Safe);
        let address = node.info.peer_addr.ok_or_else(|| unreachable("the peer has no address".to_owned()))?;
        let mut request = self.request(Outgoing::empty());
        let host = HeaderValue::try_from(self.authority.as_str()).map_err(|_| bad_host())?;
        request.headers_mut().insert(HOST, host);
        let asked = PeerRequest {
            node: edge.name.clone(),
            site: self.site.name.clone(),
            position: self.position,
            scheme: self.scheme.as_str().to_owned(),
            key_parts: self.key_parts.clone(),
            origin: self.origin.clone(),
            origin_host: self.origin_host.clone(),
            asks,
            hops: self.hops.saturating_add(1),
        };
        let target = PeerTarget {
            method: self.method.as_str(),
            authority: self.authority.as_str(),
            path_and_query: self.path_and_query.as_str(),
        };
        asked
            .encode(&peers.secret, &target, request.headers_mut())
            .map_err(|error| unreachable(error.to_string()))?;
        let server =
            Authority::try_from(address.to_string()).map_err(|error| unreachable(error.to_string()))?;
        let mut span = self.trace.as_ref().map(|trace| trace.child("shield", Kind::Client));
        if let Some(span) = &mut span {
            span.note("seawall.peer", node.info.name.as_str());
            trace::put(request.headers_mut(), span.parent());
        }
        let answer = peers.client.ask(&Server::plain(server), request).await;
        if let (Some(span), Err(fault)) = (&mut span, &answer) {
            span.fail(&*fault.detail);
        }
        drop(span);
        let mut response = answer?;
        if asks == Asks::Invalidate {
            return Ok(Inbound::new(response));
        }
        // A refusal has no such fields: it is the peer's own, not the origin's answer.
        let answer = PeerAnswer::decode(response.headers()).map_err(|error| {
            let detail =
                format!("{} answered {} and no position: {error}", node.info.name, response.status());
            Fault::new(Cause::PeerRefused, Blame::Peer, detail).retry(Retry::Safe)
        })?;
        peer::strip(response.headers_mut());
        Ok(Inbound { shield: Some(answer), ..Inbound::new(response) })
    }
}

/// Whether the origin may be asked after a peer failed: always where nothing reached the peer; for a safe method even
/// if something did.
fn may_fall_back(method: &Method, fault: &Fault) -> bool {
    fault.retry == Retry::Safe || method.is_safe()
}

fn bad_host() -> Fault {
    Fault::new(Cause::BadRequest, Blame::Client, "the host cannot stand in a field")
}

impl Inbound {
    /// An answer that nobody has said anything of yet.
    pub(crate) fn new(response: Response<OriginBody>) -> Self {
        Self { response, shield: None, detail: None, shaping: Shaping::default() }
    }

    /// Adds this node to `Via` of the response (RFC 9110 §7.6.3), and takes away what belongs to the connection.
    pub(crate) fn clean(&mut self, edge: &Edge) {
        let version = self.response.version();
        let headers = self.response.headers_mut();
        // RFC 9112 §6.3: where both are there, the transfer coding has framed the body.
        if headers.contains_key(TRANSFER_ENCODING) {
            headers.remove(CONTENT_LENGTH);
        }
        fields::strip_hop_by_hop(headers);
        edge.identity.via.append(headers, version);
    }
}
