//! What is known of one request while it walks the path.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Version};
use parking_lot::Mutex;
use seawall_base::trace::Span;
use seawall_base::{Fault, Position};
use seawall_cache::{Ask, Key};
use seawall_functions::{Chain, RequestHead, RouteEdits};
use seawall_policy::{Forward, Glance, RequestDirectives};

use crate::hooks::FunctionSide;
use crate::interim::{Line, Turn};
use crate::proxies::Client;
use crate::site::Site;
use crate::upgrade::{Tunnels, Upgrade};

/// The connection that a request came on.
#[derive(Debug)]
pub struct Connection {
    /// The address of whoever is connected: the client's, or a proxy's.
    pub ip: Option<IpAddr>,
    /// `http` or `https`, as the connection is.
    pub scheme: Scheme,
    /// `TLSv1.2`, `TLSv1.3`, or none.
    pub tls_version: Option<&'static str>,
    /// The host that its last request asked for.
    pub last_host: LastHost,
    /// How interim responses reach it, where it is of a kind that can be sent some.
    pub interim: Option<Arc<Line>>,
    /// What it needs to leave HTTP, where it may.
    pub tunnels: Option<Tunnels>,
}

/// The host that a connection's last request asked for, as it was written and as it was read: the next request's is nearly
/// always the same, and is then not parsed again.
#[derive(Debug, Default)]
pub struct LastHost(Mutex<Option<(Box<[u8]>, Authority)>>);

impl LastHost {
    /// What `written` was read as, where it was the last.
    pub(crate) fn get(&self, written: &HeaderValue) -> Option<Authority> {
        let last = self.0.lock();
        last.as_ref().filter(|(text, _)| **text == *written.as_bytes()).map(|(_, read)| read.clone())
    }

    /// `written` is read as `authority`.
    pub(crate) fn set(&self, written: &HeaderValue, authority: &Authority) {
        *self.0.lock() = Some((Box::from(written.as_bytes()), authority.clone()));
    }
}

/// One request on its way: `&mut` it goes from stage to stage.
pub(crate) struct Context {
    /// The request, as edited so far.
    pub(crate) head: RequestHead,
    /// Who it is from.
    pub(crate) client: Client,
    /// What the client speaks.
    pub(crate) version: Version,
    /// The site that takes it.
    pub(crate) site: Arc<Site>,
    /// Set once the path is known to be cacheable.
    pub(crate) key: Option<Key>,
    /// Path and query as the key has them, where they are not those of the head.
    pub(crate) path_in_key: Option<Box<str>>,
    /// The request asks for its key, and may.
    pub(crate) wants_key: bool,
    /// Two readers may read its path differently, and its site lets it pass.
    pub(crate) odd_path: bool,
    /// Which of the fields that decide its way it has.
    pub(crate) glance: Glance,
    /// The request's `Cache-Control`.
    pub(crate) directives: RequestDirectives,
    /// What functions decided about the way.
    pub(crate) edits: RouteEdits,
    /// The site's functions, if it has any: the same for all hooks of this request, whatever is activated meanwhile.
    pub(crate) chain: Option<Chain>,
    /// What functions keep from hook to hook, where the site has some.
    pub(crate) functions: Option<Box<FunctionSide>>,
    /// Set for a request of another node.
    pub(crate) peer: Option<PeerSide>,
    /// How interim responses reach the client, where it takes them.
    pub(crate) interim: Option<Arc<Line>>,
    /// What the client would rather speak.
    pub(crate) upgrade: Option<Box<Upgrade>>,
    /// Whether the client takes trailers (RFC 9110 §10.1.4).
    pub(crate) takes_trailers: bool,
    /// Its span, where it is sampled.
    pub(crate) trace: Option<Box<Span>>,
    /// Wall time when the request came.
    pub(crate) now: SystemTime,
}

impl Connection {
    /// The way of interim responses to a client that speaks `version`: HTTP/1.0 has none (RFC 9110 §15.2).
    pub(crate) fn interim_for(&self, version: Version) -> Option<Arc<Line>> {
        if version == Version::HTTP_11 { self.interim.clone() } else { None }
    }
}

impl Context {
    /// Reads anew what is known of the request's fields, after they were changed.
    pub(crate) fn reread(&mut self) {
        self.glance = Glance::at(&self.head.headers);
        self.directives = directives(self.glance, &self.head.headers);
    }

    /// The origin in RFC 6454's sense: scheme, host, and port where it is not the default.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.head.scheme, self.head.authority)
    }

    /// A turn to be told what the origin says before its final response.
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.interim.as_ref().map(Turn::begin)
    }

    /// The question that this request asks of the cache.
    pub(crate) fn ask(&self, key: Key, may_follow: bool) -> Ask<'_> {
        Ask {
            key,
            shelf: &self.site.shelf,
            authority: self.head.authority.as_str(),
            path_and_query: self.path_in_key(),
            headers: &self.head.headers,
            directives: &self.directives,
            rules: &self.site.rules,
            normalise: self.site.normalise,
            soft_is_stale: self.peer.is_some(),
            may_follow,
            now: self.now,
        }
    }
}

/// The request's `Cache-Control`.
pub(crate) fn directives(glance: Glance, headers: &HeaderMap) -> RequestDirectives {
    if glance.directives() { RequestDirectives::from_headers(headers) } else { RequestDirectives::default() }
}

/// What another node said when it asked.
pub(crate) struct PeerSide {
    /// Where the log stood, on that node, when its fill started.
    pub(crate) position: Position,
    /// How many nodes the request has passed.
    pub(crate) hops: u8,
    /// This node could not catch up: neither look up nor store.
    pub(crate) behind: bool,
}

/// What is to be said of a request at its end: the log line's and the metrics' source.
pub(crate) struct Told {
    /// Ticks when it came.
    pub(crate) started: Duration,
    /// Which way it went.
    pub(crate) way: Way,
    /// Why it went forward, where it did.
    pub(crate) forward: Option<Forward>,
    /// Why, where a reason was given.
    pub(crate) detail: Option<&'static str>,
    /// What went wrong.
    pub(crate) fault: Option<Fault>,
    /// Who asked.
    pub(crate) client: Option<IpAddr>,
    /// How much longer what is stored may stand in for a failing origin, where it does.
    pub(crate) stale_left: Option<Duration>,
}

/// Which way a request went. The word stands in the log line and in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Answered from the cache, fresh.
    Hit,
    /// Answered from the cache, stale.
    Stale,
    /// Led a fill.
    Miss,
    /// Joined another request's fill.
    Collapsed,
    /// Led a fill that refreshed what was stored.
    Revalidated,
    /// Went past the cache.
    Pass,
    /// Answered by a function, or by the node where a request may go no further.
    Local,
    /// Ended in a fault.
    Fault,
}

impl Told {
    pub(crate) fn new(started: Duration, connection: &Connection) -> Self {
        let client = connection.ip;
        Self { started, way: Way::Fault, forward: None, detail: None, fault: None, client, stale_left: None }
    }
}

impl Way {
    /// Every way, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Hit,
        Self::Stale,
        Self::Miss,
        Self::Collapsed,
        Self::Revalidated,
        Self::Pass,
        Self::Local,
        Self::Fault,
    ];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Revalidated => "revalidated",
            Self::Pass => "pass",
            Self::Local => "local",
            Self::Fault => "fault",
        }
    }
}
