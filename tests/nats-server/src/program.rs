//! Where the server's program is.

use std::path::{Path, PathBuf};

/// Names the program, where it is not in the target directory.
const VARIABLE: &str = "SEAWALL_NATS_SERVER";

/// Where `cargo xtask test set-up` puts it, from the target directory.
const INSTALLED: &str = "tools/nats-server/bin/nats-server";

/// The program. Fails the test where there is none.
pub(crate) fn find() -> PathBuf {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let program = named.unwrap_or_else(|| target.join(INSTALLED));
    assert!(
        program.is_file(),
        "{} is not there, and this test needs a NATS server: run `cargo xtask test set-up`, or let {VARIABLE} name one",
        program.display()
    );
    program
}
