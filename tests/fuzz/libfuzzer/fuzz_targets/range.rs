//! The target `range`: see `tests/fuzz/src`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| seawall_fuzz::run("range", data));
