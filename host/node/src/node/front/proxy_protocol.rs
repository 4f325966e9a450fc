//! The PROXY protocol, versions 1 and 2: where a connection came from, by the word of the load balancer that passes it on.
//!
//! Owns reading the header and not a byte more, strictly: what is not exactly a header ends the connection. Refuses:
//! deciding who may send one. TLVs are read past.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest header of version 1, with its line end.
pub(crate) const V1_MAX_BYTES: usize = 107;

/// Longest rest of a header of version 2: the addresses and a few kilobytes of TLVs, such as a client's certificate.
pub(crate) const V2_MAX_BYTES: usize = 16 << 10;

/// How a header of version 2 begins.
const V2_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const V1_SIGNATURE: &[u8] = b"PROXY ";

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The connection is this client's.
    Client(SocketAddr),
    /// It is the sender's own, such as a health check: `LOCAL`, `UNKNOWN`, or a family without addresses.
    Sender,
}

/// Reads a header, and nothing behind it.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Source> {
    let mut begin = [0; V2_SIGNATURE.len()];
    stream.read_exact(&mut begin).await?;
    if begin == V2_SIGNATURE {
        let mut fixed = [0; 4];
        stream.read_exact(&mut fixed).await?;
        let [version_command, family, high, low] = fixed;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > V2_MAX_BYTES {
            return Err(malformed("the header is too long"));
        }
        let mut rest = vec![0; length];
        stream.read_exact(&mut rest).await?;
        return v2(version_command, family, &rest);
    }
    if !begin.starts_with(V1_SIGNATURE) {
        return Err(malformed("there is no header"));
    }
    let mut line = begin.to_vec();
    // Byte by byte: what comes behind the line is not ours.
    while !line.ends_with(b"\r\n") {
        if line.len() >= V1_MAX_BYTES {
            return Err(malformed("the header is too long"));
        }
        line.push(stream.read_u8().await?);
    }
    line.truncate(line.len() - 2);
    v1(&line)
}

fn malformed(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 4711 443`.
fn v1(line: &[u8]) -> io::Result<Source> {
    let line = std::str::from_utf8(line).map_err(|_| malformed("the header is not text"))?;
    let mut words = line.split(' ');
    let (_, family) = (words.next(), words.next());
    let mut next = || words.next().ok_or_else(|| malformed("the header breaks off"));
    let source = match family {
        // What else the line says is to be ignored.
        Some("UNKNOWN") => return Ok(Source::Sender),
        Some("TCP4") => {
            let (from, to) = (next()?, next()?);
            let _: Ipv4Addr = to.parse().map_err(|_| malformed("the destination is no address"))?;
            from.parse::<Ipv4Addr>().map(IpAddr::V4)
        }
        Some("TCP6") => {
            let (from, to) = (next()?, next()?);
            let _: Ipv6Addr = to.parse().map_err(|_| malformed("the destination is no address"))?;
            from.parse::<Ipv6Addr>().map(IpAddr::V6)
        }
        _ => return Err(malformed("the header is of no known family")),
    };
    let source = source.map_err(|_| malformed("the source is no address"))?;
    let (from, to) = (port(next()?)?, port(next()?)?);
    let _: u16 = to;
    if words.next().is_some() {
        return Err(malformed("the header goes on"));
    }
    Ok(Source::Client(SocketAddr::new(source, from)))
}

/// Digits only, without a leading zero.
fn port(text: &str) -> io::Result<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let port = if is_plain { text.parse().ok() } else { None };
    port.ok_or_else(|| malformed("a port is no number"))
}

fn v2(version_command: u8, family: u8, rest: &[u8]) -> io::Result<Source> {
    match version_command {
        0x20 => return Ok(Source::Sender),
        0x21 => {}
        _ => return Err(malformed("the version or command is not known")),
    }
    let broken = || malformed("the header breaks off");
    match family {
        // TCP over IPv4: two addresses, two ports.
        0x11 => {
            let addresses: &[u8; 12] = rest.first_chunk().ok_or_else(broken)?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses;
            let port = u16::from_be_bytes([high, low]);
            Ok(Source::Client(SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), port)))
        }
        // TCP over IPv6.
        0x21 => {
            let addresses: &[u8; 36] = rest.first_chunk().ok_or_else(broken)?;
            let (source, ports) = addresses.split_first_chunk::<16>().ok_or_else(broken)?;
            let port = ports.get(16..18).and_then(|port| port.first_chunk()).ok_or_else(broken)?;
            let source = Ipv6Addr::from_octets(*source).to_canonical();
            Ok(Source::Client(SocketAddr::new(source, u16::from_be_bytes(*port))))
        }
        // Nothing is said, or a socket of the sender's own machine.
        0x00 | 0x31 | 0x32 => Ok(Source::Sender),
        _ => Err(malformed("the family is not one of streams")),
    }
}

#[cfg(test)]
mod tests;
