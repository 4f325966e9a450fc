//! Uploads: what is a function, and what the others are told.

use seawall_functions::{Config, FunctionSettings, HandlerLimits, Hook, UploadError};

use crate::guests::{component, exchange, module, on_request, prepare, request, runtime, runtime_with};

const NEXT: &str = r#"(func (export "seawall:edge/on-request@0.1.0#handle") (result i32) (i32.const 64))"#;

#[tokio::test]
async fn core_modules_and_components_are_functions_alike() {
    let runtime = runtime();
    for bytes in [module("request-filter", NEXT), component("request-filter", NEXT)] {
        let function = prepare(&runtime, &bytes).unwrap();
        assert_eq!(function.hooks().collect::<Vec<_>>(), [Hook::OnRequest]);
        request(&runtime, &bytes).await.1.unwrap();
    }
}

#[test]
fn a_version_is_of_bytes_and_settings() {
    let runtime = runtime();
    let bytes = on_request("", "");
    let mut settings = FunctionSettings::default();
    let one = runtime.prepare("f", &bytes, settings.clone()).unwrap();
    let same = runtime.prepare("g", &bytes, settings.clone()).unwrap();
    settings.config.insert("a".to_owned(), "b".to_owned());
    let other = runtime.prepare("f", &bytes, settings).unwrap();
    assert_eq!(one.version(), same.version(), "whatever it is called");
    assert_ne!(one.version(), other.version());
}

#[tokio::test]
async fn what_wasip1_toolchains_import_is_there() {
    let fields = r#"
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open"
          (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (func $must (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
        ;; Two buffers: `hello, ` and `log\n`.
        (data (i32.const 0) "hello, log\n")
        (data (i32.const 16) "\00\00\00\00\07\00\00\00\07\00\00\00\04\00\00\00")"#;
    let fields = fields.replace("\n          (func $open", " (func $open");
    let body = "
        (call $must (i32.eqz (call $write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 128))))
        (call $must (i32.eq (i32.load (i32.const 128)) (i32.const 11)))
        (call $must (i32.eq (call $write (i32.const 3) (i32.const 16) (i32.const 2) (i32.const 128)) (i32.const 8)))
        (call $must (i32.eqz (call $time (i32.const 0) (i64.const 1) (i32.const 136))))
        (call $must (i64.gt_u (i64.load (i32.const 136)) (i64.const 1700000000000000000)))
        (call $must (i64.eqz (i64.rem_u (i64.load (i32.const 136)) (i64.const 1000000))))
        (call $must (i32.eqz (call $random (i32.const 144) (i32.const 19))))
        (call $must (i64.ne (i64.load (i32.const 144)) (i64.load (i32.const 152))))
        (call $must (i32.load8_u (i32.const 163)))
        (call $must (i32.eqz (i32.load8_u (i32.const 163))))";
    // The last byte past the end must not be written: 144 + 19 = 163.
    let body = body.replace("(call $must (i32.load8_u (i32.const 163)))\n", "");
    let body = format!(
        "{body}
        (i32.store (i32.const 168) (i32.const 9))
        (call $must (i32.eqz (call $env (i32.const 168) (i32.const 172))))
        (call $must (i32.eqz (i32.load (i32.const 168))))
        (call $must (i32.eq (call $prestat (i32.const 3) (i32.const 176)) (i32.const 8)))
        (call $must (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)
          (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 176)))"
    );
    let (exchange, result) = request(&runtime(), &on_request(&fields, &body)).await;
    result.unwrap();
    let lines: Vec<_> = exchange.log.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, ["hello, log"]);
}

#[tokio::test]
async fn exit_is_an_error_of_the_request() {
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let (back, result) = request(&runtime(), &on_request(exit, "(call $exit (i32.const 0))")).await;
    assert!(result.is_err());
    assert_eq!(back.request.path_and_query, exchange().request.path_and_query);
}

/// An upload, the word of its refusal, and a part of what the user is told.
type Refused = (Vec<u8>, &'static str, &'static str);

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

/// What the first hook is exported by.
const HOOK: &str = "seawall:edge/on-request@0.1.0";

/// A component that exports an empty instance by this name.
fn exporting(name: &str, imports: &str) -> Vec<u8> {
    text(&format!(
        r#"(component {imports} (component $c) (instance $i (instantiate $c)) (export "{name}" (instance $i)))"#
    ))
}

fn not_functions() -> Vec<Refused> {
    vec![
        (vec![], "not-wasm", "empty"),
        (b"fn main() {}".to_vec(), "not-wasm", "target/wasm32-wasip1/release"),
        (b"(module)".to_vec(), "not-wasm", "wasm-tools parse"),
        (b"\x7fELF\x02".to_vec(), "not-wasm", "native program"),
        (b"\x1f\x8b\x08".to_vec(), "not-wasm", "gzip"),
        (b"!<arch>\n".to_vec(), "not-wasm", "library archive"),
        (b"\0asm\x01\0\0\0\x01\xff".to_vec(), "malformed", "damaged"),
        (text("(module)"), "no-interface", "seawall_edge::filter!"),
        (text(r#"(module (func (export "_start")))"#), "program", "crate-type"),
        (text("(component)"), "no-hook", "it exports: nothing"),
        (
            text(
                r#"(component (component $c) (instance $i (instantiate $c)) (export "wasi:cli/run@0.2.6" (instance $i)))"#,
            ),
            "command-component",
            "crate-type",
        ),
        (
            text(
                r#"(component (component $c) (instance $i (instantiate $c))
                   (export "wasi:http/incoming-handler@0.2.0" (instance $i)))"#,
            ),
            "interface-mismatch",
            "has no `handle`",
        ),
        (exporting("wasi:http/handler@0.3.0", ""), "handler-version", "incoming-handler@0.2"),
        (
            text(
                r#"(component (component $c) (instance $i (instantiate $c))
                   (export "wasi:http/incoming-handler@0.2.0" (instance $i))
                   (export "seawall:edge/on-request@0.1.0" (instance $i)))"#,
            ),
            "both-roles",
            "two functions",
        ),
        (exporting("seawall:edge/on-request@0.1.0", ""), "interface-mismatch", "`handle`"),
        // What belongs to another component inside is not exported.
        (
            text(
                r#"(component (component $c (component $d) (instance $i (instantiate $d))
                   (export "seawall:edge/on-request@0.1.0" (instance $i))))"#,
            ),
            "no-hook",
            "it exports: nothing",
        ),
    ]
}

fn functions_that_cannot_run() -> Vec<Refused> {
    let memory =
        |limits: &str| module("request-filter", &format!("(memory (export \"memory\") {limits})\n{NEXT}"));
    vec![
        (
            exporting(HOOK, r#"(import "wasi:sockets/tcp@0.2.0" (instance))"#),
            "not-granted",
            "no connections of their own",
        ),
        (
            exporting(HOOK, r#"(import "seawall:edge/kv@0.1.0" (instance))"#),
            "not-granted",
            "A newer Seawall may have it",
        ),
        (
            text(
                r#"(component
                     (import "seawall:edge/request@0.1.0" (instance (export "method" (func (result u32)))))
                     (component $c (core module $m (func (export "f"))) (core instance $n (instantiate $m))
                       (func $f (canon lift (core func $n "f"))) (export "handle" (func $f)))
                     (instance $i (instantiate $c)) (export "seawall:edge/on-request@0.1.0" (instance $i)))"#,
            ),
            "interface-mismatch",
            "another version",
        ),
        (
            text(
                r#"(component
                     (component $c (core module $m (func (export "f"))) (core instance $n (instantiate $m))
                       (func $f (canon lift (core func $n "f"))) (export "handle" (func $f)))
                     (instance $i (instantiate $c)) (export "seawall:edge/on-request@0.1.0" (instance $i)))"#,
            ),
            "interface-mismatch",
            "another version",
        ),
        (memory("1 2 shared"), "feature-off", "threads"),
        (text(r#"(module (memory i64 1))"#), "feature-off", "64-bit"),
        (text(r#"(module (memory 1) (memory 1))"#), "feature-off", "more than one memory"),
        (memory("300"), "memory-too-large", "19660800"),
        (
            module(
                "request-filter",
                &format!("(func $loop (loop $again (br $again)))\n(start $loop)\n{NEXT}"),
            ),
            "start-failed",
            "CPU time",
        ),
        (
            module("request-filter", &format!("(func $boom unreachable)\n(start $boom)\n{NEXT}")),
            "start-failed",
            "boom",
        ),
        (module("response-filter", ""), "componentize", "on-response"),
    ]
}

#[test]
fn others_are_told_what_to_do() {
    let runtime = runtime();
    for (bytes, word, part) in [not_functions(), functions_that_cannot_run()].concat() {
        match prepare(&runtime, &bytes) {
            Ok(_) => panic!("{word} went through"),
            Err(error) => {
                assert_eq!(error.as_str(), word, "{error}");
                assert!(error.to_string().contains(part), "{error}");
            }
        }
    }
}

#[test]
fn a_large_file_is_refused_before_it_is_read() {
    let handlers = HandlerLimits { upload_max_bytes: 65_536, ..HandlerLimits::default() };
    let config = Config { max_instances: 1, upload_max_bytes: 100, handlers, ..Config::default() };
    let runtime = runtime_with(&config);
    let refused = prepare(&runtime, &vec![0; 65_537]).unwrap_err();
    assert_eq!(refused, UploadError::TooLarge { bytes: 65_537, max: 65_536 });
    let filter = on_request("", "");
    let refused = prepare(&runtime, &filter).unwrap_err();
    assert_eq!(
        refused,
        UploadError::TooLarge { bytes: filter.len(), max: 100 },
        "a handler might be so large"
    );
}
