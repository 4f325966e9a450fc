//! Stage *proxies*: whose word a request comes with, and so who its client is.
//!
//! What proxies say of a request is believed where the one that is connected is trusted, and taken away in any case: the
//! origin is told anew, by this node.

use std::net::IpAddr;

use http::uri::Scheme;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use seawall_policy::Glance;
use seawall_policy::forwarded::{self, Dialect, Proto};

use crate::context::{Connection, Context};

/// Which proxies stand in front of a node, and what they write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Where they are.
    pub trusted: Box<[IpNet]>,
    /// Which fields they write.
    pub dialect: Dialect,
}

/// Who a request is from.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The client's address, where it is known.
    pub(crate) ip: Option<IpAddr>,
    /// The trusted proxies between it and this node, its neighbour first.
    proxies: Option<Box<[IpAddr]>>,
    /// What it used.
    pub(crate) scheme: Scheme,
}

impl Proxies {
    /// Whether an address is a trusted proxy's.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// Who a request is from; what proxies said of it is gone then.
    pub(crate) fn client(&self, connection: &Connection, glance: Glance, headers: &mut HeaderMap) -> Client {
        let direct = Client { ip: connection.ip, proxies: None, scheme: connection.scheme.clone() };
        if !glance.forwarded() {
            return direct;
        }
        let client = match connection.ip {
            Some(peer) if self.trust(peer) => {
                let path = forwarded::read(headers, self.dialect, peer, |hop| self.trust(hop));
                let scheme = match path.proto {
                    Some(Proto::Http) => Scheme::HTTP,
                    Some(Proto::Https) => Scheme::HTTPS,
                    None => direct.scheme,
                };
                let behind = path.proxies.iter().copied();
                let own = Some(peer).filter(|peer| *peer != path.client);
                Client { ip: Some(path.client), proxies: Some(behind.chain(own).collect()), scheme }
            }
            _ => direct,
        };
        forwarded::strip(headers);
        client
    }
}

impl Client {
    /// One of whom another node speaks: it has told the origin already.
    pub(crate) fn of_peer(scheme: Scheme) -> Self {
        Self { ip: None, proxies: None, scheme }
    }
}

/// Tells the origin who the request is from.
pub(crate) fn tell(cx: &Context, headers: &mut HeaderMap) {
    if cx.peer.is_some() {
        return;
    }
    let client = cx.client.ip.into_iter();
    let hops: Vec<IpAddr> = client.chain(cx.client.proxies.iter().flatten().copied()).collect();
    if let Ok(host) = HeaderValue::try_from(cx.head.authority.as_str()) {
        forwarded::write(headers, &hops, cx.head.scheme.as_str(), &host);
    }
}
