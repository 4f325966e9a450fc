//! The door for other nodes: an edge's miss enters the client lane at the key, without the client's functions, which
//! ran at the edge.
//!
//! A peer is as untrusted as a client (invariant 7): its secret, its fields' sizes and its site are checked first. A
//! shield that is behind the asking node's position catches up within [`SHIELD_CATCH_UP_LIMIT`], or fetches past its own
//! cache: it never answers from content that the edge knows to be purged (promise 4).

use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode};
use seawall_base::{Blame, Cause, Fault, Position};
use seawall_cluster::peer::{self, Asks, PeerAnswer, PeerRequest, PeerTarget};
use seawall_functions::{RequestHead, RouteEdits};
use seawall_origin::Outgoing;
use seawall_policy::{Glance, fields};

use crate::context::{Connection, Context, PeerSide, Told, directives};
use crate::edge::{Edge, Peers, SHIELD_CATCH_UP_LIMIT, SHIELD_CATCH_UP_STEP};
use crate::proxies::Client;
use crate::reply::Reply;
use crate::serve::{faulty, walk};
use crate::{admit, deliver, key, record, trace};

/// Serves one request of another node.
pub async fn serve_peer(
    edge: &Arc<Edge>,
    connection: &Connection,
    request: Request<Outgoing>,
) -> Response<Reply> {
    let mut told = Told::new(edge.clock.ticks(), connection);
    let is_head = request.method() == Method::HEAD;
    match admit_peer(edge, connection, request) {
        Ok((cx, _, Asks::Invalidate)) => {
            let url = key::url(&cx, cx.head.path_and_query.as_str());
            edge.store.invalidate(&cx.site.shelf, &url);
            let mut response = Response::new(Reply::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Ok((mut cx, body, Asks::Fetch)) => {
            cx.trace = edge.tracer.as_ref().and_then(|tracer| trace::of_peer(tracer, &mut cx.head.headers));
            let asked = cx.peer.as_ref().map(|peer| peer.position).unwrap_or_default();
            let behind = !caught_up(edge, asked).await;
            if behind {
                edge.metrics.shield_behind.inc();
            }
            if let Some(peer) = &mut cx.peer {
                peer.behind = behind;
            }
            let answer = walk(edge, &mut cx, body, &mut told).await;
            let mut response =
                answer.unwrap_or_else(|refusal| faulty(edge, Some(&cx.site), refusal, &mut told));
            // A response that was fetched for this very request is as new as the position that it came with.
            let fetched = PeerAnswer { position: asked, stale: false };
            response.extensions_mut().remove().unwrap_or(fetched).encode(response.headers_mut());
            deliver::drop_body_where_none_may_be(&mut response, is_head);
            record::end(edge, Some(&cx), &told, &mut response, None);
            trace::end(&edge.access_log, &mut cx, &told, response.status());
            response
        }
        Err(refusal) => {
            let mut response = faulty(edge, None, refusal, &mut told);
            record::end(edge, None, &told, &mut response, None);
            response
        }
    }
}

fn admit_peer(
    edge: &Edge,
    connection: &Connection,
    request: Request<Outgoing>,
) -> Result<(Context, Outgoing, Asks), Fault> {
    let Some(Peers { secret, .. }) = &edge.peers else {
        return Err(refused("this node takes no peers"));
    };
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    // The scheme is the one that the client used, not that of this connection.
    let scheme = headers.get(peer::SCHEME).and_then(|value| Scheme::try_from(value.as_bytes()).ok());
    let scheme = scheme.ok_or_else(|| refused("the scheme cannot be read"))?;
    let authority = admit::authority(&parts.uri, parts.version, &headers, &scheme)
        .map_err(|_| refused("the host cannot be read"))?;
    let path_and_query =
        parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let target = PeerTarget {
        method: parts.method.as_str(),
        authority: authority.as_str(),
        path_and_query: path_and_query.as_str(),
    };
    let asked = PeerRequest::decode(secret, &target, &headers).map_err(|error| refused(error.as_str()))?;
    peer::strip(&mut headers);
    let takes_trailers = fields::takes_trailers(&headers);
    fields::strip_hop_by_hop(&mut headers);
    if asked.origin.as_ref().is_some_and(|origin| !edge.origins.contains_key(origin)) {
        return Err(refused("no such origin here"));
    }
    let site = edge.sites.named(&asked.site).ok_or_else(|| refused("no such site here"))?;
    let key_parts =
        asked.key_parts.into_iter().map(|(name, value)| (name.into_boxed_str(), Bytes::from(value)));
    let host = asked.origin_host.as_deref().map(Authority::try_from).transpose();
    let edits = RouteEdits {
        origin: asked.origin,
        origin_host: host.map_err(|_| refused("the origin's host cannot be read"))?,
        key_parts: key_parts.collect(),
        pass: false,
    };
    let scheme_of_client = scheme.clone();
    let glance = Glance::at(&headers);
    let cx = Context {
        glance,
        directives: directives(glance, &headers),
        head: RequestHead { method: parts.method, scheme, authority, path_and_query, headers },
        client: Client::of_peer(scheme_of_client),
        version: parts.version,
        site: Arc::clone(site),
        key: None,
        path_in_key: None,
        // Its line would be stored with the response.
        wants_key: false,
        odd_path: false,
        edits,
        chain: site.chain(),
        functions: None,
        interim: connection.interim_for(parts.version),
        upgrade: None,
        takes_trailers,
        trace: None,
        peer: Some(PeerSide { position: asked.position, hops: asked.hops, behind: false }),
        now: edge.clock.now(),
    };
    Ok((cx, body, asked.asks))
}

async fn caught_up(edge: &Edge, position: Position) -> bool {
    let waiting = async {
        while edge.store.applied() < position {
            tokio::time::sleep(SHIELD_CATCH_UP_STEP).await;
        }
    };
    edge.store.applied() >= position || tokio::time::timeout(SHIELD_CATCH_UP_LIMIT, waiting).await.is_ok()
}

fn refused(why: &str) -> Fault {
    Fault::new(Cause::PeerRefused, Blame::Peer, why)
}
