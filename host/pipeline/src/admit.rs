//! Stage *admit*: is this a request that can be served, and by which site?

use std::sync::Arc;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use seawall_base::{Blame, Cause, Fault};
use seawall_cluster::peer;
use seawall_functions::{RequestHead, RouteEdits};
use seawall_origin::Outgoing;
use seawall_policy::admission::{self, Refusal};
use seawall_policy::{Glance, cdn_loop, fields, overrides, path};

use crate::context::{Connection, Context, directives};
use crate::edge::Edge;
use crate::guards::{Guards, OddPaths};
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
    admission::judge(&parts.method, &parts.uri, parts.version, &headers, glance, &edge.head_limits)
        .map_err(refusal)?;
    let client = edge.proxies.client(connection, glance, &mut headers);
    let authority = authority_on(connection, &client.scheme, &parts.uri, parts.version, &headers)?;
    let host = host_of(authority.as_str());
    let site = edge.sites.find(host).ok_or_else(|| {
        Fault::new(Cause::NoSite, Blame::Client, format!("no site takes the host `{host}`"))
    })?;
    let body = bounded(body, &site.guards)?;
    let odd_path = is_odd(parts.uri.path(), &site.guards)?;
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
    if glance.overrides() {
        overrides::strip(&parts.method, &mut headers, &site.guards.overrides);
    }
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
        odd_path,
        glance,
        directives,
        edits: RouteEdits::default(),
        chain: site.chain(),
        functions: None,
        trace: None,
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

/// The body, cut off where it grows too large; refused at once where it says that it is.
fn bounded(body: Outgoing, guards: &Guards) -> Result<Outgoing, Fault> {
    let body = body.at_most(guards.max_body);
    if body.is_too_large() {
        let detail = format!("the client's body has more than {} bytes", guards.max_body);
        return Err(Fault::new(Cause::BodyTooLarge, Blame::Client, detail));
    }
    Ok(body)
}

/// Whether the path is one that goes past the cache for what it is.
fn is_odd(path: &str, guards: &Guards) -> Result<bool, Fault> {
    match (path::judge(path), guards.odd_paths) {
        (Ok(()), _) => Ok(false),
        (Err(_), OddPaths::Pass) => Ok(true),
        (Err(odd), OddPaths::Refuse) => Err(refused(odd.as_str())),
    }
}

/// The host asked for on a connection. That of an absolute URI is read each time: a proxy's client has many.
fn authority_on(
    connection: &Connection,
    scheme: &Scheme,
    uri: &http::Uri,
    version: Version,
    headers: &HeaderMap,
) -> Result<Authority, Fault> {
    // What was read last was read with the connection's own scheme.
    if *scheme != connection.scheme {
        return authority(uri, version, headers, scheme);
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (uri.authority(), hosts.next(), hosts.next()) {
        (None, Some(host), None) => {
            if let Some(known) = connection.last_host.get(host) {
                return Ok(known);
            }
            let read = authority(uri, version, headers, scheme)?;
            connection.last_host.set(host, &read);
            Ok(read)
        }
        // RFC 9112 §3.2: an absolute URI is no reason to leave it out.
        (Some(_), None, _) if version == Version::HTTP_11 => Err(refused("no Host field")),
        _ => authority(uri, version, headers, scheme),
    }
}

/// The host asked for, in its one form: from the URI where it has one, and then `Host` is ignored (RFC 9112 §3.2.2), else
/// from the one `Host` that there must be (RFC 9112 §3.2). In HTTP/2 both say the same (RFC 9113 §8.3.1).
pub(crate) fn authority(
    uri: &http::Uri,
    version: Version,
    headers: &HeaderMap,
    scheme: &Scheme,
) -> Result<Authority, Fault> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(refused("more than one Host field"));
    }
    let is_https = *scheme == Scheme::HTTPS;
    let field = host.map(HeaderValue::to_str).transpose().map_err(|_| refusal(Refusal::Host))?;
    let field = field.map(|text| admission::host(text, is_https)).transpose().map_err(refusal)?;
    let target = uri.authority().map(|authority| admission::host(authority.as_str(), is_https));
    let text = match (target.transpose().map_err(refusal)?, field) {
        (Some(target), Some(field)) if target != field && version >= Version::HTTP_2 => {
            return Err(refusal(Refusal::HostMismatch));
        }
        (Some(text), _) | (None, Some(text)) => text,
        (None, None) => return Err(refused("no Host field")),
    };
    Authority::try_from(text.as_ref()).map_err(|_| refusal(Refusal::Host))
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

fn refusal(refusal: Refusal) -> Fault {
    let cause = match refusal {
        Refusal::UriTooLong => Cause::UriTooLong,
        Refusal::FieldsTooLarge => Cause::FieldsTooLarge,
        Refusal::Coding => Cause::TransferCoding,
        Refusal::Expectation => Cause::Expectation,
        Refusal::TargetForm
        | Refusal::TargetBytes
        | Refusal::Host
        | Refusal::HostMismatch
        | Refusal::MalformedCoding
        | Refusal::ConnectionFields => Cause::BadRequest,
    };
    Fault::new(cause, Blame::Client, refusal.as_str())
}
