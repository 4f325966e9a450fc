//! A client that reads a response as it comes: the head, then the body piece by piece.

use std::fmt;
use std::fmt::Write as _;
use std::net::SocketAddr;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::bounded;
use super::wire::{Body, Head, read_head, read_piece};

/// The host that requests are for where nothing else is said.
pub(crate) const HOST: &str = "shop.example";

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: String,
    path: String,
    fields: Vec<(String, String)>,
    body: String,
}

impl Ask {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            fields: vec![("host".to_owned(), HOST.to_owned())],
            body: String::new(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// For another host.
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.fields.retain(|(name, _)| name != "host");
        self.field("host", host)
    }

    /// Without any `Host`.
    pub(crate) fn hostless(mut self) -> Self {
        self.fields.retain(|(name, _)| name != "host");
        self
    }

    /// One more field.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body and its length.
    pub(crate) fn body(self, body: &str) -> Self {
        self.field("content-length", &body.len().to_string()).raw_body(body)
    }

    /// With these bytes after the head.
    pub(crate) fn raw_body(mut self, bytes: &str) -> Self {
        bytes.clone_into(&mut self.body);
        self
    }

    fn text(&self) -> String {
        let Self { method, path, fields, body } = self;
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in fields {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text + "\r\n" + body
    }

    /// Sends it over a connection of its own, and reads the head of the response.
    pub(crate) async fn open(&self, to: SocketAddr) -> Coming {
        let connect = bounded("a connection", TcpStream::connect(to));
        self.open_on(BufReader::new(connect.await.unwrap())).await
    }

    /// The same; nothing where the connection ends instead, as it does where a body breaks off before any of it is sent.
    pub(crate) async fn try_open(&self, to: SocketAddr) -> Option<Coming> {
        let connect = bounded("a connection", TcpStream::connect(to));
        self.try_open_on(BufReader::new(connect.await.unwrap())).await
    }

    /// Sends it, and hangs up without reading a byte.
    pub(crate) async fn leave(&self, to: SocketAddr) {
        let text = self.text();
        let exchange = async {
            let mut stream = TcpStream::connect(to).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
        };
        bounded("a request is sent", exchange).await;
    }

    async fn open_on(&self, stream: BufReader<TcpStream>) -> Coming {
        self.try_open_on(stream).await.expect("the connection ended before a response")
    }

    async fn try_open_on(&self, mut stream: BufReader<TcpStream>) -> Option<Coming> {
        let exchange = async {
            stream.get_mut().write_all(self.text().as_bytes()).await.unwrap();
            let head = read_head(&mut stream).await.ok()??;
            Some((stream, head))
        };
        let (stream, head) = bounded(&format!("a head for {}", self.path), exchange).await?;
        let status = head.start.split(' ').nth(1).unwrap_or_default().parse().unwrap();
        let bodiless = self.method == "HEAD" || status == 304 || status == 204;
        let body = if bodiless { Body::Done } else { head.body(Body::Close) };
        Some(Coming { status, head, stream, body, ahead: Vec::new() })
    }

    /// Sends it and reads the whole response.
    pub(crate) async fn send(&self, to: SocketAddr) -> Got {
        self.open(to).await.whole().await
    }
}

/// A response whose body is on its way. Dropped, the client hangs up.
pub(crate) struct Coming {
    pub(crate) status: u16,
    pub(crate) head: Head,
    stream: BufReader<TcpStream>,
    body: Body,
    ahead: Vec<u8>,
}

/// The body ended before it was whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BrokenOff;

impl Coming {
    /// Reads as much of the body as `text` is long; that it is `text` is the test's claim.
    pub(crate) async fn reads(&mut self, text: &str) {
        while self.ahead.len() < text.len() {
            let piece = bounded("more of the body", read_piece(&mut self.stream, &mut self.body)).await;
            let piece = piece.expect("the body goes on");
            assert!(!piece.is_empty(), "the body ended before `{text}`");
            self.ahead.extend(piece);
        }
        let rest = self.ahead.split_off(text.len());
        let read = std::mem::replace(&mut self.ahead, rest);
        assert_eq!(String::from_utf8_lossy(&read), text);
    }

    /// Reads one line of the body, without its end; nothing where the body has ended.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let rest = self.ahead.split_off(end + 1);
                let line = std::mem::replace(&mut self.ahead, rest);
                return Some(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.body == Body::Done {
                return None;
            }
            let piece = bounded("a line of the body", read_piece(&mut self.stream, &mut self.body)).await;
            self.ahead.extend(piece.ok()?);
        }
    }

    /// Sends more of the request's body.
    pub(crate) async fn writes(&mut self, bytes: &[u8]) {
        bounded("a write", self.stream.get_mut().write_all(bytes)).await.unwrap();
    }

    /// Reads the rest of the body.
    pub(crate) async fn rest(&mut self) -> Result<String, BrokenOff> {
        let mut rest = std::mem::take(&mut self.ahead);
        while self.body != Body::Done {
            match bounded("the rest of the body", read_piece(&mut self.stream, &mut self.body)).await {
                Ok(piece) => rest.extend(piece),
                Err(_) => return Err(BrokenOff),
            }
        }
        Ok(String::from_utf8_lossy(&rest).into_owned())
    }

    /// Reads it to its end, and sends another request on the same connection.
    pub(crate) async fn then(mut self, ask: &Ask) -> Self {
        self.rest().await.expect("the body is whole");
        ask.open_on(self.stream).await
    }

    /// Reads it to its end.
    pub(crate) async fn whole(mut self) -> Got {
        let body = self.rest().await.expect("the body is whole");
        Got { status: self.status, head: self.head, body }
    }
}

/// A whole response.
#[derive(Clone)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: String,
}

impl Got {
    /// The value of a field that is there at most once.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.one(name)
    }

    /// What the last cache says of itself in `Cache-Status`, without its name.
    pub(crate) fn cache(&self) -> String {
        let last = self.head.all("cache-status").last().copied().unwrap_or_default();
        last.split_once("; ").map_or("", |(_, words)| words).to_owned()
    }

    /// Status and body, for comparing in one line.
    pub(crate) fn says(&self) -> (u16, &str) {
        (self.status, &self.body)
    }
}

impl fmt::Debug for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head.start)?;
        for (name, value) in &self.head.fields {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{}", self.body)
    }
}
