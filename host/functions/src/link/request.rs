//! `seawall:edge/request`.

use http::HeaderMap;
use http::header::COOKIE;
use wasmtime::component::{Linker, WasmStr};

use super::{Cx, all, first, packed};
use crate::edits::{self, Change, EditError, Side};
use crate::function::Hook;
use crate::state::State;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    read(linker)?;
    edit(linker)
}

const NAME: &str = "seawall:edge/request@0.1.0";

fn read(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(NAME)?;
    on.func_wrap("method", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.request.method.as_str().to_owned(),))
    })?;
    on.func_wrap("scheme", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.request.scheme.as_str().to_owned(),))
    })?;
    on.func_wrap("authority", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.request.authority.as_str().to_owned(),))
    })?;
    on.func_wrap("path", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.request.path_and_query.path().to_owned(),))
    })?;
    on.func_wrap("query", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((cx.data().exchange()?.request.path_and_query.query().map(str::to_owned),))
    })?;
    on.func_wrap("header", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        Ok((first(&cx.data().exchange()?.request.headers, &name),))
    })?;
    on.func_wrap("headers", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        Ok((all(&cx.data().exchange()?.request.headers, &name),))
    })?;
    on.func_wrap("cookie", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        Ok((cookie(&cx.data().exchange()?.request.headers, name.as_bytes()),))
    })?;
    on.func_wrap("query-param", |mut cx: Cx<'_>, (name,): (WasmStr,)| {
        cx.data_mut().charge()?;
        let name = name.to_str(&cx)?;
        let query = cx.data().exchange()?.request.path_and_query.query();
        Ok((query.and_then(|query| query_param(query, name.as_bytes())),))
    })?;
    on.func_wrap("packed-headers", |mut cx: Cx<'_>, ()| {
        cx.data_mut().charge()?;
        Ok((packed(&cx.data().exchange()?.request.headers),))
    })
}

fn edit(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut on = linker.instance(NAME)?;
    on.func_wrap("set-path", |mut cx: Cx<'_>, (text,): (String,)| {
        let state = cx.data_mut();
        state.charge()?;
        Ok((state.edit_request(text.len())?.and_then(|request| {
            request.path_and_query = edits::path_and_query(&text)?;
            Ok(())
        }),))
    })?;
    on.func_wrap("set-method", |mut cx: Cx<'_>, (text,): (String,)| {
        let state = cx.data_mut();
        state.charge()?;
        // What is fetched to be stored is fetched with GET, and what passes was decided upon by its method.
        if state.hook() != Hook::OnRequest {
            return Ok((Err(EditError::WrongPhase),));
        }
        Ok((state.edit_request(text.len())?.and_then(|request| {
            request.method = edits::method(&text)?;
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
        let side = side(state);
        Ok((state.edit_request(name.len())?.and_then(|request| {
            request.headers.remove(edits::field_name(&name, side)?);
            Ok(())
        }),))
    })
}

fn change(
    state: &mut State,
    how: Change,
    name: &str,
    value: Vec<u8>,
) -> wasmtime::Result<Result<(), EditError>> {
    state.charge()?;
    let side = side(state);
    let edit = state.edit_request(name.len() + value.len())?;
    Ok(edit.and_then(|request| {
        let name = edits::field_name(name, side)?;
        edits::change(&mut request.headers, how, name, edits::field_value(value)?)
    }))
}

fn side(state: &State) -> Side {
    if state.hook() == Hook::OnOriginRequest { Side::OriginRequest } else { Side::Request }
}

/// The value of the first cookie of this name (RFC 6265 §5.4), its quotes kept: they are part of the value.
fn cookie(headers: &HeaderMap, name: &[u8]) -> Option<Vec<u8>> {
    let pairs = headers.get_all(COOKIE).into_iter().flat_map(|field| field.as_bytes().split(|b| *b == b';'));
    for pair in pairs {
        let Some(at) = pair.iter().position(|b| *b == b'=') else {
            continue;
        };
        let (found, value) = pair.split_at(at);
        if found.trim_ascii() == name {
            return Some(value.get(1..).unwrap_or_default().trim_ascii().to_vec());
        }
    }
    None
}

/// The first value of a query parameter, decoded as `application/x-www-form-urlencoded` is.
fn query_param(query: &str, name: &[u8]) -> Option<String> {
    for pair in query.split('&') {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decoded(found) == name {
            return Some(String::from_utf8_lossy(&decoded(value)).into_owned());
        }
    }
    None
}

fn decoded(text: &str) -> Vec<u8> {
    let digit =
        |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        out.push(match byte {
            b'+' => b' ',
            b'%' => match (digit(bytes.get(at)), digit(bytes.get(at + 1))) {
                (Some(high), Some(low)) => {
                    at += 2;
                    high << 4 | low
                }
                _ => b'%',
            },
            other => *other,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "xab=1; ab = two ;flag; q=\"x\"".parse().unwrap());
        headers.append(COOKIE, "late=a=b".parse().unwrap());
        let get = |name: &str| cookie(&headers, name.as_bytes()).map(|v| String::from_utf8(v).unwrap());
        assert_eq!(get("ab").as_deref(), Some("two"));
        assert_eq!(get("q").as_deref(), Some("\"x\""));
        assert_eq!(get("late").as_deref(), Some("a=b"), "a pair without `=` hides nothing behind it");
        assert_eq!((get("b"), get("flag")), (None, None));
    }

    #[test]
    fn query_parameters_are_decoded() {
        let get = |query, name: &str| query_param(query, name.as_bytes());
        assert_eq!(get("a=1&b=x+y%20z&b=2", "b").as_deref(), Some("x y z"));
        assert_eq!(get("%61=1", "a").as_deref(), Some("1"));
        assert_eq!(get("a&b=", "a").as_deref(), Some(""));
        assert_eq!(get("a=%zz%4", "a").as_deref(), Some("%zz%4"));
        assert_eq!(get("a=%ff", "a").as_deref(), Some("\u{fffd}"));
        assert_eq!(get("", "a"), None);
    }
}
