//! RFC 9111 §3: which responses may be stored.
//!
//! Owns the one yes-or-no at the end of a fill. A yes carries the response's [`Terms`]; a no carries its reason.

use std::time::SystemTime;

use http::header::{AUTHORIZATION, CONTENT_LOCATION, EXPIRES, HeaderMap, SET_COOKIE};
use http::{Method, StatusCode, Uri};

use crate::cache_control::{RequestDirectives, ResponseDirectives};
use crate::freshness::{self, DirectiveSource};
use crate::range::ContentRange;
use crate::reference;
use crate::rules::Rules;
use crate::terms::{self, Terms, Times};
use crate::vary::Vary;

/// What the decision needs of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestView<'a> {
    /// The method.
    pub method: &'a Method,
    /// The fields as the client sent them.
    pub headers: &'a HeaderMap,
    /// The absolute target URI; only [`Rules::store_post`] needs it.
    pub target: Option<&'a Uri>,
}

/// What the decision needs of a response.
#[derive(Debug, Clone, Copy)]
pub struct ResponseView<'a> {
    /// The status.
    pub status: StatusCode,
    /// The fields as the origin sent them.
    pub headers: &'a HeaderMap,
    /// When it was asked for and when it came.
    pub times: Times,
}

/// The verdict on a response.
#[derive(Debug, Clone)]
pub enum Storing {
    /// It may be stored, and this is what it says to later requests.
    Store(Box<Terms>),
    /// It may not, or it would be of no use.
    Decline(DeclineReason),
}

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclineReason {
    /// The method's responses are not cacheable here (§3; RFC 9110 §9.2.3).
    Method,
    /// The status is not final, or is 304, which is never a new response (§3).
    Status,
    /// The request said `no-store` (§5.2.1.5).
    RequestNoStore,
    /// The response said `no-store` (§5.2.2.5).
    NoStore,
    /// The response is private (§5.2.2.7).
    Private,
    /// The request carried `Authorization` and the response does not allow for it (§3.5).
    Authorization,
    /// `must-understand` with a status that this cache does not know (§5.2.2.3).
    NotUnderstood,
    /// A partial response, which the caller cannot combine or which cannot be placed (§3.3).
    Partial,
    /// `Vary: *`: no later request can match it (§4.1).
    VaryAny,
    /// `Set-Cookie`, and the site's rules do not store those.
    SetCookie,
    /// Neither the response nor its status allows storing (§3).
    NotAllowed,
    /// Stale on arrival, with nothing to revalidate it by and no leave to use it stale.
    NoUse,
}

impl DeclineReason {
    /// The word for it in logs, metrics and `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Status => "status",
            Self::RequestNoStore => "request-no-store",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::NotUnderstood => "not-understood",
            Self::Partial => "partial",
            Self::VaryAny => "vary-any",
            Self::SetCookie => "set-cookie",
            Self::NotAllowed => "not-allowed",
            Self::NoUse => "no-use",
        }
    }
}

/// Whether a response may be stored (RFC 9111 §3). For a response freshened by a 304, pass the merged fields and the
/// stored status: a 304 may take the leave to store back.
pub fn may_store(request: &RequestView<'_>, response: &ResponseView<'_>, rules: &Rules) -> Storing {
    let (directives, from) = terms::directives(response.headers);
    if let Some(reason) = refusal(request, response, &directives, from, rules) {
        return Storing::Decline(reason);
    }
    let ResponseView { status, headers, times } = *response;
    let terms = Terms::from_directives(status, headers, &directives, from, times, rules);
    if is_of_use(&terms, times.received_at, rules) {
        Storing::Store(Box::new(terms))
    } else {
        Storing::Decline(DeclineReason::NoUse)
    }
}

/// The first reason against storing, in the order of RFC 9111 §3.
fn refusal(
    request: &RequestView<'_>,
    response: &ResponseView<'_>,
    directives: &ResponseDirectives,
    from: DirectiveSource,
    rules: &Rules,
) -> Option<DeclineReason> {
    let ResponseView { status, headers, .. } = *response;
    if !method_allows(request, response, directives, from, rules) {
        return Some(DeclineReason::Method);
    }
    if status.is_informational() || status == StatusCode::NOT_MODIFIED {
        return Some(DeclineReason::Status);
    }
    if directives.must_understand && !freshness::is_understood(status) {
        return Some(DeclineReason::NotUnderstood);
    }
    if rules.request_no_store && RequestDirectives::from_headers(request.headers).no_store {
        return Some(DeclineReason::RequestNoStore);
    }
    if forbids_storing(headers, directives, from, rules) {
        return Some(DeclineReason::NoStore);
    }
    if directives.private.is_everything() {
        return Some(DeclineReason::Private);
    }
    if request.headers.contains_key(AUTHORIZATION) && !allows_authorized(directives) {
        return Some(DeclineReason::Authorization);
    }
    if status == StatusCode::PARTIAL_CONTENT && !(rules.store_partial && is_placeable(headers)) {
        return Some(DeclineReason::Partial);
    }
    if headers.contains_key(SET_COOKIE) && !rules.store_set_cookie {
        return Some(DeclineReason::SetCookie);
    }
    if Vary::from_headers(headers) == Vary::Any {
        return Some(DeclineReason::VaryAny);
    }
    let allowed = freshness::is_heuristically_cacheable(status)
        || is_explicit(headers, directives, from)
        || (rules.allows_any_status() && !speaks_of_request(status));
    (!allowed).then_some(DeclineReason::NotAllowed)
}

/// Errors that one request brings about by what it carries besides its URL: stored for the URL, they would be everybody's.
/// Only the response itself may say that they are. 414 is not among them, since the URL is what it speaks of.
fn speaks_of_request(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 408 | 413 | 417 | 421 | 426 | 431)
}

/// GET is cacheable; HEAD has no content to store; POST is only with its own URL in `Content-Location` and explicit
/// freshness (RFC 9110 §9.3.3), and only a 200: another success speaks of what the POST did, which is no answer to a GET.
/// Other methods define no caching that this cache implements.
fn method_allows(
    request: &RequestView<'_>,
    response: &ResponseView<'_>,
    directives: &ResponseDirectives,
    from: DirectiveSource,
    rules: &Rules,
) -> bool {
    match *request.method {
        Method::GET => true,
        Method::POST => {
            rules.store_post
                && response.status == StatusCode::OK
                && has_lifetime(response.headers, directives, from)
                && names_itself(request.target, response.headers)
        }
        _ => false,
    }
}

/// Whether the response's `no-store` holds.
fn forbids_storing(
    headers: &HeaderMap,
    directives: &ResponseDirectives,
    from: DirectiveSource,
    rules: &Rules,
) -> bool {
    if rules.strict_no_store {
        let replaced = from == DirectiveSource::Targeted;
        return directives.no_store || (replaced && ResponseDirectives::from_headers(headers).no_store);
    }
    // §5.2.2.3: who understands the status ignores the `no-store` that guards against those who do not.
    directives.no_store && !directives.must_understand
}

fn names_itself(target: Option<&Uri>, headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_LOCATION).and_then(|value| value.to_str().ok());
    match (target, named) {
        (Some(target), Some(named)) => {
            reference::resolve(target, named).is_some_and(|uri| Some(uri) == reference::normalised(target))
        }
        _ => false,
    }
}

/// §3.5: `must-revalidate`, `public` and `s-maxage` each let a shared cache keep an answer to `Authorization`.
fn allows_authorized(directives: &ResponseDirectives) -> bool {
    directives.must_revalidate || directives.public || directives.s_maxage.is_some()
}

fn has_lifetime(headers: &HeaderMap, directives: &ResponseDirectives, from: DirectiveSource) -> bool {
    directives.max_age.is_some()
        || directives.s_maxage.is_some()
        || (from == DirectiveSource::CacheControl && headers.contains_key(EXPIRES))
}

/// The last list of §3: what makes a response of any status storable.
fn is_explicit(headers: &HeaderMap, directives: &ResponseDirectives, from: DirectiveSource) -> bool {
    directives.public || has_lifetime(headers, directives, from)
}

/// §3.3: a partial response can be stored only when its one range is known.
fn is_placeable(headers: &HeaderMap) -> bool {
    matches!(ContentRange::from_headers(headers), Some(ContentRange::Span { .. }))
}

/// Whether any later request could be answered from it or validated with it.
fn is_of_use(terms: &Terms, now: SystemTime, rules: &Rules) -> bool {
    if terms.has_validator() {
        return true;
    }
    let stale_use = terms.stale_while_revalidate(rules).max(terms.stale_if_error(rules));
    !terms.no_cache() && (terms.is_fresh(now) || stale_use > terms.staleness(now))
}

#[cfg(test)]
mod tests;
