//! The origin and its URLs: content with versions, tags that come and go, a `Vary` that comes late, and bad days.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
};
use http::{Method, StatusCode};
use seawall_policy::Part;
use seawall_policy::range::{self, RangeRequest, Span};
use seawall_policy::{partial, tags};

use crate::executor::Executor;

/// A URL of the simulated web.
#[derive(Clone, Debug)]
pub(crate) struct Url {
    pub(crate) site: &'static str,
    pub(crate) authority: &'static str,
    pub(crate) path: &'static str,
}

/// The site whose misses go through the shield, and the one whose do not.
pub(crate) const SHIELDED: &str = "shop";
pub(crate) const PLAIN: &str = "blog";

/// All URLs: few, so that requests, fills and purges meet.
pub(crate) const URLS: [Url; 6] = [
    Url { site: SHIELDED, authority: "a.example", path: "/p/1" },
    Url { site: SHIELDED, authority: "a.example", path: "/p/2" },
    Url { site: SHIELDED, authority: "a.example", path: "/q/1" },
    Url { site: SHIELDED, authority: "b.example", path: "/p/1" },
    Url { site: PLAIN, authority: "c.example", path: "/p/1" },
    Url { site: PLAIN, authority: "c.example", path: "/q?x" },
];

/// All tags, by the bit that stands for each.
pub(crate) const TAGS: [&str; 4] = ["a", "b", "c", "d"];

/// The field that carries a content's number through caches.
pub(crate) const CONTENT: HeaderName = HeaderName::from_static("x-content");

/// The URL whose bodies are long: long enough to be worth completing when they break off, and at times too large.
pub(crate) const LONG: usize = 2;

/// What stands at a URL just now.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) version: u32,
    pub(crate) tags: u8,
    pub(crate) varies: bool,
    /// Seconds of `max-age`.
    pub(crate) lifetime: u64,
    /// What else `Cache-Control` says.
    pub(crate) more: &'static str,
    /// It has an entity tag, so it can be validated and completed.
    pub(crate) validator: bool,
}

/// What the origin makes of one request.
pub(crate) struct Made {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<Bytes>,
    /// The connection breaks after the pieces.
    pub(crate) breaks: bool,
    pub(crate) version: u32,
    pub(crate) french: Option<bool>,
    /// `None` where it says nothing of them.
    pub(crate) tags: Option<u8>,
    pub(crate) lifetime: Option<Duration>,
}

impl Page {
    pub(crate) fn first(random: &Executor) -> Self {
        let mut page =
            Self { version: 1, tags: 0, varies: random.chance(20), lifetime: 5, more: "", validator: true };
        page.retag(random);
        page.reword(random);
        page
    }

    /// Other tags: none, one or several.
    pub(crate) fn retag(&mut self, random: &Executor) {
        self.tags = u8::try_from(random.below(1 << TAGS.len())).unwrap_or_default();
    }

    /// Other words about how long it may be kept.
    pub(crate) fn reword(&mut self, random: &Executor) {
        self.lifetime = [1, 2, 3, 5, 8, 60][random.below(6)];
        self.more = match random.below(12) {
            0 => ", must-revalidate",
            1..=3 => ", stale-while-revalidate=4",
            4 => ", stale-if-error=30",
            5 => ", no-cache",
            6 if random.chance(30) => ", no-store",
            _ => "",
        };
        self.validator = random.chance(85);
    }

    /// The answer to a request for it.
    pub(crate) fn answer(&self, url: usize, request: &HeaderMap, random: &Executor) -> Made {
        let french = self.varies.then(|| speaks_french(request));
        let etag = self.etag(url, french);
        let mut made = Made {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Vec::new(),
            breaks: false,
            version: self.version,
            french,
            tags: Some(self.tags),
            lifetime: Some(Duration::from_secs(self.lifetime)),
        };
        let held = request.get(IF_NONE_MATCH).is_some_and(|held| Some(held) == etag.as_ref());
        if held && random.chance(25) {
            // A 304 that repeats nothing: what was said before stands.
            made.status = StatusCode::NOT_MODIFIED;
            (made.tags, made.lifetime) = (None, None);
            set(&mut made.headers, ETAG, etag);
            return made;
        }
        self.say(&mut made.headers, etag);
        if held {
            made.status = StatusCode::NOT_MODIFIED;
            return made;
        }
        let whole = body(url, self.version, french);
        self.send(&mut made, url, request, &whole, random);
        made
    }

    fn etag(&self, url: usize, french: Option<bool>) -> Option<HeaderValue> {
        let language = french.map_or("any", |french| if french { "fr" } else { "de" });
        let text = format!("\"{url}-{}-{language}\"", self.version);
        HeaderValue::try_from(text).ok().filter(|_| self.validator)
    }

    fn say(&self, headers: &mut HeaderMap, etag: Option<HeaderValue>) {
        set(headers, ETAG, etag);
        set(
            headers,
            CACHE_CONTROL,
            HeaderValue::try_from(format!("max-age={}{}", self.lifetime, self.more)).ok(),
        );
        let names: Vec<&str> =
            TAGS.iter().enumerate().filter(|(bit, _)| self.tags >> bit & 1 == 1).map(|(_, t)| *t).collect();
        set(headers, tags::SURROGATE_KEY, HeaderValue::try_from(names.join(" ")).ok());
        if self.varies {
            headers.insert(VARY, HeaderValue::from_static("accept-language"));
        }
    }

    fn send(&self, made: &mut Made, url: usize, request: &HeaderMap, whole: &Bytes, random: &Executor) {
        let length = whole.len() as u64;
        let mut sent = whole.clone();
        let wanted = range::resolve(
            &Method::GET,
            request,
            StatusCode::OK,
            &made.headers,
            length,
            std::time::UNIX_EPOCH,
        );
        if let RangeRequest::Spans(spans) = wanted
            && let [span] = spans.as_slice()
            && !random.chance(10)
        {
            made.status = partial::head_for(Part { span: *span, complete: Some(length) }, &mut made.headers);
            sent = cut(whole, *span);
        } else if random.chance(80) {
            made.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let piece = sent.len() / (1 + random.below(3)) + 1;
        made.body = sent.chunks(piece).map(|piece| sent.slice_ref(piece)).collect();
        if random.chance(if url == LONG { 35 } else { 8 }) {
            made.breaks = true;
            made.body.pop();
        }
    }
}

/// The answer of an origin that has a bad day.
pub(crate) fn unavailable() -> Made {
    Made {
        status: StatusCode::SERVICE_UNAVAILABLE,
        headers: HeaderMap::new(),
        body: Vec::new(),
        breaks: false,
        version: NO_VERSION,
        french: None,
        tags: Some(0),
        lifetime: None,
    }
}

/// The version of what is no content: an error.
pub(crate) const NO_VERSION: u32 = 0;

/// The client's language; whoever does not say is German.
pub(crate) fn speaks_french(request: &HeaderMap) -> bool {
    request.get(http::header::ACCEPT_LANGUAGE).is_some_and(|language| language == "fr")
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        headers.insert(name, value);
    }
}

/// The bytes of a span of a body.
pub(crate) fn cut(whole: &Bytes, span: Span) -> Bytes {
    let first = usize::try_from(span.first).unwrap_or(usize::MAX).min(whole.len());
    let end = usize::try_from(span.last.saturating_add(1)).unwrap_or(usize::MAX).min(whole.len());
    whole.slice(first..end.max(first))
}

/// What a version's body is. A piece of it tells which one it is of, and where in it it lies up to a kilobyte.
pub(crate) fn body(url: usize, version: u32, french: Option<bool>) -> Bytes {
    let language = french.map_or("any", |french| if french { "fr" } else { "de" });
    let is_long = url == LONG && !version.is_multiple_of(3);
    let count = if is_long { 64 } else { 3 + version % 5 };
    let words: String = (0..count).map(|place| format!("{url}/{version}/{language}@{place};")).collect();
    Bytes::from(words.repeat(if is_long { LONG_REPEATS } else { 1 }))
}

/// How often a long body says its words: with some 750 bytes of them, 150 KB. Half of it is worth completing.
const LONG_REPEATS: usize = 200;
