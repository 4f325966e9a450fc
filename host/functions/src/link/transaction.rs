//! `seawall:edge/vars`, `config` and `log`.

use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmList, WasmStr};

use super::Cx;
use crate::edits::EditError;
use crate::guest_log;
use crate::state::State;

/// `level` of the WIT.
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "only guests make values of it")]
pub(crate) enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

impl From<Level> for guest_log::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    vars(linker)?;
    log(linker)?;
    linker.instance("seawall:edge/config@0.1.0")?.func_wrap("get", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        Ok((cx.data().function.settings.config.get(name.as_ref()).cloned(),))
    })
}

fn vars(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance("seawall:edge/vars@0.1.0")?;
    on.func_wrap("get", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        Ok((cx.data().exchange()?.vars.get(&name).map(<[u8]>::to_vec),))
    })?;
    on.func_wrap("set", |mut cx: Cx<'_>, (name, value): (String, WasmList<u8>)| {
        cx.data_mut().charge()?;
        let value = value.as_le_slice(&cx).to_vec();
        let edit = cx.data_mut().edit_vars(name.len() + value.len())?;
        Ok((edit.and_then(|vars| match vars.set(&name, &value) {
            true => Ok(()),
            false => Err(EditError::Limit),
        }),))
    })
}

fn log(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance("seawall:edge/log@0.1.0")?;
    on.func_wrap("write", |mut cx: Cx<'_>, (level, message): (Level, String)| {
        cx.data_mut().charge()?;
        cx.data_mut().log_line(level.into(), &message);
        Ok(())
    })?;
    on.func_wrap("field", |mut cx: Cx<'_>, (name, value): (String, String)| {
        cx.data_mut().charge()?;
        cx.data_mut().log_field(&name, &value);
        Ok(())
    })?;
    on.func_wrap("count", |mut cx: Cx<'_>, (name, delta): (String, u64)| {
        cx.data_mut().charge()?;
        cx.data_mut().log_count(&name, delta);
        Ok(())
    })
}
