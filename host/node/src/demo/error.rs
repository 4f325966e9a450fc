//! Why the demo does not go on. Each says what to do, where there is something.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Problems;
use crate::node::StartError;

/// Why the demo does not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    #[error(
        "the demo needs the compiled example functions. Run `cargo xtask demo`, which builds them and then starts this."
    )]
    NoGuests,
    #[error(
        "`{}` is not there. Run `cargo xtask demo`, which builds the example functions and then starts this.",
        file.display()
    )]
    NoGuest { file: PathBuf },
    #[error("the path `{}` is not Unicode, and a config file is. Build into another folder.", file.display())]
    OddPath { file: PathBuf },
    #[error("{what}: {source}")]
    Io { what: &'static str, source: io::Error },
    #[error("the configuration that the demo wrote is refused:\n{0}")]
    Config(Problems),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("node {name} is not ready after {} s", limit.as_secs())]
    NotReady { name: &'static str, limit: Duration },
    #[error("{what} did not answer: {source}")]
    Visit { what: String, source: ureq::Error },
    #[error("{what} did not answer: the demo's {} s are over", limit.as_secs())]
    OutOfTime { what: String, limit: Duration },
    /// Nobody reads what the demo says.
    #[error("the output is closed: {0}")]
    Output(#[from] io::Error),
}

impl DemoError {
    /// For `map_err`.
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
