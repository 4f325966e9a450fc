//! Makes guests of WebAssembly text, and exchanges for them to act on.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use seawall_base::Clock;
use seawall_functions::{
    CacheWord, Chain, ClientInfo, Config, Exchange, Function, FunctionError, FunctionSettings, Instances,
    RequestHead, RequestVerdict, ResponseHead, Runtime, UploadError,
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What every guest starts with: one page of memory, and an allocator that never frees.
const PRELUDE: &str = r#"
    (global $heap (mut i32) (i32.const 8192))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
      (global.set $heap (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
"#;

/// A core module, as the Rust toolchain makes it for wasm32-wasip1: with the section that tells the types of `world`.
pub(crate) fn module(world: &str, fields: &str) -> Vec<u8> {
    let memory = if fields.contains("(memory (export") { "" } else { r#"(memory (export "memory") 1)"# };
    // Imports come first in a module.
    let (imports, rest): (Vec<&str>, Vec<&str>) =
        fields.lines().partition(|line| line.trim_start().starts_with("(import"));
    let text = format!("(module {}\n{memory}\n{PRELUDE}\n{})", imports.join("\n"), rest.join("\n"));
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

/// The same as a component, as wasm32-wasip2 makes it.
pub(crate) fn component(world: &str, fields: &str) -> Vec<u8> {
    ComponentEncoder::default().module(&module(world, fields)).unwrap().encode().unwrap()
}

/// A guest whose `on-request` is `body`. The 32 bytes at 64 are zero: the verdict `next`.
pub(crate) fn on_request(fields: &str, body: &str) -> Vec<u8> {
    let hook = format!(
        r#"(func (export "seawall:edge/on-request@0.1.0#handle") (result i32) {body} (i32.const 64))"#
    );
    module("request-filter", &format!("{fields}\n{hook}"))
}

/// A guest whose `on-response` is `body`.
pub(crate) fn on_response(fields: &str, body: &str) -> Vec<u8> {
    let hook = format!(
        r#"(func (export "seawall:edge/on-response@0.1.0#handle") (result i32) {body} (i32.const 64))"#
    );
    module("response-filter", &format!("{fields}\n{hook}"))
}

/// A small runtime. Its wall time is long, since it passes by itself on a busy machine; the CPU time is the usual one.
pub(crate) fn runtime() -> Runtime {
    runtime_with(&Config { max_instances: 8, wall_per_hook: Duration::from_secs(60), ..Config::default() })
}

pub(crate) fn runtime_with(config: &Config) -> Runtime {
    Runtime::new(config, Clock::system()).unwrap()
}

pub(crate) fn prepare(runtime: &Runtime, bytes: &[u8]) -> Result<Arc<Function>, UploadError> {
    runtime.prepare("guest", bytes, FunctionSettings::default())
}

pub(crate) fn chain(runtime: &Runtime, guests: &[Vec<u8>]) -> Chain {
    Chain::new(guests.iter().map(|bytes| prepare(runtime, bytes).unwrap()).collect()).unwrap()
}

pub(crate) fn exchange() -> Exchange {
    let mut headers = HeaderMap::new();
    headers.insert("host", "shop.example".parse().unwrap());
    headers.insert("cookie", "ab=b".parse().unwrap());
    headers.append("accept", "a".parse().unwrap());
    headers.append("accept", "b".parse().unwrap());
    let request = RequestHead {
        method: http::Method::GET,
        scheme: http::uri::Scheme::HTTPS,
        authority: "shop.example".parse().unwrap(),
        path_and_query: "/a/b?x=1+2".parse().unwrap(),
        headers,
    };
    let client = ClientInfo {
        ip: Some("::ffff:192.0.2.7".parse().unwrap()),
        request_id: Arc::from("r-1"),
        http_version: Some(http::Version::HTTP_2),
        tls_version: Some("TLSv1.3"),
    };
    Exchange::new(request, client)
}

pub(crate) fn answered() -> Exchange {
    let mut exchange = exchange();
    let mut headers = HeaderMap::new();
    headers.insert("server", "origin".parse().unwrap());
    exchange.response = Some(ResponseHead { status: http::StatusCode::OK, headers, cache: CacheWord::Stale });
    exchange
}

/// Runs `on-request` of one guest on a new exchange.
pub(crate) async fn request(
    runtime: &Runtime,
    guest: &[u8],
) -> (Exchange, Result<RequestVerdict, FunctionError>) {
    chain(runtime, &[guest.to_vec()]).on_request(&mut Instances::new(), exchange()).await
}

/// Runs `on-response` of one guest on a new response.
pub(crate) async fn response(runtime: &Runtime, guest: &[u8]) -> (Exchange, Result<(), FunctionError>) {
    chain(runtime, &[guest.to_vec()]).on_response(&mut Instances::new(), answered()).await
}

/// All that an exchange says besides its log.
pub(crate) fn picture(exchange: &Exchange) -> String {
    let Exchange { request, response, route, store, vars, .. } = exchange;
    format!("{request:?} {response:?} {route:?} {store:?} {vars:?}")
}
