//! Stage *settle*: what becomes of a fill's response.
//!
//! A pure decision, and public for that: `tests/simulation` settles its fills by the same words.

use std::time::{Duration, SystemTime};

use http::header::{AGE, CONTENT_LENGTH, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode, Uri};
use seawall_base::{Fault, Position};
use seawall_cache::{Draft, Entry};
use seawall_policy::reuse::{OriginFailure, StaleOnError, stale_left, stale_on_error};
use seawall_policy::storing::may_store;
use seawall_policy::terms::Times;
use seawall_policy::validation::{self, HeadEffect, Selects};
use seawall_policy::{
    DeclineReason, Part, RequestDirectives, RequestView, ResponseView, Storing, disguise, fields, groups,
    partial, tags,
};

use crate::site::Site;

/// The verdict on a response.
pub enum Settlement {
    /// Store it; and these fields are for the leader's client alone (`private`, RFC 9111 §5.2.2.7).
    Store(Box<Draft>, HeaderMap),
    /// It says that what is stored is still good: store that anew, with this head.
    Refresh(Box<Draft>),
    /// It holds what a stored part lacks: with it, this is the head of the whole.
    Complete(Box<Draft>),
    /// It speaks of something else: ask again without a condition or a range.
    AskAnew,
    /// It is an error, and what is stored may stand in.
    Stale(StaleOnError),
    /// Hand it on and keep nothing of it.
    Decline(Declined),
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug)]
pub struct Declined {
    /// The word.
    pub reason: &'static str,
    /// Who asked for it not to be.
    pub by: DeclinedBy,
    /// For how long it is known to be so, where a function said that.
    pub marked_for: Option<Duration>,
}

/// Who asked for a response not to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclinedBy {
    /// The response: it will be so for the next request as well.
    Response,
    /// This request, or the moment: what is stored already is as good as before.
    Request,
}

impl Declined {
    pub(crate) fn by_response(reason: &'static str) -> Self {
        Self { reason, by: DeclinedBy::Response, marked_for: None }
    }

    pub(crate) fn by_request(reason: &'static str) -> Self {
        Self { reason, by: DeclinedBy::Request, marked_for: None }
    }

    fn by_policy(reason: DeclineReason) -> Self {
        let by = match reason {
            DeclineReason::RequestNoStore | DeclineReason::Authorization | DeclineReason::Method => {
                DeclinedBy::Request
            }
            _ => DeclinedBy::Response,
        };
        Self { reason: reason.as_str(), by, marked_for: None }
    }
}

/// What a verdict needs to know.
pub struct Asked<'a> {
    /// Whose rules hold.
    pub site: &'a Site,
    /// Scheme and authority: whose groups the response's are.
    pub origin: &'a str,
    /// The path, without its query, for the site's own rules.
    pub path: &'a str,
    /// The client's fields: those that `Vary` speaks of.
    pub headers: &'a HeaderMap,
    /// The request's `Cache-Control`.
    pub directives: &'a RequestDirectives,
    /// What the origin was asked for.
    pub wants: Wants<'a>,
    /// When it was asked, and when it answered.
    pub times: Times,
    /// Where the log stood when the content was fetched.
    pub position: Position,
    /// The shield says that this is stale or softly purged, whatever its own fields say.
    pub stale_at_shield: bool,
    /// What functions made of the response.
    pub shaping: &'a Shaping,
}

impl Asked<'_> {
    /// The stored head brought up to date, by functions where there are any.
    fn merged(&self, stored: &HeaderMap, update: &HeaderMap) -> HeaderMap {
        let shaped = self.shaping.stored.clone();
        shaped.unwrap_or_else(|| validation::freshen(stored, update, self.times.received_at))
    }
}

/// What functions made of a response, besides its head.
#[derive(Debug, Default)]
pub struct Shaping {
    /// The head of what is stored, where it is not that of the answer: where the answer is a 304 or the rest of a part,
    /// the stored one brought up to date and shaped; where it is that of a POST, with what its client is not told.
    pub stored: Option<HeaderMap>,
    /// Why it is not to be stored, whatever its fields say now.
    pub declined: Option<Declined>,
}

impl Shaping {
    /// No function had a hand in it.
    pub const NONE: Self = Self { stored: None, declined: None };
}

/// What the origin was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Wants<'a> {
    /// Everything.
    Whole,
    /// Whether this is still good.
    Validation(&'a Entry),
    /// The part that a client wants.
    Range,
    /// What this part lacks.
    Rest(&'a Entry),
    /// What the client asks, with its own conditions and range: nobody else is served by it.
    Own,
}

impl<'a> Wants<'a> {
    /// Whether the origin may be asked anew without it.
    pub fn is_conditional(self) -> bool {
        matches!(self, Self::Validation(_) | Self::Rest(_))
    }

    fn prior(self) -> Option<&'a Entry> {
        match self {
            Self::Validation(prior) => Some(prior),
            Self::Whole | Self::Range | Self::Rest(_) | Self::Own => None,
        }
    }
}

/// The verdict on a response head.
pub fn of_response(asked: &Asked<'_>, status: StatusCode, headers: &HeaderMap) -> Settlement {
    match (asked.wants, status) {
        (Wants::Validation(prior), StatusCode::NOT_MODIFIED) => return refresh(asked, prior, headers),
        // The answer to this client's own question, and nobody else's.
        (
            Wants::Own,
            StatusCode::NOT_MODIFIED
            | StatusCode::PARTIAL_CONTENT
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::RANGE_NOT_SATISFIABLE,
        ) => return Settlement::Decline(Declined::by_request("as-asked")),
        (Wants::Validation(_), StatusCode::PARTIAL_CONTENT) => return Settlement::AskAnew,
        (_, StatusCode::NOT_MODIFIED) => return Settlement::AskAnew,
        (Wants::Validation(prior), _) => {
            let verdict = stale(asked, prior, OriginFailure::Status(status));
            if verdict.is_allowed() {
                return Settlement::Stale(verdict);
            }
        }
        (Wants::Rest(part), StatusCode::PARTIAL_CONTENT) => return complete(asked, part, headers),
        // It failed for the rest, and may not for the whole.
        (Wants::Rest(_), status) if !status.is_success() => return Settlement::AskAnew,
        // It says something of this range, and nothing of the URL.
        (Wants::Range, StatusCode::RANGE_NOT_SATISFIABLE) => {
            return Settlement::Decline(Declined::by_request("range-not-satisfiable"));
        }
        (Wants::Whole, StatusCode::PARTIAL_CONTENT) => {
            return Settlement::Decline(Declined::by_policy(DeclineReason::Partial));
        }
        _ => {}
    }
    match store(asked, status, headers.clone(), asked.position) {
        Ok(draft) => {
            let private = private(&draft, headers);
            Settlement::Store(draft, private)
        }
        Err(reason) => Settlement::Decline(reason),
    }
}

/// What a POST brought of its own URL, where it may answer later GETs (RFC 9110 §9.3.3).
pub fn of_post(
    asked: &Asked<'_>,
    target: &Uri,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<Box<Draft>> {
    let request = RequestView { method: &Method::POST, headers: asked.headers, target: Some(target) };
    store_of(asked, &request, status, headers.clone(), asked.position).ok()
}

fn private(draft: &Draft, headers: &HeaderMap) -> HeaderMap {
    let names = draft.terms.private_fields().iter();
    names.flat_map(|name| headers.get_all(name).iter().map(|value| (name.clone(), value.clone()))).collect()
}

/// Whether what is stored may stand in for an origin that did not answer.
pub fn of_fault(asked: &Asked<'_>, _fault: &Fault) -> Option<StaleOnError> {
    let verdict = stale(asked, asked.wants.prior()?, OriginFailure::Disconnected);
    verdict.is_allowed().then_some(verdict)
}

/// Whether what is stored is to stand in for a failing origin before any backup does: where the response or the site says
/// so (RFC 5861 §4). That a cache may serve stale content while it is disconnected (RFC 9111 §4.2.4) is no wish of theirs.
pub(crate) fn stands_in(site: &Site, directives: &RequestDirectives, prior: &Entry, now: SystemTime) -> bool {
    let failure = OriginFailure::Status(StatusCode::SERVICE_UNAVAILABLE);
    stale_on_error(&prior.head.terms, directives, failure, &site.rules, now).is_allowed()
}

/// How much longer what stands in for a failing origin, for the reason that `why` names, still may.
pub(crate) fn stand_in_left(site: &Site, entry: &Entry, why: &str, now: SystemTime) -> Duration {
    let disconnected = why == StaleOnError::Disconnected.as_str();
    let stands = if disconnected { StaleOnError::Disconnected } else { StaleOnError::StaleIfError };
    stale_left(&entry.head.terms, stands, &site.rules, now)
}

fn stale(asked: &Asked<'_>, prior: &Entry, failure: OriginFailure) -> StaleOnError {
    let now: SystemTime = asked.times.received_at;
    stale_on_error(&prior.head.terms, asked.directives, failure, &asked.site.rules, now)
}

fn refresh(asked: &Asked<'_>, prior: &Entry, not_modified: &HeaderMap) -> Settlement {
    if validation::selects(&prior.head.headers, not_modified) == Selects::Other {
        return Settlement::AskAnew;
    }
    let headers = asked.merged(&prior.head.headers, not_modified);
    // The content is as old as its own fetch, but it was confirmed by one that started at this fill's position.
    match store(asked, prior.head.status, headers, asked.position) {
        Ok(mut draft) => {
            draft.length = Some(prior.body.len());
            Settlement::Refresh(draft)
        }
        Err(reason) => Settlement::Decline(reason),
    }
}

/// The names by which it can be purged. Groups are in it twice: by their bare name, for operators, and as their origin's,
/// for what `Cache-Group-Invalidation` names (RFC 9875 §3).
fn tags_of(asked: &Asked<'_>, headers: &HeaderMap) -> Result<Box<[Box<str>]>, Declined> {
    let mut found = tags::tags(headers).map_err(|refusal| Declined::by_response(refusal.as_str()))?;
    if headers.contains_key(groups::CACHE_GROUPS) {
        let groups = groups::groups(headers);
        found.extend(groups.iter().map(|group| groups::tag(asked.origin, group)));
    }
    Ok(found.into_boxed_slice())
}

/// What a HEAD response says of the stored GET response.
pub enum HeadSays {
    /// It is of the same representation: this is its head from now on.
    Fresher(Box<Draft>),
    /// It is of another: the stored one is stale.
    Outdated,
    /// Nothing.
    Nothing,
}

/// RFC 9111 §4.3.5.
pub fn of_head(asked: &Asked<'_>, prior: &Entry, status: StatusCode, headers: &HeaderMap) -> HeadSays {
    let stored = &prior.head;
    let mut known = stored.headers.clone();
    // A body that came in chunks has a length all the same.
    known.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(prior.body.len()));
    match validation::head_update(stored.status, &known, status, headers) {
        HeadEffect::Nothing => HeadSays::Nothing,
        HeadEffect::Invalidates => HeadSays::Outdated,
        HeadEffect::Freshens => {
            let merged = validation::freshen(&stored.headers, headers, asked.times.received_at);
            match store(asked, stored.status, merged, asked.position) {
                Ok(mut draft) => {
                    draft.length = Some(prior.body.len());
                    HeadSays::Fresher(draft)
                }
                Err(Declined { by: DeclinedBy::Request, .. }) => HeadSays::Nothing,
                Err(_) => HeadSays::Outdated,
            }
        }
    }
}

/// RFC 9111 §3.4: the rest of the same representation makes a stored part whole. Its fields are the newer ones.
fn complete(asked: &Asked<'_>, stored: &Entry, rest: &HeaderMap) -> Settlement {
    let whole = match (stored.head.part, Part::from_headers(rest)) {
        (Some(part), Some(came)) if came.span.first == part.span.last.saturating_add(1) => part.joined(came),
        _ => None,
    };
    let Some(whole) = whole.filter(|whole| whole.is_whole()) else {
        return Settlement::AskAnew;
    };
    if !partial::may_combine(&stored.head.headers, rest) {
        return Settlement::AskAnew;
    }
    let mut headers = asked.merged(&stored.head.headers, rest);
    let status = partial::head_for(whole, &mut headers);
    match store(asked, status, headers, asked.position) {
        // Under other names than before it is fetched as one: a purge of a name that the new head has dropped must find
        // the old bytes on every node that is sent them meanwhile.
        Ok(draft) if draft.tags != stored.head.tags => Settlement::AskAnew,
        Ok(draft) => Settlement::Complete(draft),
        // It is whole, and not to be kept: its bytes are of two messages, so it is fetched as one.
        Err(_) => Settlement::AskAnew,
    }
}

/// The draft of what came of a GET.
fn store(
    asked: &Asked<'_>,
    status: StatusCode,
    headers: HeaderMap,
    position: Position,
) -> Result<Box<Draft>, Declined> {
    let request = RequestView { method: &Method::GET, headers: asked.headers, target: None };
    store_of(asked, &request, status, headers, position)
}

fn store_of(
    asked: &Asked<'_>,
    request: &RequestView<'_>,
    status: StatusCode,
    mut headers: HeaderMap,
    position: Position,
) -> Result<Box<Draft>, Declined> {
    if asked.stale_at_shield {
        return Err(Declined::by_request("stale-at-shield"));
    }
    if let Some(declined) = asked.shaping.declined {
        return Err(declined);
    }
    if asked.site.guards.checks_type && disguise::is_disguised(asked.path, status, &headers) {
        return Err(Declined::by_response("type-mismatch"));
    }
    let response = ResponseView { status, headers: &headers, times: asked.times };
    let rules = asked.site.rules_for(asked.path, status);
    let terms = match may_store(request, &response, &rules) {
        Storing::Store(terms) => *terms,
        Storing::Decline(reason) => return Err(Declined::by_policy(reason)),
    };
    let tags = tags_of(asked, &headers)?;
    let selecting = terms
        .vary()
        .selecting(asked.headers, asked.site.normalise)
        .ok_or(Declined::by_response("vary-too-large"))?;
    let length =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    fields::strip_unstorable(&mut headers);
    fields::strip_named(&mut headers, terms.private_fields());
    if asked.site.strip_set_cookie {
        headers.remove(SET_COOKIE);
    }
    headers.remove(AGE);
    fields::add_date(&mut headers, asked.times.received_at);
    let part = Part::from_headers(&headers).filter(|_| status == StatusCode::PARTIAL_CONTENT);
    Ok(Box::new(Draft { status, headers, terms, selecting, tags, position, length, part }))
}
