//! Edge functions as plain cargo built them: the shipped ones, and the puppet of these tests.

use std::path::{Path, PathBuf};

/// The forms in which authors upload: the target, and the variable that says where its files are instead.
const FORMS: [(&str, &str); 2] =
    [("wasm32-wasip1", "SEAWALL_GUESTS"), ("wasm32-wasip2", "SEAWALL_GUESTS_P2")];

/// A function in both forms: the core module of wasip1, and the component of wasip2.
pub(crate) fn both_forms(package: &str) -> [PathBuf; 2] {
    FORMS.map(|(target, variable)| built(package, target, variable))
}

/// A function as the core module of wasip1.
pub(crate) fn module(package: &str) -> PathBuf {
    let [module, _] = both_forms(package);
    module
}

fn built(package: &str, target: &str, variable: &str) -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/{target}/release"));
    let folder = std::env::var_os(variable).map_or_else(default, PathBuf::from);
    let file = folder.join(format!("{}.wasm", package.replace('-', "_")));
    assert!(
        file.is_file(),
        "{} is not there: run `cargo build --release --target {target} -p {package}`, or set {variable}",
        file.display()
    );
    file
}
