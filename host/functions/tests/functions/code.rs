//! Compiled code on disk: found again by the engine that it was made for, and by no other.

use std::path::Path;
use std::time::Duration;

use seawall_functions::{CompileError, Config, UploadError, compile_into};

use crate::guests::{on_request, prepare, runtime_with};

/// How many pieces of code there are. What the engine notes beside one, at its leisure, has an extension.
fn entries(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        count += if path.is_dir() { entries(&path) } else { usize::from(path.extension().is_none()) };
    }
    count
}

#[tokio::test]
async fn what_another_process_compiled_is_not_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().canonicalize().unwrap();
    let guest = on_request("", "");
    compile_into(&code, &guest).unwrap();
    let made = entries(&code);
    assert!(made > 0);
    let config = Config {
        max_instances: 8,
        wall_per_hook: Duration::from_secs(60),
        code_folder: Some(code.clone()),
        ..Config::default()
    };
    let runtime = runtime_with(&config);
    prepare(&runtime, &guest).unwrap();
    assert_eq!(entries(&code), made, "it was found: what is not found is compiled and added");
    prepare(&runtime, &on_request("", "nop")).unwrap();
    assert!(entries(&code) > made, "another function is another entry");
}

#[test]
fn what_is_no_function_is_not_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().canonicalize().unwrap();
    let error = compile_into(&code, b"fn main() {}").unwrap_err();
    assert!(matches!(error, CompileError::Upload(UploadError::NotWasm(_))), "{error}");
}
