//! The public `http-tests/cache-tests` suite, as far as it is policy: one file per group, one row per test, each row
//! named by the suite's own id. What a row cannot say (connections, bodies, collapsing) is checked end to end elsewhere.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::terms::Times;
use crate::{
    Normalise, RequestDirectives, RequestView, ResponseView, Reuse, Rules, Storing, Terms, date, reuse,
    storing,
};

mod age_parse;
mod authorization;
mod cc_freshness;
mod cc_parse;
mod cc_request;
mod cc_response;
mod cdn_cache_control;
mod conditional;
mod expires;
mod headers;
mod heuristic;
mod invalidation;
mod method;
mod partial;
mod pragma;
mod stale;
mod status;
mod update_304;
mod update_head;
mod vary;

/// The suite's present: 15 January 2027, 08:00:00 GMT.
pub(crate) fn present() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The suite's `pause_after`: three seconds.
const PAUSE: u64 = 3;

/// An HTTP date so many seconds from the present, as the suite writes numbers.
pub(crate) fn at(seconds: i64) -> String {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { present() - distance } else { present() + distance };
    date::render(time).unwrap().to_str().unwrap().to_owned()
}

/// Fields from pairs, repeated names kept.
pub(crate) fn fields<V: AsRef<[u8]>>(pairs: &[(&str, V)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_ref()).unwrap(),
        );
    }
    headers
}

/// Fields as a table writes them.
pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// What the suite would see of a later request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Cached,
    NotCached,
    Validated,
}

/// Two requests for one URL, the first answered by the origin.
pub(crate) struct Exchange {
    method: Method,
    first: HeaderMap,
    status: StatusCode,
    response: HeaderMap,
    pause: u64,
    later: HeaderMap,
    rules: Rules,
}

impl Exchange {
    pub(crate) fn of(response: HeaderMap) -> Self {
        Self {
            method: Method::GET,
            first: HeaderMap::new(),
            status: StatusCode::OK,
            response,
            pause: PAUSE,
            later: HeaderMap::new(),
            rules: Rules::default(),
        }
    }

    pub(crate) fn with<V: AsRef<[u8]>>(pairs: &[(&str, V)]) -> Self {
        Self::of(fields(pairs))
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    pub(crate) fn first(mut self, pairs: &[(&str, &str)]) -> Self {
        self.first = fields(pairs);
        self
    }

    pub(crate) fn later(mut self, pairs: &[(&str, &str)]) -> Self {
        self.later = fields(pairs);
        self
    }

    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.pause = seconds;
        self
    }

    pub(crate) fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    pub(crate) fn storing(&self) -> Storing {
        let request = RequestView { method: &self.method, headers: &self.first, target: None };
        let times = Times { requested_at: present(), received_at: present() };
        let response = ResponseView { status: self.status, headers: &self.response, times };
        storing::may_store(&request, &response, &self.rules)
    }

    pub(crate) fn stored(&self) -> Terms {
        match self.storing() {
            Storing::Store(terms) => *terms,
            Storing::Decline(reason) => panic!("declined: {}", reason.as_str()),
        }
    }

    pub(crate) fn see(&self) -> Seen {
        let Storing::Store(terms) = self.storing() else {
            return Seen::NotCached;
        };
        let normalise = Normalise::default();
        let Some(selecting) = terms.vary().selecting(&self.first, normalise) else {
            return Seen::NotCached;
        };
        if !terms.vary().selects(&selecting, &self.later, normalise) {
            return Seen::NotCached;
        }
        let request = RequestDirectives::from_headers(&self.later);
        let now = present() + Duration::from_secs(self.pause);
        match reuse::reuse(&terms, &request, false, &self.rules, now) {
            Reuse::Fresh | Reuse::StaleWhileRevalidate | Reuse::MaxStale => Seen::Cached,
            Reuse::Revalidate(_) | Reuse::GatewayTimeout(_) if terms.has_validator() => Seen::Validated,
            Reuse::Revalidate(_) | Reuse::GatewayTimeout(_) => Seen::NotCached,
        }
    }
}

/// Checks a table of `(id, response fields, what is seen)` and reports every row that is off.
pub(crate) fn check(rows: &[(&str, Pairs<'_>, Seen)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(id, response, expected)| {
            let seen = Exchange::with(response).see();
            (seen != *expected).then(|| format!("{id}: {seen:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
