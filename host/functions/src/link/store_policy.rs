//! `seawall:edge/store-policy`.

use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use super::Cx;
use crate::edits::EditError;
use crate::state::State;
use crate::store_policy::{self, FetchReason, StorePolicy};

/// `fetch-reason` of the WIT.
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
enum Reason {
    #[component(name = "miss")]
    Miss,
    #[component(name = "revalidate")]
    Revalidate,
    #[component(name = "background")]
    Background,
    #[component(name = "pass")]
    Pass,
}

impl From<FetchReason> for Reason {
    fn from(reason: FetchReason) -> Self {
        match reason {
            FetchReason::Miss => Self::Miss,
            FetchReason::Revalidate => Self::Revalidate,
            FetchReason::Background => Self::Background,
            FetchReason::Pass => Self::Pass,
        }
    }
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance("seawall:edge/store-policy@0.1.0")?;
    on.func_wrap("reason", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((Reason::from(cx.data().store()?.reason),))
    })?;
    on.func_wrap("ttl", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        let ttl = cx.data().store()?.ttl;
        Ok((ttl.map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX)),))
    })?;
    on.func_wrap("set-ttl", |mut cx: Cx<'_>, (seconds,): (u32,)| {
        let may_lift = cx.data().function.settings.store_private;
        Ok((edit(cx.data_mut(), 0, |policy| policy.set_ttl(seconds, may_lift))?,))
    })?;
    on.func_wrap("set-stale-while-revalidate", |mut cx: Cx<'_>, (seconds,): (u32,)| {
        Ok((edit(cx.data_mut(), 0, |policy| {
            policy.edits.stale_while_revalidate = Some(store_policy::window(seconds)?);
            Ok(())
        })?,))
    })?;
    on.func_wrap("set-stale-if-error", |mut cx: Cx<'_>, (seconds,): (u32,)| {
        Ok((edit(cx.data_mut(), 0, |policy| {
            policy.edits.stale_if_error = Some(store_policy::window(seconds)?);
            Ok(())
        })?,))
    })?;
    on.func_wrap("add-surrogate-keys", |mut cx: Cx<'_>, (keys,): (Vec<String>,)| {
        let bytes = keys.iter().map(String::len).sum();
        Ok((edit(cx.data_mut(), bytes, |policy| policy.edits.add_tags(keys))?,))
    })?;
    on.func_wrap("set-vary", |mut cx: Cx<'_>, (names,): (Vec<String>,)| {
        let bytes = names.iter().map(String::len).sum();
        Ok((edit(cx.data_mut(), bytes, |policy| policy.edits.set_vary(&names))?,))
    })?;
    on.func_wrap("hit-for-miss", |mut cx: Cx<'_>, (seconds,): (u32,)| {
        Ok((edit(cx.data_mut(), 0, |policy| policy.edits.set_hit_for_miss(seconds))?,))
    })
}

fn edit(
    state: &mut State,
    bytes: usize,
    how: impl FnOnce(&mut StorePolicy) -> Result<(), EditError>,
) -> wasmtime::Result<Result<(), EditError>> {
    state.charge()?;
    Ok(state.edit_store(bytes)?.and_then(how))
}
