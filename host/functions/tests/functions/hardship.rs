//! What strangers do to a node: uploads that are nothing or nearly something, and clients that leave in the middle.
//!
//! The numbers here fit into the gate. `cargo xtask hardship` runs the same with 10,000 mutated uploads and 100,000
//! clients.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use seawall_functions::{FunctionErrorKind, Hook, Instances};

use crate::guests::{chain, component, exchange, on_request, prepare, runtime};

/// Uploads of each kind.
const RANDOM: usize = 10_000;
const MUTATED: usize = 400;
/// Clients that leave: many times the slots, so that one slot lost would be missed.
const LEAVERS: usize = 500;
/// Pages of 4 KiB by which the process may grow over all of them: far less than one instance each would take.
const GROWTH_MAX_PAGES: usize = 8192;

/// The number of a test, or the one that the environment gives.
fn rounds(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Pages that this process has in memory.
fn resident_pages() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Numbers that are the same in every run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below
    }
}

#[test]
fn random_bytes_are_refused_and_harm_nobody() {
    let runtime = runtime();
    let mut dice = Dice(7);
    for round in 0..RANDOM {
        let mut bytes: Vec<u8> = (0..dice.roll(300)).map(|_| dice.roll(256) as u8).collect();
        // Half of them begin like a module or a component, so that they are read further.
        let header: &[u8] = match round % 4 {
            0 => b"\0asm\x01\0\0\0",
            1 => b"\0asm\x0d\0\x01\0",
            _ => b"",
        };
        bytes.splice(0..0, header.iter().copied());
        assert!(prepare(&runtime, &bytes).is_err(), "{bytes:?}");
    }
    prepare(&runtime, &on_request("", "")).unwrap();
}

#[tokio::test]
async fn functions_with_flipped_bytes_are_refused_or_run_within_their_limits() {
    let runtime = runtime();
    let hook = r#"(func (export "seawall:edge/on-request@0.1.0#handle") (result i32) (i32.const 64))"#;
    let good = [on_request("", ""), component("request-filter", hook)];
    let mut dice = Dice(11);
    let mut ran = 0;
    let mutated = rounds("SEAWALL_MUTATED", MUTATED);
    for round in 0..mutated {
        let mut bytes = good[round % 2].clone();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            bytes[at] = dice.roll(256) as u8;
        }
        if prepare(&runtime, &bytes).is_ok() {
            let chain = chain(&runtime, &[bytes]);
            drop(chain.on_request(&mut Instances::new(), exchange()).await);
            ran += 1;
        }
    }
    assert!(
        (1..mutated).contains(&ran),
        "{ran} of {mutated}: a test that refuses all, or nothing, says little"
    );
}

/// A loop yields every millisecond, and there its future is dropped, fiber and all.
#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_hook_leaves_nothing_behind() {
    let runtime = runtime();
    let chain = chain(&runtime, &[on_request("", "(loop $again (br $again))")]);
    let leave = || {
        let mut instances = Instances::new();
        let mut call = pin!(chain.on_request(&mut instances, exchange()));
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending), "it ended, or found no slot: {polled:?}");
    };
    // Every slot, and what is made once, is there.
    (0..32).for_each(|_| leave());
    let before = resident_pages();
    (0..rounds("SEAWALL_LEAVERS", LEAVERS)).for_each(|_| leave());
    let grown = resident_pages().saturating_sub(before);
    assert!(grown < GROWTH_MAX_PAGES, "{grown} pages more");
    let busy = runtime.metrics().calls(Hook::OnRequest, Some(FunctionErrorKind::Busy));
    assert_eq!(busy, 0, "every slot came back");
}
