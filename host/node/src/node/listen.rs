//! Sockets that clients, other nodes and operators come to.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::StartError;

/// Connections that the kernel holds until they are accepted. Linux cuts it to `net.core.somaxconn`, 4096 by default.
const BACKLOG: i32 = 4096;

/// One address, bound once for each thread that accepts on it.
pub(crate) struct Bound {
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Vec<TcpListener>,
}

pub(crate) fn bind_all(addresses: &[SocketAddr], threads: usize) -> Result<Vec<Bound>, StartError> {
    addresses.iter().map(|address| bind(*address, threads)).collect()
}

/// Binds `threads` sockets to one address; the kernel shares connections out among them (`SO_REUSEPORT`), so that no
/// thread accepts for another. Port 0 takes any free port, the same for all.
pub(crate) fn bind(address: SocketAddr, threads: usize) -> Result<Bound, StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
        _ => StartError::Listen { address, source },
    };
    // With `SO_REUSEPORT` alone, a second node on the same port would silently take half of the first one's
    // connections. A socket without it is refused while anyone listens.
    drop(socket(address, false).map_err(failed)?);
    let first = socket(address, true).map_err(failed)?;
    let address = first.local_addr().map_err(failed)?;
    let mut sockets = vec![first];
    for _ in 1..threads {
        sockets.push(socket(address, true).map_err(failed)?);
    }
    Ok(Bound { address, sockets })
}

fn socket(address: SocketAddr, share: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(share)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_a_port_that_nobody_else_may_take() {
        let bound = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        assert_eq!(bound.sockets.len(), 3);
        assert!(bound.sockets.iter().all(|socket| socket.local_addr().unwrap() == bound.address));
        let again = bind(bound.address, 1).err().unwrap();
        assert!(matches!(again, StartError::AddressInUse { address } if address == bound.address), "{again}");
    }
}
