//! The loopback interface: free ports, and one small request at a time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::failure::{Failure, Outcome};

/// How long one request of ours may take. Nothing here leaves the machine.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let port = listener.and_then(|listener| listener.local_addr()).map(|address| address.port());
    port.map_err(|error| {
        Failure::new(format!("no free port on loopback: {error}"), "see what holds the ports (`ss -ltn`)")
    })
}

/// Whether something accepts connections on `port`.
pub(crate) fn listens(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

/// The answer to a request: everything received, head and body.
pub(crate) struct Answer(String);

impl Answer {
    /// The value of the first field called `name`, in lower case letters.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let head = self.0.split_once("\r\n\r\n")?.0;
        head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether the status is 200.
    pub(crate) fn is_ok(&self) -> bool {
        self.0.split(' ').nth(1) == Some("200")
    }

    /// The body.
    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// `GET path` on `port`, on a connection of its own.
pub(crate) fn get(port: u16, path: &str) -> Outcome<Answer> {
    let ask = || -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(REQUEST_LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Ok(Answer(String::from_utf8_lossy(&bytes).into_owned()))
    };
    ask().map_err(|error| {
        Failure::new(
            format!("GET {path} on port {port}: {error}"),
            "read that server's log in the target directory",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn fields_are_found_whatever_their_case() {
        let answer = Answer("HTTP/1.1 200 OK\r\ncache-Status: n; hit\r\n\r\nbody: x".to_owned());
        assert_eq!(answer.field("Cache-Status"), Some("n; hit"));
        assert_eq!(answer.field("body"), None);
        assert_eq!(answer.body(), "body: x");
        assert!(answer.is_ok());
    }
}
