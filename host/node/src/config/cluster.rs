//! `[cluster]`: how this node knows the others.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use super::check::Check;
use super::duration;
use super::nats::Nats;
use super::raw::RawCluster;
use super::reader::Field;
use super::secret::Secret;

/// Default of [`Cluster::max_lag`]: several times what a purge takes around the world, and less than a person notices.
pub const DEFAULT_MAX_LAG: Duration = Duration::from_secs(5);

/// `[cluster]`: how this node knows the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// What all nodes of the cluster share and prove to each other. Default: none, and then the node is alone.
    pub secret: Option<Secret>,
    /// How long the node may be out of touch with the control log before sites do what their `when_cut_off` says.
    /// Default [`DEFAULT_MAX_LAG`].
    #[serde(serialize_with = "duration::serialize")]
    pub max_lag: Duration,
    /// Where other nodes reach this one's [`super::Listen::peers`]. Default: that address itself.
    pub advertise: Option<SocketAddr>,
    /// The servers that keep the control log, and how. Default: none, and then the log is a file of this machine.
    pub nats: Option<Nats>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { secret: None, max_lag: DEFAULT_MAX_LAG, advertise: None, nats: None }
    }
}

impl Cluster {
    /// `peers` is where the file says that the node listens to others. Then there must be a secret: nobody else's word
    /// may be taken there. `address` is that place, if it could be read.
    pub(super) fn from_raw(
        check: &Check<'_>,
        raw: RawCluster,
        peers: Option<usize>,
        address: Option<SocketAddr>,
    ) -> Self {
        let RawCluster { at: _, secret, max_lag, advertise, nats } = raw;
        let secret = check.secret(secret);
        if let (Some(at), Ok(None)) = (peers, &secret) {
            let wrong = "has no secret, and `peers` in [listen] needs one. Write `secret_file = \
                \"cluster.secret\"` there.";
            check.problem(at, wrong);
        }
        let at = nats.servers.at;
        let is_absent = matches!(advertise, Field::Absent);
        if let (Some(at), true, Some(address)) = (at, is_absent, address)
            && address.ip().is_unspecified()
        {
            let wrong = format!(
                "has no `advertise`, and `peers` in [listen] is `{address}`, which means every address of this machine and \
                 tells other machines nothing. Write `advertise = \"10.0.0.1:{}\"` with this machine's own.",
                address.port()
            );
            check.problem(at, wrong);
        }
        Self {
            secret: secret.ok().flatten(),
            max_lag: check.or("max_lag", max_lag, DEFAULT_MAX_LAG, parse_positive),
            advertise: check.optional("advertise", advertise, reachable).map(|spot| spot.value),
            nats: Nats::from_raw(check, nats),
        }
    }
}

/// An address that means one machine.
fn reachable(text: &str) -> Result<SocketAddr, String> {
    let address = Check::address(text)?;
    if address.ip().is_unspecified() {
        return Err(format!("`{text}` tells other machines nothing. Write this machine's own address."));
    }
    Ok(address)
}

/// A duration above zero: a limit of nothing would fail everything.
pub(super) fn parse_positive(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(Duration::ZERO) => {
            Err(format!("`{text}` leaves no time at all. Write a time above zero, such as `5s`."))
        }
        Ok(duration) => Ok(duration),
        Err(wrong) => Err(wrong.to_string()),
    }
}
