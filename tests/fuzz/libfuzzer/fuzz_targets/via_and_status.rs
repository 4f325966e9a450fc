//! The target `via_and_status`: see `tests/fuzz/src`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| seawall_fuzz::run("via_and_status", data));
