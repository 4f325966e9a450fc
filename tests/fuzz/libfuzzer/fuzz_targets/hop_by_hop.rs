//! The target `hop_by_hop`: see `tests/fuzz/src`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| seawall_fuzz::run("hop_by_hop", data));
