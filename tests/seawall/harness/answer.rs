//! What the origin says: a head, and a body that may wait at gates, break off, or never have been HTTP.

use std::fmt::Write as _;

use super::gate::Gate;

/// One scripted response.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    /// Sent before the head, and before its gate.
    interim: String,
    trailers: Vec<(String, String)>,
    head_gate: Option<Gate>,
    body: Vec<Step>,
    framing: Framing,
    /// How the connection ends, where it does.
    end: Option<End>,
}

/// How a connection ends after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// As if all were said.
    Close,
    /// With a reset.
    Reset,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// `Content-Length`: what the body has, and so many bytes more that never come.
    Length {
        missing: usize,
    },
    Chunked,
    /// No head at all: the steps are the whole answer.
    Bare,
}

/// What the origin does next on its connection.
#[derive(Clone)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Waits.
    Wait(Gate),
    /// Ends the connection.
    Close,
    /// Says that nothing more comes, and goes on listening.
    HalfClose,
    /// Ends the connection with a reset.
    Reset,
}

impl Answer {
    /// A response with a body in one piece.
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self {
            status,
            fields: Vec::new(),
            interim: String::new(),
            trailers: Vec::new(),
            head_gate: None,
            body: vec![Step::Send(body.into())],
            framing: Framing::Length { missing: 0 },
            end: None,
        }
    }

    /// A 200 that may be stored for a minute.
    pub(crate) fn cacheable(body: &str) -> Self {
        Self::new(200, body).field("cache-control", "max-age=60")
    }

    /// A 200 that may not be stored.
    pub(crate) fn uncacheable(body: &str) -> Self {
        Self::new(200, body).field("cache-control", "no-store")
    }

    /// Bytes that are the whole answer, whatever they are; then the connection is reset.
    pub(crate) fn bare(bytes: &str) -> Self {
        let mut answer = Self::new(0, bytes);
        answer.framing = Framing::Bare;
        answer.end = Some(End::Reset);
        answer
    }

    /// Bytes that are the whole answer, whatever they are; then this side of the connection is closed.
    pub(crate) fn half_closed(bytes: &str) -> Self {
        let mut answer = Self::bare(bytes);
        answer.end = None;
        answer.body.push(Step::HalfClose);
        answer
    }

    /// Never a byte.
    pub(crate) fn silence() -> Self {
        Self::bare("").at(&Gate::closed())
    }

    /// One more field.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more interim response, with this status and these fields, sent without waiting for the head's gate.
    pub(crate) fn interim(mut self, status: u16, fields: &str) -> Self {
        let _ = write!(self.interim, "HTTP/1.1 {status} Scripted\r\n{fields}\r\n");
        self
    }

    /// One more trailer, of a body in chunks.
    pub(crate) fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self.chunked()
    }

    /// The head waits at the gate.
    pub(crate) fn at(mut self, gate: &Gate) -> Self {
        self.head_gate = Some(gate.clone());
        self
    }

    /// One more piece of body, which waits at the gate.
    pub(crate) fn then_at(mut self, gate: &Gate, piece: &str) -> Self {
        self.body.push(Step::Wait(gate.clone()));
        self.body.push(Step::Send(piece.into()));
        self
    }

    /// The body is sent in chunks.
    pub(crate) fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// The head promises more than comes: after what is scripted, the connection is reset.
    pub(crate) fn breaking_off(mut self) -> Self {
        if self.framing != Framing::Chunked {
            self.framing = Framing::Length { missing: 10 };
        }
        self.end = Some(End::Reset);
        self
    }

    /// The connection ends after what is scripted, and not with a reset.
    pub(crate) fn hanging_up(mut self) -> Self {
        self.end = Some(End::Close);
        self
    }

    /// What to do on the connection. `bodiless` where the request or the status allows no body.
    pub(crate) fn steps(self, bodiless: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.interim.is_empty() {
            steps.push(Step::Send(self.interim.clone().into_bytes()));
        }
        steps.extend(self.head_gate.clone().map(Step::Wait));
        if self.framing != Framing::Bare {
            steps.push(Step::Send(self.head().into_bytes()));
        }
        if bodiless || self.status == 304 {
            return steps;
        }
        let chunked = self.framing == Framing::Chunked;
        steps.extend(self.body.into_iter().map(|step| match step {
            Step::Send(bytes) if chunked => Step::Send(chunk(&bytes)),
            step => step,
        }));
        if let Some(end) = self.end {
            steps.push(if end == End::Reset { Step::Reset } else { Step::Close });
        } else if chunked {
            let fields = self.trailers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
            let end = format!("0\r\n{}\r\n", fields.collect::<String>());
            steps.push(Step::Send(end.into_bytes()));
        }
        steps
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let length: usize = self.body.iter().map(Step::length).sum();
        let _ = match self.framing {
            Framing::Length { missing } if self.status != 304 => {
                write!(head, "content-length: {}\r\n", length + missing)
            }
            Framing::Chunked => write!(head, "transfer-encoding: chunked\r\n"),
            Framing::Length { .. } | Framing::Bare => Ok(()),
        };
        head + "\r\n"
    }
}

impl Step {
    fn length(&self) -> usize {
        match self {
            Self::Send(bytes) => bytes.len(),
            Self::Wait(_) | Self::Close | Self::HalfClose | Self::Reset => 0,
        }
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}
