//! What a handler may call: WASI 0.2's own for HTTP, clocks, randomness and output, and of `wit/` what needs no current
//! transaction. No files, no sockets.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use super::state::HandlerState;
use crate::link::{self, sys, transaction};

type Cx<'a> = StoreContextMut<'a, HandlerState>;

/// Whether there is this interface; `name` is without its version.
pub(crate) fn offers(name: &str) -> bool {
    matches!(
        name,
        "wasi:http/types" | "wasi:http/outgoing-handler" | "seawall:edge/config" | "seawall:edge/log"
            | "seawall:edge/sys"
            // Interfaces that only hold types are imported, too.
            | "seawall:edge/types"
    ) || link::offers_wasi(name)
        || link::files::offers(name)
}

pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<HandlerState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_http::p2::add_to_linker_async(&mut linker)?;
    let l = &mut linker;
    random::insecure::add_to_linker::<_, WasiRandom>(l, |state: &mut HandlerState| state.random())?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(l, |state: &mut HandlerState| state.random())?;
    cli::environment::add_to_linker::<_, WasiCli>(l, HandlerState::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, HandlerState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, HandlerState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, HandlerState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, HandlerState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, HandlerState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, HandlerState::cli)?;
    own(l)?;
    Ok(linker)
}

/// Of `wit/`.
fn own(linker: &mut Linker<HandlerState>) -> wasmtime::Result<()> {
    linker.instance("seawall:edge/config@0.1.0")?.func_wrap("get", |cx: Cx<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&cx)?;
        Ok((cx.data().function.settings.config.get(name.as_ref()).cloned(),))
    })?;
    let mut on = linker.instance("seawall:edge/log@0.1.0")?;
    on.func_wrap("write", |mut cx: Cx<'_>, (level, message): (transaction::Level, String)| {
        cx.data_mut().log_line(level.into(), &message);
        Ok(())
    })?;
    on.func_wrap("field", |mut cx: Cx<'_>, (name, value): (String, String)| {
        cx.data_mut().log_field(&name, &value);
        Ok(())
    })?;
    on.func_wrap("count", |mut cx: Cx<'_>, (name, delta): (String, u64)| {
        cx.data_mut().log_count(&name, delta);
        Ok(())
    })?;
    let mut on = linker.instance("seawall:edge/sys@0.1.0")?;
    on.func_wrap("write", |mut cx: Cx<'_>, (stream, bytes): (u32, Vec<u8>)| {
        cx.data_mut().log_stdio(stream, &bytes);
        Ok(())
    })?;
    on.func_wrap("wall-clock", |cx: Cx<'_>, ()| {
        Ok((sys::nanoseconds(sys::wall(&cx.data().function.shared.clock)),))
    })?;
    on.func_wrap("monotonic-clock", |cx: Cx<'_>, ()| {
        Ok((sys::nanoseconds(sys::monotonic(&cx.data().function.shared.clock)),))
    })?;
    on.func_wrap("random", |_: Cx<'_>, ()| Ok((sys::random()?,)))
}
