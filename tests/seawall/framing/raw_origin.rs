//! An origin that takes nothing but what is beyond doubt, and writes down all that it was sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) start: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: String,
    /// Which connection it came on.
    pub(super) connection: usize,
}

/// What is on the wire of one origin.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) seen: Vec<Seen>,
    /// What was not beyond doubt.
    pub(super) doubts: Vec<String>,
    connections: usize,
    /// Whole answers by path; others get a plain one.
    answers: HashMap<String, Vec<u8>>,
}

pub(super) struct RawOrigin {
    pub(super) address: SocketAddr,
    wire: Arc<Mutex<Wire>>,
}

impl RawOrigin {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Mutex::new(Wire::default()));
        let own = Arc::clone(&wire);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&own)));
            }
        });
        Self { address, wire }
    }

    /// From now on `path` is answered with these bytes.
    pub(super) fn says(&self, path: &str, bytes: &[u8]) {
        self.wire.lock().answers.insert(path.to_owned(), bytes.to_vec());
    }

    /// Looks at what has come.
    pub(super) fn wire<T>(&self, look: impl FnOnce(&Wire) -> T) -> T {
        look(&self.wire.lock())
    }
}

async fn converse(mut stream: TcpStream, wire: Arc<Mutex<Wire>>) {
    let connection = {
        let mut wire = wire.lock();
        wire.connections += 1;
        wire.connections
    };
    let mut came = Vec::new();
    let mut piece = vec![0; 16 << 10];
    loop {
        match read(&came, connection) {
            Ok(Some((seen, bytes))) => {
                came.drain(..bytes);
                let path = seen.start.split(' ').nth(1).unwrap_or_default().to_owned();
                let answer = {
                    let mut wire = wire.lock();
                    wire.seen.push(seen);
                    wire.answers.get(&path).cloned()
                };
                let plain =
                    b"HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 2\r\n\r\nok".to_vec();
                if stream.write_all(&answer.unwrap_or(plain)).await.is_err() {
                    return;
                }
            }
            Ok(None) => match stream.read(&mut piece).await {
                Ok(bytes @ 1..) => came.extend_from_slice(&piece[..bytes]),
                _ => return,
            },
            Err(doubt) => {
                let text = String::from_utf8_lossy(&came).into_owned();
                wire.lock().doubts.push(format!("{doubt}: {text:?}"));
                return;
            }
        }
    }
}

/// One request, if it is whole, and how many bytes it has; or what is wrong with it.
fn read(bytes: &[u8], connection: usize) -> Result<Option<(Seen, usize)>, &'static str> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "not text")?;
    if head.replace("\r\n", "").contains(|c: char| c.is_control() && c != '\t') {
        return Err("a control character, or half a line end");
    }
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default().to_owned();
    let words: Vec<&str> = start.split(' ').collect();
    if words.len() != 3 || words[2] != "HTTP/1.1" || !(words[1].starts_with('/') || words[1] == "*") {
        return Err("not a request line");
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("not a field")?;
        if name.is_empty() || name.contains(|c: char| !c.is_ascii_graphic()) {
            return Err("not a field's name");
        }
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let all = |name: &str| {
        fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    if all("host").len() != 1 {
        return Err("not one host");
    }
    let from = end + 4;
    let body = match (all("content-length").as_slice(), all("transfer-encoding").as_slice()) {
        ([], []) => Some((String::new(), from)),
        ([length], []) => {
            let length: usize = length.parse().map_err(|_| "not a length")?;
            let body = bytes.get(from..from + length);
            body.map(|body| (String::from_utf8_lossy(body).into_owned(), from + length))
        }
        ([], [coding]) if coding == "chunked" => chunks(bytes, from)?,
        _ => return Err("not one framing"),
    };
    Ok(body.map(|(body, bytes)| (Seen { start, fields, body, connection }, bytes)))
}

fn chunks(bytes: &[u8], mut at: usize) -> Result<Option<(String, usize)>, &'static str> {
    let mut body = String::new();
    loop {
        let Some(end) = bytes[at..].windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(&bytes[at..at + end]).map_err(|_| "a chunk's line is not text")?;
        if line.is_empty() || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("not a chunk's size, or an extension");
        }
        let size = usize::from_str_radix(line, 16).map_err(|_| "not a chunk's size")?;
        at += end + 2;
        if size == 0 {
            let Some(end) = bytes[at..].windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
            return if end == 0 { Ok(Some((body, at + 2))) } else { Err("a trailer that nobody announced") };
        }
        let Some(data) = bytes.get(at..at + size + 2) else { return Ok(None) };
        if &data[size..] != b"\r\n" {
            return Err("a chunk does not end where it should");
        }
        body.push_str(&String::from_utf8_lossy(&data[..size]));
        at += size + 2;
    }
}
