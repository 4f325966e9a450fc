//! Guests that misbehave: each fails its own call, in time, by its right name, and leaves nothing behind.

use seawall_functions::{Chain, FunctionErrorKind as Kind, Hook, Instances, Runtime};

use crate::guests::{chain, exchange, on_request, picture, prepare, request, runtime};

/// The guest is stopped for `kind`, its edits are undone, and the next guest in its slot is well.
async fn is_stopped(runtime: &Runtime, guest: &[u8], kind: Kind) -> String {
    let (back, result) = request(runtime, guest).await;
    let error = result.expect_err("the guest went through");
    assert_eq!(error.kind, kind, "{}", error.detail);
    assert_eq!(picture(&back), picture(&exchange()), "its edits are undone");
    assert_eq!(runtime.metrics().calls(Hook::OnRequest, Some(kind)), 1, "it was counted");
    let (_, result) = request(runtime, &on_request("", "")).await;
    result.expect("the runtime is as good as new");
    error.detail
}

#[tokio::test]
async fn loops_end_with_their_cpu_time() {
    for body in [
        "(loop $again (br $again))",
        // Uninterruptible in itself: one page at a time, as often as it likes.
        "(loop $again (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)) (br $again))",
        "(loop $again (memory.copy (i32.const 0) (i32.const 1) (i32.const 65535)) (br $again))",
    ] {
        is_stopped(&runtime(), &on_request("", body), Kind::Cpu).await;
    }
}

#[tokio::test]
async fn a_loop_lets_others_run_meanwhile() {
    let runtime = runtime();
    let bad = chain(&runtime, &[on_request("", "(loop $again (br $again))")]);
    let good = chain(&runtime, &[on_request("", "")]);
    let (mut bad_instances, mut good_instances) = (Instances::new(), Instances::new());
    let looping = bad.on_request(&mut bad_instances, exchange());
    let well = good.on_request(&mut good_instances, exchange());
    tokio::select! {
        biased;
        _ = looping => panic!("the loop must give way to the other call on its thread"),
        (_, result) = well => assert!(result.is_ok()),
    }
}

#[tokio::test]
async fn memory_and_tables_have_an_end() {
    let runtime = runtime();
    let grow = "(loop $again (drop (memory.grow (i32.const 16))) (br $again))";
    let detail = is_stopped(&runtime, &on_request("", grow), Kind::Memory).await;
    assert!(detail.contains("16777216 bytes"), "{detail}");
    let runtime = self::runtime();
    let table = "(table $t 1 funcref)";
    let grow = "(loop $again (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $again))";
    is_stopped(&runtime, &on_request(table, grow), Kind::Memory).await;
}

#[tokio::test]
async fn recursion_has_an_end() {
    let down =
        "(func $down (param i64) (call $down (i64.add (local.get 0) (i64.const 1))) (drop (i64.const 0)))";
    is_stopped(&runtime(), &on_request(down, "(call $down (i64.const 0))"), Kind::Stack).await;
}

#[tokio::test]
async fn a_trap_names_the_function_where_it_happened() {
    let boom = "(func $shop_front_boom unreachable)";
    let detail = is_stopped(&runtime(), &on_request(boom, "(call $shop_front_boom)"), Kind::Trap).await;
    assert!(detail.contains("unreachable") && detail.contains("shop_front_boom"), "{detail}");
    for body in [
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i32.load (i32.const -1)))",
        // A verdict outside of memory, one that does not exist, and an error that is not text.
        "(return (i32.const -4))",
        "(i32.store8 (i32.const 64) (i32.const 9))",
        "(i32.store8 (i32.const 64) (i32.const 1)) (i32.store (i32.const 68) (i32.const -1))
         (i32.store (i32.const 72) (i32.const 8))",
        "(i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 128) (i32.const 255))
         (i32.store (i32.const 68) (i32.const 128)) (i32.store (i32.const 72) (i32.const 1))",
    ] {
        is_stopped(&runtime(), &on_request("", body), Kind::Trap).await;
    }
}

/// Points at `count` header fields of the local response, all of them empty.
fn responding(fields: u32) -> String {
    format!(
        "(drop (memory.grow (i32.const 128)))
         (i32.store8 (i32.const 68) (i32.const 1)) (i32.store16 (i32.const 72) (i32.const 200))
         (i32.store (i32.const 76) (i32.const 65536)) (i32.store (i32.const 80) (i32.const {fields}))"
    )
}

#[tokio::test]
async fn what_is_handed_over_has_an_end() {
    // A response with half a million fields, which would be 24 MB in the host.
    is_stopped(&runtime(), &on_request("", &responding(500_000)), Kind::Transfer).await;
    let log = r#"(import "seawall:edge/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;
    let write =
        "(drop (memory.grow (i32.const 128))) (call $log (i32.const 1) (i32.const 0) (i32.const 8000000))";
    is_stopped(&runtime(), &on_request(log, write), Kind::Transfer).await;
}

#[tokio::test]
async fn calls_of_the_host_have_an_end() {
    let add = r#"(import "seawall:edge/request@0.1.0" "add-header" (func $add (param i32 i32 i32 i32 i32)))
        (data (i32.const 0) "x-bomb")"#;
    // A million fields. Most calls are refused as edits, and then the calls themselves are too many.
    let body = "(local $n i32) (loop $again
        (call $add (i32.const 0) (i32.const 6) (i32.const 0) (i32.const 6) (i32.const 256))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 1000000))))";
    is_stopped(&runtime(), &on_request(add, body), Kind::HostCalls).await;
}

#[tokio::test]
async fn a_response_that_cannot_be_sent_is_an_error() {
    let pass = r#"(import "seawall:edge/route@0.1.0" "pass" (func $pass (param i32)))"#;
    let body = format!("(call $pass (i32.const 256)) {}", responding(3));
    let detail = is_stopped(&runtime(), &on_request(pass, &body), Kind::BadResponse).await;
    assert!(detail.contains("has a name or value that HTTP does not allow"), "{detail}");
}

#[tokio::test]
async fn there_is_no_response_before_the_cache_is_asked() {
    let status = r#"(import "seawall:edge/response@0.1.0" "status" (func $status (result i32)))"#;
    let detail = is_stopped(&runtime(), &on_request(status, "(drop (call $status))"), Kind::Misuse).await;
    assert!(detail.contains("there is no response yet in this hook"), "{detail}");
}

#[tokio::test]
async fn what_a_failed_hook_changed_is_undone_and_what_it_logged_is_kept() {
    let fields = r#"
        (import "seawall:edge/request@0.1.0" "set-path" (func $path (param i32 i32 i32)))
        (import "seawall:edge/request@0.1.0" "set-header" (func $header (param i32 i32 i32 i32 i32)))
        (import "seawall:edge/route@0.1.0" "add-key-part" (func $key (param i32 i32 i32 i32 i32)))
        (import "seawall:edge/route@0.1.0" "pass" (func $pass (param i32)))
        (import "seawall:edge/vars@0.1.0" "set" (func $var (param i32 i32 i32 i32 i32)))
        (import "seawall:edge/log@0.1.0" "write" (func $log (param i32 i32 i32)))
        (data (i32.const 0) "/new")"#;
    let edits = "(call $path (i32.const 0) (i32.const 4) (i32.const 256))
        (call $header (i32.const 1) (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 256))
        (call $key (i32.const 1) (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 256))
        (call $pass (i32.const 256))
        (call $var (i32.const 1) (i32.const 3) (i32.const 0) (i32.const 4) (i32.const 256))
        (call $log (i32.const 3) (i32.const 0) (i32.const 4))";
    let runtime = runtime();
    let (edited, result) = request(&runtime, &on_request(fields, edits)).await;
    result.unwrap();
    assert_eq!(edited.request.path_and_query.as_str(), "/new");
    assert_eq!(edited.request.headers["new"], "/new");
    assert!(edited.route.pass && edited.route.key_parts.len() == 1 && edited.vars.get("new").is_some());

    let failing = on_request(fields, &format!("{edits} unreachable"));
    is_stopped(&runtime, &failing, Kind::Trap).await;
    let (back, _) = request(&runtime, &failing).await;
    assert_eq!((back.log.lines[0].text.as_str(), back.log.lines[0].level.as_str()), ("/new", "error"));

    // Of a chain, the part before the failing function is kept.
    let functions = [on_request(fields, edits), failing].map(|guest| prepare(&runtime, &guest).unwrap());
    let chain = Chain::new(functions.to_vec()).unwrap();
    let (back, result) = chain.on_request(&mut Instances::new(), exchange()).await;
    assert!(result.is_err());
    assert_eq!(picture(&back), picture(&edited));
}
