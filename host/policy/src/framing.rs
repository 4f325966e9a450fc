//! RFC 9112 §2.2, §6 and §7: the bytes of a client's requests, as they come and before a parser has read them.
//!
//! Owns what a lenient parser forgives and its caller can no longer see: a line that ends without its CR, a length beside
//! a transfer coding, a length said twice, a fragment in a target. Each is what request smuggling is made of, because the
//! next reader may read it otherwise. Refuses to parse: it follows lines and lengths just far enough to know where a
//! request's head and body end, and whatever else is wrong is for the parser to refuse. Where the two could disagree about
//! an end, the input is an oddity too.

use memchr::memchr;

/// With this a client that speaks HTTP/2 by prior knowledge begins (RFC 9113 §3.4): what follows is not lines.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Most bytes that are kept of a line which comes in pieces. A field that frames a body has fewer, or is an oddity.
const LINE_KEPT_BYTES: usize = 64;

/// Most digits of a chunk's size: those of the largest number of 64 bits (RFC 9112 §7.1).
const CHUNK_SIZE_MAX_DIGITS: usize = 16;

/// Most digits of a length: those of a number that fits into 64 bits whatever they are.
const LENGTH_MAX_DIGITS: usize = 19;

/// What is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// A line ends with LF alone. A recipient may take that (§2.2), and then reads other lines than one that does not.
    BareLineFeed,
    /// `Content-Length` beside `Transfer-Encoding` (§6.3): one of two readers goes by the other.
    LengthAndCoding,
    /// More than one `Content-Length`, alike or not (RFC 9110 §8.6).
    TwoLengths,
    /// A `Content-Length` that is not one number.
    Length,
    /// A `#` in the request line: a target has no fragment (§3.2), and some cut it off where others do not.
    Fragment,
    /// A chunk without a readable size, or that does not end where its size says (§7.1).
    Chunk,
}

impl Oddity {
    /// The word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BareLineFeed => "bare-line-feed",
            Self::LengthAndCoding => "length-and-coding",
            Self::TwoLengths => "two-lengths",
            Self::Length => "length",
            Self::Fragment => "fragment",
            Self::Chunk => "chunk",
        }
    }
}

/// Where an oddity was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// The first byte, of those that were looked at, that must not be passed on.
    pub at: usize,
    /// What it is.
    pub oddity: Oddity,
}

/// What has been seen of one connection.
#[derive(Debug, Clone)]
pub struct Framing {
    state: State,
    line: Line,
    head: Head,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the connection's beginning, behind so many bytes of [`HTTP2_PREFACE`].
    Preface(usize),
    /// In a request line, or a field.
    Head,
    /// Behind a head that asks for another protocol: the answer says whether it is spoken from here on.
    Switching,
    /// In a body of which so much is left.
    Body(u64),
    /// In the line of a chunk's size.
    ChunkSize,
    /// In a chunk of which so much is left.
    ChunkData(u64),
    /// In the line end behind a chunk.
    ChunkEnd,
    /// In the fields behind the last chunk.
    Trailers,
    /// In another protocol.
    Opaque,
}

/// What came of a line in earlier pieces.
#[derive(Debug, Clone)]
struct Line {
    start: [u8; LINE_KEPT_BYTES],
    bytes: usize,
    last: u8,
}

/// What is known of a head so far.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    has_request_line: bool,
    length: Option<u64>,
    is_coded: bool,
    wants_upgrade: bool,
}

impl Default for Framing {
    fn default() -> Self {
        let line = Line { start: [0; LINE_KEPT_BYTES], bytes: 0, last: 0 };
        Self { state: State::Preface(0), line, head: Head::default() }
    }
}

impl Framing {
    /// Looks at the bytes that came. After a [`Breach`] nothing more may be looked at.
    pub fn look(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let taken = match self.state {
                State::Opaque => return Ok(()),
                State::Preface(seen) => self.preface(seen, rest)?,
                State::Body(left) => {
                    let (taken, left) = take(left, rest);
                    self.state = if left == 0 { State::Head } else { State::Body(left) };
                    taken
                }
                State::ChunkData(left) => {
                    let (taken, left) = take(left, rest);
                    self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                    taken
                }
                State::Switching => {
                    self.state = State::Head;
                    0
                }
                State::Head | State::ChunkSize | State::ChunkEnd | State::Trailers => {
                    self.line(rest).map_err(|breach| Breach { at: breach.at.saturating_add(at), ..breach })?
                }
            };
            at = at.saturating_add(taken);
        }
        Ok(())
    }

    /// Whether the next bytes are of another protocol if the answer says so.
    pub fn may_switch(&self) -> bool {
        self.state == State::Switching
    }

    /// The answer said so (RFC 9110 §15.2.2).
    pub fn switched(&mut self) {
        self.state = State::Opaque;
    }

    /// Compares with the preface; what is not one is a head.
    fn preface(&mut self, seen: usize, rest: &[u8]) -> Result<usize, Breach> {
        let wanted = HTTP2_PREFACE.get(seen..).unwrap_or_default();
        let alike = wanted.iter().zip(rest).take_while(|(wanted, found)| wanted == found).count();
        let seen = seen.saturating_add(alike);
        if seen == HTTP2_PREFACE.len() {
            self.state = State::Opaque;
        } else if alike == rest.len() {
            self.state = State::Preface(seen);
        } else {
            self.state = State::Head;
            // It has no oddity of its own, so the breach, if there were one, would be at the first new byte.
            self.look(HTTP2_PREFACE.get(..seen).unwrap_or_default())
                .map_err(|breach| Breach { at: 0, ..breach })?;
        }
        Ok(alike)
    }

    /// Takes one line, or what there is of it.
    fn line(&mut self, rest: &[u8]) -> Result<usize, Breach> {
        let end = memchr(b'\n', rest);
        let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
        let breach = |at, oddity| Err(Breach { at, oddity });
        if self.state == State::Head
            && !self.head.has_request_line
            && let Some(at) = memchr(b'#', piece)
        {
            return breach(at, Oddity::Fragment);
        }
        let Some(end) = end else {
            self.line.keep(piece);
            return Ok(rest.len());
        };
        if piece.last().copied().unwrap_or(self.line.last) != b'\r' {
            return breach(end, Oddity::BareLineFeed);
        }
        let ended = if self.line.bytes == 0 {
            self.end_line(piece, piece.len())
        } else {
            self.line.keep(piece);
            let Line { start, bytes, .. } = self.line;
            self.end_line(start.get(..bytes).unwrap_or(&start), bytes)
        };
        (self.line.bytes, self.line.last) = (0, 0);
        match ended {
            Ok(()) => Ok(end.saturating_add(1)),
            Err(oddity) => breach(end, oddity),
        }
    }

    /// A line has ended. `text` is its beginning, its CR included where it is all of it; `bytes` is how long it is.
    fn end_line(&mut self, text: &[u8], bytes: usize) -> Result<(), Oddity> {
        let is_empty = text == b"\r";
        match self.state {
            State::Head if is_empty => self.end_head(),
            State::Head if !self.head.has_request_line => self.head.has_request_line = true,
            State::Head => return self.head.field(text, bytes),
            State::ChunkSize => {
                self.state = match chunk_size(text).ok_or(Oddity::Chunk)? {
                    0 => State::Trailers,
                    size => State::ChunkData(size),
                };
            }
            State::ChunkEnd if is_empty => self.state = State::ChunkSize,
            State::ChunkEnd => return Err(Oddity::Chunk),
            State::Trailers if is_empty => self.state = State::Head,
            _ => {}
        }
        Ok(())
    }

    fn end_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.state = match head.length.unwrap_or(0) {
            // Empty lines before a request are skipped (§2.2).
            _ if !head.has_request_line => State::Head,
            _ if head.is_coded => State::ChunkSize,
            0 if head.wants_upgrade => State::Switching,
            0 => State::Head,
            length => State::Body(length),
        };
    }
}

impl Line {
    fn keep(&mut self, piece: &[u8]) {
        for (kept, byte) in self.start.iter_mut().skip(self.bytes).zip(piece) {
            *kept = *byte;
        }
        self.bytes = self.bytes.saturating_add(piece.len());
        self.last = piece.last().copied().unwrap_or(self.last);
    }
}

impl Head {
    fn field(&mut self, text: &[u8], bytes: usize) -> Result<(), Oddity> {
        match text.first() {
            Some(b'c' | b'C') => {
                let Some(value) = value_of(text, b"content-length:") else { return Ok(()) };
                if self.length.is_some() {
                    return Err(Oddity::TwoLengths);
                }
                // A line beyond what is kept of one would be read otherwise where it comes in pieces.
                let length = Some(value).filter(|_| bytes <= LINE_KEPT_BYTES).and_then(length_of);
                self.length = Some(length.ok_or(Oddity::Length)?);
            }
            Some(b't' | b'T') => self.is_coded |= value_of(text, b"transfer-encoding:").is_some(),
            Some(b'u' | b'U') => self.wants_upgrade |= value_of(text, b"upgrade:").is_some(),
            _ => {}
        }
        if self.is_coded && self.length.is_some() { Err(Oddity::LengthAndCoding) } else { Ok(()) }
    }
}

/// The value of a field, if it has this name. White space before the colon is for the parser to refuse.
fn value_of<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let (start, value) = text.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// One number (RFC 9110 §8.6).
fn length_of(value: &[u8]) -> Option<u64> {
    let is_number = (1..=LENGTH_MAX_DIGITS).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

/// The size at the beginning of a chunk's line, whatever extension follows it (§7.1.1).
fn chunk_size(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, rest) = text.split_at_checked(digits).filter(|_| digits <= CHUNK_SIZE_MAX_DIGITS)?;
    if !matches!(rest.first(), Some(b' ' | b'\t' | b';' | b'\r')) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()
}

/// How much of what is left is here, and what is left after it.
fn take(left: u64, rest: &[u8]) -> (usize, u64) {
    let here = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
    (here, left.saturating_sub(here as u64))
}

#[cfg(test)]
mod tests;
