//! Slots of the pool: clean for the next instance, free again whatever happened, and not more than there are.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use seawall_functions::{Config, FunctionErrorKind as Kind, Instances, Runtime, SlotReset};

use crate::guests::{answered, chain, exchange, module, on_request, request, runtime, runtime_with};

fn one_slot(slot_reset: SlotReset) -> Runtime {
    runtime_with(&Config {
        max_instances: 1,
        slot_reset,
        slot_wait: Duration::from_millis(1),
        wall_per_hook: Duration::from_secs(60),
        ..Config::default()
    })
}

/// Traps unless memory from 64 KiB to 1 MiB, memory that it grows by, and its table are new; and soils all of them.
fn soiling() -> Vec<u8> {
    let fields = r#"(memory (export "memory") 16)
        (table $t 8 funcref)
        (elem declare func $clean)
        (func $clean (param $at i32) (param $end i32)
          (loop $next
            (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))"#;
    let body = "
        (if (i32.ne (memory.grow (i32.const 4)) (i32.const 16)) (then unreachable))
        (call $clean (i32.const 65536) (i32.const 1310720))
        (memory.fill (i32.const 65536) (i32.const 170) (i32.const 1245184))
        (if (i32.eqz (ref.is_null (table.get $t (i32.const 7)))) (then unreachable))
        (table.set $t (i32.const 7) (ref.func $clean))";
    on_request(fields, body)
}

#[tokio::test]
async fn the_next_instance_in_a_slot_reads_zeroes() {
    for reset in [SlotReset::Auto, SlotReset::Madvise] {
        let runtime = one_slot(reset);
        let one = chain(&runtime, &[soiling()]);
        // Another module with the same layout: the slot remembers whose image it holds.
        let other = chain(&runtime, &[[soiling(), b"\0\x05\x04othr".to_vec()].concat()]);
        for turn in 0..50 {
            let chain = if turn % 3 == 0 { &other } else { &one };
            let (_, result) = chain.on_request(&mut Instances::new(), exchange()).await;
            result.unwrap_or_else(|error| panic!("{reset:?}, turn {turn}: {}", error.detail));
        }
    }
}

fn in_both_hooks(on_request: &str, on_response: &str) -> Vec<u8> {
    let hook = |name, body| {
        format!(r#"(func (export "seawall:edge/{name}@0.1.0#handle") (result i32) {body} (i32.const 64))"#)
    };
    module(
        "client-filter",
        &format!("{}\n{}", hook("on-request", on_request), hook("on-response", on_response)),
    )
}

#[tokio::test]
async fn memory_lasts_from_hook_to_hook_of_a_request_and_no_further() {
    let both = in_both_hooks(
        "(if (i32.load (i32.const 1024)) (then unreachable)) (i32.store (i32.const 1024) (i32.const 7))",
        "(if (i32.ne (i32.load (i32.const 1024)) (i32.const 7)) (then unreachable))",
    );
    let runtime = one_slot(SlotReset::Auto);
    let chain = chain(&runtime, &[both]);
    for _ in 0..3 {
        let mut instances = Instances::new();
        let (exchange, result) = chain.on_request(&mut instances, exchange()).await;
        result.unwrap();
        let answered = seawall_functions::Exchange { response: answered().response, ..exchange };
        chain.on_response(&mut instances, answered).await.1.unwrap();
    }
}

#[tokio::test]
async fn dropping_a_call_in_its_middle_frees_its_slot() {
    let runtime = one_slot(SlotReset::Auto);
    let looping = chain(&runtime, &[on_request("", "(loop $again (br $again))")]);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        let mut instances = Instances::new();
        let mut call = pin!(looping.on_request(&mut instances, exchange()));
        // The first poll ends where the guest gives way, in the middle of its loop.
        assert!(call.as_mut().poll(&mut cx).is_pending());
    }
    request(&runtime, &soiling()).await.1.expect("the one slot is free, and clean");
}

#[tokio::test]
async fn without_a_free_slot_a_request_waits_but_not_long() {
    let runtime = one_slot(SlotReset::Auto);
    let chain = chain(&runtime, &[in_both_hooks("", "")]);
    let mut holding = Instances::new();
    chain.on_request(&mut holding, exchange()).await.1.unwrap();

    let (_, result) = chain.on_request(&mut Instances::new(), exchange()).await;
    let error = result.expect_err("the only slot is taken");
    assert_eq!((error.kind, error.code()), (Kind::Busy, "SW-FN-BUSY"));

    holding.release_if_scarce();
    chain.on_request(&mut Instances::new(), exchange()).await.1.expect("the slot is free again");
}

#[tokio::test]
async fn slots_that_are_plenty_are_not_given_back() {
    let runtime = runtime();
    let chain = chain(&runtime, &[in_both_hooks("", "")]);
    let mut instances = Instances::new();
    chain.on_request(&mut instances, exchange()).await.1.unwrap();
    instances.release_if_scarce();
    assert!(format!("{instances:?}").contains("guest"), "the instance is still there");
}

#[tokio::test]
async fn after_a_functions_last_hook_its_slot_is_free() {
    let runtime = one_slot(SlotReset::Auto);
    let only_request = chain(&runtime, &[on_request("", "")]);
    let mut instances = Instances::new();
    only_request.on_request(&mut instances, exchange()).await.1.unwrap();
    assert_eq!(format!("{instances:?}"), "[]");

    let both = chain(&runtime, &[in_both_hooks("", "")]);
    both.on_request(&mut instances, exchange()).await.1.unwrap();
    both.on_response(&mut instances, answered()).await.1.unwrap();
    assert_eq!(format!("{instances:?}"), "[]", "a response may take minutes to be sent");
}
