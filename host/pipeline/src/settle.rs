//! Stage *settle*: what becomes of a fill's response.

use std::time::SystemTime;

use http::header::{AGE, CONTENT_LENGTH};
use http::{HeaderMap, Method, StatusCode};
use seawall_base::{Fault, Position};
use seawall_cache::{Draft, Entry};
use seawall_policy::reuse::{OriginFailure, StaleOnError, stale_on_error};
use seawall_policy::storing::may_store;
use seawall_policy::terms::Times;
use seawall_policy::validation::{self, Selects};
use seawall_policy::{DeclineReason, RequestDirectives, RequestView, ResponseView, Storing, fields, tags};

use crate::site::Site;

/// The verdict on a response.
pub(crate) enum Settlement {
    /// Store it; and these fields are for the leader's client alone (`private`, RFC 9111 §5.2.2.7).
    Store(Box<Draft>, HeaderMap),
    /// It says that what is stored is still good: store that anew, with this head.
    Refresh(Box<Draft>),
    /// It says so of something else: ask again without a condition.
    AskAnew,
    /// It is an error, and what is stored may stand in.
    Stale(StaleOnError),
    /// Hand it on and keep nothing of it.
    Decline(Declined),
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declined {
    /// The word.
    pub(crate) reason: &'static str,
    /// Who asked for it not to be.
    pub(crate) by: DeclinedBy,
}

/// Who asked for a response not to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeclinedBy {
    /// The response: it will be so for the next request as well.
    Response,
    /// This request, or the moment: what is stored already is as good as before.
    Request,
}

impl Declined {
    fn by_response(reason: &'static str) -> Self {
        Self { reason, by: DeclinedBy::Response }
    }

    fn by_policy(reason: DeclineReason) -> Self {
        let by = match reason {
            DeclineReason::RequestNoStore | DeclineReason::Authorization | DeclineReason::Method => {
                DeclinedBy::Request
            }
            _ => DeclinedBy::Response,
        };
        Self { reason: reason.as_str(), by }
    }
}

/// What a verdict needs to know.
pub(crate) struct Asked<'a> {
    pub(crate) site: &'a Site,
    /// The client's fields: those that `Vary` speaks of.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) directives: &'a RequestDirectives,
    pub(crate) prior: Option<&'a Entry>,
    pub(crate) times: Times,
    /// Where the log stood when the content was fetched.
    pub(crate) position: Position,
    /// The shield says that this is stale or softly purged, whatever its own fields say.
    pub(crate) stale_at_shield: bool,
}

/// The verdict on a response head.
pub(crate) fn of_response(asked: &Asked<'_>, status: StatusCode, headers: &HeaderMap) -> Settlement {
    if status == StatusCode::NOT_MODIFIED && asked.prior.is_none() {
        return Settlement::AskAnew;
    }
    if let Some(prior) = asked.prior {
        if status == StatusCode::NOT_MODIFIED {
            return refresh(asked, prior, headers);
        }
        let verdict = stale(asked, prior, OriginFailure::Status(status));
        if verdict.is_allowed() {
            return Settlement::Stale(verdict);
        }
    }
    match store(asked, status, headers.clone(), asked.position) {
        Ok(draft) => {
            let private = private(&draft, headers);
            Settlement::Store(draft, private)
        }
        Err(reason) => Settlement::Decline(reason),
    }
}

fn private(draft: &Draft, headers: &HeaderMap) -> HeaderMap {
    let names = draft.terms.private_fields().iter();
    names.flat_map(|name| headers.get_all(name).iter().map(|value| (name.clone(), value.clone()))).collect()
}

/// Whether what is stored may stand in for an origin that did not answer.
pub(crate) fn of_fault(asked: &Asked<'_>, _fault: &Fault) -> Option<StaleOnError> {
    let verdict = stale(asked, asked.prior?, OriginFailure::Disconnected);
    verdict.is_allowed().then_some(verdict)
}

fn stale(asked: &Asked<'_>, prior: &Entry, failure: OriginFailure) -> StaleOnError {
    let now: SystemTime = asked.times.received_at;
    stale_on_error(&prior.head.terms, asked.directives, failure, &asked.site.rules, now)
}

fn refresh(asked: &Asked<'_>, prior: &Entry, not_modified: &HeaderMap) -> Settlement {
    if validation::selects(&prior.head.headers, not_modified) == Selects::Other {
        return Settlement::AskAnew;
    }
    let headers = validation::freshen(&prior.head.headers, not_modified, asked.times.received_at);
    // The content is as old as its own fetch, but it was confirmed by one that started at this fill's position.
    match store(asked, prior.head.status, headers, asked.position) {
        Ok(mut draft) => {
            draft.length = Some(prior.body.len());
            Settlement::Refresh(draft)
        }
        Err(reason) => Settlement::Decline(reason),
    }
}

fn store(
    asked: &Asked<'_>,
    status: StatusCode,
    mut headers: HeaderMap,
    position: Position,
) -> Result<Box<Draft>, Declined> {
    if asked.stale_at_shield {
        return Err(Declined { reason: "stale-at-shield", by: DeclinedBy::Request });
    }
    let request = RequestView { method: &Method::GET, headers: asked.headers, target: None };
    let response = ResponseView { status, headers: &headers, times: asked.times };
    let terms = match may_store(&request, &response, &asked.site.rules) {
        Storing::Store(terms) => *terms,
        Storing::Decline(reason) => return Err(Declined::by_policy(reason)),
    };
    let tags =
        tags::tags(&headers).map_err(|refusal| Declined::by_response(refusal.as_str()))?.into_boxed_slice();
    let selecting = terms
        .vary()
        .selecting(asked.headers, asked.site.normalise)
        .ok_or(Declined::by_response("vary-too-large"))?;
    let length =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    fields::strip_unstorable(&mut headers);
    fields::strip_named(&mut headers, terms.private_fields());
    headers.remove(AGE);
    fields::add_date(&mut headers, asked.times.received_at);
    Ok(Box::new(Draft { status, headers, terms, selecting, tags, position, length }))
}
