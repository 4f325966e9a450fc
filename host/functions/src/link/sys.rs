//! `seawall:edge/sys`: what the adapter for `wasm32-wasip1` needs, and clocks and randomness for WASI's own interfaces.

use std::time::{Duration, SystemTime};

use seawall_base::Clock;
use wasmtime::component::Linker;

use super::Cx;
use crate::state::State;

/// The step of every clock that a guest sees: too coarse to time the host's caches, fine enough for expiry dates.
pub(crate) const CLOCK_STEP: Duration = Duration::from_millis(1);

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance("seawall:edge/sys@0.1.0")?;
    on.func_wrap("write", |mut cx: Cx<'_>, (stream, bytes): (u32, Vec<u8>)| {
        cx.data_mut().charge()?;
        cx.data_mut().log_stdio(stream, &bytes);
        Ok(())
    })?;
    on.func_wrap("wall-clock", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((nanoseconds(wall(cx.data().clock())),))
    })?;
    on.func_wrap("monotonic-clock", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((nanoseconds(monotonic(cx.data().clock())),))
    })?;
    on.func_wrap("random", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((number(cx.data_mut())?,))
    })
}

/// Time since the Unix epoch.
pub(crate) fn wall(clock: &Clock) -> Duration {
    coarse(clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// Time since some moment.
pub(crate) fn monotonic(clock: &Clock) -> Duration {
    coarse(clock.ticks())
}

pub(crate) fn coarse(time: Duration) -> Duration {
    time.saturating_sub(Duration::from_nanos(u64::from(time.subsec_nanos()) % nanoseconds(CLOCK_STEP)))
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Eight bytes from the kernel: guests seed their hash tables with it, and may make tokens of it.
pub(crate) fn random() -> wasmtime::Result<u64> {
    let mut bytes = [0; 8];
    from_kernel(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// The same for a filter: where instructions are counted, numbers come in a fixed order.
pub(super) fn number(state: &mut State) -> wasmtime::Result<u64> {
    let mut bytes = [0; 8];
    fill(state, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

pub(super) fn fill(state: &mut State, bytes: &mut [u8]) -> wasmtime::Result<()> {
    if state.function.shared.config.count_instructions {
        bytes.chunks_mut(8).for_each(|part| {
            let number = state.next_number().to_le_bytes();
            part.iter_mut().zip(number).for_each(|(to, from)| *to = from);
        });
        return Ok(());
    }
    from_kernel(bytes)
}

fn from_kernel(bytes: &mut [u8]) -> wasmtime::Result<()> {
    getrandom::fill(bytes).map_err(|error| wasmtime::format_err!("no randomness: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_see_whole_milliseconds() {
        assert_eq!(coarse(Duration::from_nanos(5_999_999)), Duration::from_millis(5));
        assert_eq!(coarse(Duration::new(7, 0)), Duration::new(7, 0));
    }
}
