use super::*;

/// A look each second; heads 2 s, idle 4 s, stalls 3 s, all 10 s.
fn looks() -> Looks {
    let seconds = Duration::from_secs;
    Looks { every: seconds(1), head: 3, idle: 5, stall: 4, total: 11 }
}

/// At which of `most` looks it is cut, counted from 1, where each comes after `meanwhile`.
fn cut_at(pulse: &Arc<Pulse>, most: u32, mut meanwhile: impl FnMut()) -> Option<(u32, Cut)> {
    let mut watch = Watch::default();
    (1..=most).find_map(|look| {
        meanwhile();
        Some((look, watch.look(pulse, looks())?))
    })
}

#[test]
fn the_limits_become_looks() {
    let limits = Connections {
        head_timeout: Duration::from_secs(15),
        idle_timeout: Duration::from_secs(60),
        stall_timeout: Duration::from_secs(30),
        ..Connections::default()
    };
    let looks = Looks::of(&limits);
    assert_eq!((looks.every, looks.head, looks.idle, looks.stall, looks.total), (LOOK_MAX, 3, 7, 4, 361));
    let short = Connections { idle_timeout: Duration::from_millis(300), ..limits };
    assert_eq!(Looks::of(&short).every, Duration::from_millis(300));
    assert_eq!(Looks::of(&short).idle, 2);
}

#[test]
fn who_never_ends_a_head_is_cut_whatever_it_sends() {
    let pulse = Arc::new(Pulse::default());
    assert_eq!(cut_at(&pulse, 9, || ()), Some((3, Cut::Head)), "no byte at all");
    let pulse = Arc::new(Pulse::default());
    assert_eq!(cut_at(&pulse, 9, || pulse.read()), Some((3, Cut::Head)), "a byte at a time");
}

#[test]
fn who_asked_once_may_be_idle_for_longer_but_not_drip_the_next_head() {
    let answered = || {
        let pulse = Arc::new(Pulse::default());
        pulse.read();
        pulse.begin().ends();
        pulse
    };
    let pulse = answered();
    assert_eq!(cut_at(&pulse, 9, || ()).map(|(_, cut)| cut), Some(Cut::Idle));
    let pulse = answered();
    assert_eq!(cut_at(&pulse, 9, || pulse.read()).map(|(_, cut)| cut), Some(Cut::Head));
    let pulse = answered();
    pulse.is_http2();
    assert_eq!(cut_at(&pulse, 9, || pulse.read()).map(|(_, cut)| cut), Some(Cut::Idle), "it may be a PING");
    let pulse = answered();
    assert_eq!(
        cut_at(&pulse, 9, || pulse.wrote()),
        None,
        "the kernel still takes bytes of the last response"
    );
    let pulse = answered();
    assert_eq!(cut_at(&pulse, 9, || pulse.begin().ends()), None, "it asks in between");
}

#[test]
fn a_client_that_takes_nothing_is_cut_and_one_that_waits_for_the_origin_is_not() {
    let pulse = Arc::new(Pulse::default());
    let mut open = pulse.begin();
    assert_eq!(cut_at(&pulse, 20, || ()), None, "a long poll");
    open.sends();
    assert_eq!(cut_at(&pulse, 20, || pulse.wrote()), None, "slowly, but it takes");
    assert_eq!(cut_at(&pulse, 20, || ()).map(|(_, cut)| cut), Some(Cut::Stall));
    let other = pulse.begin();
    assert_eq!(cut_at(&pulse, 20, || ()), None, "another request waits for its origin");
    drop(other);
    open.asks();
    assert_eq!(cut_at(&pulse, 20, || ()), None);
}

#[test]
fn requests_given_up_count_only_where_they_are_the_most() {
    let pulse = Arc::new(Pulse::default());
    for _ in 0..=GIVEN_UP_MAX {
        drop(pulse.begin());
    }
    assert!(pulse.is_abused());
    assert_eq!(cut_at(&pulse, 1, || ()), Some((1, Cut::Resets)));
    for _ in 0..=GIVEN_UP_MAX {
        pulse.begin().ends();
    }
    assert!(!pulse.is_abused());
}

#[test]
fn a_request_knows_how_long_it_has_been_open() {
    let pulse = Arc::new(Pulse::default());
    let open = pulse.begin();
    assert_eq!(cut_at(&pulse, 3, || ()), None);
    assert_eq!((open.looks(), pulse.begin().looks()), (3, 0));
}
