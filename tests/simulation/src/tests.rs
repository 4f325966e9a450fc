//! The gate's seeds hold; a seed replays exactly; and every rule that is broken on purpose is found.

use super::*;

/// Seeds of the gate. More by command: `cargo xtask simulate --seconds 600`.
const SEEDS: u64 = 2_000;

/// Seeds within which a broken rule must be found: a part of the gate's own.
const SABOTAGE_SEEDS: u64 = 500;

#[test]
fn no_seed_of_the_gate_breaks_a_promise() {
    let mut total = Counters::default();
    for seed in 0..SEEDS {
        let outcome = run(seed, None);
        if let Some(breach) = outcome.breach {
            panic!("{breach}");
        }
        total += &outcome.counters;
    }
    // A script that meets nothing proves nothing.
    for (count, least) in [
        (Count::MetInFlight, 10 * SEEDS),
        (Count::Sealed, 5 * SEEDS),
        (Count::ReleasedByVary, SEEDS),
        (Count::ReleasedBySeal, SEEDS),
        (Count::RefreshesAcrossPurges, SEEDS),
        (Count::ShieldWaited, SEEDS / 2),
        (Count::ShieldBehind, SEEDS / 2),
        (Count::StaleAtShield, SEEDS / 2),
        (Count::ShieldFallbacks, SEEDS / 2),
        (Count::StandIns, SEEDS / 2),
        (Count::Parts, SEEDS),
        (Count::Completed, SEEDS / 10),
        (Count::Gaps, SEEDS / 50),
        (Count::Restarts, SEEDS / 2),
        (Count::AckedAll, 5 * SEEDS),
        (Count::AckedPartly, SEEDS / 20),
    ] {
        assert!(total.get(count) >= least, "{} only {} times:\n{total}", count.as_str(), total.get(count));
    }
}

#[test]
fn a_seed_replays_exactly() {
    let digests = |from: u64| (from..from + 20).map(|seed| run(seed, None).digest).collect::<Vec<_>>();
    let first = digests(0);
    assert_eq!(first, digests(0));
    assert_ne!(first, digests(20));
}

#[test]
fn a_breach_replays_with_the_same_words() {
    let found = found(Sabotage::SealIgnored);
    let again = run(found.seed, Some(Sabotage::SealIgnored)).breach.expect("it does not replay");
    assert_eq!(found.to_string(), again.to_string());
    assert!(found.events.len() > 5, "{found}");
}

fn found(rule: Sabotage) -> Breach {
    let breach = (0..SABOTAGE_SEEDS).find_map(|seed| run(seed, Some(rule)).breach);
    breach.unwrap_or_else(|| panic!("nobody noticed `{}` in {SABOTAGE_SEEDS} seeds", rule.as_str()))
}

#[track_caller]
fn is_noticed(rule: Sabotage, by: &str) {
    let breach = found(rule);
    assert!(breach.what.contains(by), "`{}` was noticed for another reason: {breach}", rule.as_str());
}

#[test]
fn a_seal_that_is_ignored_is_noticed() {
    is_noticed(Sabotage::SealIgnored, "purged content");
}

#[test]
fn a_stamp_of_the_answers_time_is_noticed() {
    is_noticed(Sabotage::StampedLate, "purged content");
}

#[test]
fn a_shield_that_does_not_wait_is_noticed() {
    is_noticed(Sabotage::ShieldDoesNotWait, "purged content");
}

#[test]
fn a_gap_that_keeps_content_is_noticed() {
    is_noticed(Sabotage::GapKeepsContent, "purged content");
}

#[test]
fn tags_of_the_refreshed_response_that_are_ignored_are_noticed() {
    is_noticed(Sabotage::PriorTagsIgnored, "kept alive");
}

#[test]
fn stale_from_a_shield_that_is_kept_is_noticed() {
    is_noticed(Sabotage::StaleAtShieldStored, "as fresh");
}

#[test]
fn a_peers_position_that_is_dropped_is_noticed() {
    is_noticed(Sabotage::PeerPositionDropped, "position");
}

#[test]
fn a_soft_purge_that_is_skipped_is_noticed() {
    is_noticed(Sabotage::SoftPurgeSkipped, "as fresh");
}

#[test]
fn an_acknowledgement_that_comes_too_early_is_noticed() {
    is_noticed(Sabotage::AcknowledgedTooEarly, "has not applied");
}
