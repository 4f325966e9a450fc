//! Hostile guests and their neighbours on one thread: each of them ends within its limit and by its right name, gives the
//! thread back at every tick, and nobody else's call is touched.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use seawall_functions::{Chain, Exchange, FunctionErrorKind as Kind, Instances, RequestVerdict, Runtime};

use crate::guests::{chain, exchange, on_request, picture, runtime};

const LOG: &str = r#"(import "seawall:edge/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
const ADD: &str = r#"(import "seawall:edge/request@0.1.0" "add-header" (func $add (param i32 i32 i32 i32 i32)))
    (data (i32.const 0) "x-bomb")"#;
const DOWN: &str =
    "(func $down (param i64) (call $down (i64.add (local.get 0) (i64.const 1))) (drop (i64.const 0)))";

/// What a guest does, how it ends, and whether it can only end by its time.
struct Hostile {
    name: &'static str,
    fields: &'static str,
    body: &'static str,
    kind: Kind,
    by_time: bool,
}

const fn hostile(name: &'static str, fields: &'static str, body: &'static str, kind: Kind) -> Hostile {
    Hostile { name, fields, body, kind, by_time: matches!(kind, Kind::Cpu) }
}

const SET: [Hostile; 9] = [
    hostile("infinite loop", "", "(loop $again (br $again))", Kind::Cpu),
    hostile(
        "copies of all its memory",
        "",
        "(drop (memory.grow (i32.const 250)))
         (loop $again (memory.copy (i32.const 0) (i32.const 1) (i32.const 16000000)) (br $again))",
        Kind::Cpu,
    ),
    hostile(
        "loop of host calls",
        LOG,
        "(loop $again (call $log (i32.const 0) (i32.const 0) (i32.const 1)) (br $again))",
        Kind::HostCalls,
    ),
    hostile("recursion", DOWN, "(call $down (i64.const 0))", Kind::Stack),
    hostile(
        "growth of memory",
        "",
        "(loop $again (drop (memory.grow (i32.const 16))) (br $again))",
        Kind::Memory,
    ),
    hostile(
        "growth of a table",
        "(table $t 1 funcref)",
        "(loop $again (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $again))",
        Kind::Memory,
    ),
    hostile(
        "a million fields",
        ADD,
        "(local $n i32) (loop $again
           (call $add (i32.const 0) (i32.const 6) (i32.const 0) (i32.const 6) (i32.const 256))
           (local.set $n (i32.add (local.get $n) (i32.const 1)))
           (br_if $again (i32.lt_u (local.get $n) (i32.const 1000000))))",
        Kind::HostCalls,
    ),
    // Longer than its memory, and as long as its memory.
    hostile(
        "a log line of 100 MB",
        LOG,
        "(call $log (i32.const 1) (i32.const 0) (i32.const 100000000))",
        Kind::Trap,
    ),
    hostile(
        "a log line of 16 MB",
        LOG,
        "(drop (memory.grow (i32.const 250))) (call $log (i32.const 1) (i32.const 0) (i32.const 16000000))",
        Kind::Transfer,
    ),
];

/// Ticks of CPU time that a hook has, and the fewest of them at which its thread must have been given back.
const TICKS: usize = 5;

/// One call of a neighbour, at once.
fn neighbour(good: &Chain) -> (Exchange, Result<RequestVerdict, seawall_functions::FunctionError>) {
    let mut instances = Instances::new();
    let mut call = pin!(good.on_request(&mut instances, exchange()));
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        // It gives way where a tick falls into it.
        if let Poll::Ready(done) = call.as_mut().poll(&mut cx) {
            return done;
        }
    }
}

#[test]
fn hostile_guests_end_within_their_limits_and_their_neighbours_run_meanwhile() {
    let executor = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _within = executor.enter();
    let runtime: Runtime = runtime();
    let good = chain(&runtime, &[on_request("", "")]);
    let well = picture(&neighbour(&good).0);
    for Hostile { name, fields, body, kind, by_time } in SET {
        let bad = chain(&runtime, &[on_request(fields, body)]);
        let mut instances = Instances::new();
        let mut call = pin!(bad.on_request(&mut instances, exchange()));
        let mut cx = Context::from_waker(Waker::noop());
        let mut turns = 0;
        let (back, result) = loop {
            if let Poll::Ready(done) = call.as_mut().poll(&mut cx) {
                break done;
            }
            turns += 1;
            let (untouched, result) = neighbour(&good);
            assert!(result.is_ok(), "{name}: a neighbour failed");
            assert_eq!(picture(&untouched), well, "{name}");
        };
        let error = result.expect_err(name);
        assert_eq!(error.kind, kind, "{name}: {}", error.detail);
        assert_eq!(picture(&back), well, "{name}: its edits are undone");
        assert!(!by_time || turns >= TICKS, "{name}: the thread was given back {turns} times");
        assert!(neighbour(&good).1.is_ok(), "{name}: the next in its slot is well");
    }
}
