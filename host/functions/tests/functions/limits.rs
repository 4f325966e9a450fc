//! Budgets: what fits passes, what does not is refused, and each call starts with full ones.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use seawall_base::Clock;
use seawall_functions::{Chain, Config, FunctionErrorKind as Kind, Instances, Runtime};

use crate::guests::{chain, exchange, on_request, prepare, request, runtime};

const ADD: &str = r#"(import "seawall:edge/request@0.1.0" "add-header" (func $add (param i32 i32 i32 i32 i32)))
    (data (i32.const 0) "x-many")"#;

/// Adds fields until one is refused, and then traps unless the refusal is `limit`.
fn adding(times: u32, value_bytes: u32) -> String {
    format!(
        "(local $n i32) (loop $again
          (call $add (i32.const 0) (i32.const 6) (i32.const 512) (i32.const {value_bytes}) (i32.const 256))
          (if (i32.load8_u (i32.const 256)) (then
            (if (i32.ne (i32.load8_u (i32.const 257)) (i32.const 3)) (then unreachable))
            (return (i32.const 64))))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const {times}))))"
    )
}

/// Fills the value with `a`, since zeroes are not allowed in one.
fn guest(times: u32, value_bytes: u32) -> Vec<u8> {
    let body = adding(times, value_bytes);
    let (locals, rest) = body.split_at("(local $n i32)".len());
    on_request(ADD, &format!("{locals} (memory.fill (i32.const 512) (i32.const 97) (i32.const 4096)) {rest}"))
}

#[tokio::test]
async fn edits_are_limited_by_number_and_by_bytes() {
    let runtime = runtime();
    for (times, value_bytes, kept) in [(100, 1, 100), (1000, 1, 128), (1000, 1018, 32)] {
        let (exchange, result) = request(&runtime, &guest(times, value_bytes)).await;
        result.unwrap();
        assert_eq!(
            exchange.request.headers.get_all("x-many").iter().count(),
            kept,
            "{times} of {value_bytes}"
        );
    }
}

#[tokio::test]
async fn each_call_has_its_own_budget() {
    let runtime = runtime();
    let chain = chain(&runtime, &[guest(1000, 1), guest(1000, 1)]);
    let (exchange, result) = chain.on_request(&mut Instances::new(), exchange()).await;
    result.unwrap();
    assert_eq!(exchange.request.headers.get_all("x-many").iter().count(), 2 * 128);
}

#[test]
fn a_site_has_at_most_four_functions() {
    let runtime = runtime();
    let function = prepare(&runtime, &on_request("", "")).unwrap();
    assert!(Chain::new(vec![function.clone(); 4]).is_ok());
    assert!(Chain::new(vec![function; 5]).unwrap_err().to_string().contains("at most 4"));
}

/// Polls a looping guest once, lets `pass` of wall time go by, and polls it to its end.
fn looping(config: &Config, pass: Duration) -> Kind {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let runtime = Runtime::new(config, clock.clone()).unwrap();
    let chain = chain(&runtime, &[on_request("", "(loop $again (br $again))")]);
    let mut instances = Instances::new();
    let mut call = pin!(chain.on_request(&mut instances, exchange()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending(), "it gives way after a tick");
    clock.advance(pass);
    loop {
        if let Poll::Ready((_, result)) = call.as_mut().poll(&mut cx) {
            return result.unwrap_err().kind;
        }
    }
}

#[test]
fn a_call_ends_with_its_wall_time_or_its_cpu_time_whichever_is_first() {
    let ms = Duration::from_millis;
    let config = Config { max_instances: 1, cpu_per_hook: ms(5), wall_per_hook: ms(20), ..Config::default() };
    assert_eq!(looping(&config, ms(21)), Kind::Wall);
    assert_eq!(looping(&config, ms(20)), Kind::Cpu);
}
