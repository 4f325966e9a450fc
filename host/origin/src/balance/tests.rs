use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn pool(weights: &[u32]) -> Vec<Candidate> {
    let server = |(at, weight): (usize, &u32)| Candidate {
        at,
        weight: *weight,
        in_flight: 0,
        latency_us: 0,
        seed: hash(&[format!("http://server-{at}.example").as_bytes()]),
    };
    weights.iter().enumerate().map(server).collect()
}

fn choose(balance: Balance, pool: &[Candidate], turn: u64, key: u64) -> Option<usize> {
    pick(balance, pool.iter().copied(), Draw { turn, key })
}

#[test]
fn nobody_is_chosen_where_there_is_nobody_and_the_only_one_where_there_is_one() {
    for balance in Balance::ALL {
        assert_eq!(choose(balance, &[], 7, 7), None, "{}", balance.as_str());
        assert_eq!(choose(balance, &pool(&[3]), 7, 7), Some(0), "{}", balance.as_str());
    }
}

#[test]
fn equal_servers_take_turns() {
    let turns: Vec<_> = (0..6).map(|turn| choose(Balance::RoundRobin, &pool(&[1, 1, 1]), turn, 0)).collect();
    assert_eq!(turns[..3], turns[3..], "the same order again");
    for at in 0..3 {
        assert_eq!(turns.iter().filter(|turn| **turn == Some(at)).count(), 2, "{turns:?}");
    }
}

#[test]
fn a_heavy_servers_turns_are_spread() {
    let turns: Vec<_> = (0..8).map(|turn| choose(Balance::RoundRobin, &pool(&[4, 4]), turn, 0)).collect();
    let runs = turns.windows(3).filter(|three| three[0] == three[1] && three[1] == three[2]).count();
    assert_eq!(runs, 0, "not four of one and then four of the other: {turns:?}");
}

#[test]
fn the_least_loaded_is_chosen_and_equals_take_turns() {
    let mut three = pool(&[1, 1, 1]);
    three[0].in_flight = 2;
    three[2].in_flight = 1;
    assert_eq!(choose(Balance::LeastRequests, &three, 0, 0), Some(1));
    three[1].in_flight = 1;
    let chosen = [0, 1, 2, 3].map(|turn| choose(Balance::LeastRequests, &three, turn, 0));
    assert_eq!(chosen, [Some(1), Some(2), Some(1), Some(2)]);
    // Twice the weight carries twice the load.
    let mut two = pool(&[1, 2]);
    two[1].in_flight = 1;
    two[0].in_flight = 1;
    assert_eq!(choose(Balance::LeastRequests, &two, 0, 0), Some(1));
    two[1].in_flight = 4;
    assert_eq!(choose(Balance::LeastRequests, &two, 0, 0), Some(0));
}

#[test]
fn of_two_the_faster_and_less_busy_is_chosen() {
    let mut two = pool(&[1, 1]);
    two[0].latency_us = 10_000;
    two[1].latency_us = 1_000;
    assert!((0..50).all(|turn| choose(Balance::P2cLatency, &two, turn, 0) == Some(1)));
    two[1].in_flight = 20;
    assert!((0..50).all(|turn| choose(Balance::P2cLatency, &two, turn, 0) == Some(0)), "it is too busy");
    two[0].latency_us = 100_000;
    two[1].latency_us = 0;
    assert!((0..50).all(|turn| choose(Balance::P2cLatency, &two, turn, 0) == Some(1)), "unknown: tried");
}

#[test]
fn with_equal_latencies_both_of_two_and_all_of_five_are_chosen() {
    for count in [2, 5] {
        let mut seen: Vec<_> = (0..200)
            .filter_map(|turn| choose(Balance::P2cLatency, &pool(&vec![1; count]), turn, 0))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}

/// The share of `total` that each server got.
fn shares(balance: Balance, pool: &[Candidate], total: u64) -> Vec<f64> {
    let mut counts: HashMap<usize, u64> = HashMap::new();
    for n in 0..total {
        *counts.entry(choose(balance, pool, n, mix(n)).unwrap()).or_default() += 1;
    }
    pool.iter().map(|one| *counts.get(&one.at).unwrap_or(&0) as f64 / total as f64).collect()
}

proptest! {
    #[test]
    fn each_round_of_turns_holds_every_server_as_often_as_it_weighs(
        weights in prop::collection::vec(1u32..20, 1..8), start in 0u64..1_000_000
    ) {
        let (pool, total) = (pool(&weights), weights.iter().sum::<u32>());
        let start = start * u64::from(total);
        let mut counts = vec![0u32; weights.len()];
        for turn in start..start + u64::from(total) {
            counts[choose(Balance::RoundRobin, &pool, turn, 0).unwrap()] += 1;
        }
        prop_assert_eq!(counts, weights);
    }

    #[test]
    fn when_a_server_leaves_only_its_own_keys_move(
        weights in prop::collection::vec(1u32..20, 2..8), leaves in 0usize..8, key in any::<u64>()
    ) {
        let before = pool(&weights);
        let leaves = leaves % weights.len();
        let after: Vec<_> = before.iter().copied().filter(|one| one.at != leaves).collect();
        let home = choose(Balance::Hash, &before, 0, key).unwrap();
        let moved = choose(Balance::Hash, &after, 0, key).unwrap();
        prop_assert!(moved == home || home == leaves);
    }

    #[test]
    fn the_choice_is_always_a_candidate(
        weights in prop::collection::vec(1u32..WEIGHT_FOR_TEST, 1..8),
        load in prop::collection::vec(any::<u32>(), 8), latency in prop::collection::vec(any::<u32>(), 8),
        turn in any::<u64>(), key in any::<u64>()
    ) {
        let mut pool = pool(&weights);
        for (at, one) in pool.iter_mut().enumerate() {
            (one.in_flight, one.latency_us) = (load[at], latency[at]);
        }
        for balance in Balance::ALL {
            prop_assert!(choose(balance, &pool, turn, key).is_some_and(|at| at < pool.len()));
        }
    }
}

const WEIGHT_FOR_TEST: u32 = crate::server::WEIGHT_MAX + 1;

#[test]
fn keys_are_shared_out_by_weight() {
    for weights in [&[1, 1, 1, 1][..], &[1, 3], &[5, 1, 4]] {
        let sum: u32 = weights.iter().sum();
        for (share, weight) in shares(Balance::Hash, &pool(weights), 40_000).iter().zip(weights) {
            let due = f64::from(*weight) / f64::from(sum);
            assert!((share - due).abs() < 0.01, "{weights:?}: {share} and not {due}");
        }
    }
}

#[test]
fn a_hash_is_the_same_for_ever() {
    assert_eq!(hash(&[b"ab", b"c"]), hash(&[b"abc"]));
    assert_eq!(hash(&[b""]), mix(0xcbf2_9ce4_8422_2325));
    assert_ne!(hash(&[b"a"]), hash(&[b"b"]));
}
