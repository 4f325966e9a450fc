//! `[listen]`: who stands in front of this node, and whose word is taken.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Serialize, Serializer};

use crate::config::check::Check;
use crate::config::raw::RawProxies;
use crate::config::reader::Field;

/// Most networks of one list: each is compared with the address of a connection.
pub const NETWORKS_MAX: usize = 256;

/// Which fields trusted proxies write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardedBy {
    /// All choices.
    pub const ALL: [Self; 2] = [Self::XForwarded, Self::Forwarded];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XForwarded => "x-forwarded",
            Self::Forwarded => "forwarded",
        }
    }
}

/// Who stands in front of this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProxyKeys {
    /// Proxies whose word on a request's client and scheme is taken. Default: none.
    #[serde(serialize_with = "networks")]
    pub trusted: Vec<IpNet>,
    /// Which fields they write. Default [`ForwardedBy::XForwarded`].
    pub forwarded_by: ForwardedBy,
    /// Load balancers whose connections begin with a header of the PROXY protocol. Default: none.
    #[serde(serialize_with = "networks")]
    pub proxy_protocol: Vec<IpNet>,
    /// Whether sites send clients without TLS to `https`, unless they say otherwise. Default: no.
    pub redirect_to_https: bool,
}

fn networks<S: Serializer>(list: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(ToString::to_string))
}

impl ProxyKeys {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawProxies) -> Self {
        let RawProxies { trusted, forwarded_by, proxy_protocol, redirect_to_https } = raw;
        let networks = |key, list| {
            let list = check.up_to(key, list, NETWORKS_MAX);
            check.any_of(key, list, parse_network).into_iter().map(|spot| spot.value).collect()
        };
        Self {
            trusted: networks("trusted", trusted),
            forwarded_by: check.or("forwarded_by", forwarded_by, ForwardedBy::default(), |text| {
                Check::word(text, &ForwardedBy::ALL, ForwardedBy::as_str)
            }),
            proxy_protocol: networks("proxy_protocol", proxy_protocol),
            redirect_to_https: matches!(redirect_to_https, Field::Given(flag) if flag.value),
        }
    }
}

/// A network, or one address.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let network =
        text.parse().or_else(|_| text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical())));
    network.map(|network: IpNet| network.trunc()).map_err(|_| {
        format!("`{text}` is not a network. Write an address and the bits that count, such as `10.0.0.0/8`.")
    })
}
