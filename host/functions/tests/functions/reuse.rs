//! Instances that are used again: only where it was granted, only by the same function, never after a failure, and not
//! for ever.

use std::time::{Duration, SystemTime};

use seawall_base::Clock;
use seawall_functions::reuse::{REUSE_AGE_MAX, REUSE_REQUESTS_MAX, REUSE_WAIT_MAX};
use seawall_functions::{Chain, Config, FunctionSettings, Instances, Runtime};

use crate::guests::{exchange, on_request, runtime};

/// Counts in its memory how often it was called, and logs `1` or `2`: the first time, or a later one.
fn counting(more: &str) -> Vec<u8> {
    let log = r#"(import "seawall:edge/log@0.1.0" "write" (func $log (param i32 i32 i32)))
        (data (i32.const 2048) "12")"#;
    let body = format!(
        "(call $log (i32.const 1)
           (select (i32.const 2049) (i32.const 2048) (i32.load (i32.const 1024))) (i32.const 1))
         (i32.store (i32.const 1024) (i32.const 7))
         {more}"
    );
    on_request(log, &body)
}

fn reusing(runtime: &Runtime, guest: &[u8]) -> Chain {
    let settings = FunctionSettings { reuse: true, ..FunctionSettings::default() };
    Chain::new(vec![runtime.prepare("guest", guest, settings).unwrap()]).unwrap()
}

/// What the guest says to one request.
async fn ask(chain: &Chain) -> String {
    let (exchange, _) = chain.on_request(&mut Instances::new(), exchange()).await;
    exchange.log.lines[0].text.clone()
}

#[tokio::test]
async fn what_a_guest_leaves_it_finds_again_only_where_that_was_granted() {
    let runtime = runtime();
    let granted = reusing(&runtime, &counting(""));
    assert_eq!([ask(&granted).await, ask(&granted).await, ask(&granted).await], ["1", "2", "2"]);
    let other_site = reusing(&runtime, &counting(""));
    assert_eq!(ask(&other_site).await, "1", "not another's");
    let usual = crate::guests::chain(&runtime, &[counting("")]);
    assert_eq!([ask(&usual).await, ask(&usual).await], ["1", "1"]);
}

#[tokio::test]
async fn after_a_failure_there_is_a_new_one() {
    let runtime = runtime();
    // It fails when it is used again.
    let failing =
        "(if (i32.load (i32.const 1028)) (then unreachable)) (i32.store (i32.const 1028) (i32.const 1))";
    let chain = reusing(&runtime, &counting(failing));
    let said = [ask(&chain).await, ask(&chain).await, ask(&chain).await, ask(&chain).await];
    assert_eq!(said, ["1", "2", "1", "2"]);
}

#[tokio::test]
async fn one_that_has_grown_is_not_used_again() {
    let runtime = runtime();
    let growing = reusing(&runtime, &counting("(drop (memory.grow (i32.const 65)))"));
    assert_eq!([ask(&growing).await, ask(&growing).await], ["1", "1"]);
    let a_little = reusing(&runtime, &counting("(drop (memory.grow (i32.const 1)))"));
    assert_eq!([ask(&a_little).await, ask(&a_little).await], ["1", "2"]);
}

#[tokio::test]
async fn none_is_used_for_ever() {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let runtime = Runtime::new(&Config { max_instances: 8, ..Config::default() }, clock.clone()).unwrap();
    let chain = reusing(&runtime, &counting(""));
    assert_eq!([ask(&chain).await, ask(&chain).await], ["1", "2"]);
    clock.advance(REUSE_WAIT_MAX + Duration::from_millis(1));
    assert_eq!(ask(&chain).await, "1", "it waited too long");
    // Never idle, and yet too old.
    let steps = u32::try_from(REUSE_AGE_MAX.as_secs()).unwrap();
    let mut new = 0;
    for _ in 0..=steps + 1 {
        clock.advance(Duration::from_secs(1));
        new += usize::from(ask(&chain).await == "1");
    }
    assert_eq!(new, 1);
    let mut served = 0;
    while ask(&chain).await == "2" {
        served += 1;
        assert!(served <= REUSE_REQUESTS_MAX + REUSE_REQUESTS_MAX / 5);
    }
    assert!(served >= REUSE_REQUESTS_MAX / 2, "{served}");
}
