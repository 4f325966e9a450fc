//! HTTP/1.1 as bytes, for both ends of the tests: written by hand so that a test can see, and say, what no well-behaved
//! library would.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

/// Most bytes that are read at once.
const WINDOW_BYTES: usize = 16 * 1024;

/// Fields in the order in which they came; names in lower case.
pub(crate) type Fields = Vec<(String, String)>;

/// The start line and the fields of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) start: String,
    pub(crate) fields: Fields,
}

/// How a message's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// After so many more bytes.
    Length(u64),
    /// Within a chunk, with so many bytes left in it; zero before a chunk's size line.
    Chunk(u64),
    /// With the connection.
    Close,
    /// It has ended.
    Done,
}

impl Head {
    /// The values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let own = self.fields.iter().filter(|(field, _)| field == name);
        own.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a field that is there at most once.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "`{name}` is there more than once: {self:?}");
        values.first().copied()
    }

    /// How the body of a message with this head ends.
    pub(crate) fn body(&self, without: Body) -> Body {
        if self.one("transfer-encoding") == Some("chunked") {
            return Body::Chunk(0);
        }
        let length = self.one("content-length").map(|text| text.parse().unwrap());
        match length {
            Some(0) => Body::Done,
            Some(length) => Body::Length(length),
            None => without,
        }
    }
}

/// Reads a head; `None` where the connection ended instead.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<Option<Head>> {
    let mut head = Head::default();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Ok(Some(head));
        }
        match line.split_once(':') {
            Some((name, value)) if !head.start.is_empty() => {
                let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
                head.fields.push((name, value));
            }
            _ => line.clone_into(&mut head.start),
        }
    }
}

/// Reads what has come of a body; nothing where it has ended.
pub(crate) async fn read_piece<S: AsyncRead + Unpin>(
    stream: &mut BufReader<S>,
    body: &mut Body,
) -> io::Result<Vec<u8>> {
    if let Body::Chunk(left @ 0) = body {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let size = line.trim().split(';').next().unwrap_or_default();
        *left = u64::from_str_radix(size, 16).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        if *left == 0 {
            // Trailers, if any, and the empty line.
            while stream.read_line(&mut line).await? > 2 {}
            *body = Body::Done;
        }
    }
    let most = match body {
        Body::Length(left) | Body::Chunk(left) => *left,
        Body::Close => u64::MAX,
        Body::Done => return Ok(Vec::new()),
    };
    // Not on the stack: hundreds of these futures stand in one test.
    let mut piece = vec![0; usize::try_from(most).unwrap_or(usize::MAX).min(WINDOW_BYTES)];
    let read = stream.read(&mut piece).await?;
    piece.truncate(read);
    match body {
        Body::Length(_) | Body::Chunk(_) if read == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
        Body::Length(left) => {
            *left -= read as u64;
            if *left == 0 {
                *body = Body::Done;
            }
        }
        Body::Chunk(left) => {
            *left -= read as u64;
            if *left == 0 {
                stream.read_exact(&mut [0; 2]).await?;
            }
        }
        Body::Close if read == 0 => *body = Body::Done,
        Body::Close | Body::Done => {}
    }
    Ok(piece)
}
