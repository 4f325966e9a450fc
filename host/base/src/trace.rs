//! Traces: the spans of the requests that are sampled, and the words that carry a trace from hop to hop (W3C Trace Context).
//!
//! A request that is not sampled has no [`Span`], and neither has anything that it leads to: it pays for nothing here. Owns:
//! identifiers, `traceparent`, who is whose parent. Refuses: fields of messages (the pipeline's), and where spans go: that
//! is [`Spans`]'s business, which must not wait.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::SystemTime;

use crate::clock::Clock;

/// Where a span stands: its trace and its own name. Only of what is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The trace's name.
    pub trace: [u8; 16],
    /// The span's.
    pub span: [u8; 8],
}

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The span that asks.
    pub place: Place,
    /// Whether it is recorded.
    pub sampled: bool,
}

/// What is worth telling of a span.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

/// On which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Answers one.
    Server,
    /// Makes one.
    Client,
    /// Neither.
    Internal,
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Where it stands.
    pub place: Place,
    /// The span that it is part of.
    pub parent: Option<[u8; 8]>,
    /// Whether that is another process's.
    pub parent_is_remote: bool,
    /// A client's trace that this one does not continue, because it is not trusted.
    pub link: Option<Place>,
    /// What was done.
    pub name: &'static str,
    /// On which side of a call.
    pub kind: Kind,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What is to be told of it.
    pub fields: Vec<(&'static str, Value)>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// Where spans go. Called on the data path.
pub trait Spans: Send + Sync {
    /// Takes a span. It must not wait: where there is no room, the span is lost, and counted.
    fn take(&self, span: Ended);
}

/// Makes spans. Cheap to clone.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

struct Inner {
    clock: Clock,
    to: Arc<dyn Spans>,
    /// The share of requests that begin a trace.
    share: f64,
    trusts_clients: bool,
}

/// A span under way. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    parent: Parent,
    /// All but the end; gone once that has been told.
    open: Option<Box<Ended>>,
}

/// A span as those see it that are parts of it. Cheap to clone; it may outlive its span.
#[derive(Clone)]
pub struct Parent {
    tracer: Tracer,
    place: Place,
}

impl Tracer {
    /// Spans go to `to`. Of the requests of clients `share`, from 0 to 1, begin a trace; where clients are trusted, those
    /// that come with one continue it, or not, as they say.
    #[must_use]
    pub fn new(clock: Clock, to: Arc<dyn Spans>, share: f64, trusts_clients: bool) -> Self {
        Self(Arc::new(Inner { clock, to, share, trusts_clients }))
    }

    /// The span of a client's request, if it is sampled.
    #[must_use]
    pub fn of_client(&self, name: &'static str, given: impl FnOnce() -> Option<Given>) -> Option<Span> {
        if self.0.trusts_clients {
            match given() {
                Some(given) => return given.sampled.then(|| self.continued(name, given.place)),
                None => return self.draws().then(|| self.root(name, None)),
            }
        }
        self.draws().then(|| self.root(name, given().map(|given| given.place)))
    }

    /// The span of another node's request, if that is sampled there: here is no beginning.
    #[must_use]
    pub fn of_peer(&self, name: &'static str, given: Option<Given>) -> Option<Span> {
        given.filter(|given| given.sampled).map(|given| self.continued(name, given.place))
    }

    fn draws(&self) -> bool {
        self.0.share > 0.0 && fastrand::f64() < self.0.share
    }

    fn root(&self, name: &'static str, link: Option<Place>) -> Span {
        let place = Place { trace: fastrand::u128(1..).to_be_bytes(), span: new_span() };
        let mut span = self.span(name, Kind::Server, place, None);
        if let Some(open) = &mut span.open {
            open.link = link;
        }
        span
    }

    fn continued(&self, name: &'static str, from: Place) -> Span {
        let place = Place { trace: from.trace, span: new_span() };
        let mut span = self.span(name, Kind::Server, place, Some(from.span));
        if let Some(open) = &mut span.open {
            open.parent_is_remote = true;
        }
        span
    }

    fn span(&self, name: &'static str, kind: Kind, place: Place, parent: Option<[u8; 8]>) -> Span {
        let began = self.0.clock.now();
        let open = Ended {
            place,
            parent,
            parent_is_remote: false,
            link: None,
            name,
            kind,
            began,
            ended: began,
            fields: Vec::new(),
            failure: None,
        };
        Span { parent: Parent { tracer: self.clone(), place }, open: Some(Box::new(open)) }
    }
}

/// Zero is no name (W3C Trace Context §3.2.2.4).
fn new_span() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}

impl Span {
    /// What its parts know of it.
    #[must_use]
    pub fn parent(&self) -> &Parent {
        &self.parent
    }

    /// Tells something of it.
    pub fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.open {
            open.fields.push((name, value.into()));
        }
    }

    /// It failed.
    pub fn fail(&mut self, why: impl Into<String>) {
        if let Some(open) = &mut self.open {
            open.failure = Some(why.into());
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(mut open) = self.open.take() {
            let Inner { clock, to, .. } = &*self.parent.tracer.0;
            open.ended = clock.now();
            to.take(*open);
        }
    }
}

impl Parent {
    /// A part of it, which begins now.
    #[must_use]
    pub fn child(&self, name: &'static str, kind: Kind) -> Span {
        let place = Place { trace: self.place.trace, span: new_span() };
        self.tracer.span(name, kind, place, Some(self.place.span))
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }
}

impl Place {
    /// The `traceparent` that hands it on: version 0, sampled (W3C Trace Context §3.2).
    #[must_use]
    pub fn traceparent(&self) -> String {
        let mut text = String::with_capacity(TRACEPARENT_BYTES);
        let hex = |text: &mut String, bytes: &[u8]| {
            for byte in bytes {
                // Into a string it cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
        };
        text.push_str("00-");
        hex(&mut text, &self.trace);
        text.push('-');
        hex(&mut text, &self.span);
        text.push_str("-01");
        text
    }

    /// The trace's name as people write it.
    #[must_use]
    pub fn trace_hex(&self) -> String {
        self.traceparent().get(3..35).unwrap_or_default().to_owned()
    }
}

/// Bytes of a `traceparent` of version 0.
const TRACEPARENT_BYTES: usize = 55;

impl Given {
    /// Reads a `traceparent` (W3C Trace Context §3.2, §4.3). One of a later version is read as far as version 0 goes.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(TRACEPARENT_BYTES)?;
        let [v1, v2, b'-', known @ ..] = known else { return None };
        let version = byte(*v1, *v2)?;
        let ends = if version == 0 { rest.is_empty() } else { rest.first().is_none_or(|byte| *byte == b'-') };
        let (trace, known) = known.split_at_checked(32)?;
        let (span, flags) = known.strip_prefix(b"-")?.split_at_checked(16)?;
        let [b'-', f1, f2] = flags else { return None };
        let place = Place { trace: bytes(trace)?, span: bytes(span)? };
        let named = place.trace != [0; 16] && place.span != [0; 8];
        let sampled = byte(*f1, *f2)? & 1 == 1;
        (version != 0xff && ends && named).then_some(Self { place, sampled })
    }
}

fn bytes<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    for (out, pair) in out.iter_mut().zip(hex.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *out = byte(*high, *low)?;
    }
    Some(out)
}

/// Two digits; upper case is not allowed (§3.2.2.1).
fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    Some(digit(high)? << 4 | digit(low)?)
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("share", &self.0.share).finish_non_exhaustive()
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parent({})", self.place.traceparent())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

#[cfg(test)]
mod tests;
