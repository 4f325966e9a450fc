//! `seawall:edge/client`.

use wasmtime::component::Linker;

use super::Cx;
use crate::state::State;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance("seawall:edge/client@0.1.0")?;
    on.func_wrap("ip", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.client.ip.map(|ip| ip.to_canonical().to_string()),))
    })?;
    on.func_wrap("request-id", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.client.request_id.as_ref().to_owned(),))
    })?;
    on.func_wrap("http-version", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.client.http_version.map(|version| format!("{version:?}")),))
    })?;
    on.func_wrap("tls-version", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.client.tls_version.map(str::to_owned),))
    })
}
