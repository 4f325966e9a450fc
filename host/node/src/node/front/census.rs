//! How many connections there are, in all and of each client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

/// Parts of the table of clients, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// Bits of an IPv6 address that are one client's: what a household or a rented machine is given.
const V6_CLIENT_BITS: u32 = 64;

/// Counts connections. A client costs an entry only for as long as it has one.
#[derive(Debug)]
pub(crate) struct Census {
    all: AtomicU32,
    all_max: NonZeroU32,
    client_max: NonZeroU32,
    clients: [Mutex<HashMap<IpAddr, u32>>; SHARDS],
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There are `max_connections`.
    All,
    /// There are `max_connections_per_client` of this client.
    Client,
    /// It should begin with a header of the PROXY protocol.
    ProxyHeader,
}

impl Refusal {
    /// The word in the metric.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "max-connections",
            Self::Client => "max-connections-per-client",
            Self::ProxyHeader => "proxy-header",
        }
    }
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    census: Arc<Census>,
    client: Option<IpAddr>,
}

impl Census {
    pub(crate) fn new(all_max: NonZeroU32, client_max: NonZeroU32) -> Self {
        Self { all: AtomicU32::new(0), all_max, client_max, clients: Default::default() }
    }

    /// A place for a connection of nobody yet.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Place, Refusal> {
        if self.all.fetch_add(1, Ordering::Relaxed) >= self.all_max.get() {
            self.all.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::All);
        }
        Ok(Place { census: Arc::clone(self), client: None })
    }

    fn shard(&self, client: IpAddr) -> Option<&Mutex<HashMap<IpAddr, u32>>> {
        let byte = match client {
            IpAddr::V4(address) => address.octets().iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)),
            IpAddr::V6(address) => address.octets().iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)),
        };
        self.clients.get(usize::from(byte) % SHARDS)
    }
}

impl Place {
    /// It is this client's.
    pub(crate) fn take(&mut self, client: IpAddr) -> Result<(), Refusal> {
        let client = counted_as(client);
        if let Some(shard) = self.census.shard(client) {
            let mut clients = shard.lock();
            let count = clients.entry(client).or_default();
            if *count >= self.census.client_max.get() {
                return Err(Refusal::Client);
            }
            *count += 1;
            self.client = Some(client);
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.census.all.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let Some(shard) = self.census.shard(client) else { return };
        let mut clients = shard.lock();
        if let Some(count) = clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&client);
            }
        }
    }
}

/// The client that an address is counted as. An IPv4 address within IPv6 is itself (RFC 4291 §2.5.5.2).
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::MAX << (u128::BITS - V6_CLIENT_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(all: u32, client: u32) -> Arc<Census> {
        Arc::new(Census::new(NonZeroU32::new(all).unwrap(), NonZeroU32::new(client).unwrap()))
    }

    fn connect(census: &Arc<Census>, client: &str) -> Result<Place, Refusal> {
        let mut place = census.admit()?;
        place.take(client.parse().unwrap())?;
        Ok(place)
    }

    #[test]
    fn one_client_does_not_take_the_places_of_others() {
        let census = census(4, 2);
        let _one = connect(&census, "192.0.2.1").unwrap();
        let two = connect(&census, "::ffff:192.0.2.1").unwrap();
        assert_eq!(connect(&census, "192.0.2.1").err(), Some(Refusal::Client));
        let _other = connect(&census, "192.0.2.2").unwrap();
        drop(two);
        let _again = connect(&census, "192.0.2.1").unwrap();
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let census = census(9, 1);
        let _one = connect(&census, "2001:db8:0:1::1").unwrap();
        assert_eq!(connect(&census, "2001:db8:0:1:ffff::2").err(), Some(Refusal::Client));
        let _next_door = connect(&census, "2001:db8:0:2::1").unwrap();
    }

    #[test]
    fn all_places_are_given_back_and_nobody_is_remembered() {
        let census = census(2, 2);
        let places = [connect(&census, "192.0.2.1").unwrap(), connect(&census, "192.0.2.2").unwrap()];
        assert_eq!(connect(&census, "192.0.2.3").err(), Some(Refusal::All));
        drop(places);
        assert_eq!(census.all.load(Ordering::Relaxed), 0);
        assert!(census.clients.iter().all(|shard| shard.lock().is_empty()));
    }
}
