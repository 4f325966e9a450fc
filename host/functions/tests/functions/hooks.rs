//! Hooks: what guests read and change, and in which order they run.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use seawall_base::OriginName;
use seawall_functions::{
    Chain, FunctionErrorKind as Kind, FunctionSettings, Hook, Instances, RequestVerdict,
};

use crate::guests::{answered, chain, exchange, module, on_request, on_response, request, response, runtime};

const SET_VAR: &str = r#"(import "seawall:edge/vars@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))"#;

/// A guest that calls one getter without arguments and keeps its answer, a list or text, in the variable `out`.
/// `at` is where the answer's pointer lies behind the return pointer: 0, or 4 in an option.
fn keeps(world: &str, hook: &str, interface: &str, getter: &str, argument: Option<&str>, at: u32) -> Vec<u8> {
    let (params, args) = match argument {
        Some(text) => ("i32 i32 i32", format!("(i32.const 16) (i32.const {}) (i32.const 128)", text.len())),
        None => ("i32", "(i32.const 128)".to_owned()),
    };
    module(
        world,
        &format!(
            r#"(import "seawall:edge/{interface}@0.1.0" "{getter}" (func $get (param {params})))
            {SET_VAR}
            (data (i32.const 0) "out")
            (data (i32.const 16) "{}")
            (func (export "seawall:edge/{hook}@0.1.0#handle") (result i32)
              (call $get {args})
              (call $set (i32.const 0) (i32.const 3)
                (i32.load (i32.const {})) (i32.load (i32.const {})) (i32.const 256))
              (i32.const 64))"#,
            argument.unwrap_or_default(),
            128 + at,
            132 + at,
        ),
    )
}

#[tokio::test]
async fn guests_read_the_request_and_the_client() {
    let runtime = runtime();
    for (interface, getter, argument, at, expected) in [
        ("request", "method", None, 0, "GET"),
        ("request", "scheme", None, 0, "https"),
        ("request", "authority", None, 0, "shop.example"),
        ("request", "path", None, 0, "/a/b"),
        ("request", "query", None, 4, "x=1+2"),
        ("request", "header", Some("Accept"), 4, "a"),
        ("request", "cookie", Some("ab"), 4, "b"),
        ("request", "query-param", Some("x"), 4, "1 2"),
        ("client", "ip", None, 4, "192.0.2.7"),
        ("client", "request-id", None, 0, "r-1"),
        ("client", "http-version", None, 4, "HTTP/2.0"),
        ("client", "tls-version", None, 4, "TLSv1.3"),
    ] {
        let guest = keeps("request-filter", "on-request", interface, getter, argument, at);
        let (exchange, result) = request(&runtime, &guest).await;
        result.unwrap();
        assert_eq!(exchange.vars.get("out"), Some(expected.as_bytes()), "{interface}.{getter}");
    }
    let guest = keeps("request-filter", "on-request", "request", "packed-headers", None, 0);
    let (exchange, _) = request(&runtime, &guest).await;
    let packed = exchange.vars.get("out").unwrap();
    assert!(packed.starts_with(b"\x04\0\x0c\0\0\0hostshop.example"), "{packed:?}");
}

#[tokio::test]
async fn guests_read_the_response() {
    let guest = keeps("response-filter", "on-response", "response", "header", Some("server"), 4);
    let (exchange, result) = response(&runtime(), &guest).await;
    result.unwrap();
    assert_eq!(exchange.vars.get("out"), Some(&b"origin"[..]));
    // Status 200 and cache status `stale`, which is number 1.
    let fields = r#"(import "seawall:edge/response@0.1.0" "status" (func $status (result i32)))
        (import "seawall:edge/response@0.1.0" "cache" (func $cache (result i32)))"#;
    let body = "(if (i32.ne (call $status) (i32.const 200)) (then unreachable))
        (if (i32.ne (call $cache) (i32.const 1)) (then unreachable))";
    response(&runtime(), &on_response(fields, body)).await.1.unwrap();
}

#[tokio::test]
async fn guests_change_the_response_but_no_longer_the_request() {
    let fields = r#"(import "seawall:edge/response@0.1.0" "set-status" (func $status (param i32 i32)))
        (import "seawall:edge/response@0.1.0" "remove-header" (func $remove (param i32 i32 i32)))
        (import "seawall:edge/request@0.1.0" "remove-header" (func $late (param i32 i32 i32)))
        (data (i32.const 0) "serverage")"#;
    let body = "(call $status (i32.const 404) (i32.const 256))
        (if (i32.load8_u (i32.const 256)) (then unreachable))
        (call $remove (i32.const 0) (i32.const 6) (i32.const 256))
        (if (i32.load8_u (i32.const 256)) (then unreachable))
        ;; `age` is the host's: forbidden is 1. The request is past: wrong-phase is 0.
        (call $remove (i32.const 6) (i32.const 3) (i32.const 256))
        (if (i32.ne (i32.load8_u (i32.const 257)) (i32.const 1)) (then unreachable))
        (call $late (i32.const 0) (i32.const 6) (i32.const 256))
        (if (i32.eqz (i32.load8_u (i32.const 256))) (then unreachable))
        (if (i32.load8_u (i32.const 257)) (then unreachable))";
    let (exchange, result) = response(&runtime(), &on_response(fields, body)).await;
    result.unwrap();
    let response = exchange.response.unwrap();
    assert_eq!((response.status, response.headers.len()), (StatusCode::NOT_FOUND, 0));
}

#[tokio::test]
async fn a_guest_answers_by_itself() {
    // Status 418, no fields, and the body `tea`.
    let body = r"(i32.store8 (i32.const 68) (i32.const 1)) (i32.store16 (i32.const 72) (i32.const 418))
        (i32.store (i32.const 84) (i32.const 0)) (i32.store (i32.const 88) (i32.const 3))";
    let guest = on_request(r#"(data (i32.const 0) "tea")"#, body);
    let (_, result) = request(&runtime(), &guest).await;
    let Ok(RequestVerdict::Respond(response)) = result else { panic!("it went on: {result:?}") };
    assert_eq!((response.status.as_u16(), response.body.as_ref()), (418, &b"tea"[..]));
    assert_eq!(response.function.as_ref(), "guest");
}

#[tokio::test]
async fn an_error_of_the_guest_is_for_the_log_and_not_for_the_client() {
    let body = "(i32.store8 (i32.const 64) (i32.const 1))
        (i32.store (i32.const 68) (i32.const 0)) (i32.store (i32.const 72) (i32.const 6))";
    let (_, result) = request(&runtime(), &on_request(r#"(data (i32.const 0) "secret")"#, body)).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Kind::Returned, "secret"));
    assert_eq!(error.to_string(), "SW-FN-ERROR: function guest failed in on-request: returned-error");
}

#[tokio::test]
async fn only_granted_origins_and_set_values_exist() {
    let set_origin = r#"(import "seawall:edge/route@0.1.0" "set-origin" (func $origin (param i32 i32 i32)))
        (data (i32.const 0) "img")"#;
    // no-such is number 2.
    let refused = "(call $origin (i32.const 0) (i32.const 3) (i32.const 256))
        (if (i32.ne (i32.load8_u (i32.const 260)) (i32.const 2)) (then unreachable))";
    let (exchange, result) = request(&runtime(), &on_request(set_origin, refused)).await;
    result.unwrap();
    assert_eq!(exchange.route.origin, None);

    let settings = FunctionSettings {
        config: BTreeMap::from([("img".to_owned(), "yes".to_owned())]),
        origins: BTreeSet::from([OriginName::new("img").unwrap()]),
        ..FunctionSettings::default()
    };
    let granted = "(call $origin (i32.const 0) (i32.const 3) (i32.const 256))";
    for (guest, check) in [(on_request(set_origin, granted), "origin"), (config_guest(), "config")] {
        let function = runtime().prepare("f", &guest, settings.clone()).unwrap();
        let chain = Chain::new(vec![function]).unwrap();
        let (exchange, result) = chain.on_request(&mut Instances::new(), self::exchange()).await;
        result.unwrap();
        match check {
            "origin" => assert_eq!(exchange.route.origin.unwrap().as_str(), "img"),
            _ => assert_eq!(exchange.vars.get("out"), Some(&b"yes"[..])),
        }
    }
}

fn config_guest() -> Vec<u8> {
    keeps("request-filter", "on-request", "config", "get", Some("img"), 4)
}

/// Adds the letter to the field `order`, in both hooks.
fn marks(letter: char) -> Vec<u8> {
    module(
        "client-filter",
        &format!(
            r#"(import "seawall:edge/request@0.1.0" "add-header" (func $req (param i32 i32 i32 i32 i32)))
            (import "seawall:edge/response@0.1.0" "add-header" (func $res (param i32 i32 i32 i32 i32)))
            (data (i32.const 0) "order{letter}")
            (func (export "seawall:edge/on-request@0.1.0#handle") (result i32)
              (call $req (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 1) (i32.const 256)) (i32.const 64))
            (func (export "seawall:edge/on-response@0.1.0#handle") (result i32)
              (call $res (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 1) (i32.const 256)) (i32.const 64))"#
        ),
    )
}

#[tokio::test]
async fn the_request_side_runs_in_order_and_the_response_side_in_reverse() {
    let runtime = runtime();
    let order = |headers: &http::HeaderMap| {
        headers.get_all("order").iter().map(|v| v.to_str().unwrap().to_owned()).collect::<String>()
    };
    let chain = chain(&runtime, &[marks('a'), on_response("", "unreachable"), marks('c')]);
    assert!(chain.has(Hook::OnRequest) && chain.has(Hook::OnResponse) && !chain.has(Hook::OnOriginRequest));
    let mut instances = Instances::new();
    let (exchange, result) = chain.on_request(&mut instances, exchange()).await;
    result.unwrap();
    assert_eq!(order(&exchange.request.headers), "ac");

    let exchange = seawall_functions::Exchange { response: answered().response, ..exchange };
    let (exchange, result) = chain.on_response(&mut instances, exchange).await;
    result.unwrap();
    assert_eq!(exchange.tolerated.as_ref().unwrap().kind, Kind::Trap, "the one in the middle failed");
    assert_eq!(order(&exchange.response.unwrap().headers), "ca", "and did not keep the others from running");
}
