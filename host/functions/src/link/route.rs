//! `seawall:edge/route`.

use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use super::Cx;
use crate::edits::{self, EditError};
use crate::function::Hook;
use crate::state::State;

const BEFORE_THE_CACHE: &[Hook] = &[Hook::OnRequest];
const BEFORE_THE_ORIGIN: &[Hook] = &[Hook::OnRequest, Hook::OnOriginRequest];

/// `access-error` of the WIT.
#[derive(Clone, ComponentType, Lift, Lower)]
#[component(variant)]
enum AccessError {
    #[component(name = "wrong-phase")]
    WrongPhase,
    #[component(name = "denied")]
    Denied,
    #[component(name = "no-such")]
    NoSuch,
    #[component(name = "limit")]
    Limit,
    #[component(name = "unavailable")]
    Unavailable(String),
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance("seawall:edge/route@0.1.0")?;
    on.func_wrap("set-origin", |mut cx: Cx<'_>, (name,): (String,)| {
        let state = cx.data_mut();
        state.charge()?;
        Ok((set_origin(state, &name)?,))
    })?;
    on.func_wrap("set-origin-host", |mut cx: Cx<'_>, (host,): (String,)| {
        let state = cx.data_mut();
        state.charge()?;
        Ok((state.edit_route(BEFORE_THE_ORIGIN, host.len())?.and_then(|route| {
            route.origin_host = Some(edits::authority(&host)?);
            Ok(())
        }),))
    })?;
    on.func_wrap("add-key-part", |mut cx: Cx<'_>, (name, value): (String, Vec<u8>)| {
        let state = cx.data_mut();
        state.charge()?;
        let edit = state.edit_route(BEFORE_THE_CACHE, name.len() + value.len())?;
        Ok((edit.and_then(|route| match route.add_key_part(&name, &value) {
            true => Ok(()),
            false => Err(EditError::Limit),
        }),))
    })?;
    on.func_wrap("pass", |mut cx: Cx<'_>, ()| {
        let state = cx.data_mut();
        state.charge()?;
        Ok((state.edit_route(BEFORE_THE_CACHE, 0)?.map(|route| route.pass = true),))
    })
}

fn set_origin(state: &mut State, name: &str) -> wasmtime::Result<Result<(), AccessError>> {
    let granted = state.function.settings.origins.get(name).cloned();
    Ok(match (state.edit_route(BEFORE_THE_ORIGIN, name.len())?, granted) {
        (Ok(route), Some(origin)) => {
            route.origin = Some(origin);
            Ok(())
        }
        (Ok(_), None) => Err(AccessError::NoSuch),
        (Err(EditError::Limit), _) => Err(AccessError::Limit),
        (Err(_), _) => Err(AccessError::WrongPhase),
    })
}
