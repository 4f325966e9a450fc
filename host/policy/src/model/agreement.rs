//! Model and code side by side, over random messages and times.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use proptest::prelude::*;

use super::directives::{Asks, Part, Says};
use super::reuse::Stored;
use super::{Message, Millis, Moments, dates, freshness, random, storing, update, variants};
use crate::cache_control::Scope;
use crate::reuse::{OriginFailure, StaleOnError, stale_on_error};
use crate::terms::Times;
use crate::{
    MaxStale, Normalise, RequestDirectives, RequestView, ResponseView, Rules, Storing, Terms, age, date,
    targeted, validation,
};

/// Enough that a rule which only two rare directives together can break is broken in a run or two.
const CASES: u32 = 4096;

pub(super) fn time(at: Millis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.try_into().unwrap())
}

pub(super) fn times(moments: Moments) -> Times {
    Times { requested_at: time(moments.requested), received_at: time(moments.received) }
}

pub(super) fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, lines) in update::by_name(message) {
        for line in lines {
            headers.append(HeaderName::try_from(&name).unwrap(), HeaderValue::try_from(line).unwrap());
        }
    }
    headers
}

fn fields(headers: &HeaderMap) -> update::Fields {
    let mut fields = update::Fields::new();
    for (name, value) in headers {
        fields.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
    }
    fields
}

pub(super) fn terms(stored: &Stored, rules: &Rules) -> Terms {
    let status = StatusCode::from_u16(stored.status).unwrap();
    Terms::read(status, &headers(&stored.response), times(stored.moments), rules)
}

pub(super) fn stored() -> impl Strategy<Value = Stored> {
    (random::status(), random::response(), random::moments()).prop_map(|(status, response, moments)| Stored {
        status,
        response,
        moments,
    })
}

fn part(scope: &Scope) -> Part {
    match scope {
        Scope::Absent => Part::Nothing,
        Scope::Everything => Part::Everything,
        Scope::Fields(names) => Part::Fields(names.iter().map(ToString::to_string).collect()),
    }
}

fn millis(duration: Duration) -> Millis {
    duration.as_millis() as Millis
}

fn since_1970(at: SystemTime) -> Millis {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => millis(since),
        Err(before) => -millis(before.duration()),
    }
}

fn seconds(duration: Option<Duration>) -> Option<i128> {
    duration.map(|duration| i128::from(duration.as_secs()))
}

/// The verdict of [`storing::may_store`](crate::storing::may_store) as the reason's word.
pub(super) fn stores(
    method: &str,
    request: &Message,
    stored: &Stored,
    rules: &Rules,
) -> Option<&'static str> {
    let (method, target) =
        (Method::from_bytes(method.as_bytes()).unwrap(), Uri::from_static(storing::TARGET));
    let (request, response) = (headers(request), headers(&stored.response));
    let request = RequestView { method: &method, headers: &request, target: Some(&target) };
    let status = StatusCode::from_u16(stored.status).unwrap();
    let response = ResponseView { status, headers: &response, times: times(stored.moments) };
    match crate::storing::may_store(&request, &response, rules) {
        Storing::Store(_) => None,
        Storing::Decline(reason) => Some(reason.as_str()),
    }
}

pub(super) fn reuses(
    stored: &Stored,
    request: &Message,
    soft: bool,
    rules: &Rules,
    now: Millis,
) -> &'static str {
    let asked = RequestDirectives::from_headers(&headers(request));
    crate::reuse::reuse(&terms(stored, rules), &asked, soft, rules, time(now)).as_str()
}

pub(super) fn stands_in(
    stored: &Stored,
    request: &Message,
    failed: Option<u16>,
    rules: &Rules,
    now: Millis,
) -> &'static str {
    let asked = RequestDirectives::from_headers(&headers(request));
    let failure = failed.map_or(OriginFailure::Disconnected, |status| {
        OriginFailure::Status(StatusCode::from_u16(status).unwrap())
    });
    match stale_on_error(&terms(stored, rules), &asked, failure, rules, time(now)) {
        StaleOnError::Refused(_) => "no",
        allowed => allowed.as_str(),
    }
}

pub(super) fn failed() -> impl Strategy<Value = Option<u16>> {
    prop::sample::select(vec![None, None, Some(500), Some(503), Some(501), Some(404)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn directives_of_responses_agree(response in random::response()) {
        let (says, map) = (Says::of(&response), headers(&response));
        let own = targeted::directives(&map);
        prop_assert_eq!(own.is_some(), says.targeted);
        let own = own.unwrap_or_else(|| crate::ResponseDirectives::from_headers(&map));
        prop_assert_eq!(
            (own.public, own.no_store, own.must_understand, own.must_revalidate, own.proxy_revalidate),
            (says.public, says.no_store, says.must_understand, says.must_revalidate, says.proxy_revalidate)
        );
        prop_assert_eq!((part(&own.private), part(&own.no_cache)), (says.private, says.no_cache));
        prop_assert_eq!((seconds(own.max_age), seconds(own.s_maxage)), (says.max_age, says.s_maxage));
        prop_assert_eq!(seconds(own.stale_while_revalidate), says.stale_while_revalidate);
        prop_assert_eq!(seconds(own.stale_if_error), says.stale_if_error);
    }

    #[test]
    fn directives_of_requests_agree(request in random::request()) {
        let (asks, own) = (Asks::of(&request), RequestDirectives::from_headers(&headers(&request)));
        prop_assert_eq!(
            (own.no_cache, own.no_store, own.only_if_cached),
            (asks.no_cache, asks.no_store, asks.only_if_cached)
        );
        prop_assert_eq!((seconds(own.max_age), seconds(own.min_fresh)), (asks.max_age, asks.min_fresh));
        prop_assert_eq!(seconds(own.stale_if_error), asks.stale_if_error);
        let max_stale = own.max_stale.map(|accepted| match accepted {
            MaxStale::Any => i128::MAX,
            MaxStale::Within(limit) => i128::from(limit.as_secs()),
        });
        prop_assert_eq!(max_stale, asks.max_stale);
    }

    #[test]
    fn dates_agree(
        seconds in 0..=dates::END_OF_DATES, form in 0..3_usize, now in 0..8_000_000_000_000_i128, cut in 0..40_usize,
    ) {
        let text = dates::write(seconds)[form].clone();
        let read = |text: &str| date::parse(text.as_bytes(), time(now));
        prop_assert_eq!(read(&text).map(since_1970), dates::read(&text, now));
        // A date with a piece cut out is one for both or for neither.
        let broken: String = text.chars().enumerate().filter(|(at, _)| *at != cut).map(|(_, c)| c).collect();
        prop_assert_eq!(read(&broken).map(since_1970), dates::read(&broken, now), "{}", broken);
        // What is written is read back, and is the form that the model writes.
        let [fixed, _, _] = dates::write(seconds);
        prop_assert_eq!(date::render(UNIX_EPOCH + Duration::from_secs(seconds as u64)).unwrap(), fixed);
    }

    #[test]
    fn calendars_agree(
        year in prop_oneof![0..10_000_u16, prop::sample::select(vec![1900, 2000, 2023, 2024, 2100, 2400])],
        month in 0..12_usize, day in prop_oneof![0..=32_u8, 28..=31_u8], second in 58..=61_u8,
    ) {
        let month = &"JanFebMarAprMayJunJulAugSepOctNovDec"[month * 3..][..3];
        let text = format!("Mon, {day:02} {month} {year:04} 23:59:{second} GMT");
        let read = date::parse(text.as_bytes(), UNIX_EPOCH).map(since_1970);
        prop_assert_eq!(read, dates::read(&text, 0), "{}", text);
    }

    #[test]
    fn lifetimes_agree(stored in stored(), rules in random::rules()) {
        let received = stored.moments.received;
        let (lifetime, source) = freshness::lifetime(stored.status, &stored.response, received, &rules);
        let own = terms(&stored, &rules).lifetime();
        prop_assert_eq!((millis(own.duration), own.source.as_str()), (lifetime, source));
    }

    #[test]
    fn ages_agree_and_are_never_smaller_than_their_parts(stored in stored(), later in random::later()) {
        let now = stored.moments.received + later;
        let terms = terms(&stored, &Rules::default());
        let age = millis(terms.age(time(now)));
        prop_assert_eq!(age, stored.age(now));
        let said = freshness::age_value(&stored.response);
        prop_assert_eq!(millis(age::age_value(&headers(&stored.response))), said);
        prop_assert!(age >= said + (stored.moments.received - stored.moments.requested).max(0) + later.max(0));
        prop_assert!(age >= freshness::apparent_age(&stored.response, stored.moments.received) + later.max(0));
    }

    #[test]
    fn storing_agrees(
        method in random::method(), request in random::request(), stored in stored(), rules in random::rules(),
    ) {
        let Stored { status, response, moments } = &stored;
        let objections = storing::objections(method, &request, *status, response, *moments, &rules);
        match stores(method, &request, &stored, &rules) {
            None => prop_assert!(objections.is_empty(), "stored in spite of {:?}", objections),
            Some(reason) => prop_assert!(objections.contains(&reason), "{} is not among {:?}", reason, objections),
        }
    }

    #[test]
    fn reuse_agrees(
        stored in stored(), request in random::request(), soft in prop::bool::weighted(0.2), rules in random::rules(),
        later in random::later(),
    ) {
        let now = stored.moments.received + later;
        prop_assert_eq!(reuses(&stored, &request, soft, &rules, now), stored.reuse(&request, soft, &rules, now));
    }

    #[test]
    fn standing_in_for_errors_agrees(
        stored in stored(), request in random::request(), failed in failed(), rules in random::rules(),
        later in random::later(),
    ) {
        let now = stored.moments.received + later;
        prop_assert_eq!(
            stands_in(&stored, &request, failed, &rules, now),
            stored.on_error(&request, failed, &rules, now)
        );
    }

    #[test]
    fn edges_agree(
        (response, request, later) in random::edge(), failed in failed(), soft in prop::bool::weighted(0.1),
    ) {
        let moments = random::at_once();
        let (stored, rules) = (Stored { status: 200, response, moments }, Rules::default());
        let now = moments.received + later;
        prop_assert_eq!(reuses(&stored, &request, soft, &rules, now), stored.reuse(&request, soft, &rules, now));
        prop_assert_eq!(
            stands_in(&stored, &request, failed, &rules, now),
            stored.on_error(&request, failed, &rules, now)
        );
    }

    #[test]
    fn variants_agree(response in random::response(), first in random::request(), later in random::request()) {
        let vary = crate::Vary::from_headers(&headers(&response));
        let matches = vary.matches(&headers(&first), &headers(&later), Normalise::default());
        prop_assert_eq!(matches, variants::selects(&response, &first, &later));
    }

    #[test]
    fn freshening_agrees(
        held in random::response(), not_modified in random::response(), moments in random::moments(),
    ) {
        let (before, update) = (headers(&held), headers(&not_modified));
        let merged = validation::freshen(&before, &update, time(moments.received));
        let expected = update::freshen(&held, &not_modified, moments.received);
        prop_assert_eq!(fields(&merged), update::by_name(&expected));
        for name in update::by_name(&update::replacing(&not_modified)).keys() {
            prop_assert!(merged.get_all(name).iter().eq(update.get_all(name)), "{} is not the 304's", name);
        }
        prop_assert!(merged.get_all("content-length").iter().eq(before.get_all("content-length")));
    }
}
