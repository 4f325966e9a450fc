//! `heuristic`: lifetimes that nobody stated.

use super::{Exchange, Seen, at};
use crate::{LifetimeSource, Rules};

fn day_old() -> Exchange {
    Exchange::with(&[("last-modified", at(-86_400)), ("date", at(0))])
}

#[test]
fn heuristic_statuses() {
    for status in [200, 203, 204, 404, 405, 410, 414, 501] {
        assert_eq!(day_old().status(status).see(), Seen::Cached, "heuristic-{status}-cached");
    }
    for status in [201, 202, 403, 502, 503, 504, 599] {
        assert_eq!(day_old().status(status).see(), Seen::NotCached, "heuristic-{status}-not_cached");
    }
    let public = [("last-modified", at(-86_400)), ("date", at(0)), ("cache-control", "public".to_owned())];
    assert_eq!(Exchange::with(&public).status(599).see(), Seen::Cached, "heuristic-599-cached");
}

#[test]
fn heuristic_delta() {
    for (delta, seen) in
        [(5, Seen::Validated), (30, Seen::Validated), (60, Seen::Cached), (43_200, Seen::Cached)]
    {
        let exchange = Exchange::with(&[("last-modified", at(-delta)), ("date", at(0))]);
        assert_eq!(exchange.see(), seen, "heuristic-delta-{delta}");
    }
    assert_eq!(day_old().stored().lifetime().duration.as_secs(), 8640);
    assert_eq!(day_old().stored().source(), LifetimeSource::Heuristic);
}

#[test]
fn a_site_can_switch_it_off() {
    let rules = Rules { heuristics: false, ..Rules::default() };
    assert_eq!(day_old().rules(rules).see(), Seen::Validated);
}
