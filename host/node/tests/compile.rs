//! The compiler's process, as a node starts it.
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn compile(code: &Path, upload: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_seawall"))
        .arg(seawall::node::compile::COMMAND)
        .arg(code)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(upload).unwrap();
    child.wait_with_output().unwrap()
}

/// What makes a component a filter is the name of an export. No hook of it is ever called here.
const FILTER: &str =
    r#"(component (instance $hook) (export "seawall:edge/on-request@0.1.0" (instance $hook)))"#;

#[test]
fn an_upload_becomes_code_on_disk_and_what_is_none_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().canonicalize().unwrap();
    let done = compile(&code, &wat::parse_str(FILTER).unwrap());
    assert!(done.status.success(), "{done:?}");
    assert!(std::fs::read_dir(&code).unwrap().next().is_some());

    let refused = compile(&code, b"\x7fELF");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("a native program"), "{said}");
}
