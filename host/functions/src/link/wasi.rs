//! The part of WASI 0.2 that the runtimes of languages import even where a program does not use it: no environment, no
//! input, output to the log, coarse clocks, randomness. No files, no sockets, no waiting.
//!
//! Own, and not `wasmtime-wasi`'s: that needs a context in every store, with streams and random generators made for
//! each request, and plain filters would pay for it. Here a resource is a number, and there is nothing behind it.

use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource, ResourceType};

use super::{Cx, sys};
use crate::error::Stop;
use crate::state::State;

/// The version linked. Components may import any 0.2.x.
macro_rules! wasi {
    ($name:literal) => {
        concat!("wasi:", $name, "@0.2.12")
    };
}

struct Fault;
struct Pollable;
struct Input;
struct Output;
struct TerminalInput;
struct TerminalOutput;

/// A pollable that is always ready, and one that would be ready later.
const READY: u32 = 0;
const LATER: u32 = 1;

const CANNOT_WAIT: Stop = Stop::Misuse("a filter cannot sleep or wait");
const EXIT: Stop = Stop::Misuse("the function called exit: a hook returns its verdict instead");

/// `stream-error` of `wasi:io/streams`.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    Failed(Resource<Fault>),
    #[component(name = "closed")]
    Closed,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// Bytes that a program may write before it asks again: a hint, the limit is the log's.
const WRITE_HINT_BYTES: u64 = 4096;
/// Most random bytes that one call gives.
const RANDOM_MAX_BYTES: u64 = 64 << 10;

/// Whether [`link`] offers this interface; `name` is without its version.
pub(super) fn offers(name: &str) -> bool {
    matches!(
        name,
        "wasi:io/error"
            | "wasi:io/poll"
            | "wasi:io/streams"
            | "wasi:cli/environment"
            | "wasi:cli/exit"
            | "wasi:cli/stdin"
            | "wasi:cli/stdout"
            | "wasi:cli/stderr"
            | "wasi:cli/terminal-input"
            | "wasi:cli/terminal-output"
            | "wasi:cli/terminal-stdin"
            | "wasi:cli/terminal-stdout"
            | "wasi:cli/terminal-stderr"
            | "wasi:clocks/monotonic-clock"
            | "wasi:clocks/wall-clock"
            | "wasi:random/random"
            | "wasi:random/insecure"
            | "wasi:random/insecure-seed"
    )
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    poll(linker)?;
    input(linker)?;
    output(linker)?;
    program(linker)?;
    terminals(linker)?;
    clocks(linker)?;
    random(linker)
}

fn nothing_to_drop(_: Cx<'_>, _: u32) -> wasmtime::Result<()> {
    Ok(())
}

fn poll(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(wasi!("io/error"))?;
    on.resource("error", ResourceType::host::<Fault>(), nothing_to_drop)?;
    on.func_wrap("[method]error.to-debug-string", |mut cx: Cx<'_>, (_,): (Resource<Fault>,)| {
        cx.data_mut().charge()?;
        Ok(("closed".to_owned(),))
    })?;
    let mut on = linker.instance(wasi!("io/poll"))?;
    on.resource("pollable", ResourceType::host::<Pollable>(), nothing_to_drop)?;
    on.func_wrap("[method]pollable.ready", |mut cx: Cx<'_>, (one,): (Resource<Pollable>,)| {
        cx.data_mut().charge()?;
        Ok((one.rep() == READY,))
    })?;
    on.func_wrap("[method]pollable.block", |mut cx: Cx<'_>, (one,): (Resource<Pollable>,)| {
        cx.data_mut().charge()?;
        if one.rep() == READY { Ok(()) } else { Err(wasmtime::Error::new(CANNOT_WAIT)) }
    })?;
    on.func_wrap("poll", |mut cx: Cx<'_>, (many,): (Vec<Resource<Pollable>>,)| {
        cx.data_mut().charge()?;
        let ready: Vec<u32> =
            (0..).zip(&many).filter(|(_, one)| one.rep() == READY).map(|(at, _)| at).collect();
        if ready.is_empty() { Err(wasmtime::Error::new(CANNOT_WAIT)) } else { Ok((ready,)) }
    })
}

/// Input ends at once.
fn input(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(wasi!("io/streams"))?;
    on.resource("input-stream", ResourceType::host::<Input>(), nothing_to_drop)?;
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        on.func_wrap(name, |mut cx: Cx<'_>, (_, _): (Resource<Input>, u64)| {
            cx.data_mut().charge()?;
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    for name in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        on.func_wrap(name, |mut cx: Cx<'_>, (_, _): (Resource<Input>, u64)| {
            cx.data_mut().charge()?;
            Ok((Err::<u64, _>(StreamError::Closed),))
        })?;
    }
    on.func_wrap("[method]input-stream.subscribe", |mut cx: Cx<'_>, (_,): (Resource<Input>,)| {
        cx.data_mut().charge()?;
        Ok((Resource::<Pollable>::new_own(READY),))
    })
}

/// Output goes to the log. The number behind a stream is that of its descriptor: 1 or 2.
fn output(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(wasi!("io/streams"))?;
    on.resource("output-stream", ResourceType::host::<Output>(), nothing_to_drop)?;
    on.func_wrap("[method]output-stream.check-write", |mut cx: Cx<'_>, (_,): (Resource<Output>,)| {
        cx.data_mut().charge()?;
        Ok((Ok::<_, StreamError>(WRITE_HINT_BYTES),))
    })?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        on.func_wrap(name, |mut cx: Cx<'_>, (to, bytes): (Resource<Output>, Vec<u8>)| {
            cx.data_mut().charge()?;
            cx.data_mut().log_stdio(to.rep(), &bytes);
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        on.func_wrap(name, |mut cx: Cx<'_>, (_,): (Resource<Output>,)| {
            cx.data_mut().charge()?;
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for name in
        ["[method]output-stream.write-zeroes", "[method]output-stream.blocking-write-zeroes-and-flush"]
    {
        on.func_wrap(name, |mut cx: Cx<'_>, (_, _): (Resource<Output>, u64)| {
            cx.data_mut().charge()?;
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    for name in ["[method]output-stream.splice", "[method]output-stream.blocking-splice"] {
        on.func_wrap(name, |mut cx: Cx<'_>, (_, _, _): (Resource<Output>, Resource<Input>, u64)| {
            cx.data_mut().charge()?;
            Ok((Err::<u64, _>(StreamError::Closed),))
        })?;
    }
    on.func_wrap("[method]output-stream.subscribe", |mut cx: Cx<'_>, (_,): (Resource<Output>,)| {
        cx.data_mut().charge()?;
        Ok((Resource::<Pollable>::new_own(READY),))
    })
}

fn program(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(wasi!("cli/environment"))?;
    on.func_wrap("get-environment", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((Vec::<(String, String)>::new(),))
    })?;
    on.func_wrap("get-arguments", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((Vec::<String>::new(),))
    })?;
    on.func_wrap("initial-cwd", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((None::<String>,))
    })?;
    let mut on = linker.instance(wasi!("cli/exit"))?;
    on.func_wrap("exit", |_: Cx<'_>, (_,): (Result<(), ()>,)| Err::<(), _>(wasmtime::Error::new(EXIT)))?;
    linker.instance(wasi!("cli/stdin"))?.func_wrap("get-stdin", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((Resource::<Input>::new_own(0),))
    })?;
    linker.instance(wasi!("cli/stdout"))?.func_wrap("get-stdout", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((Resource::<Output>::new_own(1),))
    })?;
    linker.instance(wasi!("cli/stderr"))?.func_wrap("get-stderr", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((Resource::<Output>::new_own(2),))
    })
}

fn terminals(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(wasi!("cli/terminal-input"))?;
    on.resource("terminal-input", ResourceType::host::<TerminalInput>(), nothing_to_drop)?;
    let mut on = linker.instance(wasi!("cli/terminal-output"))?;
    on.resource("terminal-output", ResourceType::host::<TerminalOutput>(), nothing_to_drop)?;
    linker.instance(wasi!("cli/terminal-stdin"))?.func_wrap("get-terminal-stdin", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((None::<Resource<TerminalInput>>,))
    })?;
    let none = |mut cx: Cx<'_>, (): ()| {
        cx.data_mut().charge()?;
        Ok((None::<Resource<TerminalOutput>>,))
    };
    linker.instance(wasi!("cli/terminal-stdout"))?.func_wrap("get-terminal-stdout", none)?;
    linker.instance(wasi!("cli/terminal-stderr"))?.func_wrap("get-terminal-stderr", none)
}

fn clocks(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(wasi!("clocks/monotonic-clock"))?;
    on.func_wrap("now", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((sys::nanoseconds(sys::monotonic(cx.data().clock())),))
    })?;
    on.func_wrap("resolution", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((sys::nanoseconds(sys::CLOCK_STEP),))
    })?;
    for name in ["subscribe-instant", "subscribe-duration"] {
        on.func_wrap(name, |mut cx: Cx<'_>, (_,): (u64,)| {
            cx.data_mut().charge()?;
            Ok((Resource::<Pollable>::new_own(LATER),))
        })?;
    }
    let mut on = linker.instance(wasi!("clocks/wall-clock"))?;
    on.func_wrap("now", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        let now = sys::wall(cx.data().clock());
        Ok((Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() },))
    })?;
    on.func_wrap("resolution", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((Datetime { seconds: 0, nanoseconds: sys::CLOCK_STEP.subsec_nanos() },))
    })
}

fn random(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let bytes = |mut cx: Cx<'_>, (wanted,): (u64,)| {
        cx.data_mut().charge()?;
        let wanted = usize::try_from(wanted.min(RANDOM_MAX_BYTES))?;
        let mut bytes = vec![0; wanted];
        sys::fill(cx.data_mut(), &mut bytes)?;
        Ok((bytes,))
    };
    let number = |mut cx: Cx<'_>, (): ()| {
        cx.data_mut().charge()?;
        Ok((sys::number(cx.data_mut())?,))
    };
    let mut on = linker.instance(wasi!("random/random"))?;
    on.func_wrap("get-random-bytes", bytes)?;
    on.func_wrap("get-random-u64", number)?;
    let mut on = linker.instance(wasi!("random/insecure"))?;
    on.func_wrap("get-insecure-random-bytes", bytes)?;
    on.func_wrap("get-insecure-random-u64", number)?;
    linker.instance(wasi!("random/insecure-seed"))?.func_wrap("insecure-seed", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok(((sys::number(cx.data_mut())?, sys::number(cx.data_mut())?),))
    })
}
