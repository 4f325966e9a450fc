//! Stage *admit*: is this a request that can be served, and by which site?

use std::sync::Arc;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request};
use seawall_base::purge::normal_authority;
use seawall_base::{Blame, Cause, Fault};
use seawall_cluster::peer;
use seawall_functions::{RequestHead, RouteEdits};
use seawall_origin::Outgoing;
use seawall_policy::{Glance, cdn_loop, fields};

use crate::context::{Connection, Context, directives};
use crate::edge::Edge;
use crate::key;
use crate::upgrade::Upgrade;

/// A context for a client's request, and its body.
pub(crate) fn client(
    edge: &Edge,
    connection: &Connection,
    request: Request<Outgoing>,
) -> Result<(Context, Outgoing), Fault> {
    let (mut parts, body) = request.into_parts();
    let mut headers = std::mem::take(&mut parts.headers);
    if parts.method == Method::CONNECT {
        return Err(refused("CONNECT asks for a tunnel, which this node does not make"));
    }
    let glance = Glance::at(&headers);
    let client = edge.proxies.client(connection, glance, &mut headers);
    let authority = authority_on(connection, &client.scheme, &parts.uri, &headers)?;
    let host = host_of(authority.as_str());
    let site = edge.sites.find(host).ok_or_else(|| {
        Fault::new(Cause::NoSite, Blame::Client, format!("no site takes the host `{host}`"))
    })?;
    if glance.cdn_loop() && is_loop(edge, &headers) {
        return Err(Fault::new(
            Cause::Loop,
            Blame::Client,
            "this node stands in the request's CDN-Loop, or it is too long to be read",
        ));
    }
    let wants_key = site.tells_key && key::is_asked_for(&headers);
    peer::strip(&mut headers);
    let takes_trailers = fields::takes_trailers(&headers);
    let upgrade =
        if glance.hop_by_hop() { Upgrade::asked(connection, &mut parts, &headers, &body) } else { None };
    // What `Connection` takes away is gone before anything looks: what `Vary` selects by must be what is sent on.
    if glance.hop_by_hop() {
        fields::strip_hop_by_hop(&mut headers);
    }
    let path_and_query =
        parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let directives = directives(glance, &headers);
    let scheme = client.scheme.clone();
    let head = RequestHead { method: parts.method, scheme, authority, path_and_query, headers };
    let cx = Context {
        head,
        client,
        version: parts.version,
        site: Arc::clone(site),
        key: None,
        path_in_key: None,
        wants_key,
        glance,
        directives,
        edits: RouteEdits::default(),
        chain: site.chain(),
        functions: None,
        peer: None,
        interim: connection.interim_for(parts.version),
        upgrade,
        takes_trailers,
        now: edge.clock.now(),
    };
    Ok((cx, body))
}

fn is_loop(edge: &Edge, headers: &HeaderMap) -> bool {
    let visits = cdn_loop::visits(headers, &edge.identity.cdn_id);
    visits.own > 0 || visits.all >= cdn_loop::MAX_MEMBERS
}

/// The host asked for on a connection. That of an absolute URI is read each time: a proxy's client has many.
fn authority_on(
    connection: &Connection,
    scheme: &Scheme,
    uri: &http::Uri,
    headers: &HeaderMap,
) -> Result<Authority, Fault> {
    // What was read last was read with the connection's own scheme.
    if *scheme != connection.scheme {
        return authority(uri, headers, scheme);
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (uri.authority(), hosts.next(), hosts.next()) {
        (None, Some(host), None) => {
            if let Some(known) = connection.last_host.get(host) {
                return Ok(known);
            }
            let read = authority(uri, headers, scheme)?;
            connection.last_host.set(host, &read);
            Ok(read)
        }
        _ => authority(uri, headers, scheme),
    }
}

/// The host asked for, in lower case and without its scheme's default port: from the URI where it has one (RFC 9112
/// §3.2.2), else from the one `Host` that there must be (RFC 9112 §3.2).
pub(crate) fn authority(uri: &http::Uri, headers: &HeaderMap, scheme: &Scheme) -> Result<Authority, Fault> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(refused("more than one Host field"));
    }
    let text = match (uri.authority(), host) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().map_err(|_| refused("the Host field is not text"))?,
        (None, None) => return Err(refused("no Host field")),
    };
    let normal = normal_authority(scheme.as_str(), text);
    let parsed = if normal.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Authority::try_from(normal.to_ascii_lowercase())
    } else {
        Authority::try_from(normal)
    };
    match parsed {
        Ok(authority) if !normal.contains('@') && !host_of(authority.as_str()).is_empty() => Ok(authority),
        _ => Err(refused("the host cannot be read")),
    }
}

/// The host of an authority that has no user: what stands before the port, an IPv6 address with its brackets.
pub(crate) fn host_of(authority: &str) -> &str {
    let end = match authority.as_bytes() {
        [b'[', ..] => authority.find(']').map_or(authority.len(), |at| at + 1),
        bytes => bytes.iter().position(|byte| *byte == b':').unwrap_or(bytes.len()),
    };
    authority.get(..end).unwrap_or(authority)
}

fn refused(why: &str) -> Fault {
    Fault::new(Cause::BadRequest, Blame::Client, why)
}
