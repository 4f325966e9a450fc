//! `seawall:edge/response`.

use http::StatusCode;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmStr};

use super::{Cx, all, first, packed};
use crate::edits::{self, Change, EditError, Side};
use crate::exchange::CacheWord;
use crate::function::Hook;
use crate::state::State;

/// `cache-status` of the WIT.
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
enum CacheStatus {
    #[component(name = "hit")]
    Hit,
    #[component(name = "stale")]
    Stale,
    #[component(name = "miss")]
    Miss,
    #[component(name = "revalidated")]
    Revalidated,
    #[component(name = "pass")]
    Pass,
    #[component(name = "local")]
    Local,
}

impl From<CacheWord> for CacheStatus {
    fn from(word: CacheWord) -> Self {
        match word {
            CacheWord::Hit => Self::Hit,
            CacheWord::Stale => Self::Stale,
            CacheWord::Miss => Self::Miss,
            CacheWord::Revalidated => Self::Revalidated,
            CacheWord::Pass => Self::Pass,
            CacheWord::Local => Self::Local,
        }
    }
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance("seawall:edge/response@0.1.0")?;
    on.func_wrap("status", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().response()?.status.as_u16(),))
    })?;
    on.func_wrap("cache", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((CacheStatus::from(cx.data().response()?.cache),))
    })?;
    on.func_wrap("header", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        Ok((first(&cx.data().response()?.headers, &name),))
    })?;
    on.func_wrap("headers", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        Ok((all(&cx.data().response()?.headers, &name),))
    })?;
    on.func_wrap("packed-headers", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((packed(&cx.data().response()?.headers),))
    })?;
    on.func_wrap("set-status", |mut cx: Cx<'_>, (code,): (u16,)| {
        let state = cx.data_mut();
        state.charge()?;
        let stored = state.hook() == Hook::OnOriginResponse;
        Ok((state.edit_response(0)?.and_then(|response| {
            let code = edits::status(code)?;
            if stored && [code, response.status].iter().any(says_what_the_body_is) {
                return Err(EditError::Forbidden);
            }
            response.status = code;
            Ok(())
        }),))
    })?;
    on.func_wrap("set-header", |mut cx: Cx<'_>, (name, value): (String, Vec<u8>)| {
        Ok((change(cx.data_mut(), Change::Set, &name, value)?,))
    })?;
    on.func_wrap("add-header", |mut cx: Cx<'_>, (name, value): (String, Vec<u8>)| {
        Ok((change(cx.data_mut(), Change::Add, &name, value)?,))
    })?;
    on.func_wrap("remove-header", |mut cx: Cx<'_>, (name,): (String,)| {
        let state = cx.data_mut();
        state.charge()?;
        Ok((state.edit_response(name.len())?.and_then(|response| {
            response.headers.remove(edits::field_name(&name, Side::Response)?);
            Ok(())
        }),))
    })
}

/// A part that was stored as a whole would answer for it, and the other way round.
fn says_what_the_body_is(status: &StatusCode) -> bool {
    matches!(*status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED)
}

fn change(
    state: &mut State,
    how: Change,
    name: &str,
    value: Vec<u8>,
) -> wasmtime::Result<Result<(), EditError>> {
    state.charge()?;
    let edit = state.edit_response(name.len() + value.len())?;
    Ok(edit.and_then(|response| {
        let name = edits::field_name(name, Side::Response)?;
        edits::change(&mut response.headers, how, name, edits::field_value(value)?)
    }))
}
