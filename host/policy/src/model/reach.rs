//! How often random messages reach each verdict: a property over cases that never come up proves nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::agreement::{failed, reuses, stands_in, stored, stores};
use super::{freshness, random, variants};
use crate::Rules;

/// Draws this often, always the same.
const DRAWS: usize = 4000;

/// The fewest times of [`DRAWS`] that a verdict must come up: one case in two hundred.
const FEWEST: usize = 20;

fn drawn<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T> + 'static,
    verdict: impl Fn(T) -> &'static str,
    all: &[&'static str],
) {
    let strategy = strategy.boxed();
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<&str, usize> = all.iter().map(|word| (*word, 0)).collect();
    for _ in 0..DRAWS {
        let value = strategy.new_tree(&mut runner).unwrap().current();
        *counts.entry(verdict(value)).or_default() += 1;
    }
    let rare: Vec<_> = counts.iter().filter(|(_, count)| **count < FEWEST).collect();
    assert!(rare.is_empty(), "too rare: {rare:?} of {counts:?}");
}

#[test]
fn every_reason_against_storing_comes_up() {
    drawn(
        (random::method(), random::request(), stored(), random::rules()),
        |(method, request, stored, rules)| stores(method, &request, &stored, &rules).unwrap_or("stored"),
        &[
            "stored",
            "method",
            "status",
            "request-no-store",
            "no-store",
            "private",
            "authorization",
            "partial",
            "vary-any",
            "set-cookie",
            "not-allowed",
            "no-use",
        ],
    );
}

#[test]
fn every_way_to_reuse_comes_up() {
    drawn(
        (stored(), random::request(), prop::bool::weighted(0.2), random::rules(), random::later()),
        |(stored, request, soft, rules, later)| {
            reuses(&stored, &request, soft, &rules, stored.moments.received + later)
        },
        &["fresh", "stale-while-revalidate", "max-stale", "revalidate", "only-if-cached"],
    );
}

#[test]
fn every_answer_to_an_error_comes_up() {
    drawn(
        (stored(), random::request(), failed(), random::rules(), random::later()),
        |(stored, request, failed, rules, later)| {
            stands_in(&stored, &request, failed, &rules, stored.moments.received + later)
        },
        &["stale-if-error", "disconnected", "no"],
    );
}

#[test]
fn every_source_of_a_lifetime_comes_up() {
    drawn(
        stored(),
        |stored| {
            freshness::lifetime(stored.status, &stored.response, stored.moments.received, &Rules::default()).1
        },
        &["targeted", "s-maxage", "max-age", "expires", "heuristic", "none"],
    );
}

#[test]
fn variants_match_and_differ() {
    drawn(
        (random::response(), random::request(), random::request()),
        |(response, first, later)| {
            let varies = response.members("vary").iter().any(|member| member != "*");
            match (varies, variants::selects(&response, &first, &later)) {
                (false, _) => "the same",
                (true, true) => "matches",
                (true, false) => "differs",
            }
        },
        &["the same", "matches", "differs"],
    );
}
