use proptest::prelude::*;

use super::*;

const LIMITS: Ejection = Ejection {
    failures: 3,
    base: Duration::from_secs(1),
    max: Duration::from_secs(5),
    share_percent: 50,
    probes: 2,
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A circuit that has just opened at `now`.
fn opened(now: Duration) -> Circuit {
    let mut circuit = Circuit::default();
    for _ in 0..LIMITS.failures {
        circuit.failed(Pass::Regular, now, &LIMITS, true);
    }
    assert_eq!(circuit.state(), CircuitState::Open);
    circuit
}

#[test]
fn failures_in_a_row_open_it_and_a_success_begins_the_count_anew() {
    let mut circuit = Circuit::default();
    for _ in 0..2 {
        assert_eq!(circuit.failed(Pass::Regular, at(0), &LIMITS, true), Change::None);
    }
    circuit.succeeded(Pass::Regular, at(0));
    assert!(circuit.is_calm());
    for _ in 0..2 {
        assert_eq!(circuit.failed(Pass::Regular, at(0), &LIMITS, true), Change::None);
    }
    assert_eq!(circuit.failed(Pass::Regular, at(0), &LIMITS, true), Change::Opened);
    assert!(!circuit.admits(at(0), &LIMITS));
    assert_eq!(circuit.enter(at(0), &LIMITS), None);
}

#[test]
fn it_does_not_open_where_the_pool_cannot_spare_the_server_and_does_once_it_can() {
    let mut circuit = Circuit::default();
    for _ in 0..10 {
        assert_eq!(circuit.failed(Pass::Regular, at(0), &LIMITS, false), Change::None);
    }
    assert!(circuit.admits(at(0), &LIMITS));
    assert_eq!(circuit.failed(Pass::Regular, at(0), &LIMITS, true), Change::Opened);
}

#[test]
fn when_its_time_is_up_a_bounded_number_of_probes_try_it() {
    let mut circuit = opened(at(10));
    assert!(!circuit.admits(at(10), &LIMITS));
    assert_eq!(circuit.enter(at(11), &LIMITS), Some(Pass::Probe));
    assert_eq!(circuit.state(), CircuitState::HalfOpen);
    assert_eq!(circuit.enter(at(11), &LIMITS), Some(Pass::Probe));
    assert_eq!(circuit.enter(at(11), &LIMITS), None, "two at a time");
    circuit.abandoned(Pass::Probe);
    assert_eq!(circuit.enter(at(11), &LIMITS), Some(Pass::Probe), "a client that left makes room");
    assert_eq!(circuit.succeeded(Pass::Probe, at(11)), Change::Closed);
    assert_eq!(circuit.enter(at(11), &LIMITS), Some(Pass::Regular));
}

#[test]
fn each_time_it_opens_again_it_stays_open_for_twice_as_long_up_to_a_limit() {
    let mut circuit = opened(at(0));
    let mut now = at(0);
    for wait in [1, 2, 4, 5, 5] {
        assert!(!circuit.admits(now + at(wait) - Duration::from_millis(1), &LIMITS), "{wait}");
        now += at(wait);
        assert_eq!(circuit.enter(now, &LIMITS), Some(Pass::Probe), "{wait}");
        assert_eq!(
            circuit.failed(Pass::Probe, now, &LIMITS, false),
            Change::Opened,
            "a probe needs no leave"
        );
    }
}

#[test]
fn a_relapse_counts_and_a_server_that_was_well_for_long_begins_anew() {
    for (well_for, wait) in [(5, 2), (6, 1)] {
        let mut circuit = opened(at(0));
        assert_eq!(circuit.enter(at(1), &LIMITS), Some(Pass::Probe));
        circuit.succeeded(Pass::Probe, at(1));
        let again = at(1 + well_for);
        for _ in 0..LIMITS.failures {
            circuit.failed(Pass::Regular, again, &LIMITS, true);
        }
        assert_eq!(circuit.opens_again_at(), again + at(wait), "well for {well_for} s");
    }
}

#[test]
fn what_was_let_through_before_it_opened_changes_nothing_and_a_forced_success_closes_it() {
    let mut circuit = opened(at(0));
    assert_eq!(circuit.succeeded(Pass::Regular, at(0)), Change::None);
    assert_eq!(circuit.failed(Pass::Regular, at(0), &LIMITS, true), Change::None);
    assert_eq!(circuit.failed(Pass::Forced, at(0), &LIMITS, true), Change::None);
    assert_eq!(circuit.opens_again_at(), at(1), "its time is what it was");
    assert_eq!(circuit.succeeded(Pass::Forced, at(0)), Change::Closed);
}

#[test]
fn at_most_the_share_of_a_pool_may_be_out_and_always_one() {
    for (servers, share_percent, most) in
        [(1, 50, 1), (2, 50, 1), (3, 50, 1), (4, 50, 2), (10, 30, 3), (3, 100, 3), (5, 1, 1)]
    {
        assert_eq!(Ejection { share_percent, ..LIMITS }.most_out(servers), most, "{servers} {share_percent}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Enter,
    Succeed,
    Fail,
    Abandon,
    Wait(u16),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Enter),
        Just(Event::Succeed),
        Just(Event::Fail),
        Just(Event::Abandon),
        (0u16..4000).prop_map(Event::Wait),
    ]
}

proptest! {
    /// Whatever happens: never more probes than allowed, never out for longer than the limit.
    #[test]
    fn probes_and_time_are_bounded(events in prop::collection::vec(event(), 0..200)) {
        let (mut circuit, mut now, mut passes) = (Circuit::default(), Duration::ZERO, Vec::new());
        for event in events {
            match event {
                Event::Wait(millis) => now += Duration::from_millis(millis.into()),
                Event::Enter => passes.extend(circuit.enter(now, &LIMITS)),
                Event::Succeed => if let Some(pass) = passes.pop() { circuit.succeeded(pass, now); },
                Event::Fail => if let Some(pass) = passes.pop() { circuit.failed(pass, now, &LIMITS, true); },
                Event::Abandon => if let Some(pass) = passes.pop() { circuit.abandoned(pass); },
            }
            prop_assert!(circuit.opens_again_at() <= now + LIMITS.max);
            if let Phase::HalfOpen { probes } = circuit.phase {
                prop_assert!(probes <= LIMITS.probes);
            }
        }
        // Once its longest time is up and nothing is under way, it can always be tried.
        for pass in passes { circuit.abandoned(pass); }
        prop_assert!(circuit.admits(now + LIMITS.max, &LIMITS));
    }
}
