//! What a guest may call: one file per interface of `wit/`, and the few of WASI that a toolchain's runtime wants.
//!
//! Written by hand instead of generated, so that a getter can compare a name where it lies in the guest's memory.
//! Every function counts itself first, see [`State::charge`].

mod client;
pub(crate) mod files;
mod request;
mod response;
mod route;
mod store_policy;
pub(crate) mod sys;
pub(crate) mod transaction;
mod wasi;

use http::HeaderMap;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use crate::state::State;

type Cx<'a> = StoreContextMut<'a, State>;

/// A linker that offers everything that this host has.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    request::link(&mut linker)?;
    response::link(&mut linker)?;
    client::link(&mut linker)?;
    route::link(&mut linker)?;
    store_policy::link(&mut linker)?;
    transaction::link(&mut linker)?;
    sys::link(&mut linker)?;
    wasi::link(&mut linker)?;
    Ok(linker)
}

/// Whether there is this interface of WASI; `name` is without its version.
pub(crate) fn offers_wasi(name: &str) -> bool {
    wasi::offers(name)
}

/// Whether [`linker`] offers this interface; `name` is without its version.
pub(crate) fn offers(name: &str) -> bool {
    matches!(
        name,
        "seawall:edge/request"
            | "seawall:edge/response"
            | "seawall:edge/client"
            | "seawall:edge/route"
            | "seawall:edge/store-policy"
            | "seawall:edge/vars"
            | "seawall:edge/config"
            | "seawall:edge/log"
            | "seawall:edge/sys"
            // Interfaces that only hold types are imported, too.
            | "seawall:edge/types"
    ) || wasi::offers(name)
        || files::offers(name)
}

fn first(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    headers.get(name).map(|value| value.as_bytes().to_vec())
}

fn all(headers: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

/// All fields in one copy: repeated [u16 name length][u32 value length][name][value], little-endian. Names and values
/// that are too long for their length cannot be: hyper's limits lie below.
fn packed(headers: &HeaderMap) -> Vec<u8> {
    let bytes = headers.iter().map(|(name, value)| 6 + name.as_str().len() + value.len()).sum();
    let mut out = Vec::with_capacity(bytes);
    for (name, value) in headers {
        let (Ok(name_len), Ok(value_len)) = (u16::try_from(name.as_str().len()), u32::try_from(value.len()))
        else {
            continue;
        };
        out.extend_from_slice(&name_len.to_le_bytes());
        out.extend_from_slice(&value_len.to_le_bytes());
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    out
}
