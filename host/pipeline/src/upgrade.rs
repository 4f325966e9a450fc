//! Stage *upgrade*: a request that would leave HTTP (RFC 9110 §7.8), such as a WebSocket's (RFC 6455).
//!
//! It goes past the cache to the origin. Where that agrees, the two connections are joined, and this node only carries
//! bytes; where it does not, its answer is an answer like any other.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{Response, Version, response};
use seawall_base::{Blame, Cause, Fault};
use seawall_origin::{ClientEnd, OriginBody, Outgoing, tunnel};
use seawall_policy::{CacheStatus, fields};
use tokio::sync::watch;

use crate::context::{Connection, Context};
use crate::deliver;
use crate::reply::Reply;

/// What the connections of a listener need to leave HTTP. Those that may not have none.
#[derive(Clone)]
pub struct Tunnels {
    /// The connection's place among all, kept for as long as it lasts.
    pub place: Arc<dyn Any + Send + Sync>,
    /// Told when the node drains.
    pub stopped: watch::Receiver<bool>,
    /// How long nothing may move.
    pub idle: Duration,
}

impl fmt::Debug for Tunnels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnels").field("idle", &self.idle).finish_non_exhaustive()
    }
}

/// A request's wish to leave HTTP.
#[derive(Debug)]
pub(crate) struct Upgrade {
    protocols: HeaderValue,
    end: ClientEnd,
    tunnels: Tunnels,
}

impl Upgrade {
    /// What a request asks for. Ask before what belongs to the connection is taken away.
    pub(crate) fn asked(
        connection: &Connection,
        parts: &mut Parts,
        headers: &HeaderMap,
        body: &Outgoing,
    ) -> Option<Box<Self>> {
        let tunnels = connection.tunnels.as_ref()?;
        let protocols = fields::upgrade(headers)?.clone();
        // RFC 9110 §7.8: HTTP/1.0 has none; and a body would have to be sent first.
        if parts.version != Version::HTTP_11 || !body.is_empty() {
            return None;
        }
        let end = ClientEnd::of(&mut parts.extensions)?;
        Some(Box::new(Self { protocols, end, tunnels: tunnels.clone() }))
    }

    /// Asks the origin for the same.
    pub(crate) fn ask(&self, headers: &mut HeaderMap) {
        headers.insert(UPGRADE, self.protocols.clone());
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// The origin has agreed: hands its 101 on, and joins the two connections behind it.
pub(crate) fn join(
    cx: &Context,
    mut head: response::Parts,
    mut body: OriginBody,
    status: &CacheStatus<'_>,
) -> Result<Response<Reply>, Fault> {
    let (Some(upgrade), Some(origin)) = (&cx.upgrade, body.take_tunnel()) else {
        return Err(unasked("the origin switched protocols, and nobody had asked for it"));
    };
    let chosen = origin.protocol().filter(|chosen| fields::has_chosen(&upgrade.protocols, chosen)).cloned();
    let Some(chosen) = chosen else {
        return Err(unasked("the origin switched to a protocol that was not offered"));
    };
    head.headers.insert(UPGRADE, chosen);
    head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    let (client, tunnels, site) = (upgrade.end.clone(), upgrade.tunnels.clone(), cx.site.name.clone());
    tokio::spawn(async move {
        let Tunnels { place, mut stopped, idle } = tunnels;
        let drained = async move {
            // A sender that is gone is the node's end, too.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let end = tunnel::splice(client, origin, idle, drained).await;
        tracing::debug!(%site, end = end.as_str(), "a tunnel ended");
        drop(place);
    });
    Ok(deliver::hand_on(head, Reply::empty(), status))
}

fn unasked(why: &str) -> Fault {
    Fault::new(Cause::ProtocolError, Blame::Origin, why)
}
