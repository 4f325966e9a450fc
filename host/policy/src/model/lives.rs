//! Whole lives: stored, aged, validated, asked for. What an answer must never be, by the model's numbers.

use proptest::prelude::*;

use super::agreement::{failed, headers, reuses, stands_in, stored, stores, terms, time};
use super::directives::{Asks, Part, Says};
use super::reuse::{Stored, forbids_unasked_stale};
use super::{Message, Millis, Moments, SECOND, random, update, variants};
use crate::{Normalise, Rules, validation};

const CASES: u32 = 2048;

/// What came of a 304: when, and with which fields.
fn validations() -> impl Strategy<Value = Vec<(Millis, Message)>> {
    prop::collection::vec((random::later(), random::response()), 0..3)
}

/// The response after its validations, by the model and by the code, and the last of its moments.
fn validated(first: Stored, validations: &[(Millis, Message)]) -> Result<Stored, TestCaseError> {
    let mut stored = first;
    for (later, not_modified) in validations {
        let received = stored.moments.received + later.max(&0);
        let merged = validation::freshen(&headers(&stored.response), &headers(not_modified), time(received));
        stored.response = update::freshen(&stored.response, not_modified, received);
        stored.moments = Moments { requested: received, received };
        prop_assert_eq!(sorted(&merged), sorted(&headers(&stored.response)));
    }
    Ok(stored)
}

fn sorted(headers: &http::HeaderMap) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    // Lines of one name keep their order.
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fresh_means_younger_than_its_lifetime(
        stored in stored(), validations in validations(), request in random::request(), rules in random::rules(),
        later in random::later(),
    ) {
        let stored = validated(stored, &validations)?;
        let now = stored.moments.received + later;
        if reuses(&stored, &request, false, &rules, now) == "fresh" {
            let (age, lifetime) = (stored.age(now), stored.lifetime(&rules));
            prop_assert!(age < lifetime);
            prop_assert_ne!(Says::of(&stored.response).no_cache, Part::Everything);
            let asks = super::reuse::heard(&request, &rules);
            prop_assert!(!asks.no_cache);
            prop_assert!(asks.max_age.is_none_or(|limit| age <= limit * SECOND));
            prop_assert!(asks.min_fresh.is_none_or(|wanted| lifetime - age >= wanted * SECOND));
        }
    }

    #[test]
    fn stale_is_used_only_with_leave(
        stored in stored(), validations in validations(), request in random::request(), failed in failed(),
        later in random::later(),
    ) {
        let (stored, rules) = (validated(stored, &validations)?, Rules::default());
        let now = stored.moments.received + later;
        let (says, asks) = (Says::of(&stored.response), Asks::of(&request));
        let staleness = (stored.age(now) - stored.lifetime(&rules)).max(0);
        match reuses(&stored, &request, false, &rules, now) {
            "stale-while-revalidate" => {
                prop_assert!(staleness < says.stale_while_revalidate.unwrap_or(0) * SECOND);
                prop_assert!(!says.must_revalidate && !says.proxy_revalidate);
            }
            "max-stale" => prop_assert!(asks.max_stale.is_some() && !forbids_unasked_stale(&says)),
            _ => {}
        }
        match stands_in(&stored, &request, failed, &rules, now) {
            "no" => {}
            "disconnected" => prop_assert!(failed.is_none() && !forbids_unasked_stale(&says)),
            _ => {
                let window = says.stale_if_error.max(asks.stale_if_error).unwrap_or(0) * SECOND;
                prop_assert!(staleness <= window && !says.must_revalidate && !says.proxy_revalidate);
            }
        }
    }

    #[test]
    fn nothing_is_stored_without_leave(
        method in random::method(), request in random::request(), stored in stored(), rules in random::rules(),
    ) {
        if stores(method, &request, &stored, &rules).is_none() {
            let says = Says::of(&stored.response);
            prop_assert!(!says.no_store || says.must_understand);
            prop_assert!(!Asks::of(&request).no_store);
            prop_assert_ne!(says.private, Part::Everything);
            prop_assert!(!stored.response.members("vary").contains(&"*".to_owned()));
            let shared = says.public || says.must_revalidate || says.s_maxage.is_some();
            prop_assert!(shared || !request.has("authorization"));
        }
    }

    #[test]
    fn only_if_cached_never_asks_the_origin(
        stored in stored(), mut request in random::request(), later in random::later(),
    ) {
        request.fields.push(("cache-control".to_owned(), "only-if-cached".to_owned()));
        let now = stored.moments.received + later;
        prop_assert_ne!(reuses(&stored, &request, false, &Rules::default(), now), "revalidate");
    }

    #[test]
    fn no_other_variant_is_selected(stored in stored(), first in random::request(), later in random::request()) {
        let (terms, normalise) = (terms(&stored, &Rules::default()), Normalise::default());
        let Some(selecting) = terms.vary().selecting(&headers(&first), normalise) else { return Ok(()) };
        prop_assert!(terms.vary().selects(&selecting, &headers(&first), normalise));
        if terms.vary().selects(&selecting, &headers(&later), normalise) {
            prop_assert!(variants::selects(&stored.response, &first, &later));
        }
    }
}
